"""All journals of a log folder merged into one total order, read without a lock and never twice.

The doubt behind the order: clocks of two machines differ, so what truly came first there cannot be known. What is done
instead: on one machine every `at` is later than all that was seen when it was written, so an answer sorts after its
question, and everyone who has the same journals sees the same order, whatever the order in which they came.

Journals that were archived, in `log/ended/`, count like all others. One that was read there to its end is not even
looked at again: nothing is appended there.

An event from another machine that is more than a minute ahead of everything this machine knows would drag all later
times with it. Such events are held back, and told, until time has come nearer.
"""

import os
from collections.abc import Iterable, Iterator
from functools import partial
from heapq import heappop, heappush
from operator import attrgetter

from msgspec import Struct
from msgspec.structs import replace

from eventlog.errors import LogError, Unreadable
from eventlog.events import NEVER, Event, EventId, Instant, add_time
from eventlog.local.files import ARCHIVE_FOLDER, JOURNAL_SUFFIX, list_journal_sizes
from eventlog.local.journal import is_session_id, read_from, with_journal_path
from eventlog.scanning import Position, ReadBuffer

MAX_CLOCK_LEAD_S = 60  # how far ahead another machine's events may be

_AT_ONCE, _LEAST_PIECE = 8 << 20, 1 << 14  # bytes that are read at a time, of all journals and of one

order_key = attrgetter("at", "session", "n")


def merge(journals: Iterable[Iterable[Event]]) -> list[Event]:
    """The total order of all events, each once, however often and in whatever pieces they come."""
    unique = {(event.session, event.n): event for journal in journals for event in journal}
    return sorted(unique.values(), key=order_key)


def lines_read(count: int) -> str:
    """`1 line was read`, `2 lines were read`."""
    return "1 line was read" if count == 1 else f"{count} lines were read"


def acceptance_limit(positions: Iterable[Position], machine: str, wall: Instant, accepted: Instant) -> Instant:
    """The time up to which events of other machines count at `wall`: all that was `accepted` before stays."""
    ours = max((position.at for position in positions if position.machine == machine), default="")
    return max(add_time(wall, MAX_CLOCK_LEAD_S), ours, accepted)


class Batch(Struct, frozen=True):
    """What one look at the log brought: the new events in order, and whether any journal was rewound."""

    events: list[Event]
    rewound: bool = False


