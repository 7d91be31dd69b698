"""Catching up: from the checkpoint and what is new in the journals to the present state."""

from msgspec import Struct
from msgspec.structs import replace

from coord import checkpoint
from coord.errors import no_log
from coord.folder import Place
from coord.text import plural
from coord.world import World
from eventlog.errors import LogError
from eventlog.events import Event, Instant, seconds_between
from eventlog.history import History
from eventlog.journal import Position
from projections.fold import fold
from projections.state import Record, State, ignore


class Finding(Struct, frozen=True):
    """Something that is wrong with a journal, for people."""

    journal: str
    text: str


class Present:
    """The state after all that can be read, and what was found on the way. Takes no lock."""

    def __init__(self, world: World, place: Place) -> None:
        self.world, self.place = world, place
        saved = checkpoint.load(place.cache)
        positions = saved.positions if saved else {}
        self._known = {name: (position.damage, position.rewound) for name, position in positions.items()}
        if saved and saved.code == checkpoint.fingerprint():
            self.state = saved.state
            self._before: dict[str, Position] = {}
        else:
            self.state = State()
            positions, self._before = _forget(positions), positions
        self.history = History(place.log, world.here.machine, positions)

    def catch_up(self) -> None:
        """Read and fold what is new. Raises CoordError (4) if there is no log."""
        try:
            news = self.history.catch_up(self.world.wall())
            if news.rewound or (news.events and self._is_late(news.events[0])):
                self.state = State()
                self.history.positions = _forget(self.history.positions)
                news = self.history.catch_up(self.world.wall())
        except LogError as error:
            known = len(self._known)
            lost = f" It held {plural(known, 'journal')} when it was last read." if known else ""
            raise no_log(
                f"{error}.{lost} Restore it if it was removed; `coord start` begins a new one, without that past."
            ) from None
        fold(self.state, news.events)
        for name, before in self._before.items():
            found = self.history.positions.get(name, Position())
            if found.size < before.size and not found.rewound:
                text = f"{before.lines} events were read before, {found.lines} are there"
                self.history.positions[name] = replace(found, rewound=text)
        self._before = {}

    def _is_late(self, event: Event) -> bool:
        return event.key <= self.state.last or event.at < self.state.reached

    def take(self, event: Event, position: Position, record: Record = ignore) -> None:
        """Fold an event that this process has just appended."""
        fold(self.state, [event], record)
        self.history.positions[event.session] = position

    def save(self) -> None:
        """Write a checkpoint, so that the next command folds nothing again and sees whether a journal was cut back."""
        checkpoint.save(self.place.cache, self.history.positions, self.state)

    @property
    def now(self) -> Instant:
        """The present: this machine's clock, and no earlier than the latest event."""
        return max(self.world.wall(), self.history.latest)

    @property
    def behind_s(self) -> float:
        """Seconds by which this machine's clock is behind the log."""
        return max(0.0, seconds_between(self.world.wall(), self.history.latest)) if self.history.latest else 0.0

    def new_findings(self) -> list[Finding]:
        """What is wrong with the journals and was not known when the checkpoint was written."""
        return [
            finding
            for finding in self.findings()
            if (found := self.history.positions.get(finding.journal)) is None
            or self._known.get(finding.journal, ((), "")) != (found.damage, found.rewound)
        ]

    def findings(self) -> list[Finding]:
        """What is wrong with the journals."""
        found = []
        for name, position in sorted(self.history.positions.items()):
            for spot in position.damage:
                where = f"line {spot.line}, byte {spot.byte}"
                found.append(Finding(name, f"{name}.jsonl is damaged at {where}: {spot.reason}"))
            if position.rewound:
                found.append(Finding(name, f"{name}.jsonl was rewound: {position.rewound}"))
        for name, reason in sorted(self.history.problems.items()):
            found.append(Finding(name, f"{name}.jsonl cannot be used: {reason}"))
        for name, at in sorted(self.history.held_back.items()):
            text = f"{name}.jsonl comes from a machine whose clock is ahead; its events from {at} on are held back"
            found.append(Finding(name, text))
        return found


def _forget(positions: dict[str, Position]) -> dict[str, Position]:
    """Begin all journals anew, remembering only what was found rewound."""
    return {name: Position(rewound=position.rewound) for name, position in positions.items() if position.rewound}
