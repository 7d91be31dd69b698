"""Analyze a history: which of its events had an effect, the decisions, and the intervals of claims and sessions.

An analysis can begin with an earlier state instead of the first event. It then says the same about everything that
happens later, except that the obstacles of requests that wait in that state are unknown: begin before those requests.
"""

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from eventlog.events import ClaimRequested, Event, EventId, Instant, MessageSent
from projections.rules.fold import as_of, fold
from projections.rules.sessions import has_effect
from projections.rules.state import Decision, DecisionRecorder, Session, State, ignore_decision
from projections.views.intervals.trackers import (
    BlockedIntervals,
    ClaimIntervals,
    PutBlocked,
    PutClaim,
    PutSession,
    SessionIntervals,
)
from projections.views.intervals.values import BlockedInterval, ClaimInterval, SessionInterval


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


class HistoryObserver:
    """Folds events into `state` one by one, and tracks the intervals. `put_*` are as in `intervals.trackers`."""

    def __init__(
        self, state: State, put_claim: PutClaim, put_session: PutSession, put_blocked: PutBlocked = lambda n, i: None
    ) -> None:
        self.state = state
        self.claims = ClaimIntervals(state, put_claim)
        self.sessions, self.blocked = SessionIntervals(state, put_session), BlockedIntervals(state, put_blocked)

    def fold(self, event: Event, record: DecisionRecorder = ignore_decision) -> bool:
        """Fold an event, and return whether it had an effect. `record` is called with each decision."""
        request = event.payload if isinstance(event.payload, ClaimRequested) else None

        def observe(decision: Decision) -> None:
            self.claims.observe(decision, request)
            record(decision)

        effective = has_effect(self.state, event)
        fold(self.state, [event], observe)
        if effective:
            affected = _affected(self.state, event)
            self.sessions.observe(affected, event)
            self.blocked.observe(affected, event)
        return effective

    def advance(self, now: Instant, record: DecisionRecorder = ignore_decision) -> None:
        """Let time pass, as `projections.rules.fold.as_of` does."""

        def observe(decision: Decision) -> None:
            self.claims.observe(decision, None)
            record(decision)

        as_of(self.state, now, observe)


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
    earlier = _earlier_decisions(state)
    claims: dict[int, ClaimInterval] = {}
    sessions: dict[int, SessionInterval] = {}
    blocked: dict[int, BlockedInterval] = {}
    observer = HistoryObserver(state, claims.__setitem__, sessions.__setitem__, blocked.__setitem__)
    for piece in split(events):
        for event in piece:
            if observer.fold(event, decisions.append):
                counted.append(event)
                if isinstance(event.payload, MessageSent):
                    recipients[event.id] = frozenset(state.messages[event.id].unread_by)
    observer.advance(now, decisions.append)
    intervals, lives = list(claims.values()), list(sessions.values())
    return HistoryAnalysis(counted, decisions, intervals, lives, list(blocked.values()), recipients, state, earlier)


def _earlier_decisions(state: State) -> list[Decision]:
    """Return the latest decision about each claim and waiting request of a state: its grant, or that it must wait."""
    claims, waits = state.claims.values(), state.waits.values()
    granted = [Decision(c.granted_at, 2, "granted", c.id, c.session, c.resource) for c in claims]
    return granted + [Decision(w.asked_at, 2, "waiting", w.id, w.session, w.resource) for w in waits]


def _affected(state: State, event: Event) -> list[Session]:
    """Return the sessions whose status an event can change, the acting one first."""
    names = (event.actor, getattr(event.payload, "session", ""), getattr(event.payload, "continues", ""))
    return [state.sessions[name] for name in dict.fromkeys(names) if name and name in state.sessions]
