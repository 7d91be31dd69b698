"""The one lock under which everything on this machine is appended: `log/.lock`, advisory, freed by the kernel.

What it is for: that of any number of sessions asking at one instant exactly one is granted, and that times rise in the
order of writing. What it is not needed for: reading, and the wholeness of a journal, which has one writer.
"""

import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from eventlog.errors import LockTimeout, LogError
from eventlog.local.files import BINARY, JOURNAL_SUFFIX, NOFOLLOW, sync_all, try_lock

LOCK_NAME = ".lock"
SEAL_SUFFIX = ".sealed"  # beside a journal whose last sync failed
_LONGEST_PAUSE_S = 0.02
_WIDTH = 12  # bytes of the lock file, which it always has: a size that changes costs a durable write more than a pid


def lock_owner(folder: str) -> int | None:
    """The pid that holds the lock of a log folder at this moment, 0 if that is unknown; None if nobody does. Changes
    nothing. Raises LogError if that cannot be told.
    """
    path = os.path.join(folder, LOCK_NAME)
    try:
        fd = os.open(path, os.O_RDONLY | NOFOLLOW | BINARY)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LogError(f"cannot open the lock {path}: {error.strerror}") from None
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise LogError(f"the lock {path} is not a regular file")
        return None if try_lock(fd) else _holder(fd)
    except OSError as error:
        raise LogError(f"cannot lock {path}: {error.strerror}") from None
    finally:
        os.close(fd)


@contextmanager
def locked(folder: str, wait_s: float, describe: Callable[[int], str] = str) -> Iterator[None]:
    """Hold the lock of a log folder, waiting at most `wait_s` seconds.

    Raises Locked, naming the holder by `describe(pid)`, and LogError if there can be no lock file.
    """
    fd = _acquire(os.path.join(folder, LOCK_NAME), wait_s, describe)
    try:
        _record_pid(folder, fd)
    except OSError as error:
        os.close(fd)
        raise LogError(
            f"cannot make durable what a killed process left: {error.strerror}. Nothing was written."
        ) from None
    try:
        yield
    finally:
        with suppress(OSError):
            _write_pid(fd, b"")
        with suppress(OSError):  # whatever it says, the lock is free, and what was acknowledged is on the disk
            os.close(fd)


def _record_pid(folder: str, fd: int) -> None:
    """Leave our pid in the lock. Where another's is still there, its process was killed, and what it wrote last may not
    be on the disk; it is before we go on, lest we build on what a power cut takes away. A journal of which that stays
    unknown is sealed. Raises OSError.
    """
    for path in sync_all(folder) if _read_content(fd).strip() else ():
        if path.endswith(JOURNAL_SUFFIX):
            mark_sync_failed(path)
    with suppress(OSError):  # the pid is a courtesy to whoever waits in vain; a full disk must not stop a reader's lock
        _write_pid(fd, b"%d" % os.getpid())


def _read_content(fd: int) -> bytes:
    os.lseek(fd, 0, os.SEEK_SET)  # where that is after locking differs between systems
    return os.read(fd, _WIDTH)


def _write_pid(fd: int, pid: bytes) -> None:
    os.lseek(fd, 0, os.SEEK_SET)
    os.write(fd, pid.ljust(_WIDTH - 1) + b"\n")


def mark_sync_failed(journal: str) -> None:
    """Mark a journal whose sync failed: whether its last lines are on the disk is unknown, so it takes no more."""
    with suppress(OSError):
        os.close(os.open(journal + SEAL_SUFFIX, os.O_WRONLY | os.O_CREAT | NOFOLLOW, 0o666))


def _acquire(path: str, wait_s: float, describe: Callable[[int], str]) -> int:
    deadline = time.monotonic() + wait_s
    pause_s = 0.0005
    while True:
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | NOFOLLOW | BINARY, 0o666)
        except OSError as error:
            raise LogError(f"cannot open the lock {path}: {error.strerror}. Nothing was written.") from None
        try:
            taken = try_lock(fd)
        except OSError as error:
            os.close(fd)
            raise LogError(f"cannot lock {path}: {error.strerror}. Nothing was written.") from None
        if taken:
            if _same_file(fd, path):
                return fd
            os.close(fd)  # replaced between open and lock: what we hold protects nothing
            continue
        holder = _holder(fd)
        os.close(fd)
        if time.monotonic() >= deadline:
            who = describe(holder) if holder else "which one is unknown"
            raise LockTimeout(
                f"another process has held the log's lock for {wait_s:g} s: {who}. "
                "Nothing was written. Try again when it is done."
            )
        time.sleep(
            pause_s * (0.5 + time.perf_counter_ns() % 1000 / 1000)
        )  # unevenly, so that waiters do not march in step
        pause_s = min(pause_s * 1.5, _LONGEST_PAUSE_S)


def _same_file(fd: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), os.stat(path, follow_symlinks=False))
    except OSError:
        return False


def _holder(fd: int) -> int:
    try:
        return int(_read_content(fd))
    except (OSError, ValueError):
        return 0
