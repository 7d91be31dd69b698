"""Convert between instants and this machine's clock: the time of day that it shows in the local time zone.

Where clocks change, a time of day is shown twice or never. A printed time must still mean one instant when it is read
again, so it is printed with the name of its zone or, if that name does not settle it, with its offset from UTC.

The zone is the one that the C library uses (`TZ`, or the system's setting).
"""

import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from eventlog.events import DAY_S, Instant

_SECOND = timedelta(seconds=1)
_EPOCH_DAY = datetime(1970, 1, 1).toordinal()


@lru_cache(maxsize=1024)
def local_time(at: Instant) -> datetime:
    """Convert an instant to this machine's time zone; to UTC if that would leave the range of `datetime`."""
    utc = datetime.fromisoformat(at[:-1]).replace(tzinfo=UTC)
    try:
        return utc.astimezone()
    except (OverflowError, ValueError, OSError):
        return utc


def instant_at(at: datetime) -> Instant:
    """Convert a time to an instant. A time without a zone is local. Raises OverflowError outside the range."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def zone_text(local: datetime) -> str:
    """Return the zone of a time from `local_time`: its name, or its offset where the name does not settle the instant.

    The offset is used if the clocks show the same time with the same name again (Pyongyang, 2015), and if the name is
    not a word.
    """
    name = local.tzname() or ""
    if _is_zone_word(name) and not (_clocks_change_near(local.toordinal()) and _is_shown_twice(local, name)):
        return name
    return offset_text(local.utcoffset() or timedelta())


def offset_text(offset: timedelta) -> str:
    """Return an offset from UTC such as `+01:00`, with seconds if it has any."""
    seconds = abs(offset) // _SECOND
    hours, minutes, rest = seconds // 3600, seconds // 60 % 60, seconds % 60
    return f"{'-' if offset < timedelta() else '+'}{hours:02}:{minutes:02}" + (f":{rest:02}" if rest else "")


@lru_cache(maxsize=64)
def _is_zone_word(name: str) -> bool:
    """Return whether a zone's name can be read again after a time: `CET`, `-03`, `+0330`."""
    return name.isascii() and name.replace("+", "").replace("-", "").isalnum()


@lru_cache(maxsize=1024)
def _clocks_change_near(day: int) -> bool:
    """Return whether the offset from UTC changes on a day, given by its ordinal, or next to it."""
    try:
        midnight = (day - _EPOCH_DAY) * DAY_S
        return time.localtime(midnight - DAY_S).tm_gmtoff != time.localtime(midnight + 2 * DAY_S).tm_gmtoff
    except (OverflowError, ValueError, OSError):
        return True


def _is_shown_twice(local: datetime, name: str) -> bool:
    try:
        return sum(at.tzname() == name for at in times_shown_as(local.replace(tzinfo=None))) > 1
    except (OverflowError, ValueError, OSError):
        return False


def times_shown_as(wall: datetime) -> list[datetime]:
    """Return the times at which the local clocks show `wall`, which has no zone: one, two where clocks are set back.

    The list is empty where clocks are set forward and skip it. Raises OverflowError, ValueError or OSError outside the
    range.
    """
    return [at for at in _candidates(wall) if at.replace(tzinfo=None) == wall]


def times_around(wall: datetime) -> tuple[datetime, datetime]:
    """Return the last second before, and the first second after the change of clocks that skipped `wall`."""
    candidates = _candidates(wall.replace(microsecond=0))
    before, after = candidates[0], candidates[-1]
    while seconds := (after.astimezone(UTC) - before.astimezone(UTC)) // _SECOND // 2:
        middle = (before.astimezone(UTC) + timedelta(seconds=seconds)).astimezone()
        if middle.utcoffset() == before.utcoffset():
            before = middle
        else:
            after = middle
    return before, after


def _candidates(wall: datetime) -> list[datetime]:
    """Return the local times that `wall` means with each offset in use within a day of it, in order."""
    utc = wall.replace(tzinfo=UTC)
    offsets = {(utc + timedelta(days=days)).astimezone().utcoffset() or timedelta() for days in (-1, 0, 1)}
    return sorted((utc - offset).astimezone() for offset in offsets)
