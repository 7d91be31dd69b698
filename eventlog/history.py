"""All journals of a log folder merged into one total order, read without a lock and never twice.

The doubt behind the order: clocks of two machines differ, so what truly came first there cannot be known. What is done
instead: on one machine every `at` is later than all that was seen when it was written, so an answer sorts after its
question, and everyone who has the same journals sees the same order, whatever the order in which they came.

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
from eventlog.journal import SUFFIX, Position, is_session_id, read_from, scan

HORIZON_S = 60  # how far ahead another machine's events may be

by_order = attrgetter("at", "session", "n")


def merge(journals: Iterable[Iterable[Event]]) -> list[Event]:
    """The total order of all events, each once, however often and in whatever pieces they come."""
    unique = {(event.session, event.n): event for journal in journals for event in journal}
    return sorted(unique.values(), key=by_order)


class News(Struct, frozen=True):
    """What one look at the log brought: the new events in order, and whether any journal was rewound."""

    events: list[Event]
    rewound: bool = False


class History:
    """A reader of a log folder: where each journal was read to, and what stands in the way.

    `problems` maps a journal's name to why it cannot be read; `held_back` a session to the first of its times that
    lies too far ahead. `lines`, if given, gets the line of each event that is read, by the event's id.
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

    @property
    def latest(self) -> Instant:
        """The latest time in all that was read."""
        return max((position.at for position in self.positions.values()), default="")

    def names(self) -> set[str]:
        """The journals that are there. Raises LogError if the folder is not."""
        try:
            with os.scandir(self.folder) as entries:
                found = {entry.name[: -len(SUFFIX)] for entry in entries if entry.name.endswith(SUFFIX)}
        except OSError as error:
            raise LogError(f"cannot read the log {self.folder}: {error.strerror}") from None
        self.problems = {name: "is not named like a session" for name in found if not is_session_id(name)}
        return found - self.problems.keys()

    def catch_up(self, wall: Instant) -> News:
        """Read what is new since the last look. `wall` is this machine's clock."""
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
                self.positions[name] = Position(rewound=f"it is gone; {position.lines} lines were read before")
                rewound = True
        events = self._hold_back(events, wall, accepted)
        events.sort(key=by_order)
        return News(events, rewound)

    def _read(self, name: str) -> tuple[list[Event], bool]:
        start = self.positions.get(name, Position())
        path = os.path.join(self.folder, name + SUFFIX)
        try:
            if os.stat(path, follow_symlinks=False).st_size == start.size and start.size:
                return [], False
            data, rewound = read_from(path, start.size, start.last)
        except (OSError, LogError) as error:
            self.problems[name] = getattr(error, "strerror", None) or str(error)
            return [], False
        if rewound:
            lost = f"it was cut back or rewritten; {start.lines} lines were read before"
            start = Position(rewound=start.rewound or lost)
        events, self.positions[name] = scan(name, data, start, self.lines)
        return events, rewound

    def _hold_back(self, events: list[Event], wall: Instant, accepted: Instant) -> list[Event]:
        """Leave out what lies too far ahead, and forget having read it. Where our own clock was set back, all that we
        wrote or accepted before stays; but our own times, drawn along by another's, do not raise the bar for more.
        """
        ours = max((p.at for p in self.positions.values() if p.machine == self.machine), default="")
        horizon = max(later(wall, HORIZON_S), ours, accepted)
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
        path = os.path.join(self.folder, name + SUFFIX)
        data, _ = read_from(path, 0, b"")
        start = Position()
        for line in data.split(b"\n")[:-1]:
            events, position = scan(name, line + b"\n", start)
            if events and events[-1].at > horizon:
                break
            start = position
        self.positions[name] = replace(start, rewound=self.positions[name].rewound)
