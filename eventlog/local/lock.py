"""The lock for all writes on this machine: an advisory lock on `log/.lock`, which the kernel releases with the process.

It guarantees that exactly one of several simultaneous requests is granted, and that times increase in the order of
writing. It is not needed for reading, nor to keep a journal intact, since each journal has one writer.
"""

import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from eventlog.errors import LockTimeout, LogError
from eventlog.local.files import BINARY, JOURNAL_SUFFIX, NOFOLLOW, sync_all, try_lock

LOCK_NAME = ".lock"
SEAL_SUFFIX = ".sealed"  # of the file next to a journal whose last sync failed
_MAX_PAUSE_S = 0.02
_WIDTH = 12  # bytes of the lock file; a fixed size, because a sync of a changed size takes longer


def lock_owner(folder: str) -> int | None:
    """Return the pid of the process that holds the lock of a log folder, 0 if it is unknown, None if the lock is free.

    Changes nothing. Raises LogError if it cannot be determined.
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
    """Hold the lock of a log folder; wait at most `wait_s` seconds for it.

    Raises LockTimeout, which names the holder by `describe(pid)`, and LogError if there can be no lock file.
    """
    fd = _acquire(os.path.join(folder, LOCK_NAME), wait_s, describe)
    try:
        _record_pid(folder, fd)
    except OSError as error:
        os.close(fd)
        raise LogError(f"cannot sync what a killed process wrote: {error.strerror}. Nothing was written.") from None
    try:
        yield
    finally:
        with suppress(OSError):
            _write_pid(fd, b"")
        with suppress(OSError):  # even on an error the lock is released, and acknowledged events are on the disk
            os.close(fd)


def _record_pid(folder: str, fd: int) -> None:
    """Write our pid into the lock file, after syncing what a killed process may have left unsynced.

    If another pid is still there, its process was killed, and its last writes may not be on the disk. They are synced
    first, so that we do not build on data that a power failure could remove. A journal whose sync fails is sealed.
    Raises OSError.
    """
    for path in sync_all(folder) if _read_content(fd).strip() else ():
        if path.endswith(JOURNAL_SUFFIX):
            mark_sync_failed(path)
    with suppress(OSError):  # the pid only improves a message; a full disk must not prevent locking
        _write_pid(fd, b"%d" % os.getpid())


def _read_content(fd: int) -> bytes:
    os.lseek(fd, 0, os.SEEK_SET)  # after locking, the file position differs between systems
    return os.read(fd, _WIDTH)


def _write_pid(fd: int, pid: bytes) -> None:
    os.lseek(fd, 0, os.SEEK_SET)
    os.write(fd, pid.ljust(_WIDTH - 1) + b"\n")


def mark_sync_failed(journal: str) -> None:
    """Seal a journal whose sync failed: its last lines may not be on the disk, so it takes no more events."""
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
            os.close(fd)  # the file was replaced between open and lock, so this lock protects nothing
            continue
        holder = _holder(fd)
        os.close(fd)
        if time.monotonic() >= deadline:
            owner = describe(holder) if holder else "which one is unknown"
            raise LockTimeout(
                f"another process has held the log's lock for {wait_s:g} s: {owner}. "
                "Nothing was written. Try again when it has finished."
            )
        jitter = 0.5 + time.perf_counter_ns() % 1000 / 1000  # so that waiting processes do not retry at the same times
        time.sleep(pause_s * jitter)
        pause_s = min(pause_s * 1.5, _MAX_PAUSE_S)


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
