"""Buffer the events of one journal that were read but not yet merged into the history."""

from bisect import bisect_right
from operator import attrgetter

from eventlog.events import Event, EventId, Instant
from eventlog.scanning import Position, position_after, scan


class ReadBuffer:
    """A block of a journal whose events were read but not yet merged.

    `start` is the position before the first remaining event, and `end` the position after the last.
    """

    def __init__(self, session: str, data: bytes, start: Position, lines: dict[EventId, bytes] | None = None) -> None:
        self.session, self.data, self.start = session, data, start
        self.events, self.end = scan(session, data, start, lines)
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
