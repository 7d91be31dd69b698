"""Appending to one session's journal.

1. A journal has one writer, its session. It is opened with O_APPEND, a line is in one `write`, and a short write is
   cut back, so a line is either whole or not there.
2. Acknowledged means durable: a journal's name is on the disk before its first line, and `sync` returns once the lines
   are. After a failed sync nobody knows, so the line stays, the journal is sealed, and its session goes on in another.
3. A tear is mended by the next writer of the journal: a whole line after the last newline gets its newline; any other
   bytes there were never acknowledged, and are saved beside the log and cut.
4. A journal that takes no more is put among the ended by one rename, under the machine's lock: nothing is copied,
   deleted or replaced, so whatever interrupts it, the journal is whole in one of the two places.
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
    """The appending end of one journal, to be used under the machine's lock and closed.

    `position` must be where reading the journal stopped. Opening mends a tear and says so in `mended`. Raises
    JournalClosed if the journal takes no appends, and LogError if it cannot be opened.
    """

    def __init__(self, folder: str, session: str, position: Position) -> None:
        self.path = os.path.join(folder, session + JOURNAL_SUFFIX)
        self.session, self.position, self.mended = session, position, ""
        if reason := known_closed_reason(folder, session, position):
            raise self._closed(reason)
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
                raise self._closed(rewritten_reason(position))
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
        """The number that the next event gets."""
        return self.position.n + 1

    def append(self, event: Event) -> None:
        """Write one event, as `extend` does."""
        self.extend([event])

    def extend(self, events: list[Event]) -> None:
        """Write some events at once. They are not durable before `sync`. Raises AppendFailed; the journal is then as
        before, or where the disk does not allow even that, as the error says.

        What would be read back as something else is not written: a value out of its range, an event out of its order.
        """
        start = self.position
        if not events:
            return
        if not can_follow(events, self.session, start.n, start.at):
            what = f"{events[0].id} at {events[0].at}" + (" or what comes after it" if len(events) > 1 else "")
            raise AppendFailed(f"{what} does not follow {self.session}/{start.n}. Nothing was written.")
        try:
            lines = encode_lines(events, start.hashes[0])
        except ValueError as error:
            raise AppendFailed(f"this cannot be written down: {error}. Nothing was written.") from None
        try:
            size = len(data := b"".join(lines))
            reason = "the disk took only part of it" if os.write(self._fd, data) != size else ""
        except OSError as error:
            reason = error.strerror or str(error)
        if reason:
            self._truncate(start.size, reason)
        self.position = position_after(start, events, size, lines[-1][:-1])

    def sync(self) -> None:
        """Make every appended event durable. Raises SyncFailed: their outcome is unknown and the journal is sealed."""
        try:
            sync_data(self._fd)
        except OSError as error:
            mark_sync_failed(self.path)
            raise SyncFailed(
                f"{self.path} could not be made durable: {error.strerror}. Whether the last event is kept is unknown; "
                "it stays in the file, the journal takes no more, and this session goes on in a new one."
            ) from None

    def _closed(self, reason: str) -> JournalClosed:
        return JournalClosed(f"the journal {self.session}{JOURNAL_SUFFIX} takes no more events: {reason}")

    def close(self) -> None:
        """Let go of the file. Nothing hangs on what that says: what was acknowledged has been synced."""
        with suppress(OSError):
            os.close(self._fd)

    def _truncate(self, size: int, reason: str) -> None:
        outcome = "This was not recorded"
        try:
            os.ftruncate(self._fd, size)
        except OSError as error:
            reason += f", and the part could not be cut off ({error.strerror})"
            outcome = "What of it is whole stays; the next command cuts off the rest"
        raise AppendFailed(
            f"cannot write {self.path}: {reason}. {outcome}; all that was recorded before is kept. "
            "Make room or mend the disk, then try again."
        )

    def _repair_end(self, folder: str) -> None:
        """Rule 3: complete a whole line, save what is none and cut it."""
        os.lseek(self._fd, self.position.size, os.SEEK_SET)
        parts = []
        while part := os.read(self._fd, 1 << 20):
            parts.append(part)
        tear = b"".join(parts)
        lines: dict[EventId, bytes] = {}
        scan(self.session, tear + b"\n", self.position, lines)
        line = next(iter(lines.values()), b"")
        line = line if tear.startswith(line) else b""
        told = []
        if junk := tear[len(line) :]:
            aside = self._save(folder, junk)
            os.ftruncate(self._fd, self.position.size + len(line))
            told.append(f"moved {len(junk)} bytes of a line that was never acknowledged to {aside}")
        if line:
            if os.write(self._fd, b"\n") != 1:
                raise OSError(0, "the disk took no more")
            self.position = scan(self.session, line + b"\n", self.position)[1]
            told.append("completed the last line")
        self.mended = f"{self.session}{JOURNAL_SUFFIX}: {' and '.join(told)}"

    def _save(self, folder: str, junk: bytes) -> str:
        """Keep bytes in a file of their own beside the log, and say its name. Raises OSError."""
        count = 1
        while os.path.lexists(aside := os.path.join(folder, f"{self.session}-{count}{TORN_SUFFIX}")):
            count += 1
        fd = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | NOFOLLOW | BINARY, 0o666)
        try:
            if os.write(fd, junk) != len(junk):
                raise OSError(0, "the disk took no more")
            sync_data(fd)
        except OSError:
            os.unlink(aside)
            raise
        finally:
            os.close(fd)
        sync_folder(folder)
        return os.path.basename(aside)


def _sync_path(folder: str) -> None:
    """Return once the names in a log folder are on the disk, and its own: it may be as new as its first journal, and so
    may the shared folder that it is in. Raises OSError.
    """
    sync_folder(folder)
    for above in (os.path.dirname(folder), os.path.dirname(os.path.dirname(folder))):
        try:
            sync_folder(above or ".")
        except OSError as error:  # what we cannot look into, or has nothing to sync, was there before
            if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS, errno.EINVAL, errno.ENOTSUP):
                raise


def archive_journal(folder: str, session: str) -> None:
    """Rule 4, durable once `sync_names` has returned. Raises LogError; the journal is then where it was."""
    here, ended = journal_paths(folder, session)
    try:
        if os.path.islink(os.path.dirname(ended)):
            raise LogError(f"{ARCHIVE_FOLDER}/ is a symbolic link, and would be elsewhere")
        os.makedirs(os.path.dirname(ended), exist_ok=True)
        if os.path.lexists(ended):
            raise LogError(f"there is one of this name in {ARCHIVE_FOLDER}/ already")
        os.rename(here, ended)
    except OSError as error:
        raise LogError(f"it cannot be moved: {error.strerror}") from None
    if os.path.lexists(here + SEAL_SUFFIX) and not os.path.lexists(ended + SEAL_SUFFIX):
        with suppress(OSError):  # it stays behind then, and means nothing without its journal
            os.rename(here + SEAL_SUFFIX, ended + SEAL_SUFFIX)


def sync_names(folder: str) -> None:
    """Make durable where the journals are: the new names first, so that none is without any. Raises LogError."""
    try:
        sync_folder(os.path.join(folder, ARCHIVE_FOLDER))
        sync_folder(folder)
    except OSError as error:
        raise LogError(f"whether the new places are on the disk is unknown: {error.strerror}") from None
