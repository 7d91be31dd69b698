"""A lock that another process holds: readers never wait; writers wait for a limited time, and are told its pid."""

import os
import re
import signal

from tests.support.locks import hold_lock
from tests.support.repositories import Repo


def test_a_stopped_process_with_the_lock_is_reported(repo: Repo) -> None:
    repo.set(lock_wait_seconds=1)
    (one, session), (two, _) = repo.sessions(2)
    pid = hold_lock(one, repo.log / ".lock")
    os.kill(pid, signal.SIGSTOP)
    before = repo.bytes()
    for command in ("claim droplet x", "heartbeat a b", "start --new", "board --write", "end"):
        result = two.run(f"coord {command}")
        assert (result.code, result.out) == (4, ""), command
        assert f"process {pid}, which is stopped" in result.err
        assert f"kill -CONT {pid}" in result.err
        assert f"kill -KILL {pid}" in result.err
        assert "Nothing was written" in result.err
        assert result.err.count("\n") == 1
    assert repo.bytes() == before
    assert session in two.ok("coord status")  # reading needs no lock
    assert two.run("coord claims").code == 0
    assert two.run("coord inbox --peek").code == 0
    os.kill(pid, signal.SIGKILL)
    assert two.run("coord claim droplet x").code == 0


def test_a_running_process_with_the_lock_is_reported(repo: Repo) -> None:
    repo.set(lock_wait_seconds=0.1)
    (one, _), (two, _) = repo.sessions(2)
    pid = hold_lock(one, repo.log / ".lock")
    result = two.run("coord claim droplet x --json")
    assert (result.code, result.out) == (4, "")
    assert f"process {pid}" in result.err
    assert "which is running" in result.err
    assert not re.search("stopped|kill", result.err), "a running process should not be killed"


def test_a_deleted_lock_file_blocks_nobody(repo: Repo) -> None:
    (one, _), (two, _) = repo.sessions(2)
    (repo.log / ".lock").unlink()
    assert one.run("coord claim droplet x").code == 0
    assert two.run("coord claim droplet x").code == 1


def test_a_lock_that_is_not_a_file_is_an_error(repo: Repo) -> None:
    (one, _) = repo.sessions(1)[0]
    (repo.log / ".lock").unlink()
    (repo.log / ".lock").mkdir()
    result = one.run("coord claim droplet x")
    assert (result.code, result.out) == (4, "")
    assert "lock" in result.err
    assert result.err.count("\n") == 1
    assert one.run("coord status").code == 0
