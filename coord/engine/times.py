"""Parse points in time as people write them: `2026-11-22 18:00`, `18:00`, `yesterday 18:00`, `-90m`, an event's id.

A time without a zone is in this machine's zone. Lists show times in the same zone, so a time can be copied from them. A
time of day alone means its latest occurrence. A length of time, with or without `-`, counts back from now. An event's
id means the point just after the event.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from coord.engine.durations import parse_duration_s
from coord.errors import CoordError, usage_error
from coord.render.format import instant_at, line, local_time, time_text
from eventlog.events import Event, Instant, SessionStarted, add_time
from projections.views.point_in_time import PointInTime, after_event, after_instant, before_instant

_EVENT = re.compile(r"(\S+)/([1-9][0-9]{0,15})")
_LENGTH = re.compile(r"-?\s*((?:\d+(?:\.\d+)?[smhd]\s*)+)(?:ago)?", re.IGNORECASE)
_DAY_AND_TIME = re.compile(r"([a-z]+)?\s*(?:(\d{1,2}:\d\d(?::\d\d)?))?", re.IGNORECASE)
_ZONE = re.compile(r"(.+?)\s+([A-Z]{3,5})")
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_FORMS = "Write it like 2026-11-22 18:00, yesterday 18:00, 18:00, -90m, or an event's id such as amber-otter-k3f9/17."


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
    parts = _EVENT.fullmatch(text)
    if parts is None:
        raise usage_error(f"'{line(text, 60)}' is not an event's id. Write it as lists show it: amber-otter-k3f9/17")
    wanted, n = parts[1], int(parts[2])
    sessions = {event.session for event in events}
    named = {e.session for e in events if isinstance(e.payload, SessionStarted) and e.payload.name == wanted}
    ids = [wanted] if wanted in sessions else sorted(named) or sorted(s for s in sessions if s.startswith(wanted))
    found = [event for event in events if event.n == n and event.session in ids]
    if not found:
        raise usage_error(f"there is no event {line(text, 60)}.")
    if len(ids) > 1:
        candidates = ", ".join(f"{name}/{n}" for name in ids[:5])
        raise usage_error(f"'{line(text, 60)}' can mean {candidates}. Write more of the id.")
    return found[0]


def parse_instant(text: str, what: str, now: Instant) -> Instant:
    """Return the instant that `text` means at `now`. Raises CoordError (2) if there is none or it is in the future."""
    try:
        at = _instant(text.strip(), now)
    except (ValueError, OverflowError, CoordError):
        at = ""
    if not at:
        raise usage_error(f"{what} '{line(text, 40)}' is not a time. {_FORMS}")
    if at > now:
        raise usage_error(f"{what} {line(text, 40)} is {time_text(at, now)}, which is in the future.")
    return at


def _instant(text: str, now: Instant) -> Instant:
    if text.lower() == "now":
        return now
    if length := _LENGTH.fullmatch(text):
        return add_time(now, -parse_duration_s(length[1], "the time"))
    here = local_time(now)
    zoned = _ZONE.fullmatch(text)
    if zoned and zoned[2] in ("UTC", "GMT"):
        return instant_at(_local(zoned[1], here.astimezone(UTC)))
    if zoned and zoned[2] in (
        here.strftime("%Z"),
        *(local_time(add_time(now, s)).strftime("%Z") for s in (-1.5e7, 1.5e7)),
    ):
        text = zoned[1]
    return instant_at(_local(text, here))


def _local(text: str, here: datetime) -> datetime:
    """Return the time that `text` means in the zone of `here`, the present time. Raises ValueError."""
    parts = _DAY_AND_TIME.fullmatch(text)
    if not parts or not text:
        given = datetime.fromisoformat(text)
        return given if given.tzinfo else _in_zone_of(here, given)
    day, time = (parts[1] or "").lower(), parts[2] or "0:00"
    clock_time = datetime.strptime(time, "%H:%M:%S" if time.count(":") == 2 else "%H:%M").time()
    if day in ("", "today"):
        back = 0
    elif day == "yesterday":
        back = 1
    else:
        wanted = [number for number, name in enumerate(_WEEKDAYS) if len(day) >= 3 and name.startswith(day)]
        if not wanted:
            raise ValueError(day)
        back = (here.weekday() - wanted[0]) % 7
    at = _in_zone_of(here, datetime.combine(here.date() - timedelta(days=back), clock_time))
    if at > here and day not in ("today", "yesterday"):
        at = _in_zone_of(here, at.replace(tzinfo=None) - timedelta(days=7 if day else 1))
    return at


def _in_zone_of(here: datetime, naive: datetime) -> datetime:
    return naive.replace(tzinfo=UTC) if here.tzinfo is UTC else naive.astimezone()
