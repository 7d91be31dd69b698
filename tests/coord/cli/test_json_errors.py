"""Errors with `--json`: every error of every command is one JSON object, the last line of standard error."""

import json
import shlex
import signal
import subprocess
from pathlib import Path

import pytest

from coord.cli.registry import COMMANDS_BY_NAME
from tests.coord.cli.test_parser import SHORTEST
from tests.support.in_process import SimulatedMachine
from tests.support.processes import COORD, Result, environment, until
from tests.support.repositories import Repo

OTHERS = ("hook", "git-hook", "mcp", "demo")  # they answer a program, or need no log


def error_of(result: Result) -> dict[str, object]:
    """The error that a result reports. Every line of standard error must be a JSON object."""
    *notes, error = [json.loads(line) for line in result.err.splitlines()]
    assert all(note.keys() == {"note"} for note in notes), notes
    assert error.keys() == {"error"}
    assert error["error"]["code"] == result.code
    assert error["error"]["message"]
    return dict(error["error"])


@pytest.mark.parametrize("name", COMMANDS_BY_NAME)
def test_wrong_usage_of_every_command_is_a_json_error(repo: Repo, name: str) -> None:
    machine = SimulatedMachine(repo)
    for words in (("--no-such-option", "--json"), ("--json", "--root"), (*"x" * 30, "--json")):
        result = machine.run(100, name, *words)
        assert (result.code, result.out) == (2, ""), (words, result)
        error_of(result)


@pytest.mark.parametrize("words", [("frobnicate",), ("--frobnicate",), ("--session", "x"), ("clam", "port", "1")])
def test_an_unknown_command_or_option_is_a_json_error(repo: Repo, words: tuple[str, ...]) -> None:
    result = SimulatedMachine(repo).run(100, *words, "--json")
    assert (result.code, result.out) == (2, "")
    error_of(result)


@pytest.mark.parametrize("name", [name for name in COMMANDS_BY_NAME if name not in OTHERS])
def test_without_a_log_every_command_answers_in_json(bare_repo: Repo, name: str) -> None:
    words = [*shlex.split(SHORTEST[name]), *([] if "--json" in SHORTEST[name] else ["--json"])]
    result = SimulatedMachine(bare_repo).run(100, *words)
    if result.code and not result.out:
        error_of(result)
    else:
        assert name in ("init", "install", "uninstall", "notify", "doctor", "completion"), "all others need the log"
        assert isinstance(json.loads(result.out), dict)


@pytest.mark.parametrize("name", [name for name in COMMANDS_BY_NAME if name not in OTHERS])
def test_without_a_session_every_command_answers_in_json(repo: Repo, name: str) -> None:
    words = [*shlex.split(SHORTEST[name]), *([] if "--json" in SHORTEST[name] else ["--json"])]
    result = SimulatedMachine(repo).run(100, *words)
    if result.code and not result.out:
        error_of(result)
    elif result.out:
        assert isinstance(json.loads(result.out), dict)


def test_an_unreadable_word_is_a_json_error(repo: Repo) -> None:
    assert error_of(SimulatedMachine(repo).run(100, "claim", "port", "\udcff", "--json"))["code"] == 2


def test_a_word_that_looks_like_the_option_is_a_text(repo: Repo) -> None:
    result = SimulatedMachine(repo).run(100, "send", "nobody", "x", "--", "--json")
    assert result.err.startswith("coord: ")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("line", ["inbox --wait 10m", "claim port 1 --wait 10m", "log --follow"])
def test_a_signal_is_a_json_error(repo: Repo, line: str, number: signal.Signals) -> None:
    (_, session), (other, _) = repo.sessions(2)
    other.ok("coord claim port 1")
    running = subprocess.Popen(
        [COORD, *shlex.split(line), "--json", "--session", session],
        cwd=repo.root,
        env=environment(repo.home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until(lambda: _is_waiting(running.pid, number), "the command to wait")
    running.send_signal(number)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 128 + number
    error_of(Result(out, err, running.returncode))


def _is_waiting(pid: int, number: int) -> bool:
    """Whether a process has its own handler for SIGTERM, which a command has while it waits."""
    rows = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    caught = int(next(row for row in rows if row.startswith("SigCgt")).split()[1], 16)
    return all(caught >> (each - 1) & 1 for each in (number, signal.SIGTERM))
