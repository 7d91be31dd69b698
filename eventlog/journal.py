"""Reading one session's journal, as far as it verifies.

1. Readers take whole lines only. Bytes after the last newline are a tear, never acknowledged, and no damage.
2. A wrong hash on a whole line is damage. That line is set aside with its place; later lines count as far as they
   verify; the journal takes no more appends; nothing is deleted.
3. A journal that is shorter than it was, or other than it was, has been rewound: told, and no more appends.
4. A journal that was archived lies in `log/ended/`, whole and under its name, and takes no more appends. It gets there
   by one rename and never comes back, so whoever looks in the log first and among the ended next finds it, lock or no
   lock.

Appending is in `eventlog.writer`.
"""

import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import BinaryIO, TypeVar

from msgspec import Struct

from eventlog.codec import MARK, NO_HASH, SEALED, Damaged, body_of, chain, stored_hash, unseal
from eventlog.errors import LogError
from eventlog.events import Event, EventId, Instant
from eventlog.lock import SEAL_SUFFIX, SUFFIX
from eventlog.system import BINARY, NOFOLLOW

ENDED = "ended"  # inside the log's folder: the journals that were archived
_SESSION_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_NUMBER = re.compile("[1-9][0-9]{0,15}")
_BOM = b"\xef\xbb\xbf"
_PIECE = 1 << 20  # bytes that are read at a time where a journal is read piece by piece
MOST_BYTES = 1 << 28  # of a journal: a larger one is not read, so that nobody's bytes fill the memory
FULL_BYTES = MOST_BYTES // 2  # from here on a journal takes no more, and its session goes on in another
_HEAD, _END = b'{"v":', b'"}'  # how a line begins and ends
_SHORTEST = 34  # bytes of what may be left of a line, so that the next can follow it
MOST_DAMAGE = 1000  # places of a journal that are named one by one
T = TypeVar("T")
LAST = 45  # bytes at the end of what was read that are compared when reading goes on: the hash and its frame


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
    ended: bool = False  # whether it was read to its end among the ended, where nothing is appended any more


def is_session_id(text: str) -> bool:
    """Whether a journal may bear this name."""
    return _SESSION_ID.fullmatch(text) is not None


def scan(
    session: str, data: bytes, start: Position, lines: dict[EventId, bytes] | None = None
) -> tuple[list[Event], Position]:
    """The events in the whole lines of `data`, which continues the journal of `session` at `start`. The line of each,
    without its line feed, is put into `lines` by the event's id, if that is given.
    """
    reader = _Scan(session, start, lines)
    offset = 0
    if start.size == 0 and data.startswith(_BOM):
        reader.set_aside(0, "a byte order mark was put before it; its events were kept")
        offset = len(_BOM)
    while (end := data.find(b"\n", offset)) >= 0:
        reader.line(data[offset:end], start.size + offset)
        offset = end + 1
    return reader.events, reader.position(start.size + offset, data[max(0, offset - LAST) : offset])


class _Scan:
    """The state of a scan: what was read, and what the next line may follow."""

    def __init__(self, session: str, start: Position, kept: dict[EventId, bytes] | None) -> None:
        self.session, self.start, self.kept = session, start, kept
        self.events: list[Event] = []
        self.damage: list[Damage] = []
        self.lines, self.n, self.at, self.hashes = start.lines, start.n, start.at, start.hashes

    def line(self, line: bytes, byte: int) -> None:
        self.lines += 1
        if len(line) < _SHORTEST or not (line.startswith(_HEAD) or MARK in line or line.endswith(_END)):
            self.set_aside(byte, "its hash is wrong")  # nothing is left of what every line has: not worth a closer look
            return
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
        if self.kept is not None:
            self.kept[event.id] = line

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
        before = self.damage or self.start.damage
        if before and reason.endswith("kept") and before[-1].reason == reason:
            return  # a file whose every line end was changed is one finding, not thousands
        known = len(self.damage) + len(self.start.damage)
        if known > MOST_DAMAGE:
            return
        if known == MOST_DAMAGE:
            reason = f"{reason}; more is damaged after it"
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
            last=(start.last + last)[-LAST:],
            damage=start.damage + tuple(self.damage),
            rewound=start.rewound,
            machine=machine,
            folder=folder,
        )


def paths_of(folder: str, session: str) -> tuple[str, str]:
    """Where the journal of a session can be, in the order of rule 4: in the log, and among the ended."""
    name = session + SUFFIX
    return os.path.join(folder, name), os.path.join(folder, ENDED, name)


