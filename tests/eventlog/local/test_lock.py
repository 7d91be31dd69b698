"""The lock: at most one process of a machine holds it, it is released when its holder dies, and a timeout names the
holder.
"""

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest

from eventlog.errors import LockTimeout, LogError
from eventlog.local import files, lock
from eventlog.local.lock import LOCK_NAME, locked
from tests.support.locks import lock_holder

_COUNT = """
import sys
from eventlog.local.lock import locked
for _ in range(50):
    with locked(sys.argv[1], 60):
        with open(sys.argv[2], "r+") as file:
            number = int(file.read())
            file.seek(0)
            file.write(str(number + 1))
"""


def test_only_one_process_holds_the_lock_at_a_time(tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    counter.write_text("0")
    command = [sys.executable, "-c", _COUNT, str(tmp_path), str(counter)]
    children = [subprocess.Popen(command) for _ in range(4)]
    assert [child.wait() for child in children] == [0] * 4
    assert counter.read_text() == "200"


def test_a_waiting_process_gets_the_lock_when_it_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, taken = files.try_lock, iter([True, True, True])
    monkeypatch.setattr(lock, "try_lock", lambda fd: False if next(taken, False) else real(fd))
    with locked(str(tmp_path), 60):
        assert next(taken, None) is None


def test_the_pid_is_read_whatever_position_locking_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On some systems, locking a byte moves the file position there."""
    real, synced = files.try_lock, Mock(return_value=[])

    def far_out(fd: int) -> bool:
        os.lseek(fd, 1 << 30, os.SEEK_SET)
        return real(fd)

    monkeypatch.setattr(lock, "try_lock", far_out)
    monkeypatch.setattr(lock, "sync_all", synced)
    (tmp_path / LOCK_NAME).write_text("4194303\n")
    with locked(str(tmp_path), 0):
        assert lock.lock_owner(str(tmp_path)) == os.getpid()
        with pytest.raises(LockTimeout, match=str(os.getpid())):
            locked(str(tmp_path), 0).__enter__()
    assert synced.call_count == 1
    with locked(str(tmp_path), 0):
        assert synced.call_count == 1


def test_a_lock_timeout_names_the_holders_pid(tmp_path: Path) -> None:
    with lock_holder(tmp_path) as child:
        with pytest.raises(LockTimeout, match=rf"\b{child.pid}\b"), locked(str(tmp_path), 0):
            pytest.fail("two hold the lock")
        with pytest.raises(LockTimeout, match=f"the one with {child.pid}, stopped"):
            locked(str(tmp_path), 0.01, lambda pid: f"the one with {pid}, stopped").__enter__()
    with locked(str(tmp_path), 0):
        assert (tmp_path / LOCK_NAME).read_text().strip() == str(os.getpid())


def test_a_stopped_process_keeps_the_lock_and_a_killed_does_not(tmp_path: Path) -> None:
    with lock_holder(tmp_path) as child:
        child.send_signal(signal.SIGSTOP)
        with pytest.raises(LockTimeout):
            locked(str(tmp_path), 0).__enter__()
        child.kill()
        child.wait()
        with locked(str(tmp_path), 0):
            pass


def test_the_lock_is_free_after_an_error_in_its_body(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), locked(str(tmp_path), 0):
        raise ZeroDivisionError
    with locked(str(tmp_path), 0):
        pass


def test_a_lock_file_replaced_before_locking_is_not_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, real, tries = tmp_path / LOCK_NAME, files.try_lock, list[int]()

    def replaced_meanwhile(fd: int) -> bool:
        tries.append(os.fstat(fd).st_ino)
        if len(tries) == 1:
            (tmp_path / "new").touch()
            (tmp_path / "new").replace(path)
        elif len(tries) == 2:
            path.unlink()
        return real(fd)

    monkeypatch.setattr(lock, "try_lock", replaced_meanwhile)
    with locked(str(tmp_path), 0):
        monkeypatch.undo()
        assert len(tries) == 3
        with path.open() as other, pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.parametrize("kind", ["symlink", "directory", "no folder"])
def test_an_impossible_lock_file_is_an_error(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "none" if kind == "no folder" else tmp_path
    if kind == "symlink":
        (tmp_path / LOCK_NAME).symlink_to(tmp_path / "elsewhere")
    elif kind == "directory":
        (tmp_path / LOCK_NAME).mkdir()
    with pytest.raises(LogError, match="cannot open the lock"):
        locked(str(folder), 0).__enter__()
    assert not (tmp_path / "elsewhere").exists()


def test_a_file_system_without_locks_is_a_log_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: int) -> bool:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(lock, "try_lock", fails)
    with pytest.raises(LogError, match="No locks available"):
        locked(str(tmp_path), 0).__enter__()


@pytest.mark.parametrize("text", [b"", b"not a number", b"\xff" * 50])
def test_a_holder_that_left_no_pid_is_unknown(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / LOCK_NAME
    path.write_bytes(text)
    with path.open() as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(LockTimeout, match="which one is unknown"):
            locked(str(tmp_path), 0).__enter__()


def test_a_full_disk_does_not_prevent_locking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with locked(str(tmp_path), 0), pytest.raises(LockTimeout):
        locked(str(tmp_path), 0).__enter__()
