"""Claims, waits and sessions as intervals of time: their start, their end, and how they ended.

Every grant starts a new interval. A claim that is handed over, or that passes to a session that continues its holder,
therefore has one interval for each of these sessions. An interval without an `end` was open at the end of the analysis.

An analysis can begin with an earlier state instead of the first event. It then says the same about everything that
happens later, except that the obstacles of requests that wait in that state are unknown: begin before those requests.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from eventlog.events import ClaimRequested, Event, EventId, Instant, MessageSent
from projections.rules.fold import as_of, fold
from projections.rules.sessions import has_effect
from projections.rules.state import Claim, Decision, Session, State, WaitingRequest
from projections.views.point_in_time import PointInTime, count_until


class ClaimInterval(Struct, frozen=True, kw_only=True):
    """A claim that was held, or a request that waited: from `start` until just before `end`."""

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
    how: str = ""  # how it ended: the `what` of the decision that ended it
    rule: int = 0  # the rule that ended it
    cause: EventId = ""  # the event that ended it; empty if time alone did
    behind: tuple[EventId, ...] = ()  # for a wait: the conflicting claims and requests


class SessionInterval(Struct, frozen=True, kw_only=True):
    """A session while it was live, until it ended, died or was continued. A revived session has another interval."""

    session: str
    start: Instant
    last_at: Instant  # the time of its latest event
    end: Instant = ""
    how: str = ""  # how it ended: its status afterwards
    evidence: str = ""
    cause: EventId = ""


class BlockedInterval(Struct, frozen=True, kw_only=True):
    """A live session while it was blocked on something, from the event `began` to the event `cause`."""

    session: str
    blocked_on: str
    start: Instant
    began: EventId
    end: Instant = ""
    cause: EventId = ""


AnyInterval = TypeVar("AnyInterval", ClaimInterval, SessionInterval, BlockedInterval)


class HistoryAnalysis(Struct):
    """The events with an effect, the decisions and the intervals of a history, up to the time of `state`.

    If it began with an earlier state, `events` and `decisions` contain what came later. `earlier` contains the latest
    decision about each claim and waiting request of that state.
    """

    events: Sequence[Event]  # without those that `projections.rules.sessions.has_effect` excludes
    decisions: list[Decision]
    intervals: list[ClaimInterval]
    session_intervals: list[SessionInterval]
    blocked_intervals: list[BlockedInterval]
    recipients: dict[EventId, frozenset[str]]  # the recipients of each message when it was sent
    state: State
    earlier: list[Decision] = []


Splitter = Callable[[Sequence[Event]], Iterable[Sequence[Event]]]


def analyze_history(
    events: Sequence[Event], now: Instant, split: Splitter = lambda events: (events,), start: State | None = None
) -> HistoryAnalysis:
    """Analyze an ordered history up to `now`. `split` divides it into pieces, so that the caller can show progress.

    `start`, if given, is the state before `events`. It is changed.
    """
    counted: list[Event] = []
    decisions: list[Decision] = []
    recipients: dict[EventId, frozenset[str]] = {}
    state = start or State()
    held, earlier = _open_intervals(state), _earlier_decisions(state)
    sessions, blocked = SessionIntervals(state), _BlockedIntervals(state)
    for piece in split(events):
        for event in piece:
            if not has_effect(state, event):
                fold(state, [event], decisions.append)
                continue
            fold(state, [event], decisions.append)
            counted.append(event)
            affected = _affected(state, event)
            sessions.observe(affected, event)
            blocked.observe(affected, event)
            if isinstance(event.payload, MessageSent):
                recipients[event.id] = frozenset(state.messages[event.id].unread_by)
    as_of(state, now, decisions.append)
    intervals = claim_intervals(counted, decisions, held)
    return HistoryAnalysis(
        counted, decisions, intervals, sessions.intervals, blocked.intervals, recipients, state, earlier
    )


def _open_intervals(state: State) -> list[ClaimInterval]:
    """Return the open intervals of the claims and waiting requests of a state, by their start."""
    claims = sorted(state.claims.values(), key=lambda claim: (claim.granted_at, claim.token))  # the order of the grants
    requests: list[tuple[Literal["claim", "wait"], Instant, Claim | WaitingRequest]] = [
        *(("claim", claim.granted_at, claim) for claim in claims),
        *(("wait", wait.asked_at, wait) for wait in state.waits.values()),
    ]
    intervals = [
        ClaimInterval(
            kind=kind,
            id=request.id,
            session=request.session,
            agent=request.agent,
            resource=request.resource,
            mode=request.mode,
            note=request.note,
            automatic=request.automatic,
            start=start,
        )
        for kind, start, request in requests
    ]
    return sorted(intervals, key=lambda interval: interval.start)


def _earlier_decisions(state: State) -> list[Decision]:
    """Return the latest decision about each claim and waiting request of a state: its grant, or that it must wait."""
    claims, waits = state.claims.values(), state.waits.values()
    granted = [Decision(c.granted_at, 2, "granted", c.id, c.session, c.resource) for c in claims]
    return granted + [Decision(w.asked_at, 2, "waiting", w.id, w.session, w.resource) for w in waits]


IsNew = Callable[[Instant, EventId], bool]


def happened_after(events: Sequence[Event], since: PointInTime) -> IsNew:
    """Return a function that decides whether something happened after the point in time `since`.

    It takes the instant and the id of the causing event, which is empty if no event caused it. A lease or wait that ran
    out at the instant of `since` ended before it, because these end before the events at an instant apply.
    """
    new = {event.id for event in events[count_until(events, since) :]}
    return lambda at, cause: cause in new if cause else at > since.at


def not_ended_before(intervals: Iterable[AnyInterval], is_new: IsNew) -> list[AnyInterval]:
    """Return the intervals that are open or ended after a point in time."""
    return [interval for interval in intervals if not interval.end or is_new(interval.end, interval.cause)]


_ENDS = {
    *("released", "withdrawn", "expired", "lapsed", "timed_out", "handed_over", "passed_on", "broken"),
    "finished",
    *("session_ended", "session_dead"),
}


def claim_intervals(
    events: Sequence[Event], decisions: Sequence[Decision], held: Iterable[ClaimInterval] = ()
) -> list[ClaimInterval]:
    """Return the intervals of claims and waits that follow from the decisions on a history, by their start.

    `held` are the intervals that are open before it.
    """
    asked = {event.id: event.payload for event in events if isinstance(event.payload, ClaimRequested)}
    intervals: list[ClaimInterval] = list(held)
    open_intervals: dict[EventId, int] = {interval.id: index for index, interval in enumerate(intervals)}
    came_from: dict[EventId, ClaimInterval] = {interval.id: interval for interval in intervals}

    def close(decision: Decision) -> None:
        index = open_intervals.pop(decision.claim)
        intervals[index] = replace(
            intervals[index], end=decision.at, how=decision.what, rule=decision.rule, cause=decision.cause
        )
        for became in decision.others:
            came_from[became] = intervals[index]

    def begin(decision: Decision, kind: Literal["claim", "wait"]) -> None:
        terms = came_from.get(decision.claim) or asked[decision.claim]
        open_intervals[decision.claim] = len(intervals)
        interval = ClaimInterval(
            kind=kind,
            id=decision.claim,
            session=decision.session,
            agent="" if decision.rule == 5 else terms.agent,
            resource=decision.resource,
            mode=terms.mode,
            note=terms.note,
            automatic=terms.automatic,
            start=decision.at,
            behind=decision.others if kind == "wait" else (),
        )
        intervals.append(interval)

    for decision in decisions:
        if decision.what == "granted":
            if decision.claim in open_intervals:
                close(decision)
            begin(decision, "claim")
        elif decision.what == "waiting":
            begin(decision, "wait")
        elif decision.what in _ENDS and decision.claim in open_intervals:
            close(decision)
    return intervals


def _latest_interval(session: Session) -> SessionInterval:
    """Return the last interval of a session. What ended it is left out: that was before the events of the analysis."""
    over = {"end": session.over_at, "how": session.status, "evidence": session.over_because}
    return SessionInterval(
        session=session.id, start=session.live_since, last_at=session.last_at, **({} if session.live else over)
    )


def _affected(state: State, event: Event) -> list[Session]:
    """Return the sessions whose status an event can change, the acting one first."""
    names = (event.actor, getattr(event.payload, "session", ""), getattr(event.payload, "continues", ""))
    return [state.sessions[name] for name in dict.fromkeys(names) if name and name in state.sessions]


class _BlockedIntervals:
    """Collects the intervals in which sessions were blocked, event by event, from a state on."""

    def __init__(self, state: State) -> None:
        blocked = (session for session in state.sessions.values() if session.live and session.doing.blocked_on)
        intervals = [
            BlockedInterval(
                session=session.id, blocked_on=session.doing.blocked_on, start=at, began=f"{session.id}/{n}"
            )
            for session in blocked
            for at, n in (max((session.blocked_since, session.blocked_n), (session.live_since, session.live_n)),)
        ]
        self.intervals = sorted(intervals, key=lambda interval: (interval.start, interval.session))
        self._open = {interval.session: index for index, interval in enumerate(self.intervals)}

    def observe(self, affected: Iterable[Session], event: Event) -> None:
        for session in affected:
            what = session.doing.blocked_on if session.live else ""
            index = self._open.get(session.id)
            if index is not None and self.intervals[index].blocked_on == what:
                continue
            if index is not None:
                self.intervals[index] = replace(self.intervals[index], end=event.at, cause=event.id)
                del self._open[session.id]
            if what:
                self._open[session.id] = len(self.intervals)
                self.intervals.append(
                    BlockedInterval(session=session.id, blocked_on=what, start=event.at, began=event.id)
                )


class SessionIntervals:
    """Collects the intervals of sessions, event by event, from a state on."""

    def __init__(self, state: State) -> None:
        intervals = [_latest_interval(session) for session in state.sessions.values()]
        self.intervals = sorted(intervals, key=lambda interval: (interval.start, interval.session))
        self._last = {interval.session: index for index, interval in enumerate(self.intervals)}

    def observe(self, affected: Iterable[Session], event: Event) -> None:
        """Record how the sessions are that an event affects, which was just folded."""
        for session in affected:
            self.update(session, event.at, event.id, acted=session.id == event.actor)

    def update(self, session: Session, at: Instant, cause: EventId, *, acted: bool) -> None:
        """Record how a session is after an event at `at` that affects it; `acted` is whether it wrote the event."""
        index = self._last.get(session.id)
        interval = self.intervals[index] if index is not None else None
        ended = not session.live
        if interval is None and (not acted or (ended and session.over_at < at)):
            return  # it was over before the analysis began, and still is
        if interval is None or (interval.end and acted and not ended):
            index = self._last[session.id] = len(self.intervals)
            interval = SessionInterval(session=session.id, start=at, last_at=at)
            self.intervals.append(interval)
        assert index is not None
        if acted:
            interval = replace(interval, last_at=at)
        # Any event of an imported session can be its last.
        if ended and (not interval.end or session.status == "imported"):
            interval = replace(interval, end=at, how=session.status, evidence=session.over_because, cause=cause)
        self.intervals[index] = interval
