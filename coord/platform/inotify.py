"""Changes of a folder as Linux reports them. Nothing runs while nothing changes."""

import ctypes
import errno
import os
import struct
from collections.abc import Iterator
from contextlib import suppress

_GONE = 0x400 | 0x800  # the folder itself was deleted or moved
_MASK = _GONE | 0x2 | 0x40 | 0x80 | 0x100 | 0x200  # a file in it was modified, moved from, moved to, created, deleted
_ONLY_FOLDERS = 0x1000000
_BUFFER_BYTES = 1 << 16
_HEADER = struct.Struct("iIII")  # the watch, what happened, a cookie, and the length of the name that follows


class FolderChanges:
    """A descriptor, `fd`, that becomes readable when something in a folder changes.

    While the folder is missing, the nearest one above it is watched. Raises OSError if the system cannot report
    changes.
    """

    def __init__(self, folder: str) -> None:
        self._folder, self._watch = folder, -1
        self._watched: tuple[int, int] | None = None  # the device and inode of the folder, while it is watched itself
        try:
            self._libc = ctypes.CDLL(None, use_errno=True)
            self.fd: int = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        except (AttributeError, TypeError) as error:  # the system has no such function
            raise OSError(str(error)) from None
        if self.fd < 0:
            raise _last_error("inotify")
        try:
            self._start()
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Stop watching."""
        os.close(self.fd)

    def drain(self) -> bool:
        """Read the changes that were reported, and return whether any counts: those of hidden files do not.

        Follows the folder if it was made, moved or removed. Raises OSError if it cannot be watched any more.
        """
        counts = False
        with suppress(BlockingIOError):
            while data := os.read(self.fd, _BUFFER_BYTES):
                counts |= any(not name.startswith(b".") for name in _names(data))
        if self._watched is None or self._watched != _identity(self._folder):
            self._libc.inotify_rm_watch(self.fd, self._watch)  # fails if the watch ended with its folder
            self._start()
        return counts

    def _start(self) -> None:
        """Watch the folder, or the nearest one above it that exists."""
        path, missing = self._folder, ""
        while True:
            watch: int = self._libc.inotify_add_watch(self.fd, os.fsencode(path), _MASK | _ONLY_FOLDERS)
            if watch < 0:
                error, missing, path = _last_error(path), path, os.path.dirname(path)
                if error.errno not in (errno.ENOENT, errno.ENOTDIR) or path == missing:
                    raise error
            elif missing and os.path.isdir(missing):  # it was made in the meantime
                path, missing = self._folder, ""
            else:
                self._watch, self._watched = watch, None if missing else _identity(path)
                if not missing:  # a move of the folder above is not reported for this one
                    self._libc.inotify_add_watch(self.fd, os.fsencode(os.path.dirname(path)), _GONE | _ONLY_FOLDERS)
                return


def _names(data: bytes) -> Iterator[bytes]:
    """Yield the name of each file that a report is about; empty for the folder itself."""
    at = 0
    while at < len(data):
        *_, length = _HEADER.unpack_from(data, at)
        at += _HEADER.size + length
        yield data[at - length : at].rstrip(b"\0")


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _last_error(path: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number), path)
