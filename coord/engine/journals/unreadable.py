"""Tell what is missing when a journal, or the whole log, cannot be read."""

import os
import stat
from collections.abc import Mapping
from contextlib import suppress

from coord.engine.cache import checkpoint
from coord.errors import no_log
from coord.render.format import plural
from coord.workspace.paths import Workspace
from eventlog.errors import LogError
from eventlog.history import LogReader
from eventlog.local.files import modified_at_ns
from eventlog.local.journal import MAX_JOURNAL_BYTES, is_session_id, journal_paths
from eventlog.scanning import Position


def is_unused(workspace: Workspace) -> bool:
    """Return whether no session was ever here, as in a fresh clone. Git stores neither the log nor derived files."""
    saved = os.path.join(workspace.cache, checkpoint.NAME)
    return not any(os.path.lexists(path) for path in (workspace.log, saved, workspace.board))


def refuse_missing_log(workspace: Workspace, error: LogError, history: LogReader, marks: int) -> None:
    """Raise CoordError (4) for a log folder that cannot be read, except where coord was never used.

    `marks` is the number of journals that were read before and have no final position.
    """
    if not os.path.isdir(workspace.folder):
        raise no_log(f"{workspace.folder} was removed. Restore it, or make a new one: coord init") from None
    if is_unused(workspace) and not history.positions:
        return
    if os.path.isdir(workspace.log):
        raise no_log(f"{error}. What is wrong and what to do: coord doctor") from None
    known = marks + history.archive.summary.journals
    lost = f" It held {plural(known, 'journal')} when it was last read." if known else ""
    raise no_log(
        f"{error}.{lost} Restore it if it was removed; `coord start` begins a new one, without that past."
    ) from None


def first_incomplete(
    workspace: Workspace, history: LogReader, seen: Mapping[str, checkpoint.HighWaterMark], *, fresh: bool
) -> str:
    """Return the first journal that cannot be read now and whose events the state lacks; empty if there is none.

    If another kind of file has replaced a journal that was read before, the state still contains its events. With
    `fresh`, the state continues that of the checkpoint; otherwise it lacks all events of such a journal.
    """
    for name in sorted(history.problems):
        if (not fresh and name in seen and seen[name].size) or _has_unread_events(
            workspace, history, name, name in seen
        ):
            return name
    return ""


def _has_unread_events(workspace: Workspace, history: LogReader, name: str, was_read: bool) -> bool:
    read = (history.position(name) or Position()).size
    never = not read and not was_read  # it may be another user's: then it does not count here
    for path in journal_paths(workspace.log, name) if is_session_id(name) else ():
        try:
            status = os.lstat(path)
        except FileNotFoundError:
            continue
        except OSError:
            return True
        if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_JOURNAL_BYTES:
            return False
        return status.st_size != read and not (never and not os.access(path, os.R_OK))
    return False


def log_bytes(workspace: Workspace, history: LogReader) -> int:
    """Return the size of all journals that can be seen."""
    size = 0
    with suppress(LogError):
        for path in (path for name in history.names() for path in journal_paths(workspace.log, name)):
            with suppress(OSError):
                size += os.lstat(path).st_size
    return size


def log_modified_ns(workspace: Workspace) -> int:
    """Return when a journal was last added to the log folder or removed from it; 0 if that is unknown."""
    with suppress(OSError):
        return modified_at_ns(workspace.log)
    return 0
