"""Compute the state of a checkpoint again, from the journals alone."""

from collections.abc import Callable

from eventlog.events import Event, Instant
from eventlog.history import LogReader
from projections.rules.fold import fold
from projections.rules.state import State


def recompute(
    reader: LogReader,
    wall: Instant,
    known: LogReader,
    last: tuple[Instant, str, int],
    progress: Callable[[int], object] = lambda size: None,
) -> State:
    """Return the state after the events that `known` has read, up to the sort key `last`. Raises LogError.

    `reader` must not have read anything yet. `progress` is called with the number of bytes that were read.
    """
    state = State()
    for news in reader.batches(max(wall, known.latest)):  # events that are in the checkpoint were not held back
        fold(state, [event for event in news.events if event.key <= last and _was_read(known, event)])
        progress(reader.size())
    return state


def _was_read(known: LogReader, event: Event) -> bool:
    position = known.positions.get(event.session)
    return event.n <= position.n if position else event.session not in known.archive.summary.others
