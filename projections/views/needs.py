"""What needs a person: the rows of "needs attention", computed from a state and from what an observer saw.

A row says who it is about, what is wrong, since when that has been so, and which command ends it. `find_needs` returns
the rows in the order of their urgency: first wrong or lost work, then sessions that cannot continue, then claims of
sessions that may be gone. Rows of one kind are ordered by time, the oldest first, and at one time by how many sessions
wait because of them.

Some things are no need, so that the list stays short: an idle session, unless another one waits for what it holds; a
message that asks for a confirmation and is not urgent, until the time after which a session counts as silent; what a
dead or ended session has not confirmed; a session that is blocked and to which a person has written since. A session
that a hook denied a file does other work, and is told when the file is free.
"""

from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter
from typing import Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from eventlog.events import Instant
from projections.rules.claims import find_obstacles
from projections.rules.cycles import wait_cycles, waits_behind
from projections.rules.liveness import Observed as Observed
from projections.rules.messages import unacknowledged
from projections.rules.sessions import is_idle
from projections.rules.state import Message, Notice, Session, State

NeedKind: TypeAlias = Literal[
    "dead", "silent", "blocked", "lost", "circle", "unacknowledged", "journal", "clock", "unknown"
]
_Label: TypeAlias = Callable[[str], str]
RankedNeed: TypeAlias = "tuple[int, Instant, int, Callable[[], Need]]"
"""The urgency of a need, since when it exists, how many sessions wait because of it (negative), and what makes it."""

_ORDER = "journal lost asks circle urgent blocked dead silent unacknowledged unknown clock".split()
_MOST_RESOURCES = 3  # of a silent session: they are named, and broken one by one
_EXCERPT = 120  # characters of a message that are shown


class NeedStep(Struct, frozen=True):
    """One way to deal with a need: its purpose, and the commands to type, all of them.

    If `sessions` is not empty, the commands work only in these sessions. Without a command, `why` says what to do.
    """

    why: str
    commands: tuple[tuple[str, ...], ...] = ()  # each as its words, from `coord` on
    sessions: tuple[str, ...] = ()
    ends: bool = True  # whether the need has ended after it


class Need(Struct, frozen=True):
    """Something that needs a person. `text` is a sentence with the ids of the sessions.

    `session` is the session it is about; for a message, its sender; for a problem of the log, the journal.
    """

    kind: NeedKind
    text: str = ""
    session: str = ""
    sessions: tuple[str, ...] = ()  # all sessions that are concerned
    names: dict[str, str] = {}  # the names of these, and of `session`, by id
    about: str = ""  # the resource, or the id of the message
    since: Instant = ""  # since when it has been so; empty if this is unknown
    subject: str = ""  # the subject of the message, what the session is blocked on, or what is wrong
    excerpt: str = ""  # the beginning of the message, or the reason
    asks_person: bool = False  # whether an agent waits for its user's answer
    urgent: bool = False  # whether the message is urgent
    to: tuple[str, ...] = ()  # the sessions that must do something; empty: whoever reads it
    steps: tuple[NeedStep, ...] = ()  # what to do, the best first
    holds_up: int = 0  # how many sessions wait because of it


def log_need(kind: Literal["journal", "clock", "unknown"], text: str, journal: str = "", since: Instant = "") -> Need:
    """Return a need about a problem of the log or of the clock, given as a sentence."""
    doctor = NeedStep("see what is wrong, and how to fix it", (("coord", "doctor"),), ends=False)
    return Need(kind, session=journal, subject=text, since=since, steps=(doctor,))


def find_needs(state: State, seen: Observed, log_needs: Iterable[Need] = ()) -> list[Need]:
    """Return everything that needs a person, most urgent first. `state` must already be at the time `seen.now`."""
    return [complete_need(make(), state) for *_, make in rank_needs(state, seen, log_needs)]


def rank_needs(state: State, seen: Observed, log_needs: Iterable[Need] = ()) -> list[RankedNeed]:
    """Return the same needs in the same order, for callers that show only some of them: see `complete_need`."""
    newer = "{} events of a newer version are kept but not understood: {}"
    known = [*log_needs, *(log_need("unknown", newer.format(n, name)) for name, n in state.unknown.items())]
    known += [circle_need(state, cycle) for cycle in wait_cycles(state) if not seen.gone.keys() & cycle]
    needs = [_ranked(need.kind, need.since, need.holds_up, replace, need) for need in known]
    waiting = _waiting(state)
    for session in state.sessions.values():
        if seen.is_here(session):
            held_up = len(waiting.get(session.id, ()))
            needs += [_ranked("lost", n.at, held_up, _lost, session, n) for n in session.notices if n.kind == "lost"]
            if (doing := seen.doing(session)).blocked_on and (doing.asks_person or not _is_answered(session)):
                urgency = "asks" if doing.asks_person else "blocked"
                needs.append(_ranked(urgency, session.blocked_since, held_up, _blocked, session))
    needs += [*_unconfirmed(state, seen), *_holding(state, seen, waiting)]
    return sorted(needs, key=itemgetter(0, 1, 2))


