"""Parse points in time as people write them: `2026-11-22 18:00`, `18:00`, `yesterday 18:00`, `-90m`, an event's id.

These rules hold for every option that takes a time:

- A time without a zone is in this machine's zone. Lists show times in the same zone, so a time can be copied from them.
- A zone is a name that this machine's clock uses within a year of the time (`CET`, `CEST`), `UTC`, `GMT`, `Z`, or an
  offset (`+01:00`, `-03`). A name means its offset: `12:00 CEST` in winter is `11:00 CET`.
- A time that the clocks skipped, or showed twice, is an error that offers the two nearest times, or both.
- A time of day alone means its latest occurrence; `parse_future_instant` takes its next one.
- A length of time, with or without `-`, counts back from now, or forward in `parse_future_instant`.
- An event's id means the point just after the event.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta, timezone

from coord.engine.times.durations import LENGTH, parse_duration_s
from coord.errors import CoordError, usage_error
from coord.render.clock import instant_at, local_time, times_around, times_shown_as
from coord.render.format import line, time_text
from eventlog.events import DAY_S, Event, Instant, SessionStarted, add_time
from projections.views.point_in_time import PointInTime, after_event, after_instant, before_instant

_EVENT = re.compile(r"(\S+)/([1-9][0-9]{0,15})")
_TIME_AGO = re.compile(rf"-?\s*({LENGTH})(?:\s*ago)?", re.IGNORECASE)
_TIME_AHEAD = re.compile(rf"(?:in\s+|\+\s*)?({LENGTH})", re.IGNORECASE)
_DAY_AND_TIME = re.compile(r"([a-z]+)?\s*(?:([0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?))?", re.IGNORECASE)
_OFFSET = re.compile(r"([+-])([0-9]{2})(?::?([0-9]{2})(?::?([0-9]{2}))?)?")
_ZONED = (
    re.compile(r"(.*[0-9]:[0-9]{2}(?:[.,:][0-9.,]+)?)\s*(Z|[+-][0-9:]{2,8})", re.IGNORECASE),
    re.compile(r"(.*[0-9])\s+([a-z][a-z0-9+-]*)", re.IGNORECASE),
    re.compile(r"(.+)\s+([A-Z]{3,6})"),
)
"""A time followed by its zone."""
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAYS_AWAY = {"today": 0, "yesterday": -1, "tomorrow": 1}
_FORMS = "Write it like 2026-11-22 18:00, yesterday 18:00, 18:00, -90m, or an event's id such as amber-otter-k3f9/17."
_FUTURE_FORMS = "Write it like 45m, 18:00, tomorrow 9:00 or 2026-11-22 18:00."
_ZONE_SEARCH_DAYS = (0, *(sign * days for days in range(15, 376, 15) for sign in (-1, 1)))


class _TimeError(Exception):
    """What is wrong with a time that has the right form."""


def parse_cut(text: str, what: str, now: Instant, events: Sequence[Event]) -> PointInTime:
    """Return the point in time that `text` names in a history, whose events are given in order. `what` is the option.

    Raises CoordError (2) for a text that cannot be parsed, and for a time before the first event or in the future.
    """
    if not events:
        raise usage_error(f"{what} {line(text, 40)}: the log has no events yet.")
    if is_event_name(text):
        return after_event(find_event(text, events))
    at = parse_instant(text, what, now)
    if at < events[0].at:
        first = f"{events[0].id}, {time_text(events[0].at, now, seconds=True)}"
        raise usage_error(
            f"{what} {line(text, 40)} is {time_text(at, now, seconds=True)}, before the first event ({first})."
        )
    return after_instant(at)


def parse_since(text: str, what: str, now: Instant, events: Sequence[Event]) -> PointInTime:
    """Return the point in time from which events are shown: just after an event, or just before an instant.

    It may lie before the first event. In all other cases it raises CoordError (2) as `parse_cut` does.
    """
    if is_event_name(text):
        return after_event(find_event(text, events))
    return before_instant(parse_instant(text, what, now))


def is_event_name(text: str) -> bool:
    """Return whether `text` has the form of an event's id: `session/n`."""
    return _EVENT.fullmatch(text) is not None


