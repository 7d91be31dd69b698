"""One session's journal: reading it as far as it verifies, and appending to it.

The rules of this file:

1. A journal has one writer, its session. It is opened with O_APPEND, a line is one `write`, and a short write is cut
   back, so a line is either whole or not there.
2. Acknowledged means durable: `sync` returns once the lines are on the disk. After a failed sync nobody knows, so the
   line stays, the journal is sealed, and its session goes on in another.
3. Readers take whole lines only. Bytes after the last newline are a tear, never acknowledged; the next writer of the
   journal completes them if they are a whole line, and otherwise saves them beside the log and cuts them.
4. A wrong hash on a whole line is damage. That line is set aside with its place; later lines count as far as they
   verify; the journal takes no more appends; nothing is deleted.
5. A journal that is shorter than it was, or other than it was, has been rewound: told, and no more appends.
"""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress

from msgspec import Struct

from eventlog.codec import MARK, NO_HASH, SEALED, Damaged, body_of, chain, decode, seal, stored_hash, unseal
from eventlog.errors import AppendFailed, JournalClosed, LogError, SyncFailed
from eventlog.events import Event, Instant
from eventlog.system import BINARY, NOFOLLOW, sync_data, sync_folder

SUFFIX = ".jsonl"
SEAL_SUFFIX = ".sealed"  # beside a journal whose last sync failed
TORN_SUFFIX = ".torn"
_SESSION_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_BOM = b"\xef\xbb\xbf"
_LAST = 45  # bytes at the end of what was read that are compared when reading goes on: the hash and its frame


class Damage(Struct, frozen=True):
    """A place in a journal that is not as it was written."""

    line: int  # counted from 1
    byte: int  # where the line begins
    reason: str


class Position(Struct, frozen=True):
    """How far a journal was read, and what was found: everything that reading on from there needs."""

    size: int = 0  # bytes of whole lines
    lines: int = 0
    n: int = 0
    at: Instant = ""
    hashes: tuple[bytes, ...] = (NO_HASH,)  # what the next line may follow; several only after a damaged line
    last: bytes = b""
    damage: tuple[Damage, ...] = ()
    rewound: str = ""  # how the journal was found rewound, if it was
    machine: str = ""  # where its session runs, as its first events say
    folder: str = ""  # and for which log folder


def is_session_id(text: str) -> bool:
    """Whether a journal may bear this name."""
    return _SESSION_ID.fullmatch(text) is not None


def scan(session: str, data: bytes, start: Position) -> tuple[list[Event], Position]:
    """The events in the whole lines of `data`, which continues the journal of `session` at `start`."""
    reader = _Scan(session, start)
    offset = 0
    if start.size == 0 and data.startswith(_BOM):
        reader.set_aside(0, "a byte order mark was put before it; its events were kept")
        offset = len(_BOM)
    while (end := data.find(b"\n", offset)) >= 0:
        reader.line(data[offset:end], start.size + offset)
        offset = end + 1
    return reader.events, reader.position(start.size + offset, data[max(0, offset - _LAST) : offset])


