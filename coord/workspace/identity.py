"""Find the acting session. The first source that is present decides:

1. the option `--session`;
2. the client's own variable;
3. the variable COORD_SESSION;
4. the anchor: the nearest ancestor process to which a live session is anchored. The search stops at a client's process.

If that source names no known session, the next source is not tried: the command fails and lists the live sessions.
A conversation can be open in several processes of its client: then the process decides too (`sessions_of_caller`).
There is no file with a "current session". Neither the working directory nor being the only session decides.
"""

from msgspec import Struct

from coord.clients.client import Client
from coord.clients.registry import CLIENTS, client_of, clients_in, conversation, nearest_client
from coord.errors import CoordError, no_session
from coord.platform.git.repository import recorded_path
from coord.platform.processes import Process
from coord.workspace.anchors import anchor_of, choose_anchor, runs_script
from coord.workspace.conversations import runs_below, sessions_of_caller
from coord.workspace.names import live_sessions_text, resolve_session
from coord.workspace.paths import Workspace, branch_of
from coord.workspace.system import System
from eventlog.events import Anchor, SessionStarted
from projections.rules.rows import recent_sessions
from projections.rules.state import Session, State


class Identity(Struct, frozen=True):
    """The acting session. `session` is empty for a client's conversation that has no session yet."""

    session: str
    how: str  # the source that decided, as text
    agent: str = ""  # the acting subagent of the session, if the client names one
    client: str = ""
    conversation: str = ""


def identify(system: System, state: State, explicit: str = "") -> Identity:
    """Return the acting session. Raises CoordError (3) if no source is present, or its session cannot act."""
    identity = find_identity(system, state, explicit)
    if identity is None:
        ended = [s for s in recent_sessions(state) if s.status == "ended" and s.anchor and runs_below(system, s.anchor)]
        latest = max(ended, key=lambda session: session.over_at).id if ended else ""
        status = f"this shell's session {latest} has ended" if ended else "this shell has no session yet"
        raise no_session(
            f"{status}. Run `coord start` here, or name one with --session ID or COORD_SESSION=ID "
            f"({live_sessions_text(state)})",
            live=[session.id for session in state.sessions.values() if session.live],
        )
    return identity


def find_identity(system: System, state: State, explicit: str = "") -> Identity | None:
    """Return the acting session, or None if no source is present. Raises CoordError (3) as `identify` does."""
    if explicit:
        return _named_identity(state, explicit, "--session")
    if client := _client_that_runs_us(system):
        acting, root = conversation(client, system.env)
        if acting:
            return _conversation_identity(system, state, client, acting, root)
    if wanted := system.env.get("COORD_SESSION", ""):
        return _named_identity(state, wanted, "COORD_SESSION")
    return _anchored_identity(system, state)


def _named_identity(state: State, wanted: str, source: str) -> Identity:
    try:
        session = state.sessions[resolve_session(state, wanted)]
    except CoordError as error:
        advice = "" if source == "--session" else f". Set {source} to one of them, or `unset {source}`"
        raise no_session(f"{source}: {error.message}{advice}", **error.details) from None
    if session.status in ("ended", "imported"):
        why = "has ended" if session.status == "ended" else "was imported and cannot act"
        raise no_session(
            f"{source} names {session.id}, which {why}. Start another with `coord start`"
            f"{' --new' if source == '--session' else ', after `unset COORD_SESSION`'}; {live_sessions_text(state)}"
        )
    return Identity(session.id, source)


def _client_that_runs_us(system: System) -> Client | None:
    """Return the client whose variables are set. If there are several, the nearest ancestor process decides."""
    candidates = clients_in(system.env)
    if len(candidates) < 2:
        return candidates[0] if candidates else None
    for process in system.ancestry[1:]:
        client = client_of(process)
        if client in candidates:
            return client
    names = " and ".join(client.name for client in candidates)
    raise no_session(
        f"the variables of {names} are set, but none of them is an ancestor of this process. "
        "Name the session: --session ID"
    )


def _conversation_identity(system: System, state: State, client: Client, acting: str, root: str) -> Identity:
    session = next(iter(sessions_of_caller(system, state, client, (acting, root))), None)
    agent = acting if acting != root and not (session and session.client_session == acting) else ""
    return Identity(session.id if session else "", client.ids[0], agent, client.name, root if agent else acting)


