"""Claims, waits and sessions as spans of time: from when to when, and how each ended.

Every grant begins a span of its own: a claim that is handed over, or passes to the session that continues its holder's,
is another span of another session. A span whose `end` is empty was still open at the moment that is looked from.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from eventlog.events import ClaimRequested, Event, EventId, Instant, MessageSent
from projections.rules.fold import as_of, fold
from projections.rules.sessions import has_effect
from projections.rules.state import Decision, Session, State
from projections.views.point_in_time import PointInTime, count_until


class ClaimInterval(Struct, frozen=True, kw_only=True):
    """A claim that was held, or a request that waited: from `start` up to, not including, `end`."""

    kind: Literal["claim", "wait"]
    id: EventId
    session: str
    agent: str = ""
    resource: str
    mode: str = "exclusive"
    note: str = ""
    automatic: bool = False  # made by a hook
    start: Instant
    end: Instant = ""
    how: str = ""  # it ended: the `what` of the decision that ended it
    rule: int = 0  # that ended it
    cause: EventId = ""  # the event that ended it; empty where time alone did
    behind: tuple[EventId, ...] = ()  # of a wait: what was in its way


class SessionInterval(Struct, frozen=True, kw_only=True):
    """A session while it was here, until it ended, died or was continued. One that lives again has another span."""

    session: str
    start: Instant
    last_at: Instant  # when it was last heard
    end: Instant = ""
    how: str = ""  # it ended: its status then
    evidence: str = ""
    cause: EventId = ""


class HistoryAnalysis(Struct):
    """What a history amounts to, up to the moment of `state`."""

    events: Sequence[Event]  # those that count; see `projections.rules.sessions.has_effect`
    decisions: list[Decision]
    intervals: list[ClaimInterval]
    lives: list[SessionInterval]
    recipients: dict[EventId, frozenset[str]]  # of each message, as it was sent
    state: State


Chunker = Callable[[Sequence[Event]], Iterable[Sequence[Event]]]


def analyze_history(
    events: Sequence[Event], now: Instant, pieces: Chunker = lambda events: (events,)
) -> HistoryAnalysis:
    """The account of a history in order, at `now`; `pieces` cuts the history for one who wants to see how far it is."""
    counted: list[Event] = []
    decisions: list[Decision] = []
    recipients: dict[EventId, frozenset[str]] = {}
    state, lives = State(), _SessionIntervals()
    for piece in pieces(events):
        for event in piece:
            if not has_effect(state, event):
                fold(state, [event], decisions.append)
                continue
            fold(state, [event], decisions.append)
            counted.append(event)
            lives.observe(state, event)
            if isinstance(event.payload, MessageSent):
                recipients[event.id] = frozenset(state.messages[event.id].unread_by)
    as_of(state, now, decisions.append)
    return HistoryAnalysis(counted, decisions, claim_intervals(counted, decisions), lives.found, recipients, state)


IsNew = Callable[[Instant, EventId], bool]


def happened_after(events: Sequence[Event], since: PointInTime) -> IsNew:
    """Whether something happened after a moment: by the event that brought it about, or by time alone at an instant.

    What time alone ended at the very instant of the moment had ended by then: time comes before the events.
    """
    new = {event.id for event in events[count_until(events, since) :]}
    return lambda at, cause: cause in new if cause else at > since.at


_ENDS = {
    *("released", "withdrawn", "expired", "lapsed", "timed_out", "handed_over", "passed_on", "broken"),
    "finished",
    *("session_ended", "session_dead"),
}


def claim_intervals(events: Sequence[Event], decisions: Sequence[Decision]) -> list[ClaimInterval]:
    """The claims and waits that the decisions on a history amount to, in the order in which they began."""
    asked = {event.id: event.payload for event in events if isinstance(event.payload, ClaimRequested)}
    found: list[ClaimInterval] = []
    open_spans: dict[EventId, int] = {}
    came_from: dict[EventId, ClaimInterval] = {}

    def close(said: Decision) -> None:
        workspace = open_spans.pop(said.claim)
        found[workspace] = replace(found[workspace], end=said.at, how=said.what, rule=said.rule, cause=said.cause)
        for became in said.others:
            came_from[became] = found[workspace]

    def begin(said: Decision, kind: Literal["claim", "wait"]) -> None:
        terms = came_from.get(said.claim) or asked[said.claim]
        open_spans[said.claim] = len(found)
        span = ClaimInterval(
            kind=kind,
            id=said.claim,
            session=said.session,
            agent="" if said.rule == 5 else terms.agent,
            resource=said.resource,
            mode=terms.mode,
            note=terms.note,
            automatic=terms.automatic,
            start=said.at,
            behind=said.others if kind == "wait" else (),
        )
        found.append(span)

    for said in decisions:
        if said.what == "granted":
            if said.claim in open_spans:
                close(said)
            begin(said, "claim")
        elif said.what == "waiting":
            begin(said, "wait")
        elif said.what in _ENDS and said.claim in open_spans:
            close(said)
    return found


class _SessionIntervals:
    """Sessions as they come and go, seen event by event."""

    def __init__(self) -> None:
        self.found: list[SessionInterval] = []
        self._last: dict[str, int] = {}

    def observe(self, state: State, event: Event) -> None:
        named = (event.actor, getattr(event.payload, "session", ""), getattr(event.payload, "continues", ""))
        for name in dict.fromkeys(named):
            if session := state.sessions.get(name):
                self._take(session, event, heard=name == event.actor)

    def _take(self, session: Session, event: Event, *, heard: bool) -> None:
        workspace = self._last.get(session.id)
        life = self.found[workspace] if workspace is not None else None
        over = not session.live
        if life is None or (life.end and heard and not over):
            workspace = self._last[session.id] = len(self.found)
            life = SessionInterval(session=session.id, start=event.at, last_at=event.at)
            self.found.append(life)
        assert workspace is not None
        if heard:
            life = replace(life, last_at=event.at)
        if over and (not life.end or session.status == "imported"):  # each word of such a one may be its last
            life = replace(life, end=event.at, how=session.status, evidence=session.over_because, cause=event.id)
        self.found[workspace] = life
