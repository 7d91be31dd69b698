"""Sessions: how they start, report, end, die and revive (the second half of rule 9).

The acting session of an imported event is an imported session, which existed somewhere else. An imported session is
never live: it receives no messages and no handovers, and no session continues it. It is never a session of this log,
even if its id is the same.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from eventlog.events import (
    AgentStarted,
    AgentStopped,
    Anchor,
    ClaimRequested,
    Event,
    Imported,
    MessageSent,
    SessionEnded,
    SessionHeartbeat,
    SessionPresumedDead,
    SessionPresumedIdle,
    SessionStarted,
    Unknown,
)
from projections.rules.claim_events.handover import transfer_agent_claims, transfer_claims
from projections.rules.claims import end_session_claims
from projections.rules.messages import (
    drop_broadcasts,
    excuse,
    note_alive,
    owe_again,
    receive_open_broadcasts,
    transfer_messages,
)
from projections.rules.state import DecisionRecorder, Notice, Session, State

_IMPORTED = (SessionStarted, SessionHeartbeat, ClaimRequested, MessageSent, Unknown)
"""The types that an imported event can have. All others would act on claims or messages of other sessions."""

IDLE = SessionHeartbeat(action="idle", target="waiting for its user", automatic=True)
"""The heartbeat of a session whose agent has stopped."""


def same_conversation(session: Session, others: Iterable[Session]) -> list[Session]:
    """Return those of the sessions `others` that are open in another process with the same conversation: the client
    has resumed it a second time. Only processes that can be compared count: those of one boot and one pid namespace.
    """
    return [other for other in other_processes(session, others) if other.live] if session.live else []


def other_processes(session: Session, others: Iterable[Session]) -> list[Session]:
    """Return those of the sessions `others`, live or not, whose last process is another one with the conversation of
    `session`. Only processes that can be compared count.
    """
    if not (session.client_session and session.anchor):
        return []
    return [
        other
        for other in others
        if other.client_session == session.client_session and _are_apart(session.anchor, other.anchor)
    ]


def resumed_twice(sessions: Iterable[Session]) -> dict[str, tuple[str, ...]]:
    """Return, for each session whose conversation is open in other processes too, the ids of their sessions."""
    groups: dict[str, list[Session]] = {}
    for session in sessions:
        if session.client_session:
            groups.setdefault(session.client_session, []).append(session)
    return {
        session.id: tuple(sorted(other.id for other in same_conversation(session, group)))
        for group in groups.values()
        if len(group) > 1
        for session in group
    }


def _are_apart(one: Anchor, other: Anchor | None) -> bool:
    """Return whether two anchors are certainly different processes."""
    is_near = other and (one.machine, one.boot, one.pid_namespace) == (other.machine, other.boot, other.pid_namespace)
    return bool(is_near and one != other)


def is_idle(doing: SessionHeartbeat) -> bool:
    """Return whether a hook recorded that the agent has stopped, also with the text of an older version."""
    return doing.automatic and doing.action == IDLE.action


def is_at_work(doing: SessionHeartbeat) -> bool:
    """Return whether a session has reported what it is doing since its agent last stopped."""
    return bool(doing.action) and not is_idle(doing)


def idle_after(doing: SessionHeartbeat) -> SessionHeartbeat:
    """Return what a session does after its agent has stopped. It may still be blocked on something, except on its
    user's answer to a question.
    """
    return replace(IDLE, blocked_on="" if doing.asks_person else doing.blocked_on)


def unblocked(doing: SessionHeartbeat) -> SessionHeartbeat:
    """Return what a session does when it is no longer blocked."""
    return replace(doing, blocked_on="", asks_person=False)


def has_effect(state: State, event: Event) -> bool:
    """Return whether an event can have an effect, given the state before it.

    An imported event has no effect if it would act as a session of this log, if its type acts on claims or messages of
    other sessions, or if its file was imported before: two machines can import the same folder.
    """
    if event.imported is None:
        return True
    session = state.sessions.get(event.actor)
    known = session is not None and session.status != "imported"
    return isinstance(event.payload, _IMPORTED) and not known and _source(event.imported) not in state.imported


def _source(mark: Imported) -> str:
    """Return a key for the imported file."""
    return f"{mark.digest} {mark.path}"


def mark_alive(state: State, event: Event, record: DecisionRecorder) -> None:
    """Make the acting session live, and create it if it is unknown.

    Rule 9: a session that was presumed dead is revived by its next event, without its claims; `on_presumed_dead` has
    added the notice about them. A session whose first line was lost starts with its first readable event. A session of
    this log replaces an imported session with the same id.
    """
    session = state.sessions.get(event.actor)
    if session and session.status == "imported" and not event.imported:
        end_session_claims(state, session.id, event, 3, "session_ended", record)
        del state.sessions[session.id]  # so that it is ordered by its own start
        state.session_count -= 1
        session = None
    if session is None:
        session = Session(id=event.actor, started_at=event.at, last_at=event.at)
        _note_live(state, session, event)
        session.status = "imported" if event.imported else "live"
        state.sessions[session.id] = session
        state.session_count += 1
    note_alive(state, session.id)
    if event.imported:
        state.imported.add(_source(event.imported))
        session.over_at = event.at
    elif session.status in ("dead", "continued"):
        session.status, session.over_at, session.over_because = "live", "", ""
        _note_live(state, session, event)
        owe_again(state, session)
        _tell_copies(session, _copies(state, session), event)
    session.last_at, session.last_n = event.at, 0 if event.imported else event.n


def _note_live(state: State, session: Session, event: Event) -> None:
    session.live_since, session.live_n = event.at, event.n
    _known_of(state, session.client_session).add(session.id)


def _known_of(state: State, conversation: str) -> set[str]:
    """Return the sessions of a conversation that can be live, and possibly others, so that a start does not look at all
    sessions. The index is derived from the state and never saved.
    """
    known: dict[str, set[str]] | None = state.__dict__.get("conversations")
    if known is None:
        known = state.__dict__["conversations"] = {}
        for session in state.sessions.values():
            if session.live and session.client_session:
                known.setdefault(session.client_session, set()).add(session.id)
    return known.setdefault(conversation, set()) if conversation else set()


def on_started(state: State, event: Event, payload: SessionStarted, record: DecisionRecorder) -> None:
    """Start a session, or resume it with another anchor.

    A person's session receives the open broadcasts from before it.
    """
    session = state.sessions[event.actor]
    known = [other.id for other in _copies(state, session)] if session.anchor == payload.anchor else []
    if session.status == "ended":
        session.status, session.over_at, session.over_because = "live", "", ""
        session.started_at = event.at
        _note_live(state, session, event)
        owe_again(state, session)
    if session.anchor and session.anchor != payload.anchor:  # its subagents ran in the previous process
        agents = {
            request.agent
            for request in (*state.claims.values(), *state.waits.values())
            if request.session == session.id
        }
        transfer_agent_claims(state, session.id, agents - {""}, event, record)
        session.agents = {}
    state.clients.add(payload.client)
    previous, was_person = session.continues, session.person
    for name in payload.__struct_fields__:
        setattr(session, name, getattr(payload, name))
    _known_of(state, session.client_session).add(session.id)
    old = state.sessions.get(payload.continues)
    if old and old is not session and previous != payload.continues and "imported" not in (old.status, session.status):
        _continue_session(state, old, session, event, record)
    if session.person and not was_person and session.status != "imported":
        receive_open_broadcasts(state, session, event.at)
    _tell_copies(session, [other for other in _copies(state, session) if other.id not in known], event)


def _copies(state: State, session: Session) -> list[Session]:
    """Return the live sessions that have the same conversation in another process, the oldest first."""
    sessions = [state.sessions[name] for name in _known_of(state, session.client_session) if name in state.sessions]
    return sorted(same_conversation(session, sessions), key=lambda other: (other.started_at, other.id))


def _tell_copies(session: Session, copies: list[Session], event: Event) -> None:
    """Add a notice to a session whose process has the conversation of others too, and to each of these."""
    pairs = [(session, other) for other in copies[:1]] + [(other, session) for other in copies]
    for reader, other in pairs:
        if not any(notice.kind == "copied" and notice.other == other.id for notice in reader.notices):
            reader.notices.append(Notice(event.id, event.at, "copied", (), other.id))


def _continue_session(state: State, old: Session, session: Session, event: Event, record: DecisionRecorder) -> None:
    """Give the claims and messages of a session to the one that continues it.

    The old session then has the status `continued` until it acts again.
    """
    old.notices = [notice for notice in old.notices if notice.kind != "copied"]  # they are about its own process
    session.notices = [n for n in session.notices if n.kind != "copied" or n.other != old.id]
    resources = transfer_claims(state, old.id, session.id, event, record)
    transfer_messages(state, old, session)
    old.continued_by = session.id
    if old.status != "ended":
        old.status, old.over_at, old.over_because = "continued", event.at, f"continued by {session.id}"
        old.notices.append(Notice(event.id, event.at, "passed_on", resources, session.id))


def on_heartbeat(state: State, event: Event, payload: SessionHeartbeat, record: DecisionRecorder) -> None:
    """Update what a session is doing."""
    session = state.sessions[event.actor]
    apply_heartbeat(session, payload, event)
    if event.imported and payload.action:
        session.doing_journal = event.session


def apply_heartbeat(session: Session, heartbeat: SessionHeartbeat, event: Event) -> None:
    """Replace what a session is doing. A heartbeat without an action does not change it."""
    if not heartbeat.action:
        return
    if heartbeat.action != session.doing.action or heartbeat.target != session.doing.target:
        session.doing_since = event.at
    if heartbeat.blocked_on != session.doing.blocked_on:
        session.blocked_since, session.blocked_n = (event.at, event.n) if heartbeat.blocked_on else ("", 0)
    session.doing, session.doing_n = heartbeat, event.n


def on_ended(state: State, event: Event, payload: SessionEnded, record: DecisionRecorder) -> None:
    """End a session and release everything that it holds."""
    session = state.sessions[event.actor]
    session.status, session.over_at, session.over_because = "ended", event.at, payload.reason
    session.summary, session.notes = payload.summary, payload.notes
    session.doing = unblocked(session.doing)
    session.blocked_since, session.blocked_n = "", 0
    session.agents = {}
    drop_broadcasts(state, session)
    excuse(state, session)
    end_session_claims(state, session.id, event, 3, "session_ended", record)


def on_presumed_dead(state: State, event: Event, payload: SessionPresumedDead, record: DecisionRecorder) -> None:
    """Rule 9: record a death. It counts only for the session's latest anchor, and never for the observer itself."""
    session = state.sessions.get(payload.session)
    if session is None or not session.live or session.anchor != payload.anchor or session.id == event.actor:
        return
    session.status, session.over_at, session.over_because = "dead", event.at, payload.evidence
    session.agents = {}
    excuse(state, session)
    resources = end_session_claims(state, session.id, event, 9, "session_dead", record)
    notice = Notice(event.id, event.at, "presumed_dead", resources, event.actor, payload.evidence)
    session.notices.append(notice)


def on_presumed_idle(state: State, event: Event, payload: SessionPresumedIdle, record: DecisionRecorder) -> None:
    """Rule 9: record that an agent is no longer at work. It counts only if the session has written nothing since."""
    session = state.sessions.get(payload.session)
    if session and session.live and session.last_n == payload.n and is_at_work(session.doing):
        session.doing, session.doing_since = idle_after(session.doing), event.at
        if not session.doing.blocked_on:
            session.blocked_since, session.blocked_n = "", 0


def on_agent_started(state: State, event: Event, payload: AgentStarted, record: DecisionRecorder) -> None:
    """Add a subagent to its session."""
    state.sessions[event.actor].agents[payload.agent] = payload.kind


def on_agent_stopped(state: State, event: Event, payload: AgentStopped, record: DecisionRecorder) -> None:
    """Remove a subagent. Its claims pass to its session."""
    state.sessions[event.actor].agents.pop(payload.agent, None)
    transfer_agent_claims(state, event.actor, {payload.agent} - {""}, event, record)
