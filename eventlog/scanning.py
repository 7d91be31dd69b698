"""What the lines of a journal say, as far as they verify. Pure: bytes in, events and a position out.

1. Readers take whole lines only. Bytes after the last newline are a tear, never acknowledged, and no damage.
2. A wrong hash on a whole line is damage. That line is set aside with its place; later lines count as far as they
   verify; the journal takes no more appends; nothing is deleted.
3. What no writer of ours can have written is not read to its end: a line over `MAX_LINE`, whether it ends or not, or
   more than `MAX_LINE` bytes in a row in which no line verifies. Reading stops there, which is damage of that place.

Lines that follow each other as they were written are the rule, and are tried together; where anything else is among
them, they are looked at one by one.
"""

from bisect import bisect_right
from operator import attrgetter

from msgspec import Struct
from msgspec.structs import replace

from eventlog.codec import (
    HASH_KEY,
    HASH_SUFFIX,
    MAX_LINE,
    NO_HASH,
    DamagedLine,
    decode_line,
    decode_lines,
    hashed_part,
    line_hash,
    stored_hash,
)
from eventlog.events import Event, EventId, Instant

_BOM = b"\xef\xbb\xbf"
_HEAD, _END = b'{"v":', b'"}'  # how a line begins and ends
_SHORTEST = 34  # bytes of what may be left of a line, so that the next can follow it
_LEAST_COUNTED = 1024  # bytes that a line counts for at least while none verifies: short ones take time too
MAX_DAMAGE = 1000  # places of a journal that are named one by one
TAIL_BYTES = 45  # bytes at the end of what was read that are compared when reading goes on: the hash and its frame


class Damage(Struct, frozen=True):
    """A place in a journal that is not as it was written."""

    line: int  # counted from 1
    byte: int  # where the line begins
    reason: str


class Position(Struct, frozen=True, array_like=True):
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
    unverified: int = 0  # bytes since the last line that verified
    stopped: bool = False  # whether reading stopped here for good (rule 3); the last damage says why
    length: int = 0  # of the file when reading stopped: while it has that length, it is not read again


def scan(
    session: str, data: bytes, start: Position, lines: dict[EventId, bytes] | None = None
) -> tuple[list[Event], Position]:
    """The events in the whole lines of `data`, which continues the journal of `session` at `start`. The line of each,
    without its line feed, is put into `lines` by the event's id, if that is given.
    """
    if start.stopped:
        start = replace(start, damage=start.damage[:-1], stopped=False, length=0)  # whether it stops is found out anew
    if (clean := _scan_undamaged(session, data, start)) is not None:
        events, pieces, position = clean
        if lines is not None:
            lines.update((event.id, piece) for event, piece in zip(events, pieces, strict=True))
        return events, position
    reader = _Scanner(session, start, lines)
    offset = 0
    if start.size == 0 and data.startswith(_BOM):
        reader.add_damage(0, "a byte order mark was put before it; its events were kept")
        offset = len(_BOM)
    while not reader.stops(len(data) - offset if (end := data.find(b"\n", offset)) < 0 else end - offset):
        if end < 0:
            break
        reader.line(data[offset:end], start.size + offset)
        offset = end + 1
    return reader.events, reader.position(start.size + offset, data[max(0, offset - TAIL_BYTES) : offset])


def _scan_undamaged(session: str, data: bytes, start: Position) -> tuple[list[Event], list[bytes], Position] | None:
    """What `scan` gives, and the lines, if these all follow the journal as it was written; else None."""
    pieces = data.split(b"\n")
    if len(data) > MAX_LINE and max(map(len, pieces)) > MAX_LINE:
        return None
    pieces.pop()  # what is no whole line
    if start.damage or len(start.hashes) != 1 or not pieces:
        return None
    events = decode_lines(pieces, start.hashes[0], session, start.n, start.at)
    return (
        None if events is None else (events, pieces, position_after(start, events, data.rfind(b"\n") + 1, pieces[-1]))
    )


