"""Parse points in time in the future as people write them: `17:30`, `in 20m`, `+20m`, `2026-11-22 18:00`.

A time without a zone is in this machine's zone. A time of day alone means its next occurrence.
"""

import re
from datetime import datetime, timedelta

from coord.engine.durations import parse_duration_s
from coord.errors import CoordError, usage_error
from coord.render.format import instant_at, line, local_time, time_text
from eventlog.events import Instant, add_time

_FORMS = "Write it like 20m, in 20m, +20m, 17:30, tomorrow 9:00 or 2026-11-22 18:00."
_LENGTH = r"(?:in\s+|\+\s*)?(\d.*)"
_TIME_OF_DAY = r"(tomorrow\s+)?(\d{1,2}:\d\d(?::\d\d)?)(?:\s+([A-Z]{3,5}))?"


def parse_future_instant(text: str, what: str, now: Instant) -> Instant:
    """Return the instant that `text` means at `now`. Raises CoordError (2) if there is none or it is in the past."""
    given = text.strip()
    try:
        at = _instant(given, now)
    except (ValueError, OverflowError, CoordError):
        raise usage_error(f"{what} '{line(text, 40)}' is not a time. {_FORMS}") from None
    if at < now:
        raise usage_error(f"{what} {line(text, 40)} is {time_text(at, now)}, which is in the past.")
    return at


def _instant(text: str, now: Instant) -> Instant:
    here = local_time(now)
    if parts := re.fullmatch(_TIME_OF_DAY, text):
        if parts[3] and parts[3] != here.strftime("%Z"):
            raise ValueError(parts[3])
        time = datetime.strptime(parts[2], "%H:%M:%S" if parts[2].count(":") == 2 else "%H:%M").time()
        naive = datetime.combine(here.date(), time)
        at = instant_at(naive + timedelta(days=1) if parts[1] else naive)
        return at if at >= now else instant_at(naive + timedelta(days=1))
    if re.match(r"\d{4}-", text):
        return instant_at(datetime.fromisoformat(text))
    if length := re.fullmatch(_LENGTH, text, re.IGNORECASE):
        return add_time(now, parse_duration_s(length[1], "the time"))
    raise ValueError(text)
