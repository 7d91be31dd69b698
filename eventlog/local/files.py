"""Operating system calls, with all platform differences: safe reads, file locks and syncs.

Linux is tested. The branches for macOS and Windows follow their documentation and are untested. On Windows a lock is
mandatory for the locked byte, and a folder cannot be synced.
"""

import errno
import os
import stat
import sys
import time

JOURNAL_SUFFIX = ".jsonl"  # of every journal's file name
ARCHIVE_FOLDER = "ended"  # the folder inside the log for archived journals
NOFOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
"""Flags for every open inside the log: symbolic links are not followed, and opening a FIFO does not block."""
BINARY = getattr(os, "O_BINARY", 0)
_SETTLED_NS = 2_000_000_000  # the largest step of the times in a common file system


def read_regular(path: str, max_bytes: int) -> bytes:
    """Return the content of a file that others may have written.

    Raises OSError if it is not a regular file (a link, a pipe, a device) or is larger than `max_bytes`, so that
    reading neither blocks nor fills the memory.
    """
    fd = os.open(path, os.O_RDONLY | NOFOLLOW | BINARY)
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", path)
        if status.st_size > max_bytes:
            raise OSError(errno.EFBIG, f"it has more than {max_bytes} bytes", path)
        with os.fdopen(fd, "rb", closefd=False) as file:
            return file.read(min(max_bytes, status.st_size + 1))
    finally:
        os.close(fd)


def list_journal_sizes(log: str) -> dict[str, int]:
    """Return the sizes of the files in a folder that look like journals, by name without suffix.

    The size is -1 if it cannot be read, for example because the file was deleted meanwhile. Raises OSError if the
    folder cannot be listed. Both the log reader and the check for changes use this list, so that they agree on which
    journals exist.
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


def journal_names(folder: str) -> set[str]:
    """Return the names, without the suffix, of the files in a folder that look like journals. Raises OSError."""
    with os.scandir(folder) as entries:
        return {entry.name[: -len(JOURNAL_SUFFIX)] for entry in entries if entry.name.endswith(JOURNAL_SUFFIX)}


def modified_at_ns(path: str) -> int:
    """Return when a file, or the list of names in a folder, last changed, in nanoseconds since 1970. Raises OSError.

    The number is reduced to 63 bits, because a file system can return any value.
    """
    return os.stat(path).st_mtime_ns % (1 << 63)


def is_settled(modified_ns: int) -> bool:
    """Return whether every later change of a file or folder gives it another time than `modified_ns`."""
    return time.time_ns() - modified_ns > _SETTLED_NS


def path_exists(path: str) -> bool:
    """Return whether a path exists, even as a broken link. Raises OSError if this cannot be determined."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


if sys.platform == "win32":  # pragma: no cover - untested
    import msvcrt

    def try_lock(fd: int) -> bool:
        """Take the advisory lock of an open file if it is free, without waiting; return whether it was taken."""
        try:
            os.lseek(fd, 1 << 30, os.SEEK_SET)  # a byte after the content, which others must be able to read
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
            return True
        except OSError:
            return False

    def try_shared_lock(fd: int) -> bool:
        """Take the lock as `try_lock` does: there are no shared locks."""
        return try_lock(fd)

    def sync_data(fd: int) -> None:
        """Return when the content of an open file is on the disk."""
        os.fsync(fd)

    def sync_folder(path: str) -> None:
        """Return when the names in a folder are on the disk, if the system supports that."""

else:
    import fcntl

    def try_lock(fd: int) -> bool:
        """Take the advisory lock of an open file if it is free, without waiting; return whether it was taken."""
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            return False

    def try_shared_lock(fd: int) -> bool:
        """Take a shared advisory lock, which several processes can hold, as `try_lock` does."""
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            return False

    def sync_data(fd: int) -> None:
        """Return when the content of an open file is on the disk, and not only in the drive's cache.

        On macOS, fsync reaches only the drive's cache. F_FULLFSYNC reaches the disk, but some file systems do not
        support it.
        """
        if sys.platform == "darwin":
            try:
                fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
            except OSError:
                os.fsync(fd)
        else:
            os.fdatasync(fd)

    def sync_folder(path: str) -> None:
        """Return when the names in a folder are on the disk."""
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def sync_all(folder: str) -> list[str]:
    """Sync all readable files in a folder, and return the paths of those whose sync failed. Raises OSError.

    The system reports a failed sync only once, and reports success the next time, so the caller must record the
    failure.
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
