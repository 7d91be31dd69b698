"""Which session calls a tool, by what each client tells. And how a call's arguments become a command line."""

from typing import Any

import pytest

from coord.cli.commands.integrations.mcp import TOOL_COMMANDS
from coord.clients.client import Client
from coord.clients.registry import CLIENTS
from coord.errors import CoordError
from coord.platform.processes import Process
from coord.servers.mcp.callers import Caller, CallSystem, ServerIdentity, identify_caller
from coord.servers.mcp.tools import TOOLS, Tool, arguments_of, find_tool, parse_arguments
from coord.workspace.system import System
from tests.support.in_process import HERE, NOON, Table, process
from tests.support.mcp_metadata import IN_CLAUDE, OF_CODEX, ROOT, meta

CLAUDE, CODEX, GEMINI, *_ = CLIENTS
IDS = {"CODEX_THREAD_ID": ROOT, "CODEX_SESSION_ID": ROOT}
NOBODY = Caller("", {})


@pytest.mark.parametrize(
    ("what", "env", "said", "named", "server", "nearest", "found"),
    [
        ("Claude tells it in the environment", IN_CLAUDE, None, "", ServerIdentity(), CLAUDE, Caller("", IN_CLAUDE)),
        ("also where no process can be seen", IN_CLAUDE, None, "", ServerIdentity(), None, Caller("", IN_CLAUDE)),
        ("Codex tells it with each call", {}, OF_CODEX, "", ServerIdentity(), CODEX, Caller("", IDS)),
        (
            "and of a subagent the thread",
            {},
            meta(session_id="root", thread_id="child"),
            "",
            ServerIdentity(),
            CODEX,
            Caller("", {"CODEX_THREAD_ID": "child", "CODEX_SESSION_ID": "root"}),
        ),
        (
            "or the session alone",
            {},
            meta(session_id="root"),
            "",
            ServerIdentity(),
            CODEX,
            Caller("", {"CODEX_THREAD_ID": "root", "CODEX_SESSION_ID": "root"}),
        ),
        (
            "a call's own words are nearer than a variable",
            IN_CLAUDE,
            OF_CODEX,
            "",
            ServerIdentity(),
            None,
            Caller("", IDS),
        ),
        (
            "Gemini tells nothing",
            {"GEMINI_CLI": "1"},
            {},
            "",
            ServerIdentity(),
            GEMINI,
            Caller("", {"GEMINI_CLI": "1"}),
        ),
        ("what another client set was inherited", IN_CLAUDE, None, "", ServerIdentity(), GEMINI, NOBODY),
        (
            "a session that is named decides",
            IN_CLAUDE,
            OF_CODEX,
            "amber",
            ServerIdentity("b", "c"),
            CODEX,
            Caller("amber", {}),
        ),
        ("then the server's", IN_CLAUDE, OF_CODEX, "", ServerIdentity("given", "own"), CODEX, Caller("given", {})),
        (
            "a client that tells it is believed before",
            {},
            OF_CODEX,
            "",
            ServerIdentity("", "own"),
            CODEX,
            Caller("", IDS),
        ),
        (
            "what start made here",
            {"COORD_SESSION": "x"},
            None,
            "",
            ServerIdentity("", "own"),
            GEMINI,
            Caller("own", {}),
        ),
        (
            "COORD_SESSION",
            {"COORD_SESSION": "x"},
            None,
            "",
            ServerIdentity(),
            GEMINI,
            Caller("", {"COORD_SESSION": "x"}),
        ),
        ("nothing at all", {"PATH": "/bin"}, None, "", ServerIdentity(), None, Caller("", {"PATH": "/bin"})),
        ("no id is no id", {}, meta(session_id=""), "", ServerIdentity(), CODEX, NOBODY),
        ("neither is a number", {}, meta(session_id=7), "", ServerIdentity(), CODEX, NOBODY),
        ("or what is no text of a line", {}, meta(session_id="a\nb"), "", ServerIdentity(), CODEX, NOBODY),
        ("or a thread without its session", {}, meta(thread_id="a"), "", ServerIdentity(), CODEX, NOBODY),
        ("or an id without end", {}, meta(session_id="a" * 513), "", ServerIdentity(), CODEX, NOBODY),
        ("what is no object says nothing", {}, {"x-codex-turn-metadata": "a"}, "", ServerIdentity(), CODEX, NOBODY),
        (
            "another's id that looks alike",
            {},
            {"session_id": "a", "sessionId": "a"},
            "",
            ServerIdentity(),
            CODEX,
            NOBODY,
        ),
    ],
)
def test_the_first_source_identifies_the_caller(
    what: str,
    env: dict[str, str],
    said: dict[str, Any] | None,
    named: str,
    server: ServerIdentity,
    nearest: Client | None,
    found: Caller,
) -> None:
    assert identify_caller(server, env, said, named, nearest) == found
    known = bool(found.session or {"CLAUDE_CODE_SESSION_ID", "CODEX_SESSION_ID", "COORD_SESSION"} & found.env.keys())
    assert found.unknown is not known
    assert found.names_conversation is ({"CLAUDE_CODE_SESSION_ID", "CODEX_SESSION_ID"} & found.env.keys() != set())


