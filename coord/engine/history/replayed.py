"""Compute the state at a point in time from the beginning of the history, without keeping its events in memory."""

from collections.abc import Callable

from coord.engine.cache.recompute import recompute
from coord.engine.snapshot import Snapshot
from coord.engine.times.points_in_time import parse_cut
from coord.errors import no_log
from eventlog.errors import LogError
from eventlog.events import Event, Instant
from eventlog.history import LogReader
from projections.rules.fold import as_of, fold
from projections.rules.state import State
from projections.views.point_in_time import PointInTime, after_event


def replay_until(present: Snapshot, point: PointInTime, step: int) -> tuple[State, Instant]:
    """Return the state `step` events after a point in time, and its time.

    Raises CoordError (2) for a time before the first event, and (4) if the log cannot be read.
    """
    state = _replay(present, point.key)
    if not state.events:
        parse_cut(point.at, "--at", present.now, _event(present, 1))
    if step:
        number = min(max(state.events + step, 1), present.state.events)
        point = after_event(_event(present, number)[0])
        state = _replay(present, point.key)
    return as_of(state, point.at), point.at


def _event(present: Snapshot, number: int) -> list[Event]:
    """Return the event with this number in the whole history, if there is one."""
    found: list[Event] = []

    def pick(state: State, events: list[Event]) -> None:
        index = number - 1 - state.events
        found.extend(events[index : index + 1] if index >= 0 else ())
        state.events += len(events)

    _replay(present, present.state.last, pick)
    return found


def _replay(
    present: Snapshot, until: tuple[Instant, str, int], use: Callable[[State, list[Event]], object] = fold
) -> State:
    """Pass the events of the present up to a place in the order to `use`, from a new state on. Return the state."""
    history, last = present.history, min(until, present.state.last)
    try:
        reader = LogReader(history.folder, history.machine)
        return recompute(reader, present.system.wall(), history, last, fold=use)
    except LogError as error:
        raise no_log(str(error)) from None