def wherever(folder: str, session: str, use: Callable[[str], T]) -> T:
    """What `use` makes of the path of a journal, also of one that is archived at this very moment (rule 4).

    Raises what `use` raises, OSError or LogError.
    """
    here, ended = paths_of(folder, session)
    try:
        return use(here)
    except (OSError, LogError):
        if os.path.lexists(here):
            raise
    return use(ended)


def _opened(path: str) -> BinaryIO:
    """Raises LogError if it cannot be read, is no regular file, or is larger than any that we write."""
    try:
        fd = os.open(path, os.O_RDONLY | NOFOLLOW | BINARY)
    except OSError as error:
        if os.path.islink(path):
            raise LogError("it is a symbolic link, and links are not followed") from None
        raise LogError(f"it cannot be read: {error.strerror}") from None
    status = os.fstat(fd)
    if stat.S_ISREG(status.st_mode) and status.st_size <= MOST_BYTES:
        return os.fdopen(fd, "rb")
    os.close(fd)
    if stat.S_ISREG(status.st_mode):
        raise LogError(f"it has {status.st_size} bytes; one of more than {MOST_BYTES} is not read")
    raise LogError("it is not a regular file")


def read_from(path: str, size: int, last: bytes) -> tuple[bytes, bool]:
    """The bytes of a journal after the first `size`, and whether it was rewound: shorter, or other before that place.

    A rewound journal is given from its beginning. Raises LogError if it cannot be read or is no regular file.
    """
    with _opened(path) as file:
        try:
            file.seek(size - len(last))
            rewound = file.read(len(last)) != last
            if rewound:
                file.seek(0)
            return file.read(), rewound
        except OSError as error:
            raise LogError(f"it cannot be read: {error.strerror}") from None


def is_other_at(path: str, size: int, last: bytes) -> bool:
    """Whether the first `size` bytes of a journal end otherwise than in `last`. Raises LogError."""
    with _opened(path) as file:
        try:
            file.seek(size - len(last))
            return file.read(len(last)) != last
        except OSError as error:
            raise LogError(f"it cannot be read: {error.strerror}") from None


def in_pieces(path: str, session: str) -> Iterator[tuple[list[Event], Position, bytes]]:
    """A journal from its beginning, piece by piece, however long it is: the events of each, how far that is, and the
    bytes after it that are no whole line yet. Raises LogError.
    """
    with _opened(path) as file:
        position, rest = Position(), b""
        while True:
            try:
                piece = file.read(_PIECE)
            except OSError as error:
                raise LogError(f"it cannot be read: {error.strerror}") from None
            whole, newline, rest = (rest + piece).rpartition(b"\n")
            events, position = scan(session, whole + newline, position)
            yield events, position, rest
            if not piece:
                return


def events_of(folder: str, session: str) -> Iterator[Event]:
    """Every event of one journal that verifies, from its beginning. Raises LogError if it cannot be read."""
    data, _ = wherever(folder, session, lambda path: read_from(path, 0, b""))
    yield from scan(session, data, Position())[0]


def event_of(folder: str, name: EventId) -> Event | None:
    """The event with this name, from the journal of its session in a log folder; None if there is none."""
    session, _, number = name.rpartition("/")
    if not is_session_id(session) or not _NUMBER.fullmatch(number):
        return None
    try:
        return next((event for event in events_of(folder, session) if event.n == int(number)), None)
    except (LogError, OSError):
        return None


def closed(folder: str, session: str, position: Position) -> str:
    """Why a journal takes no more appends, or nothing if it does."""
    if position.damage:
        first = position.damage[0]
        return f"line {first.line} (byte {first.byte}) is damaged: {first.reason}"
    if position.rewound:
        return position.rewound
    if position.ended:
        return "it was archived"
    if position.size >= FULL_BYTES:
        return f"it is full, with {position.size} bytes"
    path = os.path.join(folder, session + SUFFIX)
    if os.path.lexists(path + SEAL_SUFFIX):
        return "its last write could not be made durable"
    if position.size and os.path.lexists(path) and not stat.S_ISREG(os.lstat(path).st_mode):
        return "something else stands in its place"
    with suppress(LogError):  # whoever opens it to write says best why that cannot be
        if is_other_at(path, position.size, position.last):
            return f"it is not what it was when its first {position.size} bytes were read"
    return ""
