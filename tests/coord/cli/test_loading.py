"""Commands load Rich only where they draw on a terminal."""

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