def find_event(text: str, events: Sequence[Event]) -> Event:
    """Return the event `session/n`. The session may be shortened, or given by its name. Raises CoordError (2)."""
    wanted, n = split_event_name(text)
    sessions = {event.session for event in events}
    named = {e.session for e in events if isinstance(e.payload, SessionStarted) and e.payload.name == wanted}
    ids = [wanted] if wanted in sessions else sorted(named) or sorted(s for s in sessions if s.startswith(wanted))
    return only_event(text, ids, [event for event in events if event.n == n and event.session in ids])


def split_event_name(text: str) -> tuple[str, int]:
    """Return the session and the number in an event's id. Raises CoordError (2) if it does not have that form."""
    parts = _EVENT.fullmatch(text)
    if parts is None:
        raise usage_error(f"'{line(text, 60)}' is not an event's id. Write it as lists show it: amber-otter-k3f9/17")
    return parts[1], int(parts[2])


def only_event(text: str, sessions: Sequence[str], found: Sequence[Event]) -> Event:
    """Return the event that `text` names. `sessions` are those that it can mean, and `found` their events.

    Raises CoordError (2) if there is no event, or if there are several sessions.
    """
    if not found:
        raise usage_error(f"there is no event {line(text, 60)}.")
    if len(sessions) > 1:
        candidates = ", ".join(f"{name}/{split_event_name(text)[1]}" for name in sessions[:5])
        raise usage_error(f"'{line(text, 60)}' can mean {candidates}. Write more of the id.")
    return found[0]


def parse_instant(text: str, what: str, now: Instant) -> Instant:
    """Return the past instant that `text` means at `now`. Raises CoordError (2) if there is none."""
    at = _parse(text, what, now, future=False)
    if at > now:
        raise usage_error(f"{what} {line(text, 40)} is {time_text(at, now)}, which is in the future.")
    return at


def parse_future_instant(text: str, what: str, now: Instant) -> Instant:
    """Return the instant from `now` on that `text` means: `45m`, `18:00`, `tomorrow 9:00`. Raises CoordError (2)."""
    at = _parse(text, what, now, future=True)
    if at < now:
        raise usage_error(f"{what} {line(text, 40)} is {time_text(at, now)}, which is in the past.")
    return at


def _parse(text: str, what: str, now: Instant, future: bool) -> Instant:
    try:
        return _instant(text.strip(), now, future)
    except _TimeError as error:
        raise usage_error(f"{what} '{line(text, 40)}' {error}") from None
    except (ValueError, OverflowError, OSError, CoordError):
        raise usage_error(f"{what} '{line(text, 40)}' is not a time. {_FUTURE_FORMS if future else _FORMS}") from None


def _instant(text: str, now: Instant, future: bool) -> Instant:
    """Return the instant. Raises ValueError or CoordError for an unknown form, and `_TimeError`."""
    if text.lower() == "now":
        return now
    if length := (_TIME_AHEAD if future else _TIME_AGO).fullmatch(text):
        return add_time(now, parse_duration_s(length[1], "the time") * (1 if future else -1))
    text, zone = _split_zone(text)
    here = _clock_in(zone, now)
    walls, repeats = _wall_times(text, here, future)
    if walls[0].tzinfo:
        return instant_at(walls[0])
    return _choose(walls, zone, now, future, repeats)


def _split_zone(text: str) -> tuple[str, str]:
    for pattern in _ZONED:
        if (parts := pattern.fullmatch(text)) and parts[2].lower() not in _DAYS_AWAY:
            return parts[1], parts[2]
    return text, ""


def _wall_times(text: str, here: datetime, future: bool) -> tuple[list[datetime], bool]:
    """Return the times of day that `text` can mean, the most likely first, and whether it comes every day or week.

    They have no zone. Raises ValueError.
    """
    parts = _DAY_AND_TIME.fullmatch(text)
    if not parts or not text:
        return [datetime.fromisoformat(text)], False
    if future and not parts[2]:
        raise ValueError(text)  # work is seldom done at midnight
    day, time = (parts[1] or "").lower(), parts[2] or "0:00"
    clock_time = datetime.strptime(time, "%H:%M:%S" if time.count(":") == 2 else "%H:%M").time()
    sign = 1 if future else -1
    if day in _DAYS_AWAY:
        first, step = _DAYS_AWAY[day], 0
    elif not day:
        first, step = 0, sign
    else:
        first, step = _days_to(day, here.weekday(), sign), 7 * sign
    days = [here.date() + timedelta(days=first + step * i) for i in range(3 if step else 1)]
    return [datetime.combine(date, clock_time) for date in days], not day


