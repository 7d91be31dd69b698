"""The environment for a command that must not act as a session of its parent process."""

from collections.abc import Mapping

from coord.clients.registry import CLIENTS


def clean_environment(env: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without the variables that make coord treat a process as an existing session."""
    client_variables = {name for client in CLIENTS for name in (*client.marks, *client.ids)}
    return {
        name: value for name, value in env.items() if name not in client_variables and not name.startswith("COORD_")
    }