class _Scan:
    """The state of a scan: what was read, and what the next line may follow."""

    def __init__(self, session: str, start: Position) -> None:
        self.session, self.start = session, start
        self.events: list[Event] = []
        self.damage: list[Damage] = []
        self.lines, self.n, self.at, self.hashes = start.lines, start.n, start.at, start.hashes

    def line(self, line: bytes, byte: int) -> None:
        self.lines += 1
        try:
            self.take(line)
        except Damaged as error:
            self.salvage(line, byte, str(error))

    def take(self, line: bytes) -> None:
        """Accept one line, or raise Damaged and change nothing."""
        for previous in self.hashes[:-1]:
            try:
                event = unseal(line, previous)
                break
            except Damaged:
                continue
        else:
            event = unseal(line, self.hashes[-1])
        if event.session != self.session:
            raise Damaged(f"it belongs to {event.session}")
        gap = event.n != self.n + 1 and not (self.damage or self.start.damage)
        if event.n <= self.n or event.at <= self.at or gap:
            raise Damaged("its number or its time does not follow")
        self.n, self.at, self.hashes = event.n, event.at, (stored_hash(line),)
        self.events.append(event)

    def salvage(self, line: bytes, byte: int, reason: str) -> None:
        """Keep of a damaged line what still verifies: changed line ends, or lines that lost the newline between."""
        if line.endswith(b"\r"):
            try:
                self.take(line[:-1])
                self.set_aside(byte, "line ends were changed to CRLF; its events were kept")
                return
            except Damaged:
                pass
        begin = 0
        for piece in (*SEALED.finditer(line), None):
            part = line[begin:] if piece is None else line[begin : piece.end()]
            begin = len(line) if piece is None else piece.end() + 1
            if part:
                try:
                    self.take(part)
                except Damaged:
                    self.hashes = (self.hashes[0], *self.guesses(part))
        self.set_aside(byte, reason)

    def guesses(self, part: bytes) -> list[bytes]:
        """What the line after a damaged one may follow, besides the last good line: the hash that the damaged line
        stored, or the one that it should have stored, if only its hash was damaged.
        """
        marked = part[: part.rfind(MARK)] if MARK in part else body_of(part)
        guesses = [stored_hash(part), *(chain(self.hashes[0], body) for body in (body_of(part), marked))]
        return list(dict.fromkeys([*guesses, *self.hashes[1:]]))[:8]

    def set_aside(self, byte: int, reason: str) -> None:
        line = max(self.lines, 1)
        if self.damage and reason.endswith("kept") and self.damage[-1].reason == reason:
            return  # a file whose every line end was changed is one finding, not thousands
        self.damage.append(Damage(line, byte, reason))

    def position(self, size: int, last: bytes) -> Position:
        start = self.start
        machine, folder = start.machine, start.folder
        for event in self.events if not machine else ():
            machine, folder = getattr(event.payload, "machine", ""), getattr(event.payload, "folder", "")
            if machine:
                break
        return Position(
            size=size,
            lines=self.lines,
            n=self.n,
            at=self.at,
            hashes=self.hashes,
            last=(start.last + last)[-_LAST:],
            damage=start.damage + tuple(self.damage),
            rewound=start.rewound,
            machine=machine,
            folder=folder,
        )


def read_from(path: str, size: int, last: bytes) -> tuple[bytes, bool]:
    """The bytes of a journal after the first `size`, and whether it was rewound: shorter, or other before that place.

    A rewound journal is given from its beginning. Raises LogError if it cannot be read or is no regular file.
    """
    try:
        fd = os.open(path, os.O_RDONLY | NOFOLLOW | BINARY)
    except OSError as error:
        raise LogError(f"it cannot be read: {error.strerror}") from None
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise LogError("it is not a regular file")
    with os.fdopen(fd, "rb") as file:
        try:
            file.seek(size - len(last))
            rewound = file.read(len(last)) != last
            if rewound:
                file.seek(0)
            return file.read(), rewound
        except OSError as error:
            raise LogError(f"it cannot be read: {error.strerror}") from None


def events_of(path: str, session: str) -> Iterator[Event]:
    """Every event of one journal that verifies, from its beginning."""
    data, _ = read_from(path, 0, b"")
    yield from scan(session, data, Position())[0]


