"""The MCP server `coord mcp`, registered under the name `coord` in a client's settings."""

import os
from typing import Any

from coord.admin.install.formats.json_edit import Document, Path
from coord.admin.install.formats.json_entries import JsonEntry
from coord.platform.git.repository import recorded_path

SERVER_NAME = "coord"
SERVER_TABLE = f"mcp_servers.{SERVER_NAME}"


def server_path(scope: str, base: str) -> Path:
    """Where the server goes in a JSON file. A client's own settings of a project are in the user's file, by folder."""
    inside = ("projects", recorded_path(base)) if scope == "local" else ()
    return (*inside, "mcpServers", SERVER_NAME)


def server_entry(path: Path, program: str) -> JsonEntry:
    """The registration."""
    return path, {"command": program, "args": ["mcp"]}


def our_server(document: Document, path: Path) -> list[Path]:
    """Where our registration stands. Raises ValueError if there is another server of that name."""
    node = document.find(path)
    if node is None:
        return []
    if not starts_our_server(document.value(node)):
        raise ValueError(f"it has another MCP server that is called {SERVER_NAME}")
    return [path]


def starts_our_server(server: Any) -> bool:
    """Whether a registration starts `coord mcp`."""
    known = isinstance(server, dict) and server.get("args") == ["mcp"]
    return known and os.path.basename(str(server.get("command"))) == "coord"


def table_values(program: str) -> dict[str, str | list[str]]:
    """The registration as a TOML table has it."""
    return {"command": program, "args": ["mcp"]}
