"""The files of notifications in the cache. If one is deleted or damaged, a present need may be told once more.

- `notified` has the record of what was decided (`NotifyRecord`). It is written only under the machine's lock.
- `notify-failure` has the reason why the last notification failed. The next one that succeeds deletes it.
- `watched` is empty. A `coord watch` that is visible holds a shared lock on it.
- `notify-waiting` is empty. A process that waits before it notifies holds the lock on it.

The locks end with their processes.
"""

import os
from contextlib import suppress

import msgspec

from coord.platform.replace_file import replace_file
from coord.workspace.notify.decision import NotifyRecord
from eventlog.local.files import NOFOLLOW, read_regular, try_lock, try_shared_lock

NOTIFIED, FAILURE, WATCHED, WAITING = "notified", "notify-failure", "watched", "notify-waiting"
_MAX_BYTES = 1 << 18


def read_notified(cache: str) -> NotifyRecord:
    """Return the record; an empty one if it is missing or damaged."""
    try:
        return msgspec.json.decode(read_regular(os.path.join(cache, NOTIFIED), _MAX_BYTES), type=NotifyRecord)
    except (OSError, ValueError, RecursionError, msgspec.MsgspecError):
        return NotifyRecord()


def save_notified(cache: str, record: NotifyRecord) -> None:
    """Replace the record. Raises OSError."""
    replace_file(os.path.join(cache, NOTIFIED), msgspec.json.encode(record), within=cache)


def read_failure(cache: str) -> str:
    """Return why the last notification failed, after the time in microseconds since 1970; empty if it did not fail."""
    try:
        return read_regular(os.path.join(cache, FAILURE), _MAX_BYTES).decode(errors="replace").strip()
    except OSError:
        return ""


def is_watched(cache: str) -> bool:
    """Return whether a `coord watch` shows the needs now. Call this only under the machine's lock: it takes the lock on
    the mark for a moment, which a second caller would mistake for a watch.
    """
    return not LockFile(cache, WATCHED).is_free


class LockFile:
    """A lock on an empty file in the cache, held by this process or by others. It is taken and released any number of
    times. With `shared`, several processes can hold it.
    """

    def __init__(self, cache: str, name: str, *, shared: bool = False) -> None:
        self._cache, self._path, self._fd = cache, os.path.join(cache, name), -1
        self._try_lock = try_shared_lock if shared else try_lock

    @property
    def is_free(self) -> bool:
        """Whether nobody holds the lock."""
        try:
            fd = os.open(self._path, os.O_RDONLY | NOFOLLOW)
        except OSError:
            return True
        try:
            return try_lock(fd)
        except OSError:
            return True
        finally:
            os.close(fd)  # this also releases the lock

    def take(self) -> bool:
        """Take the lock if that is possible now, and return whether this process holds it."""
        if self._fd >= 0 or os.path.islink(self._cache):
            return self._fd >= 0
        with suppress(OSError):
            os.makedirs(self._cache, exist_ok=True)
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | NOFOLLOW, 0o600)  # other users cannot hold the lock
            if self._try_lock(fd):
                self._fd = fd
            else:
                os.close(fd)
        return self._fd >= 0

    def release(self) -> None:
        """Release the lock if this process holds it."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