class Writer:
    """The appending end of one journal, to be used under the machine's lock and closed.

    `position` must be where reading the journal stopped. Opening mends a tear and says so in `mended`. Raises
    JournalClosed if the journal takes no appends, and LogError if it cannot be opened.
    """

    def __init__(self, folder: str, session: str, position: Position) -> None:
        self.path = os.path.join(folder, session + SUFFIX)
        self.session, self.position, self.mended = session, position, ""
        if reason := closed(folder, session, position):
            raise JournalClosed(f"the journal {session}{SUFFIX} takes no more events: {reason}")
        create = 0 if position.size else os.O_CREAT
        try:
            self._fd = os.open(self.path, os.O_RDWR | create | os.O_APPEND | NOFOLLOW | BINARY, 0o666)
        except OSError as error:
            raise LogError(f"cannot write {self.path}: {error.strerror}. Nothing was written.") from None
        try:
            status = os.fstat(self._fd)
            if not stat.S_ISREG(status.st_mode):
                raise OSError(0, "it is not a regular file")
            if status.st_size < position.size:
                raise OSError(0, f"it is shorter than the {position.size} bytes that were read")
            if status.st_size > position.size:
                self._mend(folder)
            if create:
                sync_folder(folder)
        except OSError as error:
            self.close()
            raise LogError(f"cannot prepare {self.path}: {error.strerror}. Nothing was written.") from None

    @property
    def n(self) -> int:
        """The number that the next event gets."""
        return self.position.n + 1

    def append(self, event: Event) -> None:
        """Write one event. It is not durable before `sync`. Raises AppendFailed; the journal is then as before.

        What would be read back as something else is not written: a value out of its range, an event out of its order.
        """
        start = self.position
        if event.session != self.session or event.n != start.n + 1 or event.at <= start.at:
            raise AppendFailed(
                f"{event.id} at {event.at} does not follow {self.session}/{start.n}. Nothing was written."
            )
        try:
            line, digest = seal(event, start.hashes[0])
            if decode(line[:-1]) != event:
                raise ValueError("a value is out of its range")
        except ValueError as error:
            raise AppendFailed(f"this cannot be written down: {error}. Nothing was written.") from None
        try:
            written = os.write(self._fd, line)
            reason = "the disk took only part of the line" if written != len(line) else ""
        except OSError as error:
            reason = error.strerror or str(error)
        if reason:
            self._cut_back(start.size, reason)
        self.position = Position(
            size=start.size + len(line),
            lines=start.lines + 1,
            n=event.n,
            at=event.at,
            hashes=(digest,),
            last=(start.last + line)[-_LAST:],
            machine=start.machine or getattr(event.payload, "machine", ""),
            folder=start.folder or getattr(event.payload, "folder", ""),
        )

    def sync(self) -> None:
        """Make every appended event durable. Raises SyncFailed: their outcome is unknown and the journal is sealed."""
        try:
            sync_data(self._fd)
        except OSError as error:
            with suppress(OSError):
                os.close(os.open(self.path + SEAL_SUFFIX, os.O_WRONLY | os.O_CREAT | NOFOLLOW, 0o666))
            raise SyncFailed(
                f"{self.path} could not be made durable: {error.strerror}. Whether the last event is kept is unknown; "
                "it stays in the file, the journal takes no more, and this session goes on in a new one."
            ) from None

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._fd)

    def _cut_back(self, size: int, reason: str) -> None:
        try:
            os.ftruncate(self._fd, size)
        except OSError as error:
            reason += f", and the part could not be cut off ({error.strerror}); the next command will"
        raise AppendFailed(
            f"cannot write {self.path}: {reason}. This was not recorded; all that was recorded before is kept. "
            "Make room or mend the disk, then try again."
        )

    def _mend(self, folder: str) -> None:
        """Rule 3: complete a whole line, or save and cut a torn one."""
        os.lseek(self._fd, self.position.size, os.SEEK_SET)
        tear = b""
        while part := os.read(self._fd, 1 << 20):
            tear += part
        events, position = scan(self.session, tear + b"\n", self.position)
        if events and not position.damage:
            if os.write(self._fd, b"\n") != 1:
                raise OSError(0, "the disk took no more")
            self.position, self.mended = position, f"completed the last line of {self.session}{SUFFIX}"
            return
        aside = os.path.join(folder, f"{self.session}-{self.position.size}{TORN_SUFFIX}")
        fd = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | NOFOLLOW | BINARY, 0o666)
        try:
            if os.write(fd, tear) != len(tear):
                raise OSError(0, "the disk took no more")
            sync_data(fd)
        finally:
            os.close(fd)
        os.ftruncate(self._fd, self.position.size)
        self.mended = (
            f"{self.session}{SUFFIX} ended in {len(tear)} bytes of a line that was never acknowledged; "
            f"they were moved to {os.path.basename(aside)}"
        )


def closed(folder: str, session: str, position: Position) -> str:
    """Why a journal takes no more appends, or nothing if it does."""
    if position.damage:
        first = position.damage[0]
        return f"line {first.line} (byte {first.byte}) is damaged: {first.reason}"
    if position.rewound:
        return position.rewound
    if os.path.lexists(os.path.join(folder, session + SUFFIX + SEAL_SUFFIX)):
        return "its last write could not be made durable"
    return ""