def _days_to(day: str, today: int, sign: int) -> int:
    """Return the days from the weekday `today` to the weekday that `day` names or shortens. Raises ValueError."""
    for number, name in enumerate(_WEEKDAYS):
        if len(day) >= 3 and name.startswith(day):
            return sign * ((number - today) * sign % 7)
    raise ValueError(day)


def _choose(walls: Sequence[datetime], zone: str, now: Instant, future: bool, repeats: bool) -> Instant:
    """Return the instant of the first time that lies on the right side of `now`, or else of the last time.

    Raises `_TimeError` for a time that the clocks skipped, and for one that they showed twice. If the time `repeats`
    every day, the occurrence nearest to `now` is meant.
    """
    instants: list[Instant] = []
    for wall in walls:
        times = _times_in_zone(wall, zone)
        if not times:
            before, after = (instant_at(at) for at in times_around(wall))
            if len(walls) > 1 and (before < now if future else after > now):
                continue
            shown = " and ".join(time_text(at, "", seconds=True) for at in (before, after))
            raise _TimeError(f"does not exist: the clocks here skipped it. The nearest times are {shown}.")
        instants = [instant_at(at) for at in times]
        possible = [at for at in instants if (at >= now if future else at <= now)]
        if len(possible) > 1 and not repeats:
            first, last = (time_text(at, "", seconds=True) for at in possible)
            raise _TimeError(f"is ambiguous: the clocks here showed it twice. Write {first} or {last}.")
        if possible:
            return possible[0] if future else possible[-1]
    return instants[-1]


# --- zones ----------------------------------------------------------------------------------------------------------


def _clock_in(zone: str, now: Instant) -> datetime:
    """Return the present time in a zone, to which words such as `today` refer."""
    here = local_time(now)
    offset = _fixed_offset(zone) if zone and _local_offset(here, zone) is None else None
    return here if offset is None else here.astimezone(timezone(offset))


def _times_in_zone(wall: datetime, zone: str) -> list[datetime]:
    """Return the times at which clocks in the zone show `wall`."""
    times = times_shown_as(wall)
    if not zone:
        return times
    if with_name := [at for at in times if (at.tzname() or "").lower() == zone.lower()]:
        return with_name
    near = local_time(instant_at(wall.replace(tzinfo=UTC)))
    offset = _fixed_offset(zone)
    if offset is None:
        offset = _local_offset(near, zone)
    if offset is None:
        names = dict.fromkeys(name for name, _ in _zones_near(near) if name[:1].isalpha())
        accepted = ", ".join(dict.fromkeys([*names, "UTC"]))
        raise _TimeError(
            f"has a time zone that is not used here, {line(zone, 20)}. Use {accepted} or an offset such as +01:00."
        )
    return [wall.replace(tzinfo=timezone(offset))]


def _fixed_offset(zone: str) -> timedelta | None:
    """Return the offset from UTC of `UTC`, `GMT`, `Z` or an offset in figures, else None. Raises ValueError."""
    if zone.upper() in ("UTC", "GMT", "Z"):
        return timedelta()
    parts = _OFFSET.fullmatch(zone)
    if not parts:
        return None
    hours, minutes, seconds = (int(part or 0) for part in parts.groups()[1:])
    if hours > 23 or minutes > 59 or seconds > 59:
        raise ValueError(zone)
    offset = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return -offset if parts[1] == "-" else offset


def _local_offset(near: datetime, zone: str) -> timedelta | None:
    """Return the offset with which the local clocks use the name `zone` nearest to a time; None if they do not."""
    return next((offset for name, offset in _zones_near(near) if name.lower() == zone.lower()), None)


def _zones_near(near: datetime) -> Iterable[tuple[str, timedelta]]:
    """Yield the names and offsets that the local clocks use within about a year of a time, nearest first."""
    at = instant_at(near)
    for days in _ZONE_SEARCH_DAYS:
        try:
            local = local_time(add_time(at, days * DAY_S))
        except OverflowError:
            continue
        yield local.tzname() or "", local.utcoffset() or timedelta()
