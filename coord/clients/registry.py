"""All clients, and how to recognize them by their processes and their variables.

A client started inside another, or in a terminal of another, inherits the variables of that one. If the variables of
several clients are set, the nearest ancestor process decides.
"""

import os

from coord.clients.client import WORDS, Client, client_named, runs_client

TYPE_CHECKING = False  # loading `typing` would make a hook take 1.7 times as long
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from coord.platform.processes import Process

CLIENTS = tuple(client for client in map(client_named, WORDS) if client)


def client_of(process: "Process") -> Client | None:
    """Return the client whose program a process runs, or None."""
    return next((client for client in CLIENTS if runs_client(client, process.argv)), None)


def nearest_client(chain: "Iterable[Process]") -> "tuple[Client, Process] | None":
    """Return the first process of the chain that is a client, with the client; None if there is none."""
    for process in chain:
        if client := client_of(process):
            return client, process
    return None


def clients_in(env: "Mapping[str, str]") -> list[Client]:
    """Return the clients whose variables are set."""
    return [client for client in CLIENTS if any(env.get(name) for name in (*client.marks, *client.ids))]


def conversation(client: Client, env: "Mapping[str, str]") -> tuple[str, str]:
    """Return the ids of the acting agent and of the root of its conversation, from a client's variables.

    They can be the same. They are empty if the variables are not set.
    """
    ids = [env[name] for name in client.ids if env.get(name)]
    return (ids[0], ids[-1]) if ids else ("", "")


def home_path(path: str, env: "Mapping[str, str]", client: Client | None = None) -> str:
    """Return a path of a client's record with `~` replaced by the home folder; empty if there is none.

    Some clients have a variable that moves their folder; if it is set, the path is inside that folder.
    """
    variable, default_folder = client.moved if client else ("", "")
    moved_to = env.get(variable, "") if variable else ""
    if moved_to and path.startswith("~/"):
        in_default = path.startswith(f"{default_folder}/")
        inside = path.removeprefix(f"{default_folder}/") if in_default else os.path.basename(path)
        return os.path.join(moved_to, inside)
    if not path.startswith("~/"):
        return path
    return os.path.join(env["HOME"], path[2:]) if env.get("HOME") else ""
