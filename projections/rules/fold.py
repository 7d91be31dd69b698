"""The fold: apply a history in order to a state. The result depends only on the events.

Time comes only from each event's `at`. The state at a past time is the fold of the events up to it, followed by
`as_of`.
"""

from collections.abc import Callable, Iterable
from typing import Any

from eventlog.events import (
    AgentStarted,
    AgentStopped,
    ClaimAccepted,
    ClaimBroken,
    ClaimBypassed,
    ClaimFinished,
    ClaimHandedOver,
    ClaimReleased,
    ClaimRenewed,
    ClaimRequested,
    Event,
    Instant,
    MessageAcknowledged,
    MessageRead,
    MessageResolved,
    MessageSent,
    SessionEnded,
    SessionHeartbeat,
    SessionPresumedDead,
    SessionPresumedIdle,
    SessionStarted,
    Unknown,
)
from projections.rules import messages, sessions
from projections.rules.claim_events import requests
from projections.rules.claims import advance_time, confirm_expiries
from projections.rules.state import DecisionRecorder, State, ignore_decision


def _on_unknown(state: State, event: Event, payload: Unknown, record: DecisionRecorder) -> None:
    state.unknown[payload.name] = state.unknown.get(payload.name, 0) + 1


_HANDLERS: dict[type, Callable[[State, Event, Any, DecisionRecorder], None]] = {
    SessionStarted: sessions.on_started,
    SessionHeartbeat: sessions.on_heartbeat,
    SessionEnded: sessions.on_ended,
    SessionPresumedDead: sessions.on_presumed_dead,
    SessionPresumedIdle: sessions.on_presumed_idle,
    AgentStarted: sessions.on_agent_started,
    AgentStopped: sessions.on_agent_stopped,
    ClaimRequested: requests.on_requested,
    ClaimAccepted: requests.on_accepted,
    ClaimRenewed: requests.on_renewed,
    ClaimReleased: requests.on_released,
    ClaimHandedOver: requests.on_handed_over,
    ClaimBroken: requests.on_broken,
    ClaimFinished: requests.on_finished,
    ClaimBypassed: requests.on_bypassed,
    MessageSent: messages.on_sent,
    MessageRead: messages.on_read,
    MessageAcknowledged: messages.on_acknowledged,
    MessageResolved: messages.on_resolved,
    Unknown: _on_unknown,
}


def fold(state: State, events: Iterable[Event], record: DecisionRecorder = ignore_decision) -> State:
    """Apply a history to a state, event by event, and return the state.

    The state passed in is changed; keep a copy if it is needed. `record` is called with each decision of the rules.
    Raises ValueError if an event does not sort after everything folded before. To include a late event, the caller must
    fold again from an earlier state.
    """
    for event in events:
        at, payload = event.at, event.payload
        key = (at, event.session, event.n)
        if key <= state.last or at < state.reached:
            raise ValueError(f"{event.id} sorts before what was already folded")
        advance_time(state, at, record)
        session = state.sessions.get(event.session) if event.imported is None else None
        if type(payload) is SessionHeartbeat and session is not None and session.status == "live":
            session.last_at, session.last_n = at, event.n  # the common case, with the same effect as the branch below
            sessions.apply_heartbeat(session, payload, event)
        elif sessions.has_effect(state, event):
            sessions.mark_alive(state, event, record)
            _HANDLERS[type(payload)](state, event, payload, record)
        if state.expired:
            confirm_expiries(state, event)
        state.last = key
        state.events += 1
    return state


def as_of(state: State, now: Instant, record: DecisionRecorder = ignore_decision) -> State:
    """Return the state at `now`, or at its last event if that is later, after ending the leases and waits due by then.

    Changes `state`. Events before `now` can no longer be folded into it.
    """
    state.reached = max(now, state.at, state.reached)
    advance_time(state, state.reached, record)
    return state
