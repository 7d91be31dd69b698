"""Parse lengths of time as people write them: `90m`, `2h`, `1h30m`, `1 h 30 min`, `4` hours."""

import re

from coord.errors import usage_error
from eventlog.events import DAY_S, HOUR_S, MAX_TTL_S, MIN_TTL_S, MINUTE_S

NEGATIVE = "'{word}' is not a number of hours: it must be more than 0."
"""The error for a word such as `-2` in the place of HOURS."""
_UNITS = {"d": DAY_S, "h": HOUR_S, "m": MINUTE_S, "s": 1}
_NAMES = r"d(?:ays?)?|h(?:(?:ou)?rs?)?|m(?:in(?:ute)?s?)?|s(?:ec(?:ond)?s?)?"
_PART = rf"([0-9]+(?:\.[0-9]+)?) *({_NAMES})"
LENGTH = rf"[0-9]+(?:\.[0-9]+)? *(?:{_NAMES})(?: *[0-9]+(?:\.[0-9]+)? *(?:{_NAMES}))*"
"""A pattern, in lower case, for what `parse_duration_s` may accept."""


def parse_duration_s(text: str, what: str) -> int:
    """Return the seconds in a length such as `90m`. Raises CoordError (2), in which `what` names the option.

    Each unit may occur once, and a larger one comes first.
    """
    given = text.strip().lower()
    parts = re.findall(_PART, given)
    units = [name[0] for _, name in parts]
    is_complete = re.fullmatch(LENGTH, given) is not None
    if not is_complete or len(text) > 40 or units != sorted(set(units), key=list(_UNITS).index):
        raise usage_error(f"{what} '{text[:40]}' is not a length of time. {_advice(given)}")
    return round(sum(float(number) * _UNITS[unit] for (number, _), unit in zip(parts, units, strict=True)))


def _advice(given: str) -> str:
    """Return how to write a length of time. The likely meanings of a number without a unit are named."""
    if given.isdecimal() and len(given) <= 5:
        return f"For minutes: {given}m. For hours: {given}h."
    if unit := re.fullmatch(r"(\d{1,3})(?:h|:)(\d{1,2})", given):
        return f"Write it like {unit[1]}h{unit[2]}m."
    return "Write it like 90m, 2h or 1h30m."


def parse_wait_s(text: str | None) -> int:
    """Return the seconds of --wait, at most 7 days; 0 without the option. Raises CoordError (2)."""
    if text is None:
        return 0
    seconds = parse_duration_s(text, "--wait")
    if not 0 < seconds <= MAX_TTL_S:
        raise usage_error(f"--wait {text[:40]} is out of range: a wait lasts more than 0 and at most 7 days.")
    return seconds


def parse_ttl_s(hours: str | None, ttl: str | None, default_hours: float) -> int:
    """Return the seconds that a claim lasts: HOURS or --ttl, from 1 minute to 7 days. Raises CoordError (2).

    HOURS is a number, or a length of time such as `90m`.
    """
    if hours is not None and ttl is not None:
        raise usage_error("give HOURS or --ttl, not both.")
    if ttl is not None:
        seconds, given = parse_duration_s(ttl, "--ttl"), f"--ttl {ttl[:40]}"
    else:
        seconds, given = _hours_s(hours, default_hours), f"{(hours or '')[:40]} hours"
    if not MIN_TTL_S <= seconds <= MAX_TTL_S:
        raise usage_error(f"{given} is out of range: a claim lasts from 1 minute to 7 days (168 hours).")
    return seconds


def _hours_s(text: str | None, default_hours: float) -> int:
    """Return the seconds of HOURS."""
    if text is None:
        return round(default_hours * HOUR_S)
    try:
        number = float(text)
    except ValueError:
        if re.search(r"\d *[a-z:]", text.lower()):
            return parse_duration_s(text, "HOURS")
        raise usage_error(
            f"'{text[:40]}' is not a number of hours. Write it like 4 or 0.5, or use --ttl 90m."
        ) from None
    return round((number if -1e9 < number < 1e9 else 1e9) * HOUR_S)  # NaN and the infinities too
