"""`coord install mcp` registers the server in each client, and never replaces another one."""

import tomllib

import pytest

from coord.admin.install.formats.toml_tables import with_table
from tests.support.installations import Machine

pytestmark = pytest.mark.slow

CONFIG = ".codex/config.toml"


def test_the_server_is_registered_in_each_client(machine: Machine) -> None:
    server = {"command": "coord", "args": ["mcp"]}
    for way in ("mcp", "mcp --user", "mcp --project", "mcp --client codex", "mcp --client gemini"):
        machine.ok(f"install {way}")
    user = machine.settings("~/.claude.json")
    assert user == {
        "projects": {str(machine.repo.root): {"mcpServers": {"coord": server}}},
        "mcpServers": {"coord": server},
    }
    assert machine.settings(".mcp.json") == {"mcpServers": {"coord": server}}
    assert machine.settings("~/.gemini/settings.json") == {"mcpServers": {"coord": server}}
    assert tomllib.loads((machine.home / CONFIG).read_text()) == {"mcp_servers": {"coord": server}}


@pytest.mark.parametrize(
    ("way", "name", "data"),
    [
        ("mcp --project", ".mcp.json", b'{"mcpServers": {"coord": {"command": "other"}}}'),
        ("mcp --client codex", f"~/{CONFIG}", b'[mcp_servers.coord]\ncommand = "other"\n'),
    ],
)
def test_another_server_of_that_name_is_refused(machine: Machine, way: str, name: str, data: bytes) -> None:
    path = machine.put(name, data)
    result = machine.run(f"install {way}")
    assert result.code == 1
    assert "another MCP server named coord" in result.err
    machine.ok("uninstall mcp --project")
    assert path.read_bytes() == data


def test_a_file_to_which_no_table_can_be_added_is_refused(machine: Machine) -> None:
    data = b'mcp_servers = {other = {command = "x"}}\n'
    path = machine.put(f"~/{CONFIG}", data)
    result = machine.run("install mcp --client codex")
    assert result.code == 1
    assert "the table [mcp_servers.coord] cannot be added" in result.err
    assert path.read_bytes() == data


def test_any_text_can_be_written_to_a_table_and_read_again() -> None:
    value = "".join(map(chr, range(0x20, 0x100))) + '\n\t"\u2028'
    assert tomllib.loads(with_table("", "ours", {"key": [value]})) == {"ours": {"key": [value]}}