def _ranked(urgency: str, since: Instant, holds_up: int, make: Callable[..., Need], *parts: object) -> RankedNeed:
    return _ORDER.index(urgency), since, -holds_up, lambda: replace(make(*parts), holds_up=holds_up)


def _is_answered(session: Session) -> bool:
    """Return whether a person has written to a blocked session since it became blocked."""
    return "" < session.blocked_since <= session.answered_at


def _waiting(state: State) -> dict[str, list[str]]:
    """Return the sessions that wait for each session, in the order of their requests."""
    waiting: dict[str, dict[str, None]] = {}
    for wait in state.waits.values():
        for ahead in {obstacle.session for obstacle in find_obstacles(state, wait)} - {wait.session}:
            waiting.setdefault(ahead, {})[wait.session] = None
    return {ahead: list(sessions) for ahead, sessions in waiting.items()}


def own_needs(state: State, session: str) -> list[Need]:
    """Return what a session itself must do: leave a circle, and confirm what it has read."""
    needs = [circle_need(state, cycle) for cycle in wait_cycles(state) if session in cycle]
    needs += [unconfirmed_need(message, (session,)) for message in unacknowledged(state, state.sessions[session])]
    return [complete_need(need, state) for need in needs]


def complete_need(need: Need, state: State) -> Need:
    """Return a need with its text and its names."""
    ids = dict.fromkeys((need.session, *need.sessions))
    names = {name: state.sessions[name].name for name in ids if name in state.sessions and state.sessions[name].name}
    return replace(need, text=need_text(need, str), names=names)


# --- one function for each kind ---------------------------------------------------------------------------------------


def _lost(session: Session, notice: Notice) -> Need:
    """Rule 8: a session works on what it no longer has, until it reads that."""
    return Need(
        kind="lost",
        session=session.id,
        sessions=(session.id, notice.other) if notice.other else (session.id,),
        about=notice.resources[0],
        since=notice.at,
        excerpt=notice.reason,
        to=(session.id,),
        steps=(NeedStep("stop, and read why", (("coord", "inbox"),), (session.id,)),),
    )


def _blocked(session: Session) -> Need:
    what, asks = session.doing.blocked_on, session.doing.asks_person
    place = " in ".join(part for part in (session.client, session.worktree) if part)
    answer = ("coord", "send", session.id, "Answer", "...")
    settled = ("coord", "heartbeat", "--blocked-on", "", "--session", session.id)
    steps = (NeedStep("answer it", (answer,), ends=False), NeedStep("when it is no longer blocked", (settled,)))
    return Need(
        kind="blocked",
        session=session.id,
        sessions=(session.id,),
        since=session.blocked_since,
        subject=what,
        asks_person=asks,
        steps=(NeedStep(f"answer in its window: {place}"),) if asks else steps,
    )


def circle_need(state: State, cycle: tuple[str, ...]) -> Need:
    """Rule 6: sessions wait for each other. It ends when the last request that closed the circle is withdrawn.

    `since` is when the circle was closed.
    """
    edges = [waits_behind(state, *pair) for pair in zip(cycle, (*cycle[1:], cycle[0]), strict=True)]
    closed_at = max(min(since for _, since in edge) for edge in edges)
    last = max(edges, key=lambda edge: max(wait.asked_at for wait, _ in edge))
    resources = dict.fromkeys(wait.resource for wait, _ in last)
    withdraw = tuple(("coord", "release", resource, "--session", last[0][0].session) for resource in resources)
    return Need(
        kind="circle",
        sessions=cycle,
        about=last[0][0].resource,
        since=closed_at,
        to=cycle,
        holds_up=len(cycle),
        steps=(NeedStep("withdraw a request", withdraw),),
    )


def _unconfirmed(state: State, seen: Observed) -> Iterator[RankedNeed]:
    """Find the messages that sessions here must confirm."""
    for message in state.messages.values():
        urgency = "urgent" if message.urgency == "high" else "unacknowledged"
        missing = tuple(name for name in sorted(message.unacknowledged_by) if seen.is_here(state.sessions.get(name)))
        if missing and (urgency == "urgent" or message.at <= seen.silent_since):
            yield _ranked(urgency, message.at, 0, unconfirmed_need, message, missing)