def position_after(start: Position, events: list[Event], size: int, last: bytes) -> Position:
    """The position behind clean lines, one for each of these events: so many bytes, the last line of which is given."""
    machine, folder = _origin(start, events)
    return Position(
        size=start.size + size,
        lines=start.lines + len(events),
        n=events[-1].n,
        at=events[-1].at,
        hashes=(stored_hash(last),),
        last=(start.last + last + b"\n")[-TAIL_BYTES:],
        rewound=start.rewound,
        machine=machine,
        folder=folder,
    )


def _origin(start: Position, events: list[Event]) -> tuple[str, str]:
    """Where a session runs, and for which log folder, as the first event says that tells."""
    for event in events if not start.machine else ():
        if machine := getattr(event.payload, "machine", ""):
            return machine, getattr(event.payload, "folder", "")
    return start.machine, start.folder


class _Scanner:
    """The state of a scan: what was read, and what the next line may follow."""

    def __init__(self, session: str, start: Position, kept: dict[EventId, bytes] | None) -> None:
        self.session, self.start, self.kept = session, start, kept
        self.events: list[Event] = []
        self.damage: list[Damage] = []
        self.lines, self.n, self.at, self.hashes = start.lines, start.n, start.at, start.hashes
        self.unverified, self.why_stopped = start.unverified, ""

    def stops(self, length: int) -> bool:
        """Whether reading stops before a line of this length, or with this much of it read (rule 3)."""
        if self.unverified > MAX_LINE:
            self.why_stopped = f"before it, no line in {MAX_LINE} bytes verifies, so it is not read"
        elif length > MAX_LINE:
            self.why_stopped = f"it has more than {MAX_LINE} bytes, which no line of coord has, so it is not read"
        return bool(self.why_stopped)

    def line(self, line: bytes, byte: int) -> None:
        before = len(self.events)
        self.look(line, byte)
        counted = max(len(line) + 1, _LEAST_COUNTED)
        self.unverified = 0 if len(self.events) > before else self.unverified + counted

    def look(self, line: bytes, byte: int) -> None:
        self.lines += 1
        if len(line) < _SHORTEST or not (line.startswith(_HEAD) or HASH_KEY in line or line.endswith(_END)):
            self.add_damage(
                byte, "its hash is wrong"
            )  # nothing is left of what every line has: not worth a closer look
            return
        try:
            self.take(line)
        except DamagedLine as error:
            self.recover(line, byte, str(error))

    def take(self, line: bytes) -> None:
        """Accept one line, or raise Damaged and change nothing."""
        for previous in self.hashes[:-1]:
            try:
                event = decode_line(line, previous)
                break
            except DamagedLine:
                continue
        else:
            event = decode_line(line, self.hashes[-1])
        if event.session != self.session:
            raise DamagedLine(f"it belongs to {event.session}")
        gap = event.n != self.n + 1 and not (self.damage or self.start.damage)
        if event.n <= self.n or event.at <= self.at or gap:
            raise DamagedLine("its number or its time does not follow")
        self.n, self.at, self.hashes = event.n, event.at, (stored_hash(line),)
        self.events.append(event)
        if self.kept is not None:
            self.kept[event.id] = line

    def recover(self, line: bytes, byte: int, reason: str) -> None:
        """Keep of a damaged line what still verifies: changed line ends, or lines that lost the newline between."""
        if line.endswith(b"\r"):
            try:
                self.take(line[:-1])
                self.add_damage(byte, "line ends were changed to CRLF; its events were kept")
                return
            except DamagedLine:
                pass
        begin = 0
        for piece in (*HASH_SUFFIX.finditer(line), None):
            part = line[begin:] if piece is None else line[begin : piece.end()]
            begin = len(line) if piece is None else piece.end() + 1
            if part:
                try:
                    self.take(part)
                except DamagedLine:
                    self.hashes = (self.hashes[0], *self.possible_hashes(part))
        self.add_damage(byte, reason)

    def possible_hashes(self, part: bytes) -> list[bytes]:
        """What the line after a damaged one may follow, besides the last good line: the hash that the damaged line
        stored, or the one that it should have stored, if only its hash was damaged.
        """
        marked = part[: part.rfind(HASH_KEY)] if HASH_KEY in part else hashed_part(part)
        guesses = [stored_hash(part), *(line_hash(self.hashes[0], body) for body in (hashed_part(part), marked))]
        return list(dict.fromkeys([*guesses, *self.hashes[1:]]))[:8]

    def add_damage(self, byte: int, reason: str) -> None:
        known = len(self.damage) + len(self.start.damage)
        if known > MAX_DAMAGE:
            return
        line = max(self.lines, 1)
        before = self.damage or self.start.damage
        if before and reason.endswith("kept") and before[-1].reason == reason:
            return  # a file whose every line end was changed is one finding, not thousands
        if known == MAX_DAMAGE:
            reason = f"{reason}; more is damaged after it"
        self.damage.append(Damage(line, byte, reason))

    def position(self, size: int, last: bytes) -> Position:
        start = self.start
        machine, folder = _origin(start, self.events)
        if self.why_stopped:
            self.damage.append(Damage(self.lines + 1, size, self.why_stopped))
        return Position(
            size=size,
            lines=self.lines,
            n=self.n,
            at=self.at,
            hashes=self.hashes,
            last=(start.last + last)[-TAIL_BYTES:],
            damage=start.damage + tuple(self.damage),
            rewound=start.rewound,
            machine=machine,
            folder=folder,
            unverified=self.unverified,
            stopped=bool(self.why_stopped),
        )


