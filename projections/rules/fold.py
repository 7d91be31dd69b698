"""The fold: a state, and a history in order, give the next state. Deterministic, from the events alone.

Time enters only as the events' own `at`. The state at any past moment is the fold of the events up to it, then `as_of`
that moment.
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
    MessageSent,
    SessionEnded,
    SessionHeartbeat,
    SessionPresumedDead,
    SessionStarted,
    Unknown,
)
from projections.rules import messages, requests, sessions
from projections.rules.claims import advance_time
from projections.rules.state import DecisionRecorder, State, ignore_decision


def _on_unknown(state: State, event: Event, payload: Unknown, record: DecisionRecorder) -> None:
    state.unknown[payload.name] = state.unknown.get(payload.name, 0) + 1


_HANDLERS: dict[type, Callable[[State, Event, Any, DecisionRecorder], None]] = {
    SessionStarted: sessions.on_started,
    SessionHeartbeat: sessions.on_heartbeat,
    SessionEnded: sessions.on_ended,
    SessionPresumedDead: sessions.on_presumed_dead,
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
    Unknown: _on_unknown,
}


def fold(state: State, events: Iterable[Event], record: DecisionRecorder = ignore_decision) -> State:
    """Apply a history to a state, event by event, and give that state back.

    The state passed in is used up; keep a copy if it is needed. `record` is told each decision of the rules. Raises
    ValueError if an event does not sort after all that was folded: late events need a fold from further back.
    """
    for event in events:
        at, payload = event.at, event.payload
        key = (at, event.session, event.n)
        if key <= state.last or at < state.reached:
            raise ValueError(f"{event.id} sorts before what was folded already")
        advance_time(state, at, record)
        session = state.sessions.get(event.session) if event.imported is None else None
        if type(payload) is SessionHeartbeat and session is not None and session.status == "live":
            session.last_at = at  # nearly all events are of this kind, and this is all that the long way does with them
            sessions.apply_heartbeat(session, payload, at)
        elif sessions.has_effect(state, event):
            sessions.mark_alive(state, event, record)
            _HANDLERS[type(payload)](state, event, payload, record)
        state.last = key
        state.events += 1
    return state


def as_of(state: State, now: Instant, record: DecisionRecorder = ignore_decision) -> State:
    """The state at `now`, no earlier than its last event: what ends by itself until then has ended. Uses up `state`.

    Events before `now` can no longer be folded into it.
    """
    state.reached = max(now, state.at, state.reached)
    advance_time(state, state.reached, record)
    return state