@pytest.mark.parametrize(
    ("above", "client"),
    [
        (("claude", "bash", "init"), "claude"),
        (("sh", "gemini", "bash", "init"), "gemini"),  # a shell can start the server for the client
        (("an-editor", "bash", "init"), "an-editor"),  # not the shell from which the editor was started
        (("codex", "claude", "init"), "codex"),
    ],
)
def test_the_ancestry_of_a_call_is_the_server_and_the_client(above: tuple[str, ...], client: str) -> None:
    rows = [process(90 - i, 89 - i, 1, name) for i, name in enumerate(above)]
    table = Table(process(91, 90, 91, "python3", "/bin/coord", "mcp"), *rows)
    real = System({}, "/", lambda: NOON, 91, lambda: HERE, lambda: table)
    served = CallSystem(real, {"A": "b"}, real.ancestry)
    own, found = served.ancestry
    assert (own.pid, found.command, dict(served.env)) == (91, client, {"A": "b"})
    assert (served.here, served.wall(), served.pid) == (HERE, NOON, 91)


def test_without_readable_processes_the_ancestry_is_empty() -> None:
    alone: list[list[Process]] = [[], [process(1, 0, 1, "coord")]]
    for chain in alone:
        real = System({}, "/", lambda: NOON, 1, lambda: HERE, Table)
        assert CallSystem(real, {}, chain).ancestry == chain


# --- arguments ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tool", "arguments", "command", "words"),
    [
        ("status", {}, "status", ["--"]),
        ("claim", {"resource": "file/-x.py", "note": "-y"}, "claim", ["--note=-y", "--", "file/-x.py"]),
        ("claim", {"resource": "a/b", "shared": True, "ttl": None}, "claim", ["--shared", "--", "a/b"]),
        ("claim", {"resource": "a/b", "shared": False}, "claim", ["--", "a/b"]),
        ("heartbeat", {"files": ["a", "--b"]}, "heartbeat", ["--file=a", "--file=--b", "--"]),
        ("heartbeat", {"next_action": "x"}, "heartbeat", ["--", "", "", "", "", "x"]),
        ("send", {"to": "a", "subject": "-"}, "send", ["--", "a", "-"]),
        ("send", {"in_reply_to": "a/1", "body": "yes"}, "reply", ["--", "a/1", "yes"]),
        ("inbox", {"ack": ["a/1", "b/2"]}, "ack", ["--", "a/1", "b/2"]),
        ("inbox", {"message": "a/1"}, "inbox", ["--", "a/1"]),
        ("handoff", {"resource": "a/b", "to": "c"}, "handoff", ["--", "a/b", "c"]),
        ("start", {"new": True, "name": "n"}, "start", ["--name=n", "--new", "--"]),
    ],
)
def test_a_call_becomes_a_command_line(tool: str, arguments: dict[str, Any], command: str, words: list[str]) -> None:
    reading = parse_arguments(TOOLS[tool], arguments | ({"session": "me"} if TOOLS[tool].acts else {}))
    assert (reading.command, reading.words) == (command, words)
    assert reading.session == ("me" if TOOLS[tool].acts else "")
    assert TOOL_COMMANDS[command].parse_plain(words) is not None


@pytest.mark.parametrize(
    ("tool", "arguments", "told"),
    [
        ("claim", {}, "claim needs `resource`"),
        ("claim", {"resource": ""}, "claim needs `resource`"),
        ("claim", {"resource": 3}, "`resource` must be a text"),
        ("claim", {"resource": "a/b", "shared": "yes"}, "`shared` must be true or false"),
        (
            "claim",
            {"resource": "a/b", "wait": "10m"},
            "no argument 'wait'; it has: resource, ttl, new_type, shared, note, session",
        ),
        ("claim", {"resource": "a/\ud800"}, "not valid Unicode"),
        ("heartbeat", {"files": "a"}, "`files` must be a list of texts"),
        ("heartbeat", {"files": [1]}, "`files` must be a list of texts"),
        ("heartbeat", {"files": ["\ud800"]}, "not valid Unicode"),
        ("send", {"to": "a"}, "send needs `subject`"),
        ("send", {"to": "a", "subject": "b", "in_reply_to": "c/1"}, "`to` cannot be used with `in_reply_to`"),
        ("send", {"to": "a", "subject": "b", "urgency": "now"}, "must be one of low, normal, high"),
        ("inbox", {"ack": []}, "inbox needs `ack`"),
        ("inbox", {"ack": ["a/1"], "message": "a/1"}, "cannot be used with"),
        ("why", {"about": "a", "session": "b"}, "no argument 'session'"),
        ("status", {"\x1b[2J": 1}, r"no argument '\x1b[2J'"),
    ],
)
def test_an_invalid_call_is_an_error(tool: str, arguments: dict[str, Any], told: str) -> None:
    with pytest.raises(CoordError) as caught:
        parse_arguments(TOOLS[tool], arguments)
    assert told in caught.value.message
    assert caught.value.code == 2


def test_an_unknown_tool_is_an_error_that_lists_the_tools() -> None:
    with pytest.raises(CoordError, match="there is no tool 'init'; there are: start, heartbeat, claim"):
        find_tool("init")


@pytest.mark.parametrize("tool", TOOLS.values(), ids=list(TOOLS))
def test_each_argument_exists_in_its_command(tool: Tool) -> None:
    for form in (tool.form, *tool.instead.values()):
        command = TOOL_COMMANDS[form.command]
        flags = {flag for parameter in command.parameters for flag in parameter.flags}
        assert {given.option for given in form.arguments if given.option} <= flags
        positional = [parameter for parameter in command.parameters if not parameter.flags]
        many = any("nargs" in parameter.settings for parameter in positional)
        assert many or len([given for given in form.arguments if not given.option]) <= len(positional)
    assert all(name.isidentifier() for name in arguments_of(tool))
