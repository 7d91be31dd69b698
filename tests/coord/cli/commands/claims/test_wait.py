"""Waiting for a claim or a message: what wakes it and what ends it. A signal leaves nothing half done."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.support.processes import Result, Shell, until
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow

BY_SIGNAL = {signal.SIGINT: 130, signal.SIGTERM: 143}


class Waiter:
    """A shell in which a command waits. `pid` is that of the command."""

    def __init__(self, shell: Shell, command: str) -> None:
        self.shell = shell
        file = shell.folder / "pid"
        file.unlink(missing_ok=True)
        shell.begin(f"sh -c 'echo $$ >{file}; exec {command}'")
        until(lambda: file.exists() and file.read_text().strip(), "the command")
        self.pid = int(file.read_text())

    def signal(self, number: int) -> None:
        """Send a signal to the command."""
        os.kill(self.pid, number)

    def result(self) -> Result:
        """Return the result of the command."""
        return self.shell.finish()


def waiting(repo: Repo, shell: Shell, command: str) -> Waiter:
    """Start a command, and return it when its waiting request is in the log."""
    before = len(asked(repo))
    made = Waiter(shell, command)
    until(lambda: len(asked(repo)) > before and "waiting" in shell.so_far(), "the request")
    return made


def asked(repo: Repo) -> list[object]:
    """Return the requests that had to wait."""
    return [event for event in repo.of_type("claim.requested") if event["event"]["told"] == "waiting"]


def types(repo: Repo, session: str) -> list[str]:
    """Return the types of a session's events, in order."""
    return [event["event"]["type"] for event in repo.events() if event["session"] == session]


def test_a_release_wakes_a_waiting_command(repo: Repo) -> None:
    (one, first), (two, second) = repo.sessions(2)
    one.ok("coord claim droplet x")
    waiter = waiting(repo, two, "coord claim droplet x --wait 10m")
    assert first in two.so_far()
    one.ok("coord release droplet x")
    result = waiter.result()
    assert (result.code, "Claimed: droplet/x" in result.out) == (0, True)
    assert types(repo, second)[-2:] == ["claim.requested", "claim.accepted"]
    assert one.json("coord claims")["claims"][0]["session"] == second


def test_waiting_requests_are_granted_in_their_order(repo: Repo) -> None:
    (one, _), (two, second), (three, third) = repo.sessions(3)
    one.ok("coord claim droplet x")
    waiters = [waiting(repo, shell, "coord claim droplet x --wait 10m") for shell in (two, three)]
    one.ok("coord end")
    assert waiters[0].result().code == 0
    assert two.json("coord claims")["claims"][0]["session"] == second
    two.ok("coord release droplet x")
    assert waiters[1].result().code == 0
    assert three.json("coord claims")["claims"][0]["session"] == third


def test_an_expiry_wakes_a_waiting_command(repo: Repo) -> None:
    (one, _), (two, _) = repo.sessions(2)
    one.ok("coord claim droplet x --ttl 60s")
    clock = repo.home / "sitecustomize.py"  # the clock of the waiting process is 58 s ahead
    clock.write_text("import time\nreal = time.time_ns\ntime.time_ns = lambda: real() + 58 * 10**9\n")
    waiter = waiting(repo, two, f"env PYTHONPATH={repo.home} coord claim droplet x --wait 10m")
    result = waiter.result()
    assert (result.code, "Claimed: droplet/x" in result.out) == (0, True)


def test_a_wait_ends_at_its_limit_with_exit_code_1(repo: Repo) -> None:
    (one, first), (two, _) = repo.sessions(2)
    one.ok("coord claim droplet x")
    result = two.run("coord claim droplet x --wait 1s --json")
    assert (result.code, result.json["outcome"]) == (1, "timed_out")
    text = two.run("coord claim droplet x --wait 1s")
    assert text.code == 1
    assert "Still taken at the end of the wait" in text.out
    assert first in text.out
    assert one.json("coord status")["waiting"] == []
    one.ok("coord release droplet x")
    assert one.json("coord claims")["claims"] == []


def test_a_killed_holder_wakes_a_waiting_command(repo: Repo) -> None:
    (one, first), (two, second) = repo.sessions(2)
    one.ok("coord claim droplet x")
    waiter = waiting(repo, two, "coord claim droplet x --wait 10m")
    one.kill()
    assert waiter.result().code == 0
    (death,) = repo.of_type("session.presumed_dead")
    assert (death["session"], death["event"]["session"]) == (second, first)


