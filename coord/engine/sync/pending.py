"""The draft of events that are published before they are appended: the file `log/.pending`.

A draft is on the disk before it is published, and the file is emptied when its lines are in the journal. If it is
still there, whether it was published is unknown: until that is settled, its journal takes no more events.
"""

import errno
import os
from contextlib import suppress

import msgspec
from msgspec import Struct

from coord.workspace.paths import Workspace
from eventlog.errors import LogError
from eventlog.events import Instant
from eventlog.local.files import BINARY, JOURNAL_SUFFIX, NOFOLLOW, read_regular, sync_data, sync_folder
from eventlog.local.journal import is_session_id

PENDING = ".pending"  # in the log folder
_MAX_BYTES = 64 << 20


class Draft(Struct, frozen=True):
    """Lines that were decided on after reading the remote up to `cursor`: they follow the journal's first bytes."""

    session: str
    offset: int
    data: bytes
    cursor: str
    at: Instant  # of the last event

    @property
    def end(self) -> int:
        """The size of the journal with these lines."""
        return self.offset + len(self.data)


def write_pending(workspace: Workspace, draft: Draft) -> None:
    """Put a draft on the disk. The caller holds the lock. Raises OSError.

    The file is written in place and stays, because a new name takes another sync. A part of a draft is no draft.
    """
    path = os.path.join(workspace.log, PENDING)
    is_new, data = not os.path.lexists(path), msgspec.json.encode(draft)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | NOFOLLOW | BINARY, 0o600)
    try:
        os.ftruncate(fd, 0)
        if os.write(fd, data) != len(data):
            raise OSError(errno.ENOSPC, "only part of it could be written", path)
        sync_data(fd)
    finally:
        os.close(fd)
    if is_new:
        sync_folder(workspace.log)


def read_pending(workspace: Workspace) -> Draft | None:
    """Return the draft whose outcome is unknown; None if there is none."""
    path = os.path.join(workspace.log, PENDING)
    if not os.path.lexists(path):
        return None
    try:
        draft = msgspec.json.decode(read_regular(path, _MAX_BYTES), type=Draft)
    except (OSError, ValueError, RecursionError, msgspec.MsgspecError):
        return None
    return draft if is_session_id(draft.session) and draft.data.endswith(b"\n") else None


def remove_pending(workspace: Workspace) -> None:
    """Remove the draft: it is in its journal, or was never published. The caller holds the lock."""
    with suppress(FileNotFoundError):
        os.truncate(os.path.join(workspace.log, PENDING), 0)


def adopt(workspace: Workspace, draft: Draft) -> None:
    """Append a draft that was published to its journal. The caller holds the lock, and has verified the draft.

    Does nothing if it is there already. Raises LogError or OSError.
    """
    path = os.path.join(workspace.log, draft.session + JOURNAL_SUFFIX)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0), 0o666)
    try:
        size = os.fstat(fd).st_size
        if size < draft.offset:
            raise LogError(f"{draft.session}{JOURNAL_SUFFIX} is shorter than when its last events were published")
        os.lseek(fd, draft.offset, os.SEEK_SET)
        there = os.read(fd, len(draft.data))
        if there == draft.data:
            return
        if b"\n" in there and not draft.data.startswith(there):  # others were acknowledged after these
            raise LogError(f"{draft.session}{JOURNAL_SUFFIX} has other events than those that were published")
        os.ftruncate(fd, draft.offset)  # a torn copy of these lines, or of a line that was never acknowledged
        if os.write(fd, draft.data) != len(draft.data):
            raise LogError(f"{draft.session}{JOURNAL_SUFFIX}: only part of a published event could be written")
        os.fsync(fd)
    finally:
        os.close(fd)
    sync_folder(workspace.log)
