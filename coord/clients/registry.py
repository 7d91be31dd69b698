"""All clients, and how to recognize them by their processes and their variables.

A client started inside another, or in a terminal of another, inherits the variables of that one. If the variables of
several clients are set, the nearest ancestor process decides.
"""

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
