"""Merge all journals of a log folder into one total order, incrementally and without a lock.

The clocks of two machines differ, so the true order of their events is unknown. Events are therefore ordered by `at`,
which is later than every event that was known on the machine when the event was written. An answer always sorts after
its question, and all readers of the same journals get the same order, in whatever order the journals arrived.

Archived journals, in `log/ended/`, are part of the history. Nothing is appended to them, so an archived journal that
was read to its end is not opened again, and the archive is listed only if its names have changed.

An event from another machine that is more than a minute ahead of everything known on this machine would push all later
times forward. It is held back and reported until its time is near.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from heapq import heapify, heappop, heappush
from operator import attrgetter

from msgspec import Struct
from msgspec.structs import replace

from eventlog.errors import LogError, Unreadable
from eventlog.events import NEVER, Event, EventId, Instant, add_time
from eventlog.listing import Archive, list_journals
from eventlog.local.journal import read_from, with_journal_path
from eventlog.order import acceptance_limit
from eventlog.read_buffer import ReadBuffer, ReadBuffers
from eventlog.scanning import Position, scan

_BUFFER_BYTES = 2 << 20  # bytes that are read before they are merged, from all journals together
_MIN_CHUNK_BYTES = 1 << 14  # bytes that are read at a time from one journal
_PEEK_BYTES = 1 << 12  # bytes that are read to find the first line of a journal


def lines_read_text(count: int) -> str:
    """Return `1 line was read` or `2 lines were read`."""
    return "1 line was read" if count == 1 else f"{count} lines were read"


class Batch(Struct, frozen=True):
    """The new events of one read, in order, and whether any journal was rewound."""

    events: list[Event]
    rewound: bool = False


class LogReader:
    """Reads a log folder incrementally: it keeps the position in each journal, and what went wrong.

    `archive` has the final positions of archived journals, and `positions` all others. `removed` has the positions that
    were final, of journals that were moved back or are gone. `problems` maps a journal's name to the reason why it
    cannot be read. `held_back` maps a session to the time of its first event that is too far ahead. `duplicates`
    contains the journals that are both in the log, where they count, and in the archive. `lines`, if given, receives
    the line of each event, by the event's id.
    """

    def __init__(
        self,
        folder: str,
        machine: str,
        positions: dict[str, Position] | None = None,
        lines: dict[EventId, bytes] | None = None,
        archive: Archive | None = None,
    ) -> None:
        self.folder, self.machine, self.lines = folder, machine, lines
        self.positions, self.archive = positions or {}, archive or Archive()
        self.removed: dict[str, Position] = {}
        self.problems: dict[str, str] = {}
        self.held_back: dict[str, Instant] = {}
        self.duplicates: set[str] = set()
        self._sizes: dict[str, int] = {}  # of the journals in the log, when they were listed
        self._unreadable: set[str] = set()  # journals that cannot be read now, but perhaps later
        self._archived: set[str] = set()  # journals that are only in the archive and have no final position there
        self._repeat_horizon: Instant = ""  # the acceptance limit for a repeated read; see `batches`

    @property
    def latest(self) -> Instant:
        """The latest time in everything that was read."""
        times = [position.at for position in self.positions.values()]
        return max([*times, *self.archive.summary.latest.values()], default="")

    def size(self) -> int:
        """Return the number of bytes read, over all journals."""
        return sum([position.size for position in self.positions.values()], self.archive.summary.bytes)

    def position(self, name: str) -> Position | None:
        """Return the position in a journal, archived or not; None if nothing was read of it."""
        return self.positions.get(name) or self.archive.get(name)

    def known_sizes(self) -> dict[str, int]:
        """Return the sizes of the journal files, as `list_journal_sizes` does.

        If no size changes, there is nothing new to read. Journals that can have new events without growing are left
        out: those with events held back, and those that the system did not let us read.
        """
        omitted = self.held_back.keys() | self._unreadable
        return {name: size for name, size in self._sizes.items() if name not in omitted}

    def record_append(self, name: str, position: Position) -> None:
        """Record that this process appended to a journal, up to `position`."""
        self.positions[name] = position
        self._sizes[name] = position.size

    def record_archived(self, names: Iterable[str], *, was_current: bool) -> None:
        """Record that this process archived journals that it had read to their ends.

        `was_current` is whether the archive was as it was known, before the first was moved.
        """
        for name in names:
            self.archive.add(name, replace(self.positions.pop(name), archived=True))
            self._sizes.pop(name, None)
        self.archive.record_moves(self.folder, was_current=was_current)

    def names(self) -> set[str]:
        """Return the names of all journals, including archived ones. Raises LogError if a folder cannot be listed.

        Files that are not named like a session are left out and noted in `problems`.
        """
        return self._list() | set(self.archive)

    def _list(self) -> set[str]:
        """Return the names of all journals that have no final position. Raises LogError as `list_journals` does."""
        listed = list_journals(self.folder, self.positions, self.archive)
        self._sizes, self._archived, self.duplicates = listed.sizes, listed.archived, listed.duplicates
        self.problems, self._unreadable = listed.problems, set()
        self.positions |= listed.removed
        self.removed |= listed.removed
        return listed.names

    def _set_position(self, name: str, position: Position) -> None:
        """Set the position in a journal. A final one is moved to the archive's positions."""
        if name in self._archived and position.archived and not (position.damage or position.rewound):
            self.positions.pop(name, None)
            self.archive.add(name, position)
        else:
            self.positions[name] = position

    def set_rewound(self, name: str, reason: str) -> None:
        """Mark a journal as rewound."""
        position = self.positions.get(name)
        if position is None and (position := self.archive.remove(name)):
            self.archive.summary.others.add(name)
        self.positions[name] = replace(position or Position(), rewound=reason)

    def catch_up(self, wall: Instant) -> Batch:
        """Read everything that is new since the last read; `wall` is this machine's clock.

        Raises LogError or OSError; the positions are then unchanged.
        """
        before = dict(self.positions), self.archive.copy()
        try:
            while True:
                horizon = self._repeat_horizon
                batches = list(self.batches(wall))
                if self._repeat_horizon == horizon:
                    return Batch(
                        [event for batch in batches for event in batch.events], any(batch.rewound for batch in batches)
                    )
                self.positions, self.archive = dict(before[0]), before[1].copy()
        except BaseException:
            self.positions, self.archive = before
            raise

    def batches(self, wall: Instant) -> Iterator[Batch]:
        """Yield the result of `catch_up` in batches, so that a long history is never in memory as a whole.

        After each batch, `positions` are exactly at its end. A `rewound` batch invalidates all events before it.
        """
        self.held_back = {}
        accepted = self.latest
        unread = self._list()
        rewound = self._forget_missing(unread)
        unread = {name for name in unread if not self._is_up_to_date(name)}
        horizon = max(self._acceptance_limit(wall, accepted), self._repeat_horizon)
        buffers = ReadBuffers()
        ends = [((self.position(name) or Position()).at, name) for name in unread]
        heapify(ends)  # up to which time each unfinished journal was read
        while True:
            while ends and (buffers.bytes < _BUFFER_BYTES or not ends[0][0] or buffers.first_at > ends[0][0]):
                at, name = heappop(ends)
                if not at and buffers.bytes >= _BUFFER_BYTES and (before := self._time_before(name)):
                    heappush(ends, (before, name))
                    continue
                was_rewound, end = self._read_into(buffers, name, horizon)
                rewound |= was_rewound
                if end:
                    heappush(ends, (end, name))
            # No unread part of a journal can contain an event at or before `bound`.
            bound = ends[0][0] if ends else NEVER
            events: list[Event] = []
            for name, part, position in buffers.take_until(bound):
                events += part
                self._set_position(name, position)
            events.sort(key=attrgetter("at"))  # at equal times, the journals and their events are already in order
            yield Batch(events, rewound)
            if not ends and not buffers.bytes:
                break
        horizon = self._acceptance_limit(wall, accepted) if self.held_back else ""
        if any(at <= horizon for at in self.held_back.values()):
            self._repeat_horizon = horizon  # events of this machine read above raised the limit: read again
            yield Batch([], rewound=True)

    def _acceptance_limit(self, wall: Instant, accepted: Instant) -> Instant:
        archived = self.archive.summary.latest.get(self.machine, "")
        return acceptance_limit(self.positions.values(), self.machine, wall, max(accepted, archived))

    def _forget_missing(self, present: set[str]) -> bool:
        """Mark journals that were read before and are now missing as rewound, and return whether there are any.

        A file that never contained an event is not counted.
        """
        gone = {name: old for name, old in self.positions.items() if name not in present and not old.rewound}
        for name, position in gone.items():
            if position.n:
                self.positions[name] = Position(rewound=f"it is gone; {lines_read_text(position.lines)} before")
            else:
                del self.positions[name]
        return any(position.n for position in gone.values())

    def _is_up_to_date(self, name: str) -> bool:
        """Return whether a journal need not be read: its size is unchanged, or it was archived and read to its end.

        Where reading stopped at damage, the size of the whole file is compared.
        """
        position = self.positions.get(name)
        if not position or name in self._archived:
            return bool(position and position.archived)
        length = position.length if position.stopped else position.size
        return 0 < length == self._sizes[name] and not position.archived

    def _time_before(self, name: str) -> Instant:
        """Return a time before all unread events of a journal, from its first line; empty if that is not known."""
        start = self.positions.get(name, Position())
        if start.size:
            return ""
        try:
            data, _ = with_journal_path(
                self.folder, name, partial(read_from, size=0, last=b"", chunk_bytes=_PEEK_BYTES)
            )
        except (OSError, LogError):
            return ""
        events, _ = scan(name, data[: data.find(b"\n") + 1], start)
        return add_time(events[0].at, micros=-1) if events else ""

    def _read_into(self, buffers: ReadBuffers, name: str, horizon: Instant) -> tuple[bool, Instant]:
        """Read the next events of a journal into `buffers`.

        Returns whether the journal was rewound, and the time of the last event read; empty if the journal was read to
        its end.
        """
        share = _BUFFER_BYTES // (2 * max(1, len(buffers.blocks)))
        end = buffers.end(name)
        chunk_bytes = max(_MIN_CHUNK_BYTES, share if end else 0)
        block, rewound, more = self._read_next(name, end or self.positions.get(name, Position()), chunk_bytes, horizon)
        if rewound:
            buffers.drop(name)
        if block and not buffers.add(block):
            self._set_position(name, block.end)
        return rewound, block.events[-1].at if block and more else ""

    def _read_next(
        self, name: str, start: Position, chunk_bytes: int, horizon: Instant
    ) -> tuple[ReadBuffer | None, bool, bool]:
        """Read a journal from `start` up to its next events or to its end.

        Returns the events with their lines, whether the journal was rewound, and whether there is more to read. It
        reads about `chunk_bytes` at a time. Events of another machine after `horizon`, the acceptance limit, are left
        out, as if they were not in the file yet.
        """
        archived, rewound = name in self._archived, False
        while True:
            try:
                data, back = with_journal_path(
                    self.folder, name, partial(read_from, size=start.size, last=start.last, chunk_bytes=chunk_bytes)
                )
            except (OSError, LogError) as error:
                self.problems[name] = getattr(error, "strerror", None) or str(error)
                if isinstance(error, (OSError, Unreadable)):
                    self._unreadable.add(name)
                return None, rewound, False
            if not data and start.size and not (back or start.stopped) and start.archived == archived:
                return None, rewound, False
            if back:
                rewound |= start.n > 0
                lost = f"it was cut back or rewritten; {lines_read_text(start.lines)} before" if start.n else ""
                start = Position(rewound=start.rewound or lost)
                self._set_position(name, start)
            block = ReadBuffer(name, data, start, self.lines)
            more = len(data) >= chunk_bytes and block.end.size > start.size and not block.end.stopped
            if block.events and block.events[-1].at > horizon and block.end.machine != self.machine:
                self.held_back[name] = next(event.at for event in block.events if event.at > horizon)
                block.drop_after(horizon)
                more = False
            elif not more:
                length = self._sizes.get(name, 0) if block.end.stopped else 0
                block.end = replace(block.end, archived=archived, length=length)
            if block.events or not more:
                return block, rewound, more
            start = block.end
