"""Instants: the times of events, as text that sorts in the order of time."""

from datetime import datetime, timedelta
from typing import TypeAlias

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86400

Instant: TypeAlias = str  # UTC in a fixed width, `2026-11-22T11:20:06.123456Z`: text order is time order
NEVER: Instant = "9999-12-31T23:59:59.999999Z"
_EPOCH, _MICROSECOND = datetime(1970, 1, 1), timedelta(microseconds=1)


def from_micros(micros: int) -> Instant:
    """Return the instant `micros` microseconds after 1970, limited to the years 1 to 9999."""
    try:
        return (_EPOCH + timedelta(microseconds=micros)).isoformat(timespec="microseconds") + "Z"
    except OverflowError:
        return NEVER if micros > 0 else "0001-01-01T00:00:00.000000Z"


def to_micros(at: Instant) -> int:
    """Return the microseconds from 1970 to the instant `at`."""
    return (datetime.fromisoformat(at[:-1]) - _EPOCH) // _MICROSECOND


def add_time(at: Instant, seconds: float = 0, micros: int = 0) -> Instant:
    """Return the instant that is `seconds` and `micros` later than `at`, or `NEVER` beyond the year 9999."""
    return from_micros(to_micros(at) + round(seconds * 1_000_000) + micros)


def seconds_between(start: Instant, end: Instant) -> float:
    """Return the seconds from `start` to `end`; negative if `end` is earlier."""
    return (to_micros(end) - to_micros(start)) / 1_000_000
