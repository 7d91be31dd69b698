"""The board: everything that a person needs to see at one time, as plain rows. Other packages display it.

A board can be limited to a number of rows of each kind: to the sessions heard from last, the newest claims, the oldest
waiting requests and the most urgent needs. It then has the numbers of all rows, and computes only those that it shows.

Sessions that an observer sees to be dead are shown as dead even if this is not recorded yet. The caller passes them in,
and the time after which a session counts as silent. Ended sessions leave the board after an hour, and imported sessions
an hour after their last event, unless they still hold a claim.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from heapq import nlargest
from itertools import islice
from operator import attrgetter
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from eventlog.events import HOUR_S, Instant, SessionHeartbeat, add_time
from projections.rules.claims import find_obstacles
from projections.rules.rows import SessionNames
from projections.rules.sessions import resumed_twice
from projections.rules.state import Claim, Session, State, WaitingRequest
from projections.views.needs import Need, Observed, complete_need, rank_needs

GIT_CLIENT = "git"
"""The client of a session that exists only for one git command of a person; the board hides it once it has ended."""


class SessionRow(Struct, frozen=True):
    """One session: what it works on, its progress, its next action, and since when."""

    id: str
    name: str
    status: Literal["live", "silent", "dead", "continued", "ended", "imported"]
    client: str
    branch: str
    worktree: str
    capabilities: tuple[str, ...]
    action: str
    target: str
    phase: str
    progress: str
    percent: int | None
    next_action: str
    files: tuple[str, ...]
    estimated_completion: str
    blocked_on: str
    asks_person: bool
    agents: tuple[str, ...]  # its running subagents
    doing_since: Instant
    started_at: Instant
    last_at: Instant
    evidence: str  # of its death or its silence
    summary: str
    notes: str
    unread: int
    claims: int
    same_conversation: tuple[str, ...]  # the sessions that have its conversation in another process
    elsewhere: str = ""  # the name of its machine, if that is another one


class ClaimRow(Struct, frozen=True):
    """One active claim."""

    id: str
    resource: str
    mode: str
    session: str
    agent: str
    note: str
    automatic: bool
    worktree: str
    granted_at: Instant
    ends_at: Instant
    token: int
    accepted: bool
    imported: bool  # an imported claim, which prevents nothing
    holder_gone: str  # the evidence, if the holder is dead but not yet recorded as such
    provisional_from: Instant = ""  # from then on it yields to claims that all machines agreed on; empty: never
    elsewhere: str = ""  # the name of the holder's machine, if that is another one


class WaitRow(Struct, frozen=True):
    """One waiting request, and the sessions that it waits for."""

    id: str
    resource: str
    session: str
    asked_at: Instant
    until: Instant
    behind: tuple[str, ...]
    waiter_gone: str = ""  # the evidence, if its process is gone but this is not yet recorded


class MessageRow(Struct, frozen=True):
    """One recent message."""

    id: str
    at: Instant
    session: str
    to: tuple[str, ...]
    everyone: bool
    subject: str
    body: str
    length: int
    urgency: str
    needs_ack: bool
    in_reply_to: str
    unacknowledged_by: tuple[str, ...]
    resolved_by: str = ""  # the session that closed it
    resolution: str = ""  # why
    crosses: tuple[str, ...] = ()  # of a reply: later messages of its recipient, which its sender had not read


class BoardCounts(Struct, frozen=True):
    """How many rows of each kind there are, shown or not."""

    here: int  # the sessions that are live
    sessions: int
    claims: int
    waiting: int
    needs: int


class Board(Struct, frozen=True):
    """The board at `now`, complete unless it is limited to `most` rows of each kind."""

    now: Instant
    sessions: list[SessionRow]
    claims: list[ClaimRow]
    waiting: list[WaitRow]
    messages: list[MessageRow]
    needs: list[Need]
    events: int
    names: dict[str, str]  # of the sessions that have a name, by id
    counts: BoardCounts
    most: int | None = None
    link: tuple[str, ...] = ()  # the state of the exchange with other machines, a line each


def build_board(
    state: State,
    now: Instant,
    silent_s: float,
    gone: Mapping[str, str],
    log_needs: Iterable[Need] = (),
    most: int | None = None,
    idle: Mapping[str, str] | None = None,
    machine: str = "",
) -> Board:
    """Return the board at `now`; `state` must already be at that time.

    `gone` has the evidence for each session whose anchor, and for each waiting request whose process, the observer, on
    `machine`, found to be gone; `idle` has it for each session that reports work although its agent is not at work.
    `log_needs` are the problems of the log. `most` limits the number of rows of each kind.
    """
    seen = Observed(now, silent_s, gone, idle)
    an_hour_ago, holding = add_time(now, -HOUR_S), Counter([claim.session for claim in state.claims.values()])
    sessions = [
        session
        for session in state.sessions.values()
        if session.live or (session.over_at > an_hour_ago and session.client != GIT_CLIENT) or session.id in holding
    ]
    here = [session for session in sessions if seen.is_here(session)]
    shown = sessions
    if most is not None and len(sessions) > most:
        others = [session for session in sessions if not seen.is_here(session)]
        shown = nlargest(most, here, key=_heard_at) + nlargest(most, others, key=_heard_at)
    claims: Iterable[Claim] | None = None
    if most is not None and len(state.claims) > most:
        claims = nlargest(most, state.claims.values(), key=attrgetter("granted_at"))
    needs, copies = rank_needs(state, seen, log_needs), resumed_twice(here)
    board = Board(
        now=now,
        sessions=sorted((_session_row(s, seen, holding[s.id], copies, machine) for s in shown), key=_row_order),
        claims=claim_rows(state, gone, machine, claims),
        waiting=[_wait_row(state, wait, gone.get(wait.id, "")) for wait in islice(state.waits.values(), most)],
        messages=[message_row(state, name) for name in reversed(state.recent)],
        needs=[complete_need(make(), state) for *_, make in needs[:most]],
        events=state.events,
        names=names_of(state),
        counts=BoardCounts(len(here), len(sessions), len(state.claims), len(state.waits), len(needs)),
        most=most,
    )
    return board if most is None else replace(board, names=_names_needed(board, sessions))


_STATUS_ORDER = {"live": 0, "silent": 0, "dead": 1, "continued": 2, "ended": 3, "imported": 4}
_heard_at = attrgetter("last_at")


def _row_order(row: SessionRow) -> tuple[int, Instant, str]:
    return _STATUS_ORDER[row.status], row.started_at, row.id


def _names_needed(board: Board, sessions: Iterable[Session]) -> dict[str, str]:
    """Return the names of the sessions that a limited board shows, and of those that it would show if it were complete
    and that have one of these names: such a name alone is not clear.
    """
    names = {session: name for session in _sessions_on(board) if (name := board.names.get(session, ""))}
    known = set(names.values())
    return {session.id: session.name for session in sessions if session.name in known} | names


def names_of(state: State) -> dict[str, str]:
    """Return the names of the sessions. A name is clear if only one recent session has it."""
    return SessionNames(state)


def names_on(board: Board) -> dict[str, str]:
    """Return the names of the sessions that the complete board shows. A name is clear if only one of these has it."""
    if board.most is not None:
        return board.names
    return {session: name for session in sorted(_sessions_on(board)) if (name := board.names.get(session, ""))}


def _sessions_on(board: Board) -> set[str]:
    """Return the ids of all sessions that occur on a board."""
    shown = {row.id for row in board.sessions} | {row.session for row in board.claims}
    shown.update(*(row.same_conversation for row in board.sessions))
    for wait in board.waiting:
        shown |= {wait.session, *wait.behind}
    for message in board.messages:
        shown |= {message.session, *message.to}
    for need in board.needs:
        shown |= {need.session, *need.sessions}
    return shown


def _session_row(
    session: Session, seen: Observed, claims: int, copies: Mapping[str, tuple[str, ...]], machine: str
) -> SessionRow:
    evidence = seen.gone.get(session.id, "")
    status: Literal["live", "silent", "dead", "continued", "ended", "imported"] = session.status
    if session.live and (evidence or seen.is_silent(session)):
        status = "dead" if evidence else "silent"
    return SessionRow(
        **dict(zip(_SESSION_FIELDS, _session_values(session), strict=True)),
        **dict(zip(_HEARTBEAT_FIELDS, _heartbeat_values(seen.doing(session)), strict=True)),
        status=status,
        evidence=evidence or session.over_because,
        unread=len(session.unread) + len(session.notices),
        claims=claims,
        same_conversation=copies.get(session.id, ()),
        agents=tuple(f"{name} ({kind})" if kind else name for name, kind in session.agents.items()),
        elsewhere=session.host_except(machine),
    )


_SESSION_FIELDS = tuple(
    set(SessionRow.__struct_fields__) & set(Session.__struct_fields__) - {"status", "unread", "agents"}
)
_HEARTBEAT_FIELDS = tuple(set(SessionRow.__struct_fields__) & set(SessionHeartbeat.__struct_fields__))
_session_values, _heartbeat_values = attrgetter(*_SESSION_FIELDS), attrgetter(*_HEARTBEAT_FIELDS)


def elsewhere(state: State, session: str, machine: str) -> str:
    """Return the name of the machine of a session, if it is known and not `machine`."""
    return state.sessions[session].host_except(machine) if session in state.sessions else ""


def claim_row(claim: Claim, holder_gone: str = "", elsewhere: str = "") -> ClaimRow:
    """Return the row of a claim."""
    return ClaimRow(
        **dict(zip(_CLAIM_FIELDS, _claim_values(claim), strict=True)),
        accepted=not claim.accept_by,
        holder_gone=holder_gone,
        provisional_from=claim.agreed_until if claim.agreed_until < claim.ends_at else "",
        elsewhere=elsewhere,
    )


_CLAIM_FIELDS = (*ClaimRow.__struct_fields__[:11], "imported")
_claim_values = attrgetter(*_CLAIM_FIELDS)


def claim_rows(
    state: State, gone: Mapping[str, str], machine: str = "", claims: Iterable[Claim] | None = None
) -> list[ClaimRow]:
    """Return the rows of all claims, or of these, by resource. `gone` and `machine` are as in `build_board`."""
    shown = sorted(state.claims.values() if claims is None else claims, key=_claim_order)
    return [claim_row(one, gone.get(one.session, ""), elsewhere(state, one.session, machine)) for one in shown]


_claim_order = attrgetter("resource", "granted_at")


def _wait_row(state: State, wait: WaitingRequest, waiter_gone: str) -> WaitRow:
    behind = dict.fromkeys(ahead.session for ahead in find_obstacles(state, wait))
    return WaitRow(wait.id, wait.resource, wait.session, wait.asked_at, wait.until, tuple(behind), waiter_gone)


def message_row(state: State, name: str) -> MessageRow:
    """Return the row of a message."""
    message = state.messages[name]
    fields = {field: getattr(message, field) for field in MessageRow.__struct_fields__}
    return MessageRow(**fields | {"unacknowledged_by": tuple(sorted(message.unacknowledged_by))})
