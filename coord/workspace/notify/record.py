"""The files of notifications in the cache. If one is deleted or damaged, a present need may be told once more.

- `notified` has the record of what was decided (`NotifyRecord`). It is written only under the machine's lock.
- `notify-failure` has the reason why the last notification failed. The next one that succeeds deletes it.
- `watched` is empty. A `coord watch` that is visible holds a shared lock on it, which ends with the process.
"""

import os
from contextlib import suppress

import msgspec

from coord.platform.replace_file import replace_file
from coord.workspace.notify.decision import NotifyRecord
from eventlog.local.files import NOFOLLOW, read_regular, try_lock, try_shared_lock

NOTIFIED, FAILURE, WATCHED = "notified", "notify-failure", "watched"
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
    """Return whether a `coord watch` shows the needs now."""
    try:
        fd = os.open(os.path.join(cache, WATCHED), os.O_RDONLY | NOFOLLOW)
    except OSError:
        return False
    try:
        return not try_lock(fd)
    except OSError:
        return False
    finally:
        os.close(fd)  # this also releases the lock


class WatchedLock:
    """The mark of a `coord watch` that is visible. It is set and removed as often as needed."""

    def __init__(self, cache: str) -> None:
        self._path, self._fd = os.path.join(cache, WATCHED), -1

    def set(self, visible: bool) -> None:
        """Set or remove the mark. If that fails, or the lock is just being tried, the next call tries again."""
        if not visible and self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        if not visible or self._fd >= 0:
            return
        cache = os.path.dirname(self._path)
        if os.path.islink(cache):
            return
        with suppress(OSError):
            os.makedirs(cache, exist_ok=True)
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | NOFOLLOW, 0o600)  # nobody else can hold the lock
            if try_shared_lock(fd):
                self._fd = fd
            else:
                os.close(fd)
