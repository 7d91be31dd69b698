"""What we ask of the operating system, and all that differs between them: reading what others may have put in a place,
locking a file, and making bytes durable.

Linux and macOS are tested platforms. The Windows branches are written from its documentation and are untested: a lock
there is mandatory for the locked byte, and a folder cannot be synced.
"""

import errno
import os
import stat
import sys

JOURNAL_SUFFIX = ".jsonl"  # of a journal's name
ARCHIVE_FOLDER = "ended"  # inside the log's folder: the journals that were archived
NOFOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
"""Flags for every open inside the log: no symbolic link is followed, and a FIFO put there blocks nobody."""
BINARY = getattr(os, "O_BINARY", 0)


def read_regular(path: str, most: int) -> bytes:
    """The bytes of a file that others may have put there. Raises OSError for what is no regular file (a link, a pipe, a
    device) and for more than `most` bytes: nothing blocks, and nothing fills the memory.
    """
    fd = os.open(path, os.O_RDONLY | NOFOLLOW | BINARY)
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", path)
        if status.st_size > most:
            raise OSError(errno.EFBIG, f"it has more than {most} bytes", path)
        with os.fdopen(fd, "rb", closefd=False) as file:
            return file.read(min(most, status.st_size + 1))
    finally:
        os.close(fd)


def list_journal_sizes(log: str) -> dict[str, int]:
    """The names, without their ending, of what looks like a journal in a folder, and how long each is; -1 where that
    cannot be told, as of what has gone meanwhile. Raises OSError for the folder.

    Whoever reads the log and whoever asks whether it has changed since both take the files from here.
    """
    sizes: dict[str, int] = {}
    with os.scandir(log) as entries:
        for entry in entries:
            if entry.name.endswith(JOURNAL_SUFFIX):
                try:
                    size = entry.stat(follow_symlinks=False).st_size
                except OSError:
                    size = -1
                sizes[entry.name[: -len(JOURNAL_SUFFIX)]] = size
    return sizes


def modified_at_ns(path: str) -> int:
    """When a file or the names in a folder last changed, in nanoseconds since 1970, as a number that 63 bits hold: a
    disk may say anything. Raises OSError.
    """
    return os.stat(path).st_mtime_ns % (1 << 63)


def path_exists(path: str) -> bool:
    """Whether something stands at a path, even a link that leads nowhere. Raises OSError where that cannot be told,
    which is no "no".
    """
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


if sys.platform == "win32":  # pragma: no cover - untested
    import msvcrt

    def try_lock(fd: int) -> bool:
        """Take the advisory lock of an open file if it is free, without waiting."""
        try:
            os.lseek(fd, 1 << 30, os.SEEK_SET)  # a byte beyond the text, which others must be able to read
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
            return True
        except OSError:
            return False

    def sync_data(fd: int) -> None:
        """Return once the bytes of an open file are on the disk."""
        os.fsync(fd)

    def sync_folder(path: str) -> None:
        """Return once the names in a folder are on the disk, where the system can do that."""

else:
    import fcntl

    def try_lock(fd: int) -> bool:
        """Take the advisory lock of an open file if it is free, without waiting."""
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            return False

    def sync_data(fd: int) -> None:
        """Return once the bytes of an open file are on the disk, and not only in the drive's cache.

        macOS's fsync stops at the drive; F_FULLFSYNC does not, but some file systems lack it.
        """
        if sys.platform == "darwin":
            try:
                fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
            except OSError:
                os.fsync(fd)
        else:
            os.fdatasync(fd)

    def sync_folder(path: str) -> None:
        """Return once the names in a folder are on the disk."""
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def sync_all(folder: str) -> list[str]:
    """Return once the bytes of all files in a folder that can be read are on the disk; the paths of those of which that
    is unknown, because their sync failed: the system says so once, and says yes the next time. Raises OSError.
    """
    failed: list[str] = []
    with os.scandir(folder) as entries:
        paths = [entry.path for entry in entries if entry.is_file(follow_symlinks=False)]
    for path in paths:
        try:
            fd = os.open(path, os.O_RDONLY | NOFOLLOW | BINARY)
        except OSError:
            continue
        try:
            sync_data(fd)
        except OSError:
            failed.append(path)
        finally:
            os.close(fd)
    return failed
