"""Which session am I? Decided by the first source that is present, never by guessing, never by falling through.

`--session`; then the client's own variable; then COORD_SESSION; then the anchor: the nearest ancestor process that a
live session is anchored to, the walk stopping at a client's process.

A source that is present and names no known session is an error that lists the live ones. There is no "current session"
file, and neither the folder nor there being only one session says anything.
"""

from msgspec import Struct

from coord.clients.registry import CLIENTS, Client, client_of, clients_in, conversation, nearest_client
from coord.errors import CoordError, no_session
from coord.platform.git.repository import recorded_path
from coord.platform.processes import Process
from coord.workspace.anchors import anchor_of, choose_anchor, runs_script
from coord.workspace.names import by_conversation, live_sessions_text, resolve_session
from coord.workspace.paths import Workspace, branch_of
from coord.workspace.system import System
from eventlog.events import Anchor, SessionStarted
from projections.rules.state import Session, State


class Identity(Struct, frozen=True):
    """Who acts. `session` is empty for a client's conversation that is seen for the first time."""

    session: str
    how: str  # how that was decided, for people
    agent: str = ""  # the subagent inside the session, if a client says so
    client: str = ""
    conversation: str = ""


def identify(system: System, state: State, explicit: str = "") -> Identity:
    """Who acts. Raises CoordError (3) if no source is present, or if the one that is names no session that can act."""
    found = find_identity(system, state, explicit)
    if found is None:
        ended = [
            s.id for s in state.sessions.values() if s.status == "ended" and s.anchor and _is_above(system, s.anchor)
        ]
        was = f"session {ended[-1]} of this shell has ended" if ended else "this shell is no session yet"
        raise no_session(
            f"{was}. Run `coord start` here, or name one with --session ID or COORD_SESSION=ID "
            f"({live_sessions_text(state)})",
            live=[session.id for session in state.sessions.values() if session.live],
        )
    return found


def find_identity(system: System, state: State, explicit: str = "") -> Identity | None:
    """Who acts, or None if no source is present."""
    if explicit:
        return _named(state, explicit, "--session")
    if client := _client_that_runs_us(system):
        acting, root = conversation(client, system.env)
        if acting:
            return _of_conversation(state, client, acting, root)
    if wanted := system.env.get("COORD_SESSION", ""):
        return _named(state, wanted, "COORD_SESSION")
    return _anchored(system, state)


def _named(state: State, wanted: str, source: str) -> Identity:
    try:
        session = state.sessions[resolve_session(state, wanted)]
    except CoordError as error:
        advice = "" if source == "--session" else f". Set {source} to one of them, or `unset {source}`"
        raise no_session(f"{source}: {error.message}{advice}", **error.details) from None
    if session.status in ("ended", "imported"):
        why = "has ended" if session.status == "ended" else "was imported: nobody acts as it"
        raise no_session(
            f"{source} names {session.id}, which {why}. Start another with `coord start`"
            f"{' --new' if source == '--session' else ', after `unset COORD_SESSION`'}; {live_sessions_text(state)}"
        )
    return Identity(session.id, source)


def _client_that_runs_us(system: System) -> Client | None:
    """The client whose variables count: the only one that has set any, else the nearest ancestor among them."""
    candidates = clients_in(system.env)
    if len(candidates) < 2:
        return candidates[0] if candidates else None
    for process in system.ancestry[1:]:
        client = client_of(process)
        if client in candidates:
            return client
    names = " and ".join(client.name for client in candidates)
    raise no_session(f"the variables of {names} are set, and neither is an ancestor here. Say who acts: --session ID")


def _of_conversation(state: State, client: Client, acting: str, root: str) -> Identity:
    session = by_conversation(state, (acting, root))
    agent = acting if acting != root and not (session and session.client_session == acting) else ""
    return Identity(session.id if session else "", client.ids[0], agent, client.name, root if agent else acting)


def _is_above(system: System, anchor: Anchor) -> bool:
    return any(anchor_of(process, system.here) == anchor for process in system.ancestry)


def is_resumed(system: System, session: Session, identity: Identity) -> bool:
    """Whether a conversation goes on in a process of its client that is not below its anchor: it was resumed there,
    and must not die with the process before, whether or not that one still runs.
    """
    if not (session.anchor and identity.conversation and session.client_session == identity.conversation):
        return False
    nearest = nearest_client(system.ancestry[1:])
    return bool(nearest and nearest[0].name == identity.client and not _is_above(system, session.anchor))


def _anchored(system: System, state: State) -> Identity | None:
    anchors: dict[Anchor, list[Session]] = {}
    for session in state.sessions.values():
        if session.live and session.anchor:
            anchors.setdefault(session.anchor, []).append(session)
    if not anchors:
        return None
    chain = system.ancestry
    for process in chain:  # ourselves included: a shell may have become us, by exec, for its last command
        if process.pid == 1 and process.session != chain[0].session and choose_anchor(chain) != process:
            return None  # what is left alone becomes a child of the first process: not of whoever works in that one
        anchor = anchor_of(process, system.here)
        sessions = anchors.get(anchor, []) if anchor else []
        if len(sessions) > 1:  # conversations on a shell are known by their variable; the other one is the shell's own
            sessions = [s for s in sessions if not s.client_session] or sessions
        if len(sessions) > 1:
            ids = [session.id for session in sessions]
            raise no_session(
                f"{len(ids)} sessions are anchored to {process.command} ({process.pid}): {', '.join(ids)}. "
                "Say which: --session ID, or export COORD_SESSION=ID",
                candidates=ids,
            )
        if sessions:
            return Identity(sessions[0].id, f"its process {process.command} ({process.pid})")
        if client_of(process):
            return None
    return None


# --- what a session says of itself at its start ---------------------------------------------------------------------


def find_anchor(system: System, conversation: str = "") -> tuple[Process, Anchor] | None:
    """The process to anchor a session that starts here to. A conversation whose client is none that we know runs each
    command in a shell of its own, which is gone with it: no anchor for what goes on.
    """
    process = choose_anchor(system.ancestry)
    if process and conversation and runs_script(process) and not nearest_client(system.ancestry[1:]):
        return None
    anchor = anchor_of(process, system.here) if process else None
    return (process, anchor) if process and anchor else None


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
) -> SessionStarted:
    """How a session that starts here introduces itself."""
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
    )


CLIENT_NAMES = (*(client.name for client in CLIENTS), "shell")
