"""A lock that another process holds: readers never wait, writers wait for so long, and are told whom for."""

import fcntl
import os
import re
import signal

from tests.processes import Repo, until

HOLD = "import fcntl,os,sys,time; f=open(sys.argv[1],'r+'); fcntl.flock(f,2); f.truncate(); f.write(str(os.getpid()))"
HOLD += "; f.flush(); time.sleep(600)"


def test_a_lock_that_a_stopped_process_holds_is_told_with_its_pid_and_how_to_end_it(repo: Repo) -> None:
    repo.set(lock_wait_seconds=1)
    (one, session), (two, _) = repo.sessions(2)
    lock = repo.log / ".lock"
    one.ok(f'python3 -c "{HOLD}" {lock} >/dev/null 2>&1 & echo $!')
    until(lambda: lock.read_text().strip() and not _free(lock), "the lock")
    pid = int(lock.read_text())
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
    assert session in two.ok("coord status")  # who reads, waits for nobody
    assert two.run("coord claims").code == 0
    assert two.run("coord inbox --peek").code == 0
    os.kill(pid, signal.SIGKILL)
    assert two.run("coord claim droplet x").code == 0


def test_a_lock_that_a_running_process_holds_is_told_with_its_pid(repo: Repo) -> None:
    repo.set(lock_wait_seconds=0.1)
    (one, _), (two, _) = repo.sessions(2)
    lock = repo.log / ".lock"
    one.ok(f'python3 -c "{HOLD}" {lock} >/dev/null 2>&1 & echo $!')
    until(lambda: lock.read_text().strip() and not _free(lock), "the lock")
    pid = int(lock.read_text())
    result = two.run("coord claim droplet x --json")
    assert (result.code, result.out) == (4, "")
    assert f"process {pid}" in result.err
    assert "at work" in result.err
    assert not re.search("stopped|kill", result.err), "nobody is to end what will be done in a moment"


def test_a_lock_file_that_was_deleted_while_held_keeps_out_nobody_and_harms_nothing(repo: Repo) -> None:
    (one, _), (two, _) = repo.sessions(2)
    (repo.log / ".lock").unlink()
    assert one.run("coord claim droplet x").code == 0
    assert two.run("coord claim droplet x").code == 1


def test_a_lock_that_is_no_file_is_an_error(repo: Repo) -> None:
    (one, _) = repo.sessions(1)[0]
    (repo.log / ".lock").unlink()
    (repo.log / ".lock").mkdir()
    result = one.run("coord claim droplet x")
    assert (result.code, result.out) == (4, "")
    assert "lock" in result.err
    assert result.err.count("\n") == 1
    assert one.run("coord status").code == 0


def _free(lock: os.PathLike[str]) -> bool:
    with open(lock) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
