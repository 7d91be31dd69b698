"""The state at any point in time: fold the events up to it, then end the leases and waits that were due by then.

A point in time is a place in the total order of a history. It is given by an event (just after it) or by an instant
(after everything at it), so two events at one instant can be told apart.
"""

from bisect import bisect_right
from collections.abc import Sequence
from operator import attrgetter

from msgspec import Struct

from eventlog.events import Event, Instant
from projections.rules.fold import as_of, fold
from projections.rules.state import DecisionRecorder, State, ignore_decision

_AFTER_ALL = "\x7f"  # sorts after every session id
_key = attrgetter("key")


class PointInTime(Struct, frozen=True):
    """A point in a history: events that sort up to `key` have happened, and time has passed up to `at`, inclusive."""

    at: Instant
    key: tuple[Instant, str, int]


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
