"""Append to one session's journal, and archive it.

1. A journal has one writer, its session. It is opened with O_APPEND and each append is one `write`. After a short
   write the journal is cut back, so a line is either complete or absent.
2. Acknowledged means durable: a journal's name is on the disk before its first line, and `sync` returns when its lines
   are on the disk. After a failed sync, nobody knows whether they are. They stay in the file, the journal is sealed,
   and its session continues in another journal.
3. A tear is repaired by the next writer of the journal. A complete line without its newline gets the newline. Any other
   bytes were never acknowledged; they are saved in a file in the log folder and cut off.
4. A journal that takes no more events is archived by one rename, under the machine's lock. Nothing is copied, deleted
   or replaced, so after any interruption the journal is complete in one of the two places.
"""

import errno
import os
import stat
from contextlib import suppress

from eventlog.codec import can_follow, encode_lines
from eventlog.errors import AppendFailed, JournalClosed, LogError, SyncFailed
from eventlog.events import Event, EventId
from eventlog.local.files import ARCHIVE_FOLDER, BINARY, JOURNAL_SUFFIX, NOFOLLOW, sync_data, sync_folder
from eventlog.local.journal import MAX_JOURNAL_BYTES, journal_paths, known_closed_reason, rewritten_reason
from eventlog.local.lock import SEAL_SUFFIX, mark_sync_failed
from eventlog.scanning import Position, position_after, scan

TORN_SUFFIX = ".torn"


class JournalWriter:
    """Appends to one journal. It must be used under the machine's lock, and closed.

    `position` must be where reading the journal stopped. Opening repairs a tear and describes that in `mended`. Raises
    JournalClosed if the journal takes no more events, and LogError if it cannot be opened. With `drafts`, nothing is
    written before `write_draft`.
    """

    def __init__(self, folder: str, session: str, position: Position, *, drafts: bool = False) -> None:
        self.drafts, self.draft = drafts, b""
        self._is_new = not position.size
        self.path = os.path.join(folder, session + JOURNAL_SUFFIX)
        self.session, self.position, self.mended = session, position, ""
        if reason := known_closed_reason(folder, session, position):
            raise self._closed_error(reason)
        create = 0 if position.size else os.O_CREAT
        try:
            self._fd = os.open(self.path, os.O_RDWR | create | os.O_APPEND | NOFOLLOW | BINARY, 0o666)
        except OSError as error:
            raise LogError(f"cannot write {self.path}: {error.strerror}. Nothing was written.") from None
        try:
            status = os.fstat(self._fd)
            if not stat.S_ISREG(status.st_mode):
                raise OSError(0, "it is not a regular file")
            os.lseek(self._fd, position.size - len(position.last), os.SEEK_SET)
            if os.read(self._fd, len(position.last)) != position.last:
                raise self._closed_error(rewritten_reason(position))
            if status.st_size > MAX_JOURNAL_BYTES:
                raise OSError(0, f"it has {status.st_size} bytes, more than {MAX_JOURNAL_BYTES}")
            if status.st_size > position.size:
                self._repair_end(folder)
            if create:
                _sync_path(folder)
        except OSError as error:
            self.close()
            raise LogError(f"cannot prepare {self.path}: {error.strerror}. Nothing was written.") from None
        except JournalClosed:
            self.close()
            raise

    @property
    def n(self) -> int:
        """The number of the next event."""
        return self.position.n + 1

    def append(self, event: Event) -> None:
        """Append one event, as `extend` does."""
        self.extend([event])

    def extend(self, events: list[Event]) -> None:
        """Append several events in one write. They are durable only after `sync`.

        Raises AppendFailed and writes nothing if an event would be read back differently: a value out of range, or an
        event out of order. After a failed write the journal is cut back; the error says so if even that fails.
        """
        start = self.position
        if not events:
            return
        if not can_follow(events, self.session, start.n, start.at):
            what = f"{events[0].id} at {events[0].at}" + (" or an event after it" if len(events) > 1 else "")
            raise AppendFailed(f"{what} does not follow {self.session}/{start.n}. Nothing was written.")
        try:
            lines = encode_lines(events, start.hashes[0])
        except ValueError as error:
            raise AppendFailed(f"this cannot be written: {error}. Nothing was written.") from None
        size = len(data := b"".join(lines))
        if self.drafts:
            self.draft += data
        else:
            self._write(data, start.size)
        self.position = position_after(start, events, size, lines[-1][:-1])

    def write_draft(self) -> None:
        """Write all lines that were appended, in one write. Raises AppendFailed; the journal is then unchanged."""
        data, self.draft = self.draft, b""
        self._write(data, self.position.size - len(data))

    def drop_draft(self) -> None:
        """Forget the lines that were appended, and remove the journal if it is new."""
        self.draft = b""
        if self._is_new:
            with suppress(OSError):
                if os.fstat(self._fd).st_size == 0:
                    os.unlink(self.path)

    def _write(self, data: bytes, start: int) -> None:
        try:
            size = len(data)
            reason = "only part of it could be written" if os.write(self._fd, data) != size else ""
        except OSError as error:
            reason = error.strerror or str(error)
        if reason:
            self._undo_write(start, reason)

    def sync(self) -> None:
        """Make every appended event durable. Raises SyncFailed if that is unknown; the journal is then sealed."""
        try:
            sync_data(self._fd)
        except OSError as error:
            mark_sync_failed(self.path)
            raise SyncFailed(
                f"{self.path} could not be made durable: {error.strerror}. Whether the last event is kept is unknown; "
                "it stays in the file, the journal takes no more events, and this session continues in a new one."
            ) from None

    def _closed_error(self, reason: str) -> JournalClosed:
        return JournalClosed(f"the journal {self.session}{JOURNAL_SUFFIX} takes no more events: {reason}")

    def close(self) -> None:
        """Close the file. An error is ignored, since acknowledged events were synced before."""
        with suppress(OSError):
            os.close(self._fd)

    def _undo_write(self, size: int, reason: str) -> None:
        """Cut the journal back to `size` after a failed write, and raise AppendFailed."""
        outcome = "This was not recorded"
        try:
            os.ftruncate(self._fd, size)
        except OSError as error:
            reason += f", and the incomplete part could not be cut off ({error.strerror})"
            outcome = "Complete events in it stay; the next command cuts off the rest"
        raise AppendFailed(
            f"cannot write {self.path}: {reason}. {outcome}; everything recorded before is kept. "
            "Free some disk space or repair the disk, then try again."
        )

    def _repair_end(self, folder: str) -> None:
        """Rule 3: complete a line that lacks only its newline; save and cut off anything else."""
        os.lseek(self._fd, self.position.size, os.SEEK_SET)
        parts = []
        while part := os.read(self._fd, 1 << 20):
            parts.append(part)
        tear = b"".join(parts)
        lines: dict[EventId, bytes] = {}
        scan(self.session, tear + b"\n", self.position, lines)
        line = next(iter(lines.values()), b"")
        line = line if tear.startswith(line) else b""
        repairs = []
        if junk := tear[len(line) :]:
            saved_as = self._save(folder, junk)
            os.ftruncate(self._fd, self.position.size + len(line))
            repairs.append(f"moved {len(junk)} bytes of a line that was never acknowledged to {saved_as}")
        if line:
            if os.write(self._fd, b"\n") != 1:
                raise OSError(0, "only part of it could be written")
            self.position = scan(self.session, line + b"\n", self.position)[1]
            repairs.append("completed the last line")
        self.mended = f"{self.session}{JOURNAL_SUFFIX}: {' and '.join(repairs)}"

    def _save(self, folder: str, junk: bytes) -> str:
        """Save bytes in a new file in the log folder, and return its name. Raises OSError."""
        count = 1
        while os.path.lexists(path := os.path.join(folder, f"{self.session}-{count}{TORN_SUFFIX}")):
            count += 1
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | NOFOLLOW | BINARY, 0o666)
        try:
            if os.write(fd, junk) != len(junk):
                raise OSError(0, "only part of it could be written")
            sync_data(fd)
        except OSError:
            os.unlink(path)
            raise
        finally:
            os.close(fd)
        sync_folder(folder)
        return os.path.basename(path)