def unconfirmed_need(message: Message, missing: tuple[str, ...]) -> Need:
    """Return the need that these sessions confirm a message."""
    confirm = NeedStep("confirm", (("coord", "ack", message.id),), missing)
    answer = NeedStep("or answer", (("coord", "reply", message.id, "..."),), missing)
    close = NeedStep("or close it for everyone", (("coord", "resolve", message.id),))
    return Need(
        kind="unacknowledged",
        session=message.session,
        sessions=missing,
        about=message.id,
        since=message.at,
        subject=message.subject,
        excerpt=_one_line(message.body, _EXCERPT),
        urgent=message.urgency == "high",
        to=missing,
        steps=(confirm, answer, close),
    )


def _holding(state: State, seen: Observed, waiting: dict[str, list[str]]) -> Iterator[RankedNeed]:
    """Find the sessions that hold claims, and that are dead but not yet recorded as dead, or silent."""
    held: dict[str, list[str]] = {}
    for claim in state.claims.values():
        held.setdefault(claim.session, []).append(claim.resource)
    for name, resources in held.items():
        session, waiters = state.sessions[name], waiting.get(name, [])
        if session.live and name in seen.gone:
            kind = "dead"
        elif seen.is_silent(session) and (waiters or not is_idle(seen.doing(session))):
            kind = "silent"
        else:
            continue
        evidence = seen.gone[name] if kind == "dead" else ""
        yield _ranked(kind, session.last_at, len(waiters), _holder_need, kind, session, resources, waiters, evidence)


def _holder_need(
    kind: Literal["dead", "silent"], session: Session, held: list[str], waiters: list[str], evidence: str
) -> Need:
    resources = list(dict.fromkeys(held))
    hidden = len(resources) - _MOST_RESOURCES
    end = (("coord", "end", "--session", session.id),)
    breaks = tuple(("coord", "break", resource, "--reason", "...") for resource in resources)
    ask = NeedStep("ask", (("coord", "send", session.id, "Still working?", "...", "--needs-ack"),), ends=False)
    free = NeedStep("release what it holds", end if kind == "dead" or hidden > 0 else breaks)
    return Need(
        kind=kind,
        session=session.id,
        sessions=tuple(dict.fromkeys((session.id, *waiters))),
        about=resources[0],
        since=session.last_at,
        subject=", ".join(resources[:_MOST_RESOURCES]) + (f" and {hidden} more" if hidden > 0 else ""),
        excerpt=evidence,
        steps=(free,) if kind == "dead" else (ask, free),
    )


def need_text(need: Need, label: _Label) -> str:
    """Return a need as a sentence, without `since` and the steps. `label` returns how a session is written."""
    return _TEXTS[need.kind](need, label(need.session), label)


def _unconfirmed_text(need: Need, who: str, label: _Label) -> str:
    missing, message = ", ".join(map(label, need.sessions)), "urgent message" if need.urgent else "message"
    words = f"{need.subject}: {need.excerpt}" if need.excerpt else need.subject
    quoted = "“" + _one_line(words, _EXCERPT).replace("”", '"') + "”"  # the text cannot close the quotation
    return f"{missing} must confirm the {message} {quoted} from {who}"


def _lost_text(need: Need, who: str, label: _Label) -> str:
    to = f" to {label(need.sessions[1])}" if len(need.sessions) > 1 else ""
    return f"{who} was told it had {need.about}, but lost it{to}: {need.excerpt}"


def _circle_text(need: Need, who: str, label: _Label) -> str:
    path = " → ".join(label(name) for name in (*need.sessions, need.sessions[0]))
    return f"waiting for each other in a circle: {path}"


def _holder_text(need: Need, who: str, label: _Label) -> str:
    status = f"dead ({need.excerpt})" if need.kind == "dead" else "silent"
    waiters = ", ".join(label(name) for name in need.sessions[1:])
    return f"{who} is {status} and holds {need.subject}" + (f"; waiting for it: {waiters}" if waiters else "")


_TEXTS: dict[NeedKind, Callable[[Need, str, _Label], str]] = {
    "lost": _lost_text,
    "blocked": lambda need, who, label: f"{who} is blocked on {need.subject}",
    "circle": _circle_text,
    "unacknowledged": _unconfirmed_text,
    "dead": _holder_text,
    "silent": _holder_text,
    **dict.fromkeys(("journal", "clock", "unknown"), lambda need, who, label: need.subject),
}


def _one_line(text: str, limit: int) -> str:
    words = " ".join(text.split())
    return words if len(words) <= limit else words[: limit - 1] + "…"
