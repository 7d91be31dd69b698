"""Compute the state of a checkpoint again, from the journals alone."""

import os
from collections.abc import Callable

from coord.engine.cache.ended import StoredPositions
from eventlog.events import MAX_INT, Event, Instant
from eventlog.history import LogReader
from eventlog.local.journal import journal_paths
from projections.rules.fold import fold
from projections.rules.state import State


def recompute(
    reader: LogReader,
    wall: Instant,
    known: LogReader,
    last: tuple[Instant, str, int],
    progress: Callable[[int], object] = lambda size: None,
    fold: Callable[[State, list[Event]], object] = fold,
) -> State:
    """Return the state after the events that `known` has read, up to the sort key `last`. Raises LogError.

    `reader` must not have read anything yet. `progress` is called with the number of bytes that were read. `fold` folds
    events into a state.
    """
    state, counts = State(), _EventsRead(known)
    for news in reader.batches(max(wall, known.latest)):  # events that are in the checkpoint were not held back
        fold(state, [event for event in news.events if event.key <= last and event.n <= counts[event.session]])
        progress(reader.size())
    return state


class _EventsRead(dict[str, int]):
    """How many events of each journal a reader has read."""

    def __init__(self, known: LogReader) -> None:
        super().__init__({name: position.n for name, position in (*known.archive.items(), *known.positions.items())})
        self._known = known

    def __missing__(self, name: str) -> int:
        """Return the number for a journal without a position.

        If the store of the final positions is damaged, a journal that is only in the archive counts as read to its end.
        """
        known, in_log = self._known, journal_paths(self._known.folder, name)[0]
        is_lost = isinstance(known.archive.stored, StoredPositions) and known.archive.stored.damaged
        is_read = is_lost and name not in known.archive.summary.others and not os.path.lexists(in_log)
        self[name] = count = MAX_INT if is_read else 0
        return count
