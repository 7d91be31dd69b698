"""The registration of the MCP server `coord mcp`, under the name `coord`, in a client's settings."""

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from coord.admin.install.formats.json_edit import Document, Path
from coord.admin.install.formats.json_entries import JsonEntry
from coord.clients.client import SERVER_FORM, Client
from coord.guard.answers import fill_form
from coord.platform.git.repository import recorded_path

if TYPE_CHECKING:
    from coord.clients.client import Form

SERVER_NAME = "coord"
SERVER_TABLE = f"mcp_servers.{SERVER_NAME}"


def server_path(client: Client, scope: str, base: str) -> Path:
    """Return the path of the registration in a JSON file. In the local scope, the user's file has settings for each
    project, by folder.
    """
    inside = ("projects", recorded_path(base)) if scope == "local" else ()
    return (*inside, *client.servers_path, SERVER_NAME)


def server_entry(client: Client, path: Path, program: str) -> JsonEntry:
    """Return the registration and its path."""
    return path, fill_form(client.server_form, {"program": program})


def our_server(client: Client, document: Document, path: Path) -> list[Path]:
    """Return the path of coord's registration, if it is there. Raises ValueError if another server has its name."""
    node = document.find(path)
    if node is None:
        return []
    if not starts_our_server(document.value(node), client.server_form):
        raise ValueError(f"it already has another MCP server named {SERVER_NAME}")
    return [path]


def starts_our_server(server: Any, form: "Form" = SERVER_FORM) -> bool:
    """Return whether a registration starts `coord mcp`. `form` is the client's form of a registration."""
    names = ("command", "args")
    words, ours = (_words(server.get(name) for name in names) for server in (_members(server), form))
    return len(words) == len(ours) and os.path.basename(words[0]) == "coord" and words[1:] == ours[1:]


def _members(server: Any) -> dict[str, Any]:
    return server if isinstance(server, dict) else {}


def _words(values: Iterable[Any]) -> list[str]:
    """Return the words of a command that is given as a text, as a list, or as a text and a list of arguments."""
    return [str(word) for value in values for word in (value if isinstance(value, list) else [value] if value else [])]


def table_values(program: str) -> dict[str, str | list[str]]:
    """Return the keys and values of the registration in a TOML file."""
    return {"command": program, "args": ["mcp"]}
