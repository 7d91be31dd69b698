"""Verify the lines of a journal and decode their events. Pure: bytes in, events and a position out.

1. Readers use complete lines only. Bytes after the last newline are a tear: they were never acknowledged, and are not
   damage.
2. A complete line with a wrong hash is damage. Its place is recorded and its event is not used. Later lines are used if
   their hashes are correct. The journal takes no more events. Nothing is deleted.
3. Reading stops at content that we cannot have written: a line over `MAX_LINE`, complete or not, or more than
   `MAX_LINE` consecutive bytes in which no line verifies, where a short line counts as 1 KiB. This is damage at that
   place.

Undamaged lines are verified together. If that fails, the lines are examined one by one.
"""

import re

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
_HEAD, _END = b'{"v":', b'"}'  # the start and end of every line
_SHORTEST = 34  # bytes; a shorter fragment of a line cannot contain the hash that the next line is based on
_MIN_UNVERIFIED_BYTES = 1024  # an unverified line counts as at least this many bytes, since short lines take time too
MAX_DAMAGE = 1000  # recorded places in one journal
TAIL_BYTES = 45  # the last bytes read, which are compared when reading continues: the hash and the characters around it


class Damage(Struct, frozen=True):
    """A place in a journal that differs from what was written."""

    line: int  # counted from 1
    byte: int  # where the line begins
    reason: str


class Position(Struct, frozen=True, array_like=True):
    """How far a journal was read and what was found there: everything that is needed to continue reading."""

    size: int = 0  # bytes of complete lines
    lines: int = 0
    n: int = 0  # the number of the last event
    at: Instant = ""  # the time of the last event
    hashes: tuple[bytes, ...] = (NO_HASH,)  # possible hashes before the next line; several only after damage
    last: bytes = b""  # the last bytes read, at most TAIL_BYTES
    damage: tuple[Damage, ...] = ()
    rewound: str = ""  # how the journal was rewound, if it was
    machine: str = ""  # the machine that its session runs on, from its first events
    folder: str = ""  # the log folder that it belongs to
    archived: bool = False  # whether it was read to its end in the archive
    unverified: int = 0  # bytes since the last line that verified
    stopped: bool = False  # whether reading stopped here permanently (rule 3); the last damage gives the reason
    length: int = 0  # of the file when reading stopped; the file is not read again while it has this length

    def same_lines(self, other: "Position") -> bool:
        """Return whether the lines up to both positions are the same, with the same damage, wherever the file is."""
        return all(getattr(self, name) == getattr(other, name) for name in _ABOUT_LINES)


_ABOUT_LINES = ("size", "lines", "n", "at", "hashes", "last", "damage", "unverified", "stopped")


def scan(
    session: str, data: bytes, start: Position, lines: dict[EventId, bytes] | None = None
) -> tuple[list[Event], Position]:
    """Return the events in the complete lines of `data`, and the position after them.

    `data` continues the journal of `session` at `start`. If `lines` is given, the line of each event, without its
    newline, is added to it by the event's id.
    """
    if start.stopped:
        start = replace(start, damage=start.damage[:-1], stopped=False, length=0)  # checked again below
    if (clean := _scan_undamaged(session, data, start)) is not None:
        events, pieces, position = clean
        if lines is not None:
            lines.update((event.id, piece) for event, piece in zip(events, pieces, strict=True))
        return events, position
    reader = _Scanner(session, start, lines)
    offset = 0
    if start.size == 0 and data.startswith(_BOM):
        reader.add_damage(0, "a byte order mark was added before it; its events were kept")
        offset = len(_BOM)
    while not reader.stops(len(data) - offset if (end := data.find(b"\n", offset)) < 0 else end - offset):
        if end < 0:
            break
        reader.add_line(data[offset:end], start.size + offset)
        offset = end + 1
    return reader.events, reader.position(start.size + offset, data[max(0, offset - TAIL_BYTES) : offset])


