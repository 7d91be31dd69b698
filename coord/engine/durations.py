"""Parse lengths of time as people write them: `90m`, `2h`, `1h30m`, `4` hours."""

import re

from coord.errors import usage_error
from eventlog.events import DAY_S, HOUR_S, MAX_TTL_S, MIN_TTL_S, MINUTE_S

NEGATIVE = "'{word}' is not a number of hours: it must be more than 0."
"""The error for a word such as `-2` in the place of HOURS."""
_UNITS = {"s": 1, "m": MINUTE_S, "h": HOUR_S, "d": DAY_S}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smhd])")


def parse_duration_s(text: str, what: str) -> int:
    """Return the seconds in a length such as `90m`. Raises CoordError (2), in which `what` names the option."""
    parts = _PART.findall(text.replace(" ", "").lower())
    if not parts or "".join(number + unit for number, unit in parts) != text.replace(" ", "").lower() or len(text) > 40:
        raise usage_error(f"{what} '{text[:40]}' is not a length of time. Write it like 90m, 2h or 1h30m.")
    return round(sum(float(number) * _UNITS[unit] for number, unit in parts))


def parse_wait_s(text: str | None) -> int:
    """Return the seconds of --wait, at most 7 days; 0 without the option. Raises CoordError (2)."""
    if text is None:
        return 0
    seconds = parse_duration_s(text, "--wait")
    if not 0 < seconds <= MAX_TTL_S:
        raise usage_error(f"--wait {text[:40]} is out of range: more than 0, and at most 7 days.")
    return seconds


def parse_ttl_s(hours: str | None, ttl: str | None, default_hours: float) -> int:
    """Return the seconds that a claim lasts: HOURS or --ttl, from 1 minute to 7 days. Raises CoordError (2)."""
    if hours is not None and ttl is not None:
        raise usage_error("give HOURS or --ttl, not both.")
    if ttl is not None:
        seconds, given = parse_duration_s(ttl, "--ttl"), f"--ttl {ttl[:40]}"
    else:
        seconds, given = round(_hours(hours, default_hours) * HOUR_S), f"{(hours or '')[:40]} hours"
    if not MIN_TTL_S <= seconds <= MAX_TTL_S:
        raise usage_error(f"{given} is out of range: a claim lasts from 1 minute to 7 days (168 hours).")
    return seconds


def _hours(text: str | None, default: float) -> float:
    if text is None:
        return default
    try:
        number = float(text)
    except ValueError:
        raise usage_error(
            f"'{text[:40]}' is not a number of hours. Write it like 4 or 0.5, or use --ttl 90m."
        ) from None
    return number if -1e9 < number < 1e9 else 1e9  # NaN and the infinities too
