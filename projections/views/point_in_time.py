"""The past: the state at any moment is the fold of the events up to it, and of what ended by itself until then.

A moment is a place in the total order. It is named by an event (just after it) or by an instant (after all that
happened up to and at it), so two events at one instant can be told apart.
"""

from bisect import bisect_right
from collections.abc import Sequence
from operator import attrgetter

from msgspec import Struct

from eventlog.events import Event, Instant
from projections.rules.fold import as_of, fold
from projections.rules.state import DecisionRecorder, State, ignore_decision

_AFTER_ALL = "\x7f"  # sorts after every session
_key = attrgetter("key")


class PointInTime(Struct, frozen=True):
    """A moment of a history: what sorts up to `key` has happened, and time has passed up to and including `at`."""

    at: Instant
    key: tuple[Instant, str, int]


def after_event(event: Event) -> PointInTime:
    """The moment at which this event has happened and nothing that comes after it."""
    return PointInTime(event.at, event.key)


def after_instant(at: Instant) -> PointInTime:
    """The moment at which everything up to and including this instant has happened."""
    return PointInTime(at, (at, _AFTER_ALL, 0))


def before_instant(at: Instant) -> PointInTime:
    """The moment at which nothing at this instant has happened yet."""
    return PointInTime(at, (at, "", 0))


def count_until(events: Sequence[Event], cut: PointInTime) -> int:
    """How many of the events of a history, in order, have happened at a moment."""
    return bisect_right(events, cut.key, key=_key)


def state_at(events: Sequence[Event], cut: PointInTime, record: DecisionRecorder = ignore_decision) -> State:
    """The state at a moment of a history, whose events are given in order."""
    return as_of(fold(State(), events[: count_until(events, cut)], record), cut.at, record)
