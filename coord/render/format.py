"""How values look to people: times, lengths of time, and text that others wrote.

What other sessions wrote is untrusted. In a terminal, control, escape and bidirectional characters are shown and not
obeyed; in Markdown what would be markup is escaped as well.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache

import msgspec

from eventlog.events import Instant, seconds_between

# Patterns as text: each is compiled when it is first needed, which in most commands is never.
_OBEYED = (
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_PERCENT = r"\s*(\d{1,3})(?:\.\d+)?\s*%"
_MARKUP = r"([\\`*~\[\]|]|(?<!\w)_|_(?!\w))"
_ENTITY = r"&(?=#?\w+;)"


def terminal_text(text: str, limit: int = 0) -> str:
    """Text for a terminal, line breaks kept, cut at `limit` characters if that is not 0."""
    shown = text
    if not text.isprintable():  # nothing that is obeyed is printable
        shown = re.sub(_OBEYED, lambda found: ascii(found[0])[1:-1], text)
    return shown if not limit or len(shown) <= limit else shown[: limit - 1] + "…"


@lru_cache(maxsize=4096)
def line(text: str, limit: int = 120) -> str:
    """Text for one line of a terminal."""
    text = text.strip()
    if not text.isprintable():
        text = re.sub(r"\s*\n\s*", " ⏎ ", text.replace("\t", " "))
    return terminal_text(text, limit)


def quoted(text: str, limit: int = 120) -> str:
    """What another session wrote, as its words: in a line, between signs that it cannot close."""
    return "“" + line(text.replace("”", '"'), limit) + "”"


@lru_cache(maxsize=4096)
def markdown_text(text: str, limit: int = 120) -> str:
    """Text for one line, or one cell, of a Markdown document that people also read as it stands."""
    shown = line(text, limit)
    escaped = re.sub(_ENTITY, "&amp;", re.sub(_MARKUP, r"\\\1", shown))
    return escaped.replace("<", "&lt;").replace(">", "&gt;")


@lru_cache(maxsize=1024)
def local_time(at: Instant) -> datetime:
    """An instant in this machine's zone; in UTC at the ends of the calendar, where a zone would lead out of it."""
    utc = datetime.fromisoformat(at[:-1]).replace(tzinfo=UTC)
    try:
        return utc.astimezone()
    except (OverflowError, ValueError, OSError):
        return utc


def instant_at(at: datetime) -> Instant:
    """The instant of a time that has a zone, or is one of this machine's. Raises OverflowError beyond the calendar."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def time_text(at: Instant, now: Instant, *, seconds: bool = False) -> str:
    """A time of day with its zone; with the date if it is not that of `now`, which may be empty."""
    date = "" if now and _shown(at, "%Y-%m-%d") == _shown(now, "%Y-%m-%d") else "%Y-%m-%d "
    return _shown(at, date + ("%H:%M:%S %Z" if seconds else "%H:%M %Z"))


@lru_cache(maxsize=4096)
def _shown(at: Instant, form: str) -> str:
    return local_time(at).strftime(form)


def period_text(start: Instant, end: Instant, now: Instant) -> str:
    """A stretch of time with its zone said once; with dates as `time_text` has them."""
    first, last = local_time(start), local_time(end)
    if first.utcoffset() != last.utcoffset():
        return f"{time_text(start, now)} – {time_text(end, now)}"
    if first.date() != last.date():
        return f"{first:%Y-%m-%d %H:%M} – {time_text(end, '')}"
    begin, shown = f"{first:%H:%M}", time_text(end, now)
    return shown if begin == f"{last:%H:%M}" else shown.replace(f"{last:%H:%M}", f"{begin}–{last:%H:%M}")


def duration_text(seconds: float) -> str:
    """A length of time in its one or two largest units."""
    minutes = round(abs(seconds) / 60)
    if abs(seconds) < 60:
        return f"{abs(seconds):.0f} s"
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def ago(at: Instant, now: Instant) -> str:
    """How long ago something was."""
    seconds = seconds_between(at, now)
    return "just now" if seconds < 5 else f"{duration_text(seconds)} ago"


UNTIL_COMMITTED = (
    "until it is committed"  # how long a claim lasts that a hook made for an edit, as far as anyone can say
)


def until(at: Instant, now: Instant, automatic: bool = False) -> str:
    """Until when something lasts, and how long that is; of a claim that a hook made, until what."""
    return (
        UNTIL_COMMITTED if automatic else f"until {time_text(at, now)} ({duration_text(seconds_between(now, at))} left)"
    )


def session_label(session: str, names: Mapping[str, str]) -> str:
    """A session as people know it: its id, and the name that it was given at its start."""
    name = names.get(session, "")
    return f"{session} ({line(name, 40)})" if name else session


def json_text(value: object, indent: int | None = 2) -> str:
    """A value as JSON, also for a terminal. A path that is not valid UTF-8 is shown with escapes, like everywhere."""
    try:
        encoded = msgspec.json.encode(value)
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(value), indent=indent)
    return json_plain((encoded if indent is None else msgspec.json.format(encoded, indent=indent)).decode())


def json_plain(text: str) -> str:
    """JSON of the same value, in which nothing stands that a terminal would obey."""
    return re.sub(_OBEYED, _json_escaped, text)


def _json_escaped(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", errors="surrogatepass")
    return "".join(f"\\u{high:02x}{low:02x}" for high, low in zip(units[::2], units[1::2], strict=True))


def percent_in(progress: str) -> int | None:
    """The percentage that words on a progress begin with, if they do."""
    found = re.match(_PERCENT, progress)
    return int(found[1]) if found and int(found[1]) <= 100 else None


def size(count: int) -> str:
    """So many bytes, in the unit in which that reads best."""
    value, unit = float(count), "bytes"
    for larger in ("KB", "MB", "GB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return plural(count, "byte") if unit == "bytes" else f"{value:.1f} {unit}"


def plural(count: int, noun: str) -> str:
    """`1 claim`, `2 claims`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