@pytest.mark.parametrize("number", BY_SIGNAL, ids=["SIGINT", "SIGTERM"])
def test_a_signal_withdraws_the_request_completely(repo: Repo, number: signal.Signals) -> None:
    (one, _), (two, second), (three, third) = repo.sessions(3)
    one.ok("coord claim droplet x")
    waiter = waiting(repo, two, "coord claim droplet x --wait 10m")
    waiter.signal(number)
    result = waiter.result()
    assert result.code == BY_SIGNAL[number]
    assert result.out == ""
    assert "Traceback" not in result.err
    request, release = (event for event in repo.events() if event["session"] == second and event["n"] > 1)
    assert release["event"] == {"type": "claim.released", "claim": f"{second}/{request['n']}"}
    assert three.json("coord status")["waiting"] == []
    one.ok("coord release droplet x")
    three.ok("coord claim droplet x")
    assert three.json("coord claims")["claims"][0]["session"] == third
    assert two.ok("coord whoami").startswith(second)


def test_a_killed_wait_blocks_only_until_its_grant_lapses(repo: Repo) -> None:
    (one, _), (two, _), (three, _) = repo.sessions(3)
    one.ok("coord claim droplet x")
    waiter = waiting(repo, two, "coord claim droplet x --wait 10m")
    waiter.signal(signal.SIGKILL)
    waiter.result()
    two.kill()
    last = waiting(repo, three, "coord claim droplet x --wait 10m")
    one.ok("coord release droplet x")
    assert last.result().code == 0


def test_a_cycle_is_reported_to_all_waiting_sessions_in_it(repo: Repo) -> None:
    (one, first), (two, second) = repo.sessions(2)
    one.ok("coord claim droplet x")
    two.ok("coord claim droplet y")
    waiters = [waiting(repo, one, "coord claim droplet y --wait 10m")]
    waiters.append(waiting(repo, two, "coord claim droplet x --wait 10m"))
    until(lambda: "in a circle" in one.so_far() and "in a circle" in two.so_far(), "the news")
    other = repo.shell()
    assert "in a circle" in other.ok("coord status")
    waiters[0].signal(signal.SIGINT)
    assert waiters[0].result().code == 130
    one.ok("coord release droplet x")
    ended = waiters[1].result()
    assert ended.code == 0
    assert ended.err.count("in a circle") == 1
    assert first in ended.err
    assert second in ended.err


@pytest.mark.parametrize("command", ["inbox --wait 10m", "inbox --wait 10m --json"])
def test_waiting_for_messages_returns_the_new_message(repo: Repo, command: str) -> None:
    (one, first), (two, second) = repo.sessions(2)
    waiter = Waiter(two, f"coord {command}")
    one.ok(f"coord send {second} Hello 'Are you there?'")
    result = waiter.result()
    assert result.code == 0
    assert "Are you there?" in result.out
    assert first in result.out


def test_a_broadcast_ends_no_wait_for_messages_unless_urgent(repo: Repo) -> None:
    (one, _), (two, _) = repo.sessions(2)
    waiter = Waiter(two, "coord inbox --wait 10m")
    until(lambda: _watches(waiter.pid), "its watching")
    one.ok("coord send broadcast Lunch 'I am at lunch.'")
    one.ok("coord send broadcast Stop 'main is broken' --urgency high")
    result = waiter.result()
    assert result.code == 0
    assert "main is broken" in result.out
    assert "I am at lunch." in result.out, "it is shown as well"


def test_a_broadcast_is_shown_at_the_end_of_the_wait(repo: Repo) -> None:
    (one, _), (two, _) = repo.sessions(2)
    waiter = Waiter(two, "coord inbox --wait 5s")
    until(lambda: _watches(waiter.pid), "its watching")
    one.ok("coord send broadcast Lunch 'I am at lunch.'")
    result = waiter.result()
    assert result.code == 0
    assert "I am at lunch." in result.out


def test_waiting_for_messages_returns_at_once_or_at_its_limit(repo: Repo) -> None:
    (one, _), (two, second) = repo.sessions(2)
    one.ok(f"coord send {second} Hello")
    assert "Hello" in two.ok("coord inbox --wait 10m")
    one.ok("coord send broadcast Lunch")
    assert "Lunch" in two.ok("coord inbox --wait 10m"), "it was unread before the wait"
    nothing = two.run("coord inbox --wait 1s")
    assert nothing.code == 1
    assert "Nothing arrived" in nothing.out
    assert two.run("coord inbox --wait 1s --json").json["messages"] == []


@pytest.mark.parametrize("number", BY_SIGNAL, ids=["SIGINT", "SIGTERM"])
def test_a_signal_ends_a_message_wait_without_marking(repo: Repo, number: signal.Signals) -> None:
    (one, _), (two, second) = repo.sessions(2)
    before = repo.bytes()
    waiter = Waiter(two, "coord inbox --wait 10m")
    until(lambda: _watches(waiter.pid), "its watching")
    waiter.signal(number)
    result = waiter.result()
    assert result.code == BY_SIGNAL[number]
    assert "Traceback" not in result.err
    assert repo.bytes() == before
    one.ok(f"coord send {second} Hello")
    assert "Hello" in two.ok("coord inbox")


def _watches(pid: int) -> bool:
    """Return whether a process has begun to wait: it then catches both signals."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        done = subprocess.run(["sleep", "2"], check=True)
        return done.returncode == 0
    caught = next(line for line in status.read_text().splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)
