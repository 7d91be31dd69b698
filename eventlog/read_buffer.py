"""Buffer the events that were read but not yet merged into the history."""

from bisect import bisect_right
from collections.abc import Iterator
from heapq import heappop, heappush
from operator import attrgetter

from eventlog.events import NEVER, Event, EventId, Instant
from eventlog.scanning import Position, position_after, scan


class ReadBuffer:
    """A block of a journal whose events were read but not yet merged.

    `start` is the position before the first remaining event, and `end` the position after the last.
    """

    def __init__(self, session: str, data: bytes, start: Position, lines: dict[EventId, bytes] | None = None) -> None:
        self.session, self.data, self.start = session, data, start
        self.events, self.end = scan(session, data, start, lines)
        self.bytes = len(data)
        self._begin = start.size
        self._clean = not self.end.damage and self.end.lines - start.lines == len(self.events)

    def take_until(self, at: Instant) -> list[Event]:
        """Remove and return the events whose time is not after `at`."""
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
        """Drop the events after `at`, as if they had not been read."""
        count = bisect_right(self.events, at, key=attrgetter("at"))
        self.data = self.data[self._offset : self._offset_after(count, at)]
        self._begin = self.start.size
        self.events, self.end = scan(self.session, self.data, self.start)

    @property
    def _offset(self) -> int:
        """Where in the data the remaining lines begin."""
        return self.start.size - self._begin

    def _offset_after(self, count: int, at: Instant) -> int:
        """Return where the line of the first event after `at` begins. `count` remaining events come before it."""
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


class ReadBuffers:
    """The blocks of several journals, by name. Each block has events, and a journal's blocks follow each other."""

    def __init__(self) -> None:
        self.blocks: dict[str, list[ReadBuffer]] = {}
        self.bytes = 0  # of all lines read whose block has events that were not taken
        self._firsts: list[tuple[Instant, str]] = []  # a heap of the first events; it also has outdated ones

    @property
    def first_at(self) -> Instant:
        """The time of the first event; `NEVER` if there is none."""
        while self._firsts and not self._is_first(*self._firsts[0]):
            heappop(self._firsts)
        return self._firsts[0][0] if self._firsts else NEVER

    def _is_first(self, at: Instant, name: str) -> bool:
        return name in self.blocks and self.blocks[name][0].events[0].at == at

    def end(self, name: str) -> Position | None:
        """Return the position up to which a journal is buffered, if it is."""
        blocks = self.blocks.get(name)
        return blocks[-1].end if blocks else None

    def add(self, block: ReadBuffer) -> bool:
        """Add the next block of a journal. Return whether the journal has events that were not taken."""
        blocks = self.blocks.get(block.session)
        if block.events:
            self.bytes += block.bytes
            if not blocks:
                blocks = self.blocks[block.session] = []
                heappush(self._firsts, (block.events[0].at, block.session))
            blocks.append(block)
        elif blocks:
            blocks[-1].end = block.end
        return bool(block.events or blocks)

    def drop(self, name: str) -> None:
        """Drop the blocks of a journal."""
        for block in self.blocks.pop(name, ()):
            self.bytes -= block.bytes

    def take_until(self, at: Instant) -> Iterator[tuple[str, list[Event], Position]]:
        """Remove the events whose time is not after `at`. Yield them for each journal, by name, with their position."""
        names: set[str] = set()
        while self.first_at <= at and self._firsts:
            names.add(heappop(self._firsts)[1])
        for name in sorted(names):
            blocks = self.blocks[name]
            taken: list[Event] = []
            position = None
            while blocks and blocks[0].events[0].at <= at:
                taken += blocks[0].take_until(at)
                position = blocks[0].start
                if blocks[0].events:
                    break
                self.bytes -= blocks.pop(0).bytes
            if blocks:
                heappush(self._firsts, (blocks[0].events[0].at, name))
            else:
                del self.blocks[name]
            if position:
                yield name, taken, position