def is_resumed(system: System, session: Session, identity: Identity) -> bool:
    """Return whether the client has resumed the conversation in another process, which is not below its anchor.

    The session must then get a new anchor, so that it does not die with the old process, which may still be running.
    """
    if not (session.anchor and identity.conversation and session.client_session == identity.conversation):
        return False
    nearest = nearest_client(system.ancestry[1:])
    return bool(nearest and nearest[0].name == identity.client and not runs_below(system, session.anchor))


def earlier_conversations(system: System, state: State, identity: Identity) -> list[Session]:
    """Return the live sessions of the earlier conversations of the client's process, the most recent last.

    If the process has one conversation at a time, they have ended, also if the client did not say so, and the
    conversation of `identity` continues them. The list is empty for a client whose process can have several: each of
    its conversations may still be active.
    """
    client, process = nearest_client(system.ancestry[1:]) or (None, None)
    if not (identity.conversation and client and process and client.name == identity.client):
        return []
    if not client.one_conversation or any(word in client.several for word in process.argv):
        return []
    anchor = anchor_of(process, system.here)
    sessions = [s for s in state.sessions.values() if s.live and s.anchor and s.anchor == anchor]
    return sorted((s for s in sessions if s.client_session != identity.conversation), key=lambda s: s.last_at)


def _anchored_identity(system: System, state: State) -> Identity | None:
    anchors: dict[Anchor, list[Session]] = {}
    for session in state.sessions.values():
        if session.live and session.anchor:
            anchors.setdefault(session.anchor, []).append(session)
    if not anchors:
        return None
    chain = system.ancestry
    for process in chain:  # this process too: a shell can replace itself by its last command (exec)
        if process.pid == 1 and process.session != chain[0].session and choose_anchor(chain) != process:
            return None  # an orphaned process becomes a child of process 1 without belonging to its session
        anchor = anchor_of(process, system.here)
        sessions = anchors.get(anchor, []) if anchor else []
        if len(sessions) > 1:  # a client's conversation is identified by its variable instead
            sessions = [s for s in sessions if not s.client_session] or sessions
        if len(sessions) > 1:
            ids = [session.id for session in sessions]
            raise no_session(
                f"{len(ids)} sessions are anchored to {process.command} ({process.pid}): {', '.join(ids)}. "
                "Name one: --session ID, or export COORD_SESSION=ID",
                candidates=ids,
            )
        if sessions:
            return Identity(sessions[0].id, f"its process {process.command} ({process.pid})")
        if client_of(process):
            return None
    return None


# --- the start of a session -----------------------------------------------------------------------------------------


def find_anchor(system: System, conversation: str = "") -> tuple[Process, Anchor] | None:
    """Return the anchor for a session that starts here, or None.

    An unknown client may run each command of a conversation in a new shell, which ends with the command. It is not
    used as the anchor of the conversation.
    """
    process = choose_anchor(system.ancestry)
    if process and conversation and runs_script(process) and not nearest_client(system.ancestry[1:]):
        return None
    anchor = anchor_of(process, system.here) if process else None
    return (process, anchor) if process and anchor else None


def own_anchor(system: System) -> Anchor | None:
    """Return this process as an anchor, or None if it cannot be recognized later."""
    own = system.processes.process(system.pid)
    return anchor_of(own, system.here) if own else None


def session_started(
    system: System,
    workspace: Workspace,
    *,
    name: str = "",
    client: str = "",
    client_session: str = "",
    capabilities: tuple[str, ...] = (),
    anchor: Anchor | None = None,
    continues: str = "",
    person: bool = False,
) -> SessionStarted:
    """Return the event with which a session starts here."""
    if not client:
        nearest = nearest_client(system.ancestry[1:])
        client = nearest[0].name if nearest else "shell"
    return SessionStarted(
        client=client,
        name=name,
        client_session=client_session,
        machine=system.here.machine,
        anchor=anchor,
        folder=workspace.recorded,
        branch=branch_of(workspace.repository),
        worktree=recorded_path(workspace.root),
        capabilities=capabilities,
        continues=continues,
        person=person,
    )


CLIENT_NAMES = (*(client.name for client in CLIENTS), "shell")
