"""Find the session that calls a tool of the MCP server. Only exact ids decide, never the place where the server runs.

A server over stdio has one client process. Clients differ in how they identify the conversation. The first source that
is present decides:

1. the argument `session` of the call;
2. the option `--session` of the server;
3. the conversation that the client names in the call's `_meta`;
4. the session that the tool `start` started, or was given, in this server, which serves one connection;
5. the client's own variable in the server's environment, then COORD_SESSION, as in `coord.workspace.identity`.

If none is present, only `start` can be called. Unlike for a command in a shell, the anchor does not decide: a client's
process may have several conversations, each with its own server.

Known limits: when a client starts another conversation in the same process, as Claude Code does on `/clear`, the server
keeps the old id in its environment. Once a hook or a command has started the session that continues the old one, the
old id leads to it; until then, the calls act as the old session. The subagents of a conversation can be distinguished
only if `_meta` names the thread.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from coord.clients.client import Client
from coord.clients.registry import CLIENTS, clients_in, conversation, nearest_client
from coord.platform.processes import Process
from coord.workspace.system import System

_MAX_ID_LENGTH = 512  # of a conversation's id; the limit of `client_session` in events


class Caller(Struct, frozen=True):
    """The caller: a named session, or the environment in which `coord.workspace.identity` finds the session."""

    session: str
    env: dict[str, str]

    @property
    def unknown(self) -> bool:
        """Whether no source identifies the caller."""
        return not self.session and not self.names_conversation and not self.env.get("COORD_SESSION")

    @property
    def names_conversation(self) -> bool:
        """Whether the client names its conversation."""
        return not self.session and any(conversation(client, self.env)[0] for client in clients_in(self.env))


class ServerIdentity(Struct):
    """The sessions that a server remembers: `given` as its option, and `own`, which the tool `start` set."""

    given: str = ""
    own: str = ""


def identify_caller(
    server: ServerIdentity, env: Mapping[str, str], meta: Mapping[str, Any] | None, named: str, nearest: Client | None
) -> Caller:
    """Return the caller by the rules above.

    `nearest` is the client among the server's ancestors, if known. The variables of other clients are then inherited
    and do not count.
    """
    inherited = {
        name
        for client in CLIENTS
        if nearest is not None and client.name != nearest.name
        for name in (*client.marks, *client.ids)
    }
    kept = {name: value for name, value in env.items() if name not in inherited}
    if session := named or server.given:
        return Caller(session, _without_identity(kept))
    if variables := _conversation_variables(meta):
        return Caller("", _without_identity(kept) | variables)
    if server.own:
        return Caller(server.own, _without_identity(kept))
    return Caller("", kept)


def _without_identity(env: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without the variables that identify a session."""
    identifying = {"COORD_SESSION", *(name for client in CLIENTS for name in (*client.marks, *client.ids))}
    return {name: value for name, value in env.items() if name not in identifying}


def _conversation_variables(meta: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the conversation in a call's `_meta` as the variables that its client sets for commands."""
    for client in CLIENTS:
        facts = (meta or {}).get(client.calls) if client.calls else None
        if not isinstance(facts, Mapping):
            continue
        root, acting = facts.get("session_id"), facts.get("thread_id")
        if _is_id(root):
            return {client.ids[-1]: str(root), client.ids[0]: str(acting if _is_id(acting) else root)}
    return {}


def _is_id(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _MAX_ID_LENGTH and value.isprintable()


class CallSystem(System):
    """The system for one call: the caller's environment, and an ancestry of only this process and the client.

    The client is the nearest ancestor that is a known client, else the parent process, which speaks MCP with the server
    or was started by the program that does. The processes above it, such as a person's shell, are neither the caller
    nor an anchor for its session. The client is therefore presented as the leader of the process session.
    """

    def __init__(self, real: System, env: Mapping[str, str], real_ancestry: list[Process]) -> None:
        super().__init__(env, real.cwd, real.wall, real.pid, lambda: real.here, lambda: real.processes)
        self.real_ancestry = real_ancestry

    @cached_property
    def ancestry(self) -> list[Process]:
        """This process and the client."""
        if len(self.real_ancestry) < 2:
            return self.real_ancestry
        own, *above = self.real_ancestry
        known = nearest_client(above)
        return [own, replace(known[1] if known else above[0], session=own.session, parent=0)]
