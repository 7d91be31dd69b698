"""Claims, waits and sessions as intervals of time: their start, their end, and how they ended.

Every grant starts a new interval. A claim that is handed over, or that passes to a session that continues its holder,
therefore has one interval for each of these sessions. An interval without an `end` was open at the end of the analysis.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, TypeVar

from msgspec import Struct

from eventlog.events import Event, EventId, Instant
from projections.views.point_in_time import PointInTime, count_until


class ClaimInterval(Struct, frozen=True, kw_only=True):
    """A claim that was held, or a request that waited: from `start` until just before `end`."""

    kind: Literal["claim", "wait"]
    id: EventId
    session: str
    agent: str = ""
    resource: str
    mode: str = "exclusive"
    note: str = ""
    automatic: bool = False  # made by a hook
    start: Instant
    end: Instant = ""
    how: str = ""  # how it ended: the `what` of the decision that ended it
    rule: int = 0  # the rule that ended it
    cause: EventId = ""  # the event that ended it; empty if time alone did
    behind: tuple[EventId, ...] = ()  # for a wait: the conflicting claims and requests


class SessionInterval(Struct, frozen=True, kw_only=True):
    """A session while it was live, until it ended, died or was continued. A revived session has another interval."""

    session: str
    start: Instant
    last_at: Instant  # the time of its latest event
    end: Instant = ""
    how: str = ""  # how it ended: its status afterwards
    evidence: str = ""
    cause: EventId = ""


class BlockedInterval(Struct, frozen=True, kw_only=True):
    """A live session while it was blocked on something, from the event `began` to the event `cause`."""

    session: str
    blocked_on: str
    start: Instant
    began: EventId
    end: Instant = ""
    cause: EventId = ""


AnyInterval = TypeVar("AnyInterval", ClaimInterval, SessionInterval, BlockedInterval)
IsNew = Callable[[Instant, EventId], bool]


def happened_after(events: Sequence[Event], since: PointInTime) -> IsNew:
    """Return a function that decides whether something happened after the point in time `since`.

    It takes the instant and the id of the causing event, which is empty if no event caused it. A lease or wait that ran
    out at the instant of `since` ended before it, because these end before the events at an instant apply.
    """
    new = {event.id for event in events[count_until(events, since) :]}
    return lambda at, cause: cause in new if cause else at > since.at


def not_ended_before(intervals: Iterable[AnyInterval], is_new: IsNew) -> list[AnyInterval]:
    """Return the intervals that are open or ended after a point in time."""
    return [interval for interval in intervals if not interval.end or is_new(interval.end, interval.cause)]