class ReadBuffer:
    """A stretch of a journal that was read and waits for its turn: the events that were not taken yet, and where
    reading the journal stands before the first of them and behind the last.
    """

    def __init__(self, session: str, data: bytes, start: Position, lines: dict[EventId, bytes] | None = None) -> None:
        self.session, self.data, self.start = session, data, start
        self.events, self.end = scan(session, data, start, lines)
        self._begin = start.size
        self._clean = not self.end.damage and self.end.lines - start.lines == len(self.events)

    def take_until(self, at: Instant) -> list[Event]:
        """Take the events up to a time."""
        count = bisect_right(self.events, at, key=attrgetter("at"))
        taken, self.events = self.events[:count], self.events[count:]
        if not self.events:
            self.data, self.start = b"", self.end
        elif taken:
            begin, end = self._offset, self._offset_after(count, at)
            if self._clean:
                last = self.data[max(begin, self.data.rfind(b"\n", begin, end - 1) + 1) : end - 1]
                self.start = position_after(self.start, taken, end - begin, last)
            else:
                self.start = scan(self.session, self.data[begin:end], self.start)[1]
        return taken

    def drop_after(self, at: Instant) -> None:
        """Forget having read what comes after a time."""
        count = bisect_right(self.events, at, key=attrgetter("at"))
        self.data = self.data[self._offset : self._offset_after(count, at)]
        self._begin = self.start.size
        self.events, self.end = scan(self.session, self.data, self.start)

    @property
    def _offset(self) -> int:
        """Where in the data the lines begin that were not taken."""
        return self.start.size - self._begin

    def _offset_after(self, count: int, at: Instant) -> int:
        """Where the line of the first event after a time begins; `count` events that were not taken come before it."""
        offset, position = self._offset, self.start
        if self._clean:
            for _ in range(count):
                offset = self.data.index(b"\n", offset) + 1
            return offset
        while (end := self.data.find(b"\n", offset) + 1) > 0:
            events, position = scan(self.session, self.data[offset:end], position)
            if events and events[-1].at > at:
                break
            offset = end
        return offset
