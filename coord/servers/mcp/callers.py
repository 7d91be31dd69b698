"""Who calls a tool of the MCP server? Exact ids or a refusal: nothing is concluded from where the server runs.

A server over stdio has one client process, and what each client tells of the conversation in it differs. The first that
is present decides:

1. `session` in the call;
2. `--session` at the server's start;
3. what the client says of the call, in its `_meta`;
4. what `start` made, or was told, through this very server: one process serves one connection;
5. the client's own variable in the server's environment, and then COORD_SESSION, as everywhere
(`coord.workspace.identity`).

If none is present, only `start` can act. The anchor that decides for a bare command does not: a client's process may
have several conversations, each with a server of its own.

What remains: a client that starts another conversation in the same process (Claude Code on `/clear`) leaves the old id
in the environment of a server that goes on. It leads to the session that continues the old one, where the client's hook
has begun that; without hooks the calls go on as the old session, which is then still live, and which the client's shell
no longer is. And the subagents of one conversation cannot be told apart here, unless `_meta` names the thread.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from coord.clients.registry import CLIENTS, Client, clients_in, conversation, nearest_client
from coord.platform.processes import Process
from coord.workspace.system import System

_MOST = 512  # characters of a conversation's id, as events have it


class Caller(Struct, frozen=True):
    """Who calls: a session that was named, or the environment in which `coord.workspace.identity` finds it."""

    session: str
    env: dict[str, str]

    @property
    def unknown(self) -> bool:
        """Whether nothing says who calls."""
        return not self.session and not self.names_conversation and not self.env.get("COORD_SESSION")

    @property
    def names_conversation(self) -> bool:
        """Whether a client names its conversation."""
        return not self.session and any(conversation(client, self.env)[0] for client in clients_in(self.env))


class ServerIdentity(Struct):
    """What a server knows of its client: `given` at its start, and `own`, the session of `start`."""

    given: str = ""
    own: str = ""


def identify_caller(
    server: ServerIdentity, env: Mapping[str, str], meta: Mapping[str, Any] | None, named: str, nearest: Client | None
) -> Caller:
    """Who calls, by the rules above. `nearest` is the client among the server's ancestors, if one is known: the
    variables of others were inherited through it, and say nothing of this connection.
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
    if said := _conversation_variables(meta):
        return Caller("", _without_identity(kept) | said)
    if server.own:
        return Caller(server.own, _without_identity(kept))
    return Caller("", kept)


def _without_identity(env: Mapping[str, str]) -> dict[str, str]:
    """An environment in which nothing says who acts."""
    telling = {"COORD_SESSION", *(name for client in CLIENTS for name in (*client.marks, *client.ids))}
    return {name: value for name, value in env.items() if name not in telling}


def _conversation_variables(meta: Mapping[str, Any] | None) -> dict[str, str]:
    """The conversation in a call's `_meta`, as the variables with which its client names it elsewhere."""
    for client in CLIENTS:
        told = (meta or {}).get(client.calls) if client.calls else None
        if not isinstance(told, Mapping):
            continue
        root, acting = told.get("session_id"), told.get("thread_id")
        if _is_id(root):
            return {client.ids[-1]: str(root), client.ids[0]: str(acting if _is_id(acting) else root)}
    return {}


def _is_id(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _MOST and value.isprintable()


class CallSystem(System):
    """The world of one call: the environment of its caller, and of the processes only ourselves and the client.

    The client is the nearest ancestor that is known as one, else our parent: whoever that is speaks MCP with us, or was
    started for that. What is above it (a person's shell, a multiplexer) is neither who calls nor what its session lives
    with. So in the chain the client stands as the one that leads it.
    """

    def __init__(self, real: System, env: Mapping[str, str], whole: list[Process]) -> None:
        super().__init__(env, real.cwd, real.wall, real.pid, lambda: real.here, lambda: real.processes)
        self.whole = whole  # the chain of the real world

    @cached_property
    def ancestry(self) -> list[Process]:
        """Ourselves, and the client."""
        if len(self.whole) < 2:
            return self.whole
        own, *above = self.whole
        known = nearest_client(above)
        return [own, replace(known[1] if known else above[0], session=own.session, parent=0)]
