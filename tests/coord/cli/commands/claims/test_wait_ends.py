"""A wait ends when its shell dies, or by an error or a hang-up. This never revives a session or affects another one."""

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

import coord.cli.commands.claims._wait as waiting_command
from coord.engine.board import find_deaths
from coord.errors import CoordError
from coord.platform.watch import Interrupted, wait_for
from projections.rules.fold import as_of
from projections.rules.state import State
from tests.support.in_process import SimulatedMachine
from tests.support.processes import Shell, alive, until
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow


class Background:
    """A command that a shell runs in the background. `pid` is that of the command."""

    def __init__(self, shell: Shell, command: str) -> None:
        self.folder = shell.folder
        shell.ok(f"{command} >{self.folder}/out 2>{self.folder}/err & echo $! >{self.folder}/job")
        self.pid = int((self.folder / "job").read_text())

    def over(self) -> str:
        """Wait for its end, and return its output and errors."""
        until(lambda: not alive(self.pid), "the end of the command")
        return (self.folder / "out").read_text() + (self.folder / "err").read_text()


def waits(repo: Repo, session: str) -> bool:
    """Return whether a request of this session had to wait."""
    asked = repo.of_type("claim.requested")
    return any(event["session"] == session and event["event"]["told"] == "waiting" for event in asked)


def catches(pid: int, number: int) -> bool:
    """Return whether a process has a handler for a signal. Needs Linux."""
    with open(f"/proc/{pid}/status") as file:
        line = next(line for line in file if line.startswith("SigCgt"))
    return bool(int(line.split()[1], 16) >> (number - 1) & 1)


def in_background(
    repo: Repo, shell: Shell, session: str, command: str = "coord claim droplet x --wait 10m"
) -> Background:
    """Start a command in the background, and return it when its request waits."""
    made = Background(shell, command)
    until(lambda: waits(repo, session), "the request")
    return made


def one_waits(repo: Repo) -> tuple[SimulatedMachine, str]:
    """Two sessions. The first holds what the second will wait for; returns the id of the second."""
    machine = SimulatedMachine(repo)
    machine.start(100)
    second = machine.start(200)
    machine.run(100, "claim", "droplet", "x")
    return machine, second


def test_a_wait_in_a_killed_shell_ends_and_frees_its_claims(repo: Repo) -> None:
    (one, first), (two, second) = repo.sessions(2)
    one.ok("coord claim droplet z")
    two.ok("coord claim droplet x")
    job = in_background(repo, one, first)
    before = repo.bytes()
    one.kill()
    (repo.log / "something").touch()  # wakes the waiting command
    said = job.over()
    assert first in said
    assert "Traceback" not in said
    assert repo.bytes() == before  # it wrote nothing: other sessions record the death
    assert f"dead: {first}" in two.ok("coord status")
    assert two.json("coord claim droplet z")["outcome"] == "granted"
    assert two.json("coord status")["waiting"] == []
    assert [event["session"] for event in repo.of_type("session.presumed_dead")] == [second]
    assert len(repo.of_type("session.started")) == 2


def test_a_hang_up_of_the_shell_revives_no_session(repo: Repo) -> None:
    (one, first), (two, _) = repo.sessions(2)
    two.ok("coord claim droplet x")
    job = in_background(repo, one, first)
    os.kill(job.pid, signal.SIGSTOP)
    one.kill()
    os.kill(job.pid, signal.SIGHUP)
    os.kill(job.pid, signal.SIGCONT)
    assert "Traceback" not in job.over()
    assert len(repo.of_type("session.started")) == 2
    assert f"dead: {first}" in two.ok("coord status")


def test_a_hang_up_alone_withdraws_the_request(repo: Repo) -> None:
    (one, first), (two, _) = repo.sessions(2)
    two.ok("coord claim droplet x")
    job = in_background(repo, one, first)
    os.kill(job.pid, signal.SIGHUP)
    assert "no longer waiting for droplet/x" in job.over()
    assert two.json("coord status")["waiting"] == []
    assert [event["session"] for event in repo.of_type("claim.released")] == [first]


