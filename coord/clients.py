"""The agents' clients, one row each: how its process is known, and which variables name its conversation.

What they set was observed on Claude Code 2.1, Codex 0.169 and Gemini CLI 0.61. Variables are inherited by nested
clients and by terminals started from them, so with several clients' set, the nearest ancestor process decides.
"""

import os
from collections.abc import Iterable, Mapping

from msgspec import Struct

from coord.processes import Process


class Client(Struct, frozen=True):
    """A row of the table."""

    name: str
    command: str  # the bare name of its program
    package: str  # as it appears in the path of an interpreter's script
    marks: tuple[str, ...]  # variables that say that it runs us
    ids: tuple[str, ...]  # variables with the id of its conversation: the one that acts first, then its root


CLIENTS = (
    Client("claude-code", "claude", "@anthropic-ai/claude-code", ("CLAUDECODE",), ("CLAUDE_CODE_SESSION_ID",)),
    Client("codex", "codex", "@openai/codex", (), ("CODEX_THREAD_ID", "CODEX_SESSION_ID")),
    Client("gemini", "gemini", "@google/gemini-cli", ("GEMINI_CLI",), ("GEMINI_SESSION_ID",)),
)
_INTERPRETERS = ("node", "bun", "deno", "python", "python3")


def client_of(process: Process) -> Client | None:
    """The client that a process is, if it is one."""
    names = [process.command]
    if process.command in _INTERPRETERS and len(process.argv) > 1:
        names.append(os.path.basename(process.argv[1]))
    for client in CLIENTS:
        if client.command in names or any(f"{client.package}/" in word for word in process.argv[:2]):
            return client
    return None


def nearest_client(chain: Iterable[Process]) -> tuple[Client, Process] | None:
    """The nearest ancestor that is a client."""
    for process in chain:
        if client := client_of(process):
            return client, process
    return None


def clients_in(env: Mapping[str, str]) -> list[Client]:
    """The clients whose variables are set."""
    return [client for client in CLIENTS if any(env.get(name) for name in (*client.marks, *client.ids))]


def conversation(client: Client, env: Mapping[str, str]) -> tuple[str, str]:
    """The ids in a client's variables: of the agent that acts, and of the root of its conversation. Both may be empty
    or the same.
    """
    given = [env[name] for name in client.ids if env.get(name)]
    return (given[0], given[-1]) if given else ("", "")
