"""Closed streams, huge numbers, names that are not UTF-8, a journal that disappears: messages and no traceback."""

import json
import os
from typing import Any

import pytest

import coord.cli.commands.messages.inbox as inbox_command
from coord.platform.watch import wait_for
from tests.support.in_process import SimulatedMachine
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("number", ["9" * 5000, "0", "-1", "１", "9" * 16, "²"], ids=lambda number: number[:17])
@pytest.mark.parametrize("command", [("ack",), ("reply",), ("resolve",), ("inbox",)])
def test_a_number_without_a_message_is_refused(repo: Repo, command: tuple[str, ...], number: str) -> None:
    machine = SimulatedMachine(repo)
    session = machine.start(100)
    words = ("words",) if command == ("reply",) else ()
    refused = machine.run(100, *command, f"{session}/{number}", *words)
    assert (refused.code, refused.out) == (2, "")
    assert len(refused.err) < 500
    assert refused.err.count("\n") == 1


def test_losing_its_journal_ends_a_wait_for_messages(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = SimulatedMachine(repo)
    machine.start(200)
    session = machine.start(100)
    real = wait_for

    def goes(*words: Any) -> Any:
        (repo.log / f"{session}.jsonl").unlink()
        return real(*words)

    monkeypatch.setattr(inbox_command, "wait_for", goes)
    result = machine.run(100, "inbox", "--wait", "10m")
    assert (result.code, result.out) == (4, "")
    assert session in result.err
    assert "removed" in result.err


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("command", ["status", "heartbeat a b", "send broadcast y -", "claims --json"])
def test_commands_work_with_closed_streams(repo: Repo, command: str, closed: str) -> None:
    shell, session = repo.sessions(1)[0]
    result = shell.run(f"coord {command} {closed}")
    assert (result.code, result.err) == (0, "")
    assert (result.out == "") == (">&-" in closed.replace("2>&-", ""))
    assert shell.ok("coord whoami").startswith(session)
    assert "damaged" not in shell.ok("coord status")


def test_a_refusal_keeps_its_code_if_standard_error_is_closed(repo: Repo) -> None:
    shell, _ = repo.sessions(1)[0]
    assert shell.run("coord release droplet x 2>&-").code == 1


@pytest.mark.skipif(os.uname().sysname != "Linux", reason="names that are not UTF-8")
def test_a_folder_whose_name_is_not_utf8_can_be_used(repo: Repo) -> None:
    folder = os.fsencode(repo.root.parent) + b"/na\xffme"
    os.mkdir(folder)
    shell = repo.shell()
    made = shell.run("cd ../na?me && coord init --json")
    assert made.code == 0, made
    assert made.json["folder"].endswith("COORDINATION")
    for command in ("start", "heartbeat a b", "claim file x.py", "status", "whoami", "board"):
        result = shell.run(f"coord {command} --json")
        assert result.code == 0, result
        assert isinstance(json.loads(result.out), dict)
        assert shell.run(f"coord {command}").code == 0