def test_a_message_wait_in_a_killed_shell_reads_nothing(repo: Repo) -> None:
    (one, first), (two, _) = repo.sessions(2)
    job = Background(one, "coord inbox --wait 10m")
    if os.path.isdir("/proc/self"):
        until(lambda: catches(job.pid, signal.SIGHUP), "its waiting")
    one.kill()
    two.ok(f"coord send {first} Hello")
    assert "Traceback" not in job.over()
    assert repo.of_type("message.read") == []
    assert len(repo.of_type("session.started")) == 2
    assert f"dead: {first}" in two.ok("coord status")


def test_another_session_of_the_same_shell_leaves_a_wait_alone(repo: Repo) -> None:
    (one, first), (two, _) = repo.sessions(2)
    two.ok("coord claim droplet x")
    job = in_background(repo, one, first)
    third = str(one.json("coord start --new")["session"])
    two.ok("coord release droplet x")
    assert "Claimed: droplet/x" in job.over()
    (held,) = two.json("coord claims")["claims"]
    assert held["session"] == first != third
    assert [event["session"] for event in repo.of_type("claim.accepted")] == [first]


def test_an_error_that_ends_a_wait_withdraws_its_request(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = SimulatedMachine(repo)
    machine.start(100)
    machine.start(200)
    machine.run(100, "claim", "droplet", "x")

    def fails(*words: Any) -> None:
        assert machine.run(100, "status", "--json").json["waiting"] != []
        raise CoordError(4, "the log went away for a moment.")

    monkeypatch.setattr(waiting_command, "wait_for", fails)
    result = machine.run(200, "claim", "droplet", "x", "--wait", "10m")
    assert (result.code, result.out) == (4, "")
    assert "went away" in result.err
    assert machine.run(100, "status", "--json").json["waiting"] == []


def test_a_session_that_ended_while_it_waited_stays_ended(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    machine, second = one_waits(repo)
    real: Callable[..., Any] = wait_for

    def ends(*words: Any) -> Any:
        machine.run(200, "end")
        return real(*words)

    monkeypatch.setattr(waiting_command, "wait_for", ends)
    assert machine.run(200, "claim", "droplet", "x", "--wait", "10m").code == 1
    assert machine.run(100, "status", "--json").json["waiting"] == []
    (started,) = (event for event in repo.of_type("session.started") if event["session"] == second)
    assert started["n"] == 1


def test_a_grant_just_before_the_limit_is_accepted_later(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """The release comes after the log was read and before the clock was, so the snapshot does not have the grant."""
    machine, second = one_waits(repo)

    def meanwhile(*words: Any) -> Any:
        machine.wait(25)
        machine.run(100, "release", "droplet", "x")
        machine.wait(10)
        return find_deaths(*words)

    monkeypatch.setattr(waiting_command, "find_deaths", meanwhile)
    result = machine.run(200, "claim", "droplet", "x", "--wait", "30s", "--json")
    monkeypatch.undo()
    (held,) = machine.run(200, "claims", "--json").json["claims"]
    assert held["session"] == second
    assert (result.code, result.json["outcome"], held["accepted"]) == (0, "granted", True), result


def test_a_clock_that_was_briefly_ahead_ends_no_wait(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    machine, second = one_waits(repo)
    looks: list[State] = []

    def ahead(*words: Any) -> Any:
        looks.append(as_of(*words))
        if len(looks) == 1:
            machine.wait(-60)
        else:
            machine.run(100, "release", "droplet", "x")
        return looks[-1]

    def early(*words: Any) -> Any:
        machine.wait(60 if not looks else 0)
        return find_deaths(*words)

    monkeypatch.setattr(waiting_command, "find_deaths", early)
    monkeypatch.setattr(waiting_command, "as_of", ahead)
    result = machine.run(200, "claim", "droplet", "x", "--wait", "30s", "--json")
    assert (result.code, result.json["outcome"]) == (0, "granted"), result
    assert result.json["session"] == second


def test_a_signal_does_not_revive_a_session_that_ended_waiting(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    machine, second = one_waits(repo)

    def ends(*words: Any) -> None:
        machine.run(200, "end")
        raise Interrupted(signal.SIGINT)

    monkeypatch.setattr(waiting_command, "wait_for", ends)
    result = machine.run(200, "claim", "droplet", "x", "--wait", "10m")
    assert (result.code, f"session {second} has ended" in result.err) == (3, True)
    assert machine.repo.events()[-1]["event"]["type"] == "session.ended"
