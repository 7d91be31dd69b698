"""Registering the server `coord mcp` with a client, in JSON or in TOML, and taking that back."""

from coord.admin.install.changeset import Draft
from coord.admin.install.clients import scope_of, scopes_of, unusable
from coord.admin.install.formats.json_edit import Document, Path
from coord.admin.install.formats.json_entries import Ours, with_pieces, without_pieces
from coord.admin.install.formats.mcp_servers import (
    NAME,
    TABLE,
    is_ours,
    our_server,
    server_path,
    server_piece,
    table_values,
)
from coord.admin.install.formats.toml_tables import has_ours, read_toml, with_table, without_table
from coord.admin.install.request import Ask, located
from coord.clients.registry import CLIENTS, Client
from coord.errors import wrong
from coord.guard.payload import client_named


def install_mcp(ask: Ask, draft: Draft) -> None:
    """Register the server with the client that is named. Raises CoordError."""
    client = client_asked(ask.client)
    scope = scope_of(client.servers, client, ask)
    path = located(client.servers[scope], ask, client)
    program = NAME if scope == "project" else ask.program
    try:
        if path.endswith(".toml"):
            draft.write(path, _with_table(draft.text(path), program))
        else:
            place = server_path(scope, ask.base)
            text = draft.text(path) if draft.read(path) is not None else None
            pieces = [server_piece(place, program)]
            new, memory = with_pieces(text, client.comments, pieces, _finder(place), draft.memory(path))
            draft.write(path, new, memory=memory)
    except ValueError as error:
        raise unusable(path, error) from None
    draft.say(path, f"{client.title} starts `{program} mcp`, and its agents see the tools of that server.")
    draft.todo(f"Restart the sessions of {client.title} that are running.")


def uninstall_mcp(ask: Ask, draft: Draft) -> None:
    """Take it out of the files of the client that is named, or of all. Raises CoordError."""
    for client in [client_asked(ask.client)] if ask.client else CLIENTS:
        for scope in scopes_of(client.servers, client, ask) if ask.scope in ("", "all", *client.servers) else []:
            path = located(client.servers[scope], ask, client)
            try:
                _take_out(client, scope, path, ask, draft)
            except ValueError as error:
                raise unusable(path, error) from None


def _take_out(client: Client, scope: str, path: str, ask: Ask, draft: Draft) -> None:
    text = draft.text(path)
    if not text.strip():
        return
    if path.endswith(".toml"):
        if has_ours(text, TABLE):
            draft.leave(path, without_table(text, TABLE))
            draft.say(path, f"the MCP server of {client.title}")
        return
    memory = draft.memory(path)
    new = without_pieces(text, client.comments, _finder(server_path(scope, ask.base), quiet=True), memory)
    if new != text:
        draft.write(path, new)
        draft.say(path, f"the MCP server of {client.title}")


def client_asked(word: str) -> Client:
    """Whose settings get the server; without a word, the first of the table. Raises CoordError (2)."""
    found = client_named(word or CLIENTS[0].word)
    if not found:
        raise wrong(f"--client is one of {', '.join(client.word for client in CLIENTS)}. Nothing was changed.")
    return found


def _finder(place: Path, quiet: bool = False) -> Ours:
    """What finds our registration; where there is another of that name, it finds nothing, or refuses."""

    def find(document: Document) -> list[Path]:
        try:
            return our_server(document, place)
        except ValueError:
            if quiet:
                return []
            raise

    return find


def _with_table(text: str, program: str) -> str:
    """Raises ValueError for what is no TOML."""
    servers = read_toml(text).get("mcp_servers", {})
    if isinstance(servers, dict) and NAME in servers and not has_ours(text, TABLE):
        if is_ours(servers[NAME]):
            return text
        raise ValueError(f"it has another MCP server that is called {NAME}")
    return with_table(text, TABLE, table_values(program))
