"""Sessions: how they come, speak, end, die, and live again (the second half of rule 9).

What was imported acts as a session that was somewhere else. Such a session is never live: it hears nothing, is handed
nothing, and is continued by nobody; and it is never one of ours, whatever its name.
"""

from msgspec.structs import replace

from eventlog.events import (
    AgentStarted,
    AgentStopped,
    ClaimRequested,
    Event,
    Imported,
    Instant,
    MessageSent,
    SessionEnded,
    SessionHeartbeat,
    SessionPresumedDead,
    SessionStarted,
    Unknown,
)
from projections.rules.claims import end_session_claims, transfer_agent_claims, transfer_claims
from projections.rules.messages import drop_broadcasts, transfer_messages
from projections.rules.state import DecisionRecorder, Notice, Session, State

_IMPORTED = (SessionStarted, SessionHeartbeat, ClaimRequested, MessageSent, Unknown)
"""What an imported event can be. Anything else would act on what others have."""


def has_effect(state: State, event: Event) -> bool:
    """Whether an event can change anything, given the state before it. What was imported does not if it would act as
    one of ours, if it is of a type that acts on what others have, or if the same file was brought in before: two
    machines may have imported one folder.
    """
    if event.imported is None:
        return True
    session = state.sessions.get(event.actor)
    known = session is not None and session.status != "imported"
    return isinstance(event.payload, _IMPORTED) and not known and _source(event.imported) not in state.imported


def _source(mark: Imported) -> str:
    return f"{mark.digest} {mark.path}"


def mark_alive(state: State, event: Event, record: DecisionRecorder) -> None:
    """Make the session that acted alive by this very event, which counts. One of ours takes the place of one that was
    imported by its name.

    Rule 9: a session that was presumed dead is revived by its next event, without its claims, and it is told: the
    notice was left when it was presumed dead. One whose first line was lost begins with what is left of it.
    """
    session = state.sessions.get(event.actor)
    if session and session.status == "imported" and not event.imported:
        end_session_claims(state, session.id, event, 3, "session_ended", record)
        del state.sessions[session.id]  # it comes in the order of its own beginning
        session = None
    if session is None:
        session = Session(id=event.actor, started_at=event.at, last_at=event.at)
        session.status = "imported" if event.imported else "live"
        state.sessions[session.id] = session
    if event.imported:
        state.imported.add(_source(event.imported))
        session.over_at = event.at
    elif session.status in ("dead", "continued"):
        session.status, session.over_at, session.over_because = "live", "", ""
    session.last_at = event.at


def on_started(state: State, event: Event, payload: SessionStarted, record: DecisionRecorder) -> None:
    """A session is here, or here again with another anchor. One that continues another takes over what that one held
    and its unread messages; the other is over, unless it speaks again.
    """
    session = state.sessions[event.actor]
    if session.status == "ended":
        session.status, session.over_at, session.over_because = "live", "", ""
        session.started_at = event.at
    if session.anchor and session.anchor != payload.anchor:  # its subagents were in the process before
        agents = {ask.agent for ask in (*state.claims.values(), *state.waits.values()) if ask.session == session.id}
        transfer_agent_claims(state, session.id, agents - {""}, event, record)
        session.agents = {}
    previous = session.continues
    for name in payload.__struct_fields__:
        setattr(session, name, getattr(payload, name))
    old = state.sessions.get(payload.continues)
    if old is None or old is session or previous == payload.continues:
        return
    if "imported" in (old.status, session.status):
        return
    resources = transfer_claims(state, old.id, session.id, event, record)
    transfer_messages(state, old, session)
    old.continued_by = session.id
    if old.status != "ended":
        old.status, old.over_at, old.over_because = "continued", event.at, f"continued by {session.id}"
        old.notices.append(Notice(event.id, event.at, "passed_on", resources, session.id))


def on_heartbeat(state: State, event: Event, payload: SessionHeartbeat, record: DecisionRecorder) -> None:
    """A session says what it is doing: `apply_heartbeat`."""
    apply_heartbeat(state.sessions[event.actor], payload, event.at)


def apply_heartbeat(session: Session, said: SessionHeartbeat, at: Instant) -> None:
    """What a session is doing replaces what it was doing; a heartbeat without an action changes nothing else."""
    if not said.action:
        return
    if said.action != session.doing.action or said.target != session.doing.target:
        session.doing_since = at
    session.doing = said


def on_ended(state: State, event: Event, payload: SessionEnded, record: DecisionRecorder) -> None:
    """A session ends and everything that it holds is released."""
    session = state.sessions[event.actor]
    session.status, session.over_at, session.over_because = "ended", event.at, payload.reason
    session.summary, session.notes = payload.summary, payload.notes
    session.doing = replace(session.doing, blocked_on="", asks_person=False)
    session.agents = {}
    drop_broadcasts(state, session)
    end_session_claims(state, session.id, event, 3, "session_ended", record)


def on_presumed_dead(state: State, event: Event, payload: SessionPresumedDead, record: DecisionRecorder) -> None:
    """Rule 9. It counts only against the session's latest anchor, and never against the observer itself."""
    session = state.sessions.get(payload.session)
    if session is None or not session.live or session.anchor != payload.anchor or session.id == event.actor:
        return
    session.status, session.over_at, session.over_because = "dead", event.at, payload.evidence
    session.agents = {}
    resources = end_session_claims(state, session.id, event, 9, "session_dead", record)
    notice = Notice(event.id, event.at, "presumed_dead", resources, event.actor, payload.evidence)
    session.notices.append(notice)


def on_agent_started(state: State, event: Event, payload: AgentStarted, record: DecisionRecorder) -> None:
    """A subagent begins: it is shown with its session."""
    state.sessions[event.actor].agents[payload.agent] = payload.kind


def on_agent_stopped(state: State, event: Event, payload: AgentStopped, record: DecisionRecorder) -> None:
    """A subagent is done: what it holds passes to its session, which goes on with it."""
    state.sessions[event.actor].agents.pop(payload.agent, None)
    transfer_agent_claims(state, event.actor, {payload.agent} - {""}, event, record)
