"""Compute the state of a checkpoint again, from the journals alone."""

from collections.abc import Callable, Mapping

from eventlog.events import Instant
from eventlog.history import LogReader
from eventlog.scanning import Position
from projections.rules.fold import fold
from projections.rules.state import State


def recompute(
    reader: LogReader,
    wall: Instant,
    positions: Mapping[str, Position],
    last: tuple[Instant, str, int],
    progress: Callable[[int], object] = lambda size: None,
) -> State:
    """Return the state after the events up to these positions, and up to the sort key `last`. Raises LogError.

    `reader` must not have read anything yet. `progress` is called with the number of bytes that were read.
    """
    latest = max((position.at for position in positions.values()), default="")
    state = State()
    for news in reader.batches(max(wall, latest)):  # events before these positions were not held back
        known = [e for e in news.events if e.key <= last and e.session in positions and e.n <= positions[e.session].n]
        fold(state, known)
        progress(reader.size())
    return state
