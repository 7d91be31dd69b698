"""A process that waits for a claim is killed: its request is shown as gone, and the next writing command ends it."""

import json
import os
import signal
from pathlib import Path

import pytest
from msgspec.structs import replace

from coord.cli.commands.claims import _wait
from coord.guard.entry import ALLOWED, DENIED
from tests.support.in_process import HERE, SimulatedMachine
from tests.support.processes import Shell, alive, until
from tests.support.repositories import Repo

GONE = "nobody waits for it any more"


def begin_wait(shell: Shell, resource: str = "droplet/x") -> int:
    """Begin to wait for a claim in the background; the pid of the process that waits."""
    shell.ok(f": >~/err; coord claim {resource} --wait 10m >~/out 2>~/err & echo $! >~/waiter")
    until(lambda: "waiting" in (Path(shell.env["HOME"]) / "err").read_text(), "the wait")
    return int((Path(shell.env["HOME"]) / "waiter").read_text())


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    until(lambda: not alive(pid), "the death of the waiting process")


@pytest.mark.slow
def test_the_request_of_a_killed_waiter_is_shown_as_gone(repo: Repo) -> None:
    (holder, _), (waiter, mine) = repo.sessions(2)
    holder.ok("coord claim droplet/x")
    pid = begin_wait(waiter)
    (row,) = holder.json("coord status")["waiting"]
    assert (row["session"], row["waiter_gone"]) == (mine, "")
    kill(pid)
    (row,) = holder.json("coord status")["waiting"]
    assert str(pid) in row["waiter_gone"]
    assert f"gone ({row['waiter_gone']})" in holder.ok("coord status")
    assert str(pid) in holder.ok("coord why droplet/x")
    assert repo.of_type("claim.broken") == [], "reading records nothing"


@pytest.mark.slow
@pytest.mark.parametrize("command", ["heartbeat a b", "send broadcast a b", "claim droplet y", "release droplet/x"])
def test_the_next_command_that_writes_ends_it(repo: Repo, command: str) -> None:
    (holder, _), (waiter, mine) = repo.sessions(2)
    holder.ok("coord claim droplet/x")
    kill(begin_wait(waiter))
    holder.ok(f"coord {command}")
    (broken,) = repo.of_type("claim.broken")
    assert broken["event"]["claim"].startswith(f"{mine}/")
    assert broken["event"]["reason"].startswith(GONE)
    board = holder.json("coord status")
    assert board["waiting"] == []
    assert mine not in [row["session"] for row in board["claims"]], "nothing was granted to it"
    assert "ends the request" in holder.ok("coord log")
    assert "stops waiting" in holder.ok("coord why droplet/x")
    assert waiter.json("coord inbox")["notices"] == []


@pytest.mark.slow
def test_the_next_waiter_gets_the_claim_instead(repo: Repo) -> None:
    (holder, _), (waiter, _), (third, last) = repo.sessions(3)
    holder.ok("coord claim droplet/x")
    pid = begin_wait(waiter)
    third.begin("coord claim droplet/x --wait 10m --json")
    until(lambda: len(holder.json("coord status")["waiting"]) == 2, "the second wait")
    kill(pid)
    holder.ok("coord release droplet/x")
    result = third.finish()
    assert (result.code, result.json["outcome"], result.json["session"]) == (0, "granted", last)


@pytest.mark.slow
def test_a_stopped_waiter_is_not_gone(repo: Repo) -> None:
    (holder, _), (waiter, mine) = repo.sessions(2)
    holder.ok("coord claim droplet/x")
    pid = begin_wait(waiter)
    os.kill(pid, signal.SIGSTOP)
    holder.ok("coord heartbeat a b")
    assert [row["waiter_gone"] for row in holder.json("coord status")["waiting"]] == [""]
    holder.ok("coord release droplet/x")
    os.kill(pid, signal.SIGCONT)
    until(lambda: "Claimed" in (repo.home / "out").read_text(), "the grant")
    assert [row["session"] for row in holder.json("coord status")["claims"]] == [mine]


@pytest.mark.slow
def test_a_killed_waiter_denies_no_write(repo: Repo) -> None:
    (holder, _), (waiter, _) = repo.sessions(2)
    holder.ok("coord claim file/src/app.py")
    pid = begin_wait(waiter, "file/src/")
    agent = repo.shell()
    agent.ok("CLAUDE_CODE_SESSION_ID=c coord start")
    said = {"session_id": "c", "cwd": str(repo.root), "hook_event_name": "PreToolUse"}
    tool = {"tool_name": "Write", "tool_input": {"file_path": str(repo.root / "src" / "other.py")}}
    (repo.home / "write.json").write_text(json.dumps(said | tool))
    assert agent.run("coord hook claude <~/write.json").code == DENIED, "the request came first"
    kill(pid)
    assert agent.run("coord hook claude <~/write.json").code == ALLOWED


@pytest.mark.parametrize("elsewhere", ["machine", "boot", "pid_namespace", "process", "same"])
def test_only_evidence_from_here_ends_a_request(repo: Repo, elsewhere: str, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = SimulatedMachine(repo)
    machine.start(100, "--no-anchor")
    holder, waiter = machine.start(200, "--no-anchor"), machine.start(300, "--no-anchor")
    machine.run(200, "claim", "droplet", "x", "--session", holder)

    def killed(*_: object) -> None:
        raise SystemExit

    monkeypatch.setattr(_wait, "wait_for", killed)
    with pytest.raises(SystemExit):
        machine.run(300, "claim", "droplet", "x", "--wait", "10m", "--session", waiter)
    if elsewhere == "process":  # another process has the number now
        machine.table.rows[305] = replace(machine.table.rows[305], start_ticks=1)
    elif elsewhere != "same":
        del machine.table.rows[305]
        machine.here = replace(HERE, **{elsewhere: "another"})
    machine.run(200, "heartbeat", "a", "b", "--session", holder)
    ended = elsewhere in ("process", "boot")  # the machine that has booted again has none of its processes
    assert len(repo.of_type("claim.broken")) == ended
    assert len(machine.run(200, "status", "--json").json["waiting"]) == (not ended)