def _scan_undamaged(session: str, data: bytes, start: Position) -> tuple[list[Event], list[bytes], Position] | None:
    """Return the events, lines and position if all lines in `data` verify and follow each other; else None."""
    pieces = data.split(b"\n")
    if len(data) > MAX_LINE and max(map(len, pieces)) > MAX_LINE:
        return None
    pieces.pop()  # an incomplete line, or nothing
    if start.damage or len(start.hashes) != 1 or not pieces:
        return None
    events = decode_lines(pieces, start.hashes[0], session, start.n, start.at)
    return (
        None if events is None else (events, pieces, position_after(start, events, data.rfind(b"\n") + 1, pieces[-1]))
    )


def position_after(start: Position, events: list[Event], size: int, last: bytes) -> Position:
    """Return the position after clean lines: one for each event, `size` bytes in all, ending in the line `last`."""
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
    """Return the machine and the log folder of the session, from the first event that has them."""
    for event in events if not start.machine else ():
        if machine := getattr(event.payload, "machine", ""):
            return machine, getattr(event.payload, "folder", "")
    return start.machine, start.folder


class _Scanner:
    """The state while lines are examined one by one."""

    def __init__(self, session: str, start: Position, kept: dict[EventId, bytes] | None) -> None:
        self.session, self.start, self.kept = session, start, kept
        self.events: list[Event] = []
        self.damage: list[Damage] = []
        self.lines, self.n, self.at, self.hashes = start.lines, start.n, start.at, start.hashes
        self.unverified, self.why_stopped = start.unverified, ""

    def stops(self, length: int) -> bool:
        """Return whether reading stops before a line of this length, complete or not (rule 3)."""
        if self.unverified > MAX_LINE:
            self.why_stopped = (
                f"the {MAX_LINE} bytes before it contain no undamaged line (each line counts as "
                f"{_MIN_UNVERIFIED_BYTES} bytes or more), so it is not read"
            )
        elif length > MAX_LINE:
            self.why_stopped = (
                f"it is longer than {MAX_LINE} bytes, the longest line that coord writes, so it is not read"
            )
        return bool(self.why_stopped)

    def add_line(self, line: bytes, byte: int) -> None:
        before = len(self.events)
        self.examine(line, byte)
        counted = max(len(line) + 1, _MIN_UNVERIFIED_BYTES)
        self.unverified = 0 if len(self.events) > before else self.unverified + counted

    def examine(self, line: bytes, byte: int) -> None:
        self.lines += 1
        if len(line) < _SHORTEST or not (line.startswith(_HEAD) or HASH_KEY in line or line.endswith(_END)):
            self.add_damage(byte, "its hash is wrong")  # nothing in it looks like a line of a journal
            return
        try:
            self.accept(line)
        except DamagedLine as error:
            self.recover(line, byte, str(error))

    def accept(self, line: bytes) -> None:
        """Accept one line, or raise DamagedLine and change nothing."""
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
            raise DamagedLine("its number or time does not follow the previous line")
        self.n, self.at, self.hashes = event.n, event.at, (stored_hash(line),)
        self.events.append(event)
        if self.kept is not None:
            self.kept[event.id] = line

    def recover(self, line: bytes, byte: int, reason: str) -> None:
        """Keep the events in a damaged line that still verify: only its line end was changed, or a newline was lost."""
        if line.endswith(b"\r"):
            try:
                self.accept(line[:-1])
                self.add_damage(byte, "line ends were changed to CRLF; its events were kept")
                return
            except DamagedLine:
                pass
        begin = 0
        for piece in (*re.finditer(HASH_SUFFIX, line), None):
            part = line[begin:] if piece is None else line[begin : piece.end()]
            begin = len(line) if piece is None else piece.end() + 1
            if part:
                try:
                    self.accept(part)
                except DamagedLine:
                    self.hashes = (self.hashes[0], *self.possible_hashes(part))
        self.add_damage(byte, reason)

    def possible_hashes(self, part: bytes) -> list[bytes]:
        """Return the hashes on which the line after a damaged one may be based, except that of the last valid line.

        They are the hash that the damaged line stores, the hash that it should store if only its hash was damaged, and
        the hashes of earlier damaged lines.
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
            return  # a file in which all line ends were changed is one finding, not thousands
        if known == MAX_DAMAGE:
            reason = f"{reason}; there is more damage after it"
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
