"""The registration of the MCP server `coord mcp`, under the name `coord`, in a client's settings."""

import os
from typing import Any

from coord.admin.install.formats.json_edit import Document, Path
from coord.admin.install.formats.json_entries import JsonEntry
from coord.platform.git.repository import recorded_path

SERVER_NAME = "coord"
SERVER_TABLE = f"mcp_servers.{SERVER_NAME}"


def server_path(scope: str, base: str) -> Path:
    """Return the path of the registration in a JSON file. In the local scope, the user's file has settings for each
    project, by folder.
    """
    inside = ("projects", recorded_path(base)) if scope == "local" else ()
    return (*inside, "mcpServers", SERVER_NAME)


def server_entry(path: Path, program: str) -> JsonEntry:
    """Return the registration and its path."""
    return path, {"command": program, "args": ["mcp"]}


def our_server(document: Document, path: Path) -> list[Path]:
    """Return the path of coord's registration, if it is there. Raises ValueError if another server has its name."""
    node = document.find(path)
    if node is None:
        return []
    if not starts_our_server(document.value(node)):
        raise ValueError(f"it already has another MCP server named {SERVER_NAME}")
    return [path]


def starts_our_server(server: Any) -> bool:
    """Return whether a registration starts `coord mcp`."""
    if not isinstance(server, dict) or server.get("args") != ["mcp"]:
        return False
    return os.path.basename(str(server.get("command"))) == "coord"


def table_values(program: str) -> dict[str, str | list[str]]:
    """Return the keys and values of the registration in a TOML file."""
    return {"command": program, "args": ["mcp"]}
