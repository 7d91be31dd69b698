"""Commands load only the part of msgspec that they use, and Rich only where they draw on a terminal."""

import subprocess
import sys

import pytest

from tests.support.repositories import Repo

_TRACED = f"{sys.executable} -P -X importtime -m coord"


@pytest.mark.parametrize(
    "command",
    ["status", "status --json", "claims", "claim file src/a.py", "heartbeat building form", "inbox", "board", "log"],
)
def test_a_pipe_does_not_load_rich(command: str, repo: Repo) -> None:
    one, _ = repo.sessions(1)[0]
    done = one.run(f"{_TRACED} {command} | cat")
    assert "coord.cli.main" in done.err
    assert "rich" not in done.err


@pytest.mark.parametrize("command", ["status", "heartbeat building form", "claims", "inbox", "end"])
def test_commands_load_only_what_they_use(command: str, repo: Repo) -> None:
    one, _ = repo.sessions(1)[0]
    loaded = {line.rpartition("|")[2].strip() for line in one.run(f"{_TRACED} {command}").err.splitlines()}
    assert {"msgspec._core", "msgspec.structs"} <= loaded
    unused = {"msgspec.inspect", "msgspec._json_schema", "uuid", "decimal", "platform", "textwrap", "json"}
    assert loaded & unused == set()


@pytest.mark.slow
@pytest.mark.parametrize("command", ["status", "claims", "watch --once", "why droplet/x", "timeline --json", "report"])
def test_only_the_page_loads_a_web_server(command: str, repo: Repo) -> None:
    one, _ = repo.sessions(1)[0]
    loaded = {
        line.rpartition("|")[2].strip().partition(".")[0] for line in one.run(f"{_TRACED} {command}").err.splitlines()
    }
    assert "coord" in loaded
    assert loaded & {"starlette", "uvicorn", "jinja2", "anyio", "asyncio", "h11", "socket", "webbrowser"} == set()


def test_other_modules_are_as_usual_after_msgspec_is_loaded() -> None:
    assert _after_loading_msgspec(
        "import decimal, typing, uuid, msgspec.inspect, msgspec.toml",
        "print(uuid.uuid4().version, decimal.Decimal('1.5'), typing.ForwardRef('Late').__forward_arg__,"
        " msgspec.inspect.type_info(int))",
    ) == ["4 1.5 Late IntType(gt=None, ge=None, lt=None, le=None, multiple_of=None)"]


@pytest.mark.parametrize(
    "stand_ins",
    [
        "{'uuid': ModuleType('uuid')}",
        "{'msgspec._json_schema': ModuleType('msgspec._json_schema')}",
        "{'decimal': None}",
        "{'msgspec.structs': None}",
    ],
)
def test_a_version_of_msgspec_that_needs_more_is_loaded_whole(stand_ins: str) -> None:
    assert _after_loading_msgspec(
        "import decimal, uuid, eventlog.codec",
        "print(msgspec.json.encode([uuid.UUID(int=7), decimal.Decimal('1.5')]).decode())",
        "print(msgspec.json.schema(int), 'typing_extensions' in sys.modules)",
        stand_ins=stand_ins,
    ) == ['["00000000-0000-0000-0000-000000000007","1.5"]', "{'type': 'integer'} True"]


def _after_loading_msgspec(*lines: str, stand_ins: str = "") -> list[str]:
    """Return what Python prints for these lines, after it has loaded msgspec as commands do."""
    replaced = [f"main._stand_ins = lambda: {stand_ins}"] if stand_ins else []
    script = [
        "import sys",
        "from types import ModuleType",
        "import coord.__main__ as main",
        *replaced,
        "main._load_msgspec()",
        "import msgspec",
        *lines,
    ]
    done = subprocess.run([sys.executable, "-c", "\n".join(script)], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.mark.slow
def test_status_on_a_terminal_loads_only_the_widths_of_rich(repo: Repo) -> None:
    window = repo.terminal()
    window.run(f"{_TRACED} status 2> {repo.home}/imports")
    imports = (repo.home / "imports").read_text()
    assert "rich.cells" in imports
    assert "rich.console" not in imports


@pytest.mark.slow
@pytest.mark.parametrize(("given", "is_styled"), [("", True), ("NO_COLOR=1 ", False), ("TERM=dumb ", False)])
def test_only_a_terminal_with_colours_gets_escape_sequences(given: str, is_styled: bool, repo: Repo) -> None:
    one, _ = repo.sessions(1)[0]
    one.ok("coord heartbeat building '[bold]form[/bold]'")
    window = repo.terminal()
    shown = window.run(f"{given}coord status").out
    assert "[bold]form[/bold]" in shown
    assert ("\x1b[1m" in window._call("capture-pane", "-p", "-e")) == is_styled


@pytest.mark.slow
def test_lists_wrap_between_words_on_a_terminal(repo: Repo) -> None:
    words = "one two three four five six seven eight nine ten eleven twelve"
    (one, _), (_, second) = repo.sessions(2)
    one.ok(f"coord claim droplet form --note '{words}'")
    one.ok(f"coord send {second} '{words}'")
    window = repo.terminal()
    window.resize(60, 60)
    for command in ("claims", "log", "why droplet/form", "diff -1h", "inbox", "replay --changes"):
        typed = f"COORD_SESSION={second} coord {command}{' --peek' if command == 'inbox' else ''}"
        assert max(map(len, window.run(f"{typed} | cat").out.splitlines())) > 60, "a pipe has one line for each row"
        shown = window.run(typed).out
        assert max(map(len, shown.splitlines())) <= 60, command
        assert words in " ".join(shown.split()), command
