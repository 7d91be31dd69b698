"""The state at any point in time: fold the events up to it, then end the leases and waits that were due by then.

A point in time is a place in the total order of a history. It is given by an event (just after it) or by an instant
(after everything at it), so two events at one instant can be told apart.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import TypeAlias, TypeVar

from msgspec import Struct

from eventlog.events import Event, EventId, Instant
from projections.rules.fold import as_of, fold
from projections.rules.state import DecisionRecorder, State, ignore_decision

T = TypeVar("T")
SortKey: TypeAlias = tuple[Instant, str, int]
"""The sort key of an event: its time, session and number."""

_AFTER_ALL = "\x7f"  # sorts after every session id
_key = attrgetter("key")


class PointInTime(Struct, frozen=True):
    """A point in a history: events that sort up to `key` have happened, and time has passed up to `at`, inclusive."""

    at: Instant
    key: SortKey


def after_event(event: Event) -> PointInTime:
    """Return the point just after an event."""
    return PointInTime(event.at, event.key)


def after_instant(at: Instant) -> PointInTime:
    """Return the point just after everything at an instant."""
    return PointInTime(at, (at, _AFTER_ALL, 0))


def before_instant(at: Instant) -> PointInTime:
    """Return the point just before everything at an instant."""
    return PointInTime(at, (at, "", 0))


def count_until(events: Sequence[Event], cut: PointInTime) -> int:
    """Return how many events of an ordered history have happened at a point in time."""
    return bisect_right(events, cut.key, key=_key)


def state_at(events: Sequence[Event], cut: PointInTime, record: DecisionRecorder = ignore_decision) -> State:
    """Return the state at a point in time of an ordered history."""
    return as_of(fold(State(), events[: count_until(events, cut)], record), cut.at, record)


def sort_key(at: Instant, event: EventId) -> SortKey:
    """Return the sort key of a row with the time and the id of an event."""
    session, _, number = event.rpartition("/")
    return at, session, int(number or 0)


def newest(
    rows: Sequence[T], key: Callable[[T], SortKey], most: int | None, before: SortKey | None = None
) -> tuple[list[T], list[T]]:
    """Return the newest `most` rows (all if it is None) that are older than `before`, in the order of `rows`, and the
    older ones, the newest last.
    """
    keys = [key(row) for row in rows]
    order = sorted(range(len(rows)), key=keys.__getitem__)
    if before is not None:
        order = order[: bisect_left(order, before, key=keys.__getitem__)]
    chosen = order if most is None else order[-most:]
    return [rows[number] for number in sorted(chosen)], [rows[number] for number in order[: len(order) - len(chosen)]]