def _sync_path(folder: str) -> None:
    """Sync the names in a log folder and in the two folders above it, which may be new too. Raises OSError."""
    sync_folder(folder)
    for parent in (os.path.dirname(folder), os.path.dirname(os.path.dirname(folder))):
        try:
            sync_folder(parent or ".")
        except OSError as error:  # a folder that we cannot sync or open existed before
            if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS, errno.EINVAL, errno.ENOTSUP):
                raise


def archive_journal(folder: str, session: str) -> None:
    """Archive a journal (rule 4). It is durable after `sync_names`. Raises LogError; the journal is then not moved."""
    active, archived = journal_paths(folder, session)
    try:
        if os.path.islink(os.path.dirname(archived)):
            raise LogError(f"{ARCHIVE_FOLDER}/ is a symbolic link to another place")
        os.makedirs(os.path.dirname(archived), exist_ok=True)
        if os.path.lexists(archived):
            raise LogError(f"{ARCHIVE_FOLDER}/ already contains a journal of this name")
        os.rename(active, archived)
    except OSError as error:
        raise LogError(f"it cannot be moved: {error.strerror}") from None
    if os.path.lexists(active + SEAL_SUFFIX) and not os.path.lexists(archived + SEAL_SUFFIX):
        with suppress(OSError):  # a seal that stays behind has no effect without its journal
            os.rename(active + SEAL_SUFFIX, archived + SEAL_SUFFIX)


def sync_names(folder: str) -> None:
    """Make moves to the archive durable. Raises LogError.

    The archive is synced first, so that a moved journal is always in at least one of the two folders.
    """
    try:
        sync_folder(os.path.join(folder, ARCHIVE_FOLDER))
        sync_folder(folder)
    except OSError as error:
        raise LogError(f"it is unknown whether the new places are on the disk: {error.strerror}") from None