class LogReader:
    """A reader of a log folder: where each journal was read to, and what stands in the way.

    `problems` maps a journal's name to why it cannot be read; `held_back` a session to the first of its times that
    lies too far ahead; `twice` has the journals that stand both in the log, which counts, and among the ended.
    `lines`, if given, gets the line of each event that is read, by the event's id.
    """

    def __init__(
        self,
        folder: str,
        machine: str,
        positions: dict[str, Position] | None = None,
        lines: dict[EventId, bytes] | None = None,
    ) -> None:
        self.folder, self.machine, self.lines = folder, machine, lines
        self.positions = positions or {}
        self.problems: dict[str, str] = {}
        self.held_back: dict[str, Instant] = {}
        self.twice: set[str] = set()
        self._sizes: dict[str, int] = {}  # of the journals in the log, when it was listed
        self._unreadable: set[str] = set()
        self._ended: set[str] = set()
        self._bar: Instant = ""  # a horizon that was too near, and is not to be drawn again

    @property
    def latest(self) -> Instant:
        """The latest time in all that was read."""
        return max((position.at for position in self.positions.values()), default="")

    def size(self) -> int:
        """How many bytes of the journals were read."""
        return sum(position.size for position in self.positions.values())

    def lengths(self) -> dict[str, int]:
        """How long each file in the log was when it was looked at, in the words of `list_journal_sizes`: while they
        all are that
        long, there is nothing new to read. One that says more later without growing is left out: what is held back, and
        what the system would not let us read.
        """
        later = self.held_back.keys() | self._unreadable
        return {name: size for name, size in self._sizes.items() if name not in later}

    def appended(self, name: str, position: Position) -> None:
        """This process has appended to a journal, up to there."""
        self.positions[name] = position
        self._sizes[name] = position.size

    def names(self) -> set[str]:
        """The journals that are there, the archived ones too. Raises LogError if the folder is not.

        The log is listed first: what is archived meanwhile is then seen in one of the two, or in both.
        """
        try:
            self._sizes = list_journal_sizes(self.folder)
        except OSError as error:
            raise LogError(f"cannot read the log {self.folder}: {error.strerror}") from None
        try:
            ended = _journal_names(os.path.join(self.folder, ARCHIVE_FOLDER))
        except FileNotFoundError:
            ended = set()
        except OSError as error:
            raise LogError(f"cannot read the archived journals in {ARCHIVE_FOLDER}/: {error.strerror}") from None
        here = self._sizes.keys()
        self.twice = {
            name for name in here & ended if os.path.lexists(os.path.join(self.folder, name + JOURNAL_SUFFIX))
        }
        found = here | ended
        unknown = found - self.positions.keys()
        self.problems = {name: "is not named like a session" for name in unknown if not is_session_id(name)}
        self._ended, self._unreadable = ended - here, set()
        return found - self.problems.keys()

    def catch_up(self, wall: Instant) -> Batch:
        """Read what is new since the last look. `wall` is this machine's clock. Raises LogError or OSError; nothing
        counts as read then.
        """
        before = dict(self.positions)
        try:
            while True:
                bar = self._bar
                found = list(self.batches(wall))
                if self._bar == bar:
                    return Batch(
                        [event for news in found for event in news.events], any(news.rewound for news in found)
                    )
                self.positions = dict(before)
        except BaseException:
            self.positions = before
            raise

    def batches(self, wall: Instant) -> Iterator[Batch]:
        """What `catch_up` gives, in pieces, so that a long history is never in the memory as a whole. With each piece
        `positions` are just how far the pieces go. One that is `rewound` takes back all that were before it.
        """
        self.held_back = {}
        accepted = self.latest
        unread = self.names()
        rewound = self._miss(unread)
        unread = {name for name in unread if not self._is_up_to_date(name)}
        horizon = max(acceptance_limit(self.positions.values(), self.machine, wall, accepted), self._bar)
        most = dict.fromkeys(unread, _LEAST_PIECE)
        waiting: dict[str, ReadBuffer] = {}
        ends: list[tuple[Instant, str]] = []  # a heap: up to where the blocks go of journals that go on
        going: list[str] = []  # the journals of the last piece
        while True:
            for name in sorted(unread - waiting.keys()):
                block, back, more = self._next(name, most[name], horizon)
                most[name] = max(_LEAST_PIECE, min(2 * most[name], _AT_ONCE // max(1, len(going))))
                rewound |= back
                if block and block.events:
                    waiting[name] = block
                if not more:
                    unread.remove(name)
                elif block:
                    heappush(ends, (block.events[-1].at, name))
            bound = ends[0][0] if ends else NEVER
            events: list[Event] = []
            going = sorted(name for name, block in waiting.items() if block.events[0].at <= bound)
            for name in going:
                events += waiting[name].take_until(bound)
                self.positions[name] = waiting[name].start
                if not waiting[name].events:
                    del waiting[name]
            while ends and ends[0][0] <= bound:
                heappop(ends)
            yield Batch(sorted(events, key=order_key), rewound)
            if not unread and not waiting:
                break
        horizon = acceptance_limit(self.positions.values(), self.machine, wall, accepted) if self.held_back else ""
        if any(at <= horizon for at in self.held_back.values()):
            self._bar = horizon  # which our own journals have set since
            yield Batch([], rewound=True)

    def _miss(self, present: set[str]) -> bool:
        """Find the journals that were read before and are gone; whether there are any. A file that never had an event
        is not missed.
        """
        gone = {name: found for name, found in self.positions.items() if name not in present and not found.rewound}
        for name, position in gone.items():
            if position.n:
                self.positions[name] = Position(rewound=f"it is gone; {lines_read(position.lines)} before")
            else:
                del self.positions[name]
        return any(position.n for position in gone.values())

    def _is_up_to_date(self, name: str) -> bool:
        """Whether a journal needs no look: it is as long as it was, or was read to its end among the ended. One that is
        damaged where reading stopped is as long as it was, too.
        """
        position = self.positions.get(name)
        if not position or name in self._ended:
            return bool(position and position.ended)
        length = position.length if position.stopped else position.size
        return 0 < length == self._sizes[name] and not position.ended

    def _next(self, name: str, most: int, horizon: Instant) -> tuple[ReadBuffer | None, bool, bool]:
        """The next stretch of a journal in which there are events, or its end; whether the journal was rewound; and
        whether there is more. What another machine wrote beyond the horizon is left out, as if it was not there yet.
        """
        ended, rewound = name in self._ended, False
        while True:
            start = self.positions.get(name, Position())
            try:
                data, back = with_journal_path(
                    self.folder, name, partial(read_from, size=start.size, last=start.last, most=most)
                )
            except (OSError, LogError) as error:
                self.problems[name] = getattr(error, "strerror", None) or str(error)
                if isinstance(error, (OSError, Unreadable)):
                    self._unreadable.add(name)
                return None, rewound, False
            if not data and start.size and not (back or start.stopped) and start.ended == ended:
                return None, rewound, False
            if back:
                rewound |= start.n > 0
                lost = f"it was cut back or rewritten; {lines_read(start.lines)} before" if start.n else ""
                start = Position(rewound=start.rewound or lost)
            block = ReadBuffer(name, data, start, self.lines)
            more = len(data) >= most and block.end.size > start.size and not block.end.stopped
            if block.events and block.events[-1].at > horizon and block.end.machine != self.machine:
                self.held_back[name] = next(event.at for event in block.events if event.at > horizon)
                block.drop_after(horizon)
                more = False
            elif not more:
                length = self._sizes.get(name, 0) if block.end.stopped else 0
                block.end = replace(block.end, ended=ended, length=length)
            self.positions[name] = start if block.events else block.end
            if block.events or not more:
                return block, rewound, more


def _journal_names(folder: str) -> set[str]:
    """The names, without their ending, of what looks like a journal in a folder. Raises OSError."""
    with os.scandir(folder) as entries:
        return {entry.name[: -len(JOURNAL_SUFFIX)] for entry in entries if entry.name.endswith(JOURNAL_SUFFIX)}
