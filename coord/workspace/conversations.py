"""Find the session of a client's conversation, which can be open in several processes of the client.

With most clients, a conversation can be resumed a second time while its first process still runs. Each of these
processes then writes on its own, so each of them is a session of its own. A process is known by the session's anchor.
"""

from collections.abc import Iterable
from typing import Literal, TypeAlias

from coord.clients.client import Client
from coord.clients.registry import nearest_client
from coord.errors import no_session
from coord.workspace.anchors import anchor_of
from coord.workspace.names import sessions_by_conversation
from coord.workspace.system import System
from eventlog.events import Anchor
from projections.rules.sessions import same_conversation
from projections.rules.state import Session, State

Place: TypeAlias = Literal[
    "own",  # the session is anchored to the caller's process
    "gone",  # the session is live, but its process is certainly gone
    "unknown",  # nothing shows where the session runs, or where the caller runs; or the session has ended
    "elsewhere",  # the session's process is certainly alive, and is not the caller's
]
_CAN_ACT: tuple[Place, ...] = ("own", "gone", "unknown")


def sessions_of_caller(
    system: System, state: State, client: Client, conversation: Iterable[str], *, in_hook: bool = False
) -> list[Session]:
    """Return the sessions of a conversation that can be the caller's, the most probable first: see `acting_sessions`.
    An empty list means that the caller needs a new session. `conversation` has the ids that the conversation can have:
    the first one that any session has decides.

    A hook is called by the nearest process of its client. A shell command can also run below another process of the
    client, such as the helper that runs its sandbox: if no session is anchored to that one, an anchor above it is the
    caller's. Raises CoordError (3), except in a hook, if the conversation is open in several processes, and nothing
    shows which of them runs this command.
    """
    ids = tuple(conversation)
    candidates = next(iter(sessions_by_conversation(state, ids).values()), [])
    candidates = candidates or _sessions_of_subagent(system, state, client, ids, in_hook=in_hook)
    anchors = {session.anchor for session in candidates if session.anchor}
    if not anchors:
        return candidates
    process = _process_of(system, client)
    if process not in anchors and not (process and in_hook):
        above = [anchor_of(each, system.here) for each in system.ancestry]
        process = next((anchor for anchor in above if anchor in anchors), process)
    by_id = {session.id: session for session in candidates}
    place, names = acting_sessions([(session.id, _place(system, session, client, process)) for session in candidates])
    found = [by_id[name] for name in names]
    if place == "unknown" and not in_hook and (copies := same_conversation(found[0], found)):
        live = [session.id for session in (found[0], *copies)]
        raise no_session(
            f"this conversation is open in several processes of {client.title}, each with a session of its own: "
            f"{', '.join(live)}. This command cannot see which of them runs it. Name your session: --session ID",
            candidates=live,
        )
    return found


def _sessions_of_subagent(
    system: System, state: State, client: Client, ids: tuple[str, ...], *, in_hook: bool
) -> list[Session]:
    """Return the live sessions that have a running subagent with one of these ids. If the commands of the client's
    subagents name a conversation that no hook names, also return the only session of the client's process.
    """
    sessions = [session for session in state.sessions.values() if session.live and session.client == client.name]
    named = [session for session in sessions if not session.agents.keys().isdisjoint(ids)]
    if named or in_hook or not client.unnamed_subagents:
        return named
    process = _process_of(system, client)
    below = [session for session in sessions if process and session.anchor == process]
    return below if len(below) == 1 else []


def runs_below(system: System, anchor: Anchor) -> bool:
    """Return whether an anchor is this process or one of its ancestors."""
    return any(anchor_of(process, system.here) == anchor for process in system.ancestry)


def _process_of(system: System, client: Client) -> Anchor | None:
    """Return the nearest ancestor process that is a client, if it is this client."""
    nearest = nearest_client(system.ancestry[1:])
    return anchor_of(nearest[1], system.here) if nearest and nearest[0].name == client.name else None


def _place(system: System, session: Session, client: Client, process: Anchor | None) -> Place:
    """Return where a session is, seen from the caller's process, which is None if it is not known."""
    if session.anchor and session.anchor == process:
        return "own"
    if not session.live:
        return "unknown"
    if system.death_evidence(session):
        return "gone"
    return "elsewhere" if process and client.one_process and system.is_alive(session.anchor) else "unknown"


def acting_sessions(sessions: Iterable[tuple[str, Place]]) -> tuple[Place, list[str]]:
    """Return the sessions of a conversation that can be the caller's, the most probable first, and their place.

    `sessions` has the sessions of the conversation: live ones first, and of these the newest first. A session in
    another running process is never the caller's: if all are, the list is empty, and the caller needs a new session.
    """
    places = list(sessions)
    for wanted in _CAN_ACT:
        if found := [name for name, place in places if place == wanted]:
            return wanted, found
    return "elsewhere", []
