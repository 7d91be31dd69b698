"""Registering the server `coord mcp` with a client, in JSON or in TOML, and taking that back."""

from coord.admin.install.changeset import Changeset
from coord.admin.install.clients import scope_of, scopes_of, unusable_file
from coord.admin.install.formats.json_edit import Document, Path
from coord.admin.install.formats.json_entries import OursFinder, with_entries, without_entries
from coord.admin.install.formats.mcp_servers import (
    SERVER_NAME,
    SERVER_TABLE,
    our_server,
    server_entry,
    server_path,
    starts_our_server,
    table_values,
)
from coord.admin.install.formats.toml_tables import has_ours, read_toml, with_table, without_table
from coord.admin.install.request import InstallRequest, resolve_path
from coord.clients.registry import CLIENTS, Client
from coord.errors import usage_error
from coord.guard.payload import client_named


def install_mcp(ask: InstallRequest, draft: Changeset) -> None:
    """Register the server with the client that is named. Raises CoordError."""
    client = requested_client(ask.client)
    scope = scope_of(client.servers, client, ask)
    path = resolve_path(client.servers[scope], ask, client)
    program = SERVER_NAME if scope == "project" else ask.program
    try:
        if path.endswith(".toml"):
            draft.write(path, _with_table(draft.text(path), program))
        else:
            workspace = server_path(scope, ask.base)
            text = draft.text(path) if draft.read(path) is not None else None
            pieces = [server_entry(workspace, program)]
            new, memory = with_entries(text, client.comments, pieces, _finder(workspace), draft.file_record(path))
            draft.write(path, new, memory=memory)
    except ValueError as error:
        raise unusable_file(path, error) from None
    draft.say(path, f"{client.title} starts `{program} mcp`, and its agents see the tools of that server.")
    draft.todo(f"Restart the sessions of {client.title} that are running.")


def uninstall_mcp(ask: InstallRequest, draft: Changeset) -> None:
    """Take it out of the files of the client that is named, or of all. Raises CoordError."""
    for client in [requested_client(ask.client)] if ask.client else CLIENTS:
        for scope in scopes_of(client.servers, client, ask) if ask.scope in ("", "all", *client.servers) else []:
            path = resolve_path(client.servers[scope], ask, client)
            try:
                _unregister(client, scope, path, ask, draft)
            except ValueError as error:
                raise unusable_file(path, error) from None


def _unregister(client: Client, scope: str, path: str, ask: InstallRequest, draft: Changeset) -> None:
    text = draft.text(path)
    if not text.strip():
        return
    if path.endswith(".toml"):
        if has_ours(text, SERVER_TABLE):
            draft.leave(path, without_table(text, SERVER_TABLE))
            draft.say(path, f"the MCP server of {client.title}")
        return
    memory = draft.file_record(path)
    new = without_entries(text, client.comments, _finder(server_path(scope, ask.base), quiet=True), memory)
    if new != text:
        draft.write(path, new)
        draft.say(path, f"the MCP server of {client.title}")


def requested_client(word: str) -> Client:
    """Whose settings get the server; without a word, the first of the table. Raises CoordError (2)."""
    found = client_named(word or CLIENTS[0].word)
    if not found:
        raise usage_error(f"--client is one of {', '.join(client.word for client in CLIENTS)}. Nothing was changed.")
    return found


def _finder(workspace: Path, quiet: bool = False) -> OursFinder:
    """What finds our registration; where there is another of that name, it finds nothing, or refuses."""

    def find(document: Document) -> list[Path]:
        try:
            return our_server(document, workspace)
        except ValueError:
            if quiet:
                return []
            raise

    return find


def _with_table(text: str, program: str) -> str:
    """Raises ValueError for what is no TOML."""
    servers = read_toml(text).get("mcp_servers", {})
    if isinstance(servers, dict) and SERVER_NAME in servers and not has_ours(text, SERVER_TABLE):
        if starts_our_server(servers[SERVER_NAME]):
            return text
        raise ValueError(f"it has another MCP server that is called {SERVER_NAME}")
    return with_table(text, SERVER_TABLE, table_values(program))
