"""The environment of a command that belongs to no session of its parent process."""

from collections.abc import Mapping

from coord.clients.registry import CLIENTS


def clean_environment(env: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without the variables by which coord would take a process for an existing session."""
    client_variables = {name for client in CLIENTS for name in (*client.marks, *client.ids)}
    return {
        name: value for name, value in env.items() if name not in client_variables and not name.startswith("COORD_")
    }
