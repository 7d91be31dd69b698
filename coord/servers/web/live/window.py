"""The part of the history that the page shows at present, and earlier parts: at most about 20,000 events each.

The present part has the last 24 hours. A part begins with an older checkpoint. If the caches have none that can be
used, the log is read from its beginning, and only the end of it is kept.
"""

from contextlib import suppress

from coord.engine.cache.buckets import CacheDamaged
from coord.engine.cache.checkpoint import SavedFold, StoreVersion
from coord.engine.cache.older_checkpoints import (
    EventKey,
    counts_before,
    load_end,
    load_older_checkpoint,
    older_checkpoint_of_window,
    older_counts,
)
from coord.engine.cache.recompute import recompute
from coord.engine.history.recent import RecentHistory
from coord.engine.history.segment import (
    Journals,
    WholeHistoryNeeded,
    check_continued,
    end_at,
    end_of,
    read_segment,
    start_of,
)
from coord.engine.snapshot import Snapshot
from eventlog.errors import LogError
from eventlog.events import DAY_S, Event, Instant, add_time
from eventlog.history import LogReader
from eventlog.listing import Archive
from eventlog.scanning import Position
from projections.rules.fold import fold
from projections.rules.state import State
from projections.views.point_in_time import after_instant, before_instant
from projections.views.replay import copy_state

MAX_EVENTS = 20_000
_STEP = 4096  # events between two states at which the window can begin


class FollowedSnapshot(Snapshot):
    """A snapshot that passes on the events that it folds, while it is followed."""

    _new: list[Event] | None = None  # None while it is not followed

    def follow(self) -> None:
        """Keep the events that are folded from now on."""
        self._new = []

    def take_new(self) -> list[Event] | None:
        """Return the events folded since the last call; None if the fold began again at an earlier state."""
        new = self._new
        if new is not None:
            self._new = []
        return new

    def _fold(self, events: list[Event]) -> None:
        super()._fold(events)
        if self._new is not None:
            self._new += events

    def _use(self, folded: SavedFold | None, store: StoreVersion) -> tuple[dict[str, Position], Archive]:
        self._new = None
        return super()._use(folded, store)


def open_window(snapshot: Snapshot) -> tuple[State, list[Event]]:
    """Return a state, and the events after it, up to the state of a snapshot. Raises LogError or OSError."""
    present = snapshot.state
    day_ago = before_instant(add_time(present.at, -DAY_S)) if present.at else before_instant("")
    least = present.events - MAX_EVENTS
    older = older_checkpoint_of_window(snapshot.workspace.cache, day_ago.key, least) if snapshot.fresh else None
    if snapshot.fresh and least <= 0 and older is None:
        older = SavedFold({}, State()), StoreVersion()
    if older:
        recent = RecentHistory(snapshot)
        with suppress(WholeHistoryNeeded, CacheDamaged, LogError, OSError):
            recent.read_from(*older)
            return recent.start, list(recent.events)
    return _read_end(snapshot, present.last)


def open_earlier(snapshot: Snapshot, until: Instant) -> tuple[State, list[Event]]:
    """Return a state, and the last events after it up to a time. Raises LogError or OSError."""
    last = after_instant(until).key
    if snapshot.fresh:
        with suppress(WholeHistoryNeeded, CacheDamaged, LogError, OSError):
            state, events = _read_segment_before(snapshot, last)
            events = [event for event in events if event.key <= last]
            fold(state, events[:-MAX_EVENTS])
            return state, events[-MAX_EVENTS:]
    return _read_end(snapshot, min(last, snapshot.state.last))


def _read_segment_before(snapshot: Snapshot, last: EventKey) -> tuple[State, list[Event]]:
    """Return the state of an older checkpoint, and the events up to the next one, or to the present, after `last`."""
    cache = snapshot.workspace.cache
    before = [0, *counts_before(cache, last)]
    begin = next(count for count in before if count >= before[-1] + _STEP - MAX_EVENTS or count == before[-1])
    older = load_older_checkpoint(cache, begin) if begin else (SavedFold({}, State()), StoreVersion())
    later = next((load_end(cache, count) for count in older_counts(cache) if count > before[-1]), None)
    if older is None:
        raise WholeHistoryNeeded
    start, store = older
    journals, end = Journals(snapshot.workspace.log), end_at(later, later.store) if later else end_of(snapshot)
    segment = read_segment(snapshot, journals, end_at(start, store), end)
    if later:
        check_continued(snapshot, journals, end)
    start_of(snapshot, start, store).expect_none(segment.new)
    return start.state, segment.events


def _read_end(snapshot: Snapshot, last: EventKey) -> tuple[State, list[Event]]:
    """Return the end of the history that a snapshot has read, up to `last`, from its beginning on."""
    starts, events = [State()], list[Event]()

    def keep(state: State, new: list[Event]) -> None:
        for event in new:
            fold(state, [event])
            events.append(event)
            if len(events) % _STEP == 0:
                starts.append(copy_state(state))
            if len(events) >= MAX_EVENTS + _STEP:
                del events[:_STEP], starts[0]

    history, wall = snapshot.history, snapshot.system.wall()
    recompute(LogReader(history.folder, history.machine), wall, history, last, fold=keep)
    return starts[0], events
