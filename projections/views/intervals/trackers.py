"""Track intervals event by event and decision by decision, from a state on.

A tracker numbers the intervals in the order in which they begin. It calls `put` with the number and the new value of
an interval each time that interval begins, changes or ends. It keeps only what it needs to continue.
"""

from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeAlias

from msgspec.structs import replace

from eventlog.events import ClaimRequested, Event, EventId, Instant
from projections.rules.state import Claim, Decision, Session, State, WaitingRequest
from projections.views.intervals.values import BlockedInterval, ClaimInterval, SessionInterval

PutClaim: TypeAlias = Callable[[int, ClaimInterval], object]
PutSession: TypeAlias = Callable[[int, SessionInterval], object]
PutBlocked: TypeAlias = Callable[[int, BlockedInterval], object]

_ENDS = {
    *("released", "withdrawn", "expired", "lapsed", "timed_out", "handed_over", "passed_on", "broken", "yielded"),
    "finished",
    *("session_ended", "session_dead"),
}


class ClaimIntervals:
    """Tracks the intervals of claims and waiting requests."""

    def __init__(self, state: State, put: PutClaim) -> None:
        self._put, self._count = put, 0
        self._open: dict[EventId, tuple[int, ClaimInterval]] = {}
        self._came_from: dict[EventId, ClaimInterval] = {}  # the claims that become others by the current event
        for interval in _open_intervals(state):
            self._begin(interval)

    def copy(self, put: PutClaim) -> "ClaimIntervals":
        """Return an independent tracker in the same position, with another `put`."""
        other = ClaimIntervals(State(), put)
        other._count, other._open, other._came_from = self._count, dict(self._open), dict(self._came_from)
        return other

    def observe(self, decision: Decision, request: ClaimRequested | None) -> None:
        """Use a decision; `request` is the payload of the event that is being folded, if it is a request."""
        before = self._open.get(decision.claim)
        if before and (decision.what == "granted" or decision.what in _ENDS):
            self._end(decision, *before)
        if decision.what in ("granted", "waiting"):
            terms = self._came_from.pop(decision.claim, None) or (before[1] if before else request)
            assert terms is not None
            interval = ClaimInterval(
                kind="claim" if decision.what == "granted" else "wait",
                id=decision.claim,
                session=decision.session,
                agent="" if decision.rule == 5 else terms.agent,
                resource=decision.resource,
                mode=terms.mode,
                note=terms.note,
                automatic=terms.automatic,
                start=decision.at,
                behind=decision.others if decision.what == "waiting" else (),
            )
            self._begin(interval)

    def _begin(self, interval: ClaimInterval) -> None:
        self._open[interval.id] = self._count, interval
        self._put(self._count, interval)
        self._count += 1

    def _end(self, decision: Decision, number: int, interval: ClaimInterval) -> None:
        del self._open[interval.id]
        ended = replace(interval, end=decision.at, how=decision.what, rule=decision.rule, cause=decision.cause)
        self._put(number, ended)
        for became in decision.others:
            self._came_from[became] = ended


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


class BlockedIntervals:
    """Tracks the intervals in which sessions were blocked."""

    def __init__(self, state: State, put: PutBlocked) -> None:
        self._put, self._count = put, 0
        self._open: dict[str, tuple[int, BlockedInterval]] = {}
        blocked = (session for session in state.sessions.values() if session.live and session.doing.blocked_on)
        intervals = [
            BlockedInterval(
                session=session.id, blocked_on=session.doing.blocked_on, start=at, began=f"{session.id}/{n}"
            )
            for session in blocked
            for at, n in (max((session.blocked_since, session.blocked_n), (session.live_since, session.live_n)),)
        ]
        for interval in sorted(intervals, key=lambda interval: (interval.start, interval.session)):
            self._begin(interval)

    def observe(self, affected: Iterable[Session], event: Event) -> None:
        """Record the status of the sessions that an event affects. The event was just folded."""
        for session in affected:
            what = session.doing.blocked_on if session.live else ""
            number, before = self._open.get(session.id, (0, None))
            if before and before.blocked_on == what:
                continue
            if before:
                self._put(number, replace(before, end=event.at, cause=event.id))
                del self._open[session.id]
            if what:
                self._begin(BlockedInterval(session=session.id, blocked_on=what, start=event.at, began=event.id))

    def _begin(self, interval: BlockedInterval) -> None:
        self._open[interval.session] = self._count, interval
        self._put(self._count, interval)
        self._count += 1


class SessionIntervals:
    """Tracks the intervals in which sessions were live."""

    def __init__(self, state: State, put: PutSession) -> None:
        self._put, self._count = put, 0
        self._last: dict[str, tuple[int, SessionInterval]] = {}
        intervals = [_latest_interval(session) for session in state.sessions.values()]
        for interval in sorted(intervals, key=lambda interval: (interval.start, interval.session)):
            self._set(self._count, interval)

    def observe(self, affected: Iterable[Session], event: Event) -> None:
        """Record the status of the sessions that an event affects. The event was just folded."""
        for session in affected:
            self.update(session, event.at, event.id, acted=session.id == event.actor)

    def update(self, session: Session, at: Instant, cause: EventId, *, acted: bool) -> None:
        """Record how a session is after an event at `at` that affects it; `acted` is whether it wrote the event."""
        number, interval = self._last.get(session.id, (self._count, None))
        ended = not session.live
        if interval is None and (not acted or (ended and session.over_at < at)):
            return  # it ended before the analysis began, and was not revived
        if interval is None or (interval.end and acted and not ended):
            number, interval = self._count, SessionInterval(session=session.id, start=at, last_at=at)
        changes: dict[str, Any] = {"last_at": at} if acted else {}
        # Any event of an imported session can be its last.
        if ended and (not interval.end or session.status == "imported"):
            changes |= {"end": at, "how": session.status, "evidence": session.over_because, "cause": cause}
        self._set(number, replace(interval, **changes))

    def _set(self, number: int, interval: SessionInterval) -> None:
        self._last[interval.session] = number, interval
        self._put(number, interval)
        self._count = max(self._count, number + 1)


def _latest_interval(session: Session) -> SessionInterval:
    """Return the last interval of a session. What ended it is left out: that was before the events of the analysis."""
    over = {"end": session.over_at, "how": session.status, "evidence": session.over_because}
    return SessionInterval(
        session=session.id, start=session.live_since, last_at=session.last_at, **({} if session.live else over)
    )
