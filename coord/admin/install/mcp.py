"""Register the server `coord mcp` in a client's settings, in JSON or TOML, and remove it again."""

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
from coord.clients.client import Client, client_named
from coord.clients.registry import CLIENTS
from coord.errors import usage_error


def install_mcp(request: InstallRequest, draft: Changeset) -> None:
    """Register the server with the client that the request names. Raises CoordError."""
    client = requested_client(request.client)
    scope = scope_of(client.servers, client, request)
    path = resolve_path(client.servers[scope], request, client)
    program = SERVER_NAME if scope == "project" else request.program
    try:
        if path.endswith(".toml"):
            draft.write(path, _with_table(draft.text(path), program))
        else:
            server = server_path(client, scope, request.base)
            text = draft.text(path) if draft.read(path) is not None else None
            entries = [server_entry(client, server, program)]
            new, record = with_entries(text, client.comments, entries, _finder(client, server), draft.file_record(path))
            draft.write(path, new, record=record)
    except ValueError as error:
        raise unusable_file(path, error) from None
    draft.describe(path, f"{client.title} starts `{program} mcp`, and its agents can use the tools of that server.")
    draft.todo(f"Restart the sessions of {client.title} that are running.")


def uninstall_mcp(request: InstallRequest, draft: Changeset) -> None:
    """Remove the server from the settings of the client that the request names, or of all. Raises CoordError."""
    for client in [requested_client(request.client)] if request.client else CLIENTS:
        has_scope = request.scope in ("", "all", *client.servers)
        for scope in scopes_of(client.servers, client, request) if has_scope else []:
            path = resolve_path(client.servers[scope], request, client)
            try:
                _unregister(client, scope, path, request, draft)
            except ValueError as error:
                raise unusable_file(path, error) from None


def _unregister(client: Client, scope: str, path: str, request: InstallRequest, draft: Changeset) -> None:
    text = draft.text(path)
    if not text.strip():
        return
    if path.endswith(".toml"):
        if has_ours(text, SERVER_TABLE):
            draft.write_remainder(path, without_table(text, SERVER_TABLE))
            draft.describe(path, f"the MCP server of {client.title}")
        return
    find = _finder(client, server_path(client, scope, request.base), ignore_others=True)
    new = without_entries(text, client.comments, find, draft.file_record(path))
    if new != text:
        draft.write(path, new)
        draft.describe(path, f"the MCP server of {client.title}")


def requested_client(word: str) -> Client:
    """Return the client whose settings get the server; by default the first of the table. Raises CoordError (2)."""
    client = client_named(word or CLIENTS[0].word)
    if not client:
        raise usage_error(
            f"--client must be one of {', '.join(client.word for client in CLIENTS)}. Nothing was changed."
        )
    return client


def _finder(client: Client, server: Path, ignore_others: bool = False) -> OursFinder:
    """Return the function that finds coord's registration.

    If another server has its name, the function raises ValueError or, with `ignore_others`, finds nothing.
    """

    def find(document: Document) -> list[Path]:
        try:
            return our_server(client, document, server)
        except ValueError:
            if ignore_others:
                return []
            raise

    return find


def _with_table(text: str, program: str) -> str:
    """Return TOML text with the registration. Raises ValueError for invalid TOML or another server of this name."""
    servers = read_toml(text).get("mcp_servers", {})
    if isinstance(servers, dict) and SERVER_NAME in servers and not has_ours(text, SERVER_TABLE):
        if starts_our_server(servers[SERVER_NAME]):
            return text
        raise ValueError(f"it already has another MCP server named {SERVER_NAME}")
    return with_table(text, SERVER_TABLE, table_values(program))
