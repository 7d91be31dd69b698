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
from collections.abc import Iterable
from operator import attrgetter

from msgspec import Struct
from msgspec.structs import replace

from eventlog.errors import LogError
from eventlog.events import Event, EventId, Instant, later
from eventlog.journal import ENDED, Position, is_session_id, read_from, scan, wherever
from eventlog.lock import SUFFIX

HORIZON_S = 60  # how far ahead another machine's events may be

by_order = attrgetter("at", "session", "n")


def merge(journals: Iterable[Iterable[Event]]) -> list[Event]:
    """The total order of all events, each once, however often and in whatever pieces they come."""
    unique = {(event.session, event.n): event for journal in journals for event in journal}
    return sorted(unique.values(), key=by_order)


def lines_read(count: int) -> str:
    """`1 line was read`, `2 lines were read`."""
    return "1 line was read" if count == 1 else f"{count} lines were read"


def horizon_of(positions: Iterable[Position], machine: str, wall: Instant, accepted: Instant) -> Instant:
    """The time up to which events of other machines count at `wall`: all that was `accepted` before stays."""
    ours = max((position.at for position in positions if position.machine == machine), default="")
    return max(later(wall, HORIZON_S), ours, accepted)


class News(Struct, frozen=True):
    """What one look at the log brought: the new events in order, and whether any journal was rewound."""

    events: list[Event]
    rewound: bool = False


class History:
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
        self._ended: set[str] = set()

    @property
    def latest(self) -> Instant:
        """The latest time in all that was read."""
        return max((position.at for position in self.positions.values()), default="")

    def names(self) -> set[str]:
        """The journals that are there, the archived ones too. Raises LogError if the folder is not.

        The log is listed first: what is archived meanwhile is then seen in one of the two, or in both.
        """
        try:
            here = _listed(self.folder)
        except OSError as error:
            raise LogError(f"cannot read the log {self.folder}: {error.strerror}") from None
        try:
            ended = _listed(os.path.join(self.folder, ENDED))
        except FileNotFoundError:
            ended = set()
        except OSError as error:
            raise LogError(f"cannot read the archived journals in {ENDED}/: {error.strerror}") from None
        self.twice = {name for name in here & ended if os.path.lexists(os.path.join(self.folder, name + SUFFIX))}
        found = here | ended
        self.problems = {name: "is not named like a session" for name in found if not is_session_id(name)}
        self._ended = ended - here
        return found - self.problems.keys()

    def catch_up(self, wall: Instant) -> News:
        """Read what is new since the last look. `wall` is this machine's clock. Raises LogError or OSError; nothing
        counts as read then.
        """
        before = dict(self.positions)
        try:
            return self._catch_up(wall)
        except BaseException:
            self.positions = before
            raise

    def _catch_up(self, wall: Instant) -> News:
        self.held_back = {}
        accepted = self.latest
        present = self.names()
        events: list[Event] = []
        rewound = False
        for name in sorted(present):
            found, back = self._read(name)
            events += found
            rewound |= back
        for name, position in self.positions.items():
            if name not in present and position.size and not position.rewound:
                self.positions[name] = Position(rewound=f"it is gone; {lines_read(position.lines)} before")
                rewound = True
        events = self._hold_back(events, wall, accepted)
        events.sort(key=by_order)
        return News(events, rewound)

    def _read(self, name: str) -> tuple[list[Event], bool]:
        start, ended = self.positions.get(name, Position()), name in self._ended
        if ended and start.ended:
            return [], False

        def news(path: str) -> tuple[bytes, bool]:
            if os.stat(path, follow_symlinks=False).st_size == start.size and start.size:
                return b"", False
            return read_from(path, start.size, start.last)

        try:
            data, rewound = wherever(self.folder, name, news)
        except (OSError, LogError) as error:
            self.problems[name] = getattr(error, "strerror", None) or str(error)
            return [], False
        if not data and start.size and not rewound and start.ended == ended:
            return [], False
        if rewound:
            lost = f"it was cut back or rewritten; {lines_read(start.lines)} before"
            start = Position(rewound=start.rewound or lost)
        events, position = scan(name, data, start, self.lines)
        self.positions[name] = replace(position, ended=ended)
        return events, rewound

    def _hold_back(self, events: list[Event], wall: Instant, accepted: Instant) -> list[Event]:
        """Leave out what lies too far ahead, and forget having read it. Where our own clock was set back, all that we
        wrote or accepted before stays; but our own times, drawn along by another's, do not raise the bar for more.
        """
        horizon = horizon_of(self.positions.values(), self.machine, wall, accepted)
        if all(event.at <= horizon for event in events):
            return events
        for event in events:
            foreign = self.positions[event.session].machine != self.machine
            if foreign and event.at > horizon:
                self.held_back.setdefault(event.session, event.at)
        for name in self.held_back:
            self._reread_up_to(name, horizon)
        return [event for event in events if event.session not in self.held_back or event.at <= horizon]

    def _reread_up_to(self, name: str, horizon: Instant) -> None:
        """Put the position of a journal before its first event beyond `horizon`."""
        data, _ = wherever(self.folder, name, lambda path: read_from(path, 0, b""))
        start = Position()
        for line in data.split(b"\n")[:-1]:
            events, position = scan(name, line + b"\n", start)
            if events and events[-1].at > horizon:
                break
            start = position
        self.positions[name] = replace(start, rewound=self.positions[name].rewound)


def _listed(folder: str) -> set[str]:
    """The names, without their ending, of what looks like a journal in a folder. Raises OSError."""
    with os.scandir(folder) as entries:
        return {entry.name[: -len(SUFFIX)] for entry in entries if entry.name.endswith(SUFFIX)}
