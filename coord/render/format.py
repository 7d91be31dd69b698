"""Format values for people: times, durations, sizes, and text that other sessions wrote.

Text of other sessions is untrusted. For a terminal, control, escape and bidirectional characters are replaced by
visible escapes; for Markdown, markup is escaped as well.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias

import msgspec

from coord.render.clock import local_time, zone_text
from eventlog.codec import is_instant
from eventlog.events import Instant, seconds_between

Names: TypeAlias = Mapping[str, str]
"""The names of sessions, by session id."""

FREED_NEXT = "the next claim, heartbeat or message of any session frees it"  # shown for a claim whose holder is dead
_NAME_CHARS = 40  # shown of the name of a session
UNTIL_COMMITTED = "until it is committed"  # how long an automatic claim lasts

# The patterns are strings because most commands need none of them: `re` compiles each at its first use.
_CONTROL = (
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_PLAIN_WORD = "[A-Za-z0-9_@%+=:,./-]+"  # as in `shlex`
_PERCENT = r"\s*(\d{1,3})(?:\.\d+)?\s*%"
_MARKDOWN = frozenset("\\`*~[]|_&<>")  # the characters that Markdown text may need an escape for
_MARKUP = r"([\\`*~\[\]|]|(?<!\w)_|_(?!\w))"
_ENTITY = r"&(?=#?\w+;)"


def terminal_text(text: str, limit: int = 0) -> str:
    """Return text for a terminal with its line breaks, cut to `limit` characters unless that is 0."""
    shown = text
    if not text.isprintable():  # no control character is printable
        shown = re.sub(_CONTROL, lambda match: ascii(match[0])[1:-1], text)
    return shown if not limit or len(shown) <= limit else shown[: limit - 1] + "…"


@lru_cache(maxsize=4096)
def line(text: str, limit: int = 120) -> str:
    """Return text for one line of a terminal."""
    text = text.strip()
    if not text.isprintable():
        text = re.sub(r"\s*\n\s*", " ⏎ ", text.replace("\t", " "))
    return terminal_text(text, limit)


def shell_word(text: str) -> str:
    """Return a text quoted for a shell. Characters that cannot be printed are escaped, for bash and zsh."""
    if re.fullmatch(_PLAIN_WORD, text):
        return text
    if text.isprintable():
        from shlex import quote  # slow to load, and most words need no quotes

        return quote(text)
    plain = {byte: chr(byte) for byte in range(32, 127) if byte not in b"'\\"}
    data = text.encode(errors="surrogateescape")
    return "$'" + "".join(plain.get(byte, f"\\{byte:03o}") for byte in data) + "'"


def quoted(text: str, limit: int = 120) -> str:
    """Return another session's text on one line, between quotation marks that the text cannot close."""
    return "“" + line(text.replace("”", '"'), limit) + "”"


@lru_cache(maxsize=4096)
def markdown_text(text: str, limit: int = 120) -> str:
    """Return text for one line or table cell of Markdown, readable in its source too."""
    shown = line(text, limit)
    if _MARKDOWN.isdisjoint(shown):
        return shown
    escaped = re.sub(_ENTITY, "&amp;", re.sub(_MARKUP, r"\\\1", shown))
    return escaped.replace("<", "&lt;").replace(">", "&gt;")


def time_text(at: Instant, now: Instant, *, seconds: bool = False) -> str:
    """Return a time of day with its zone, and the date if that differs from `now` or if `now` is empty."""
    date = "" if now and _formatted(at, "%Y-%m-%d") == _formatted(now, "%Y-%m-%d") else "%Y-%m-%d "
    return _formatted(at, date + ("%H:%M:%S" if seconds else "%H:%M"), zoned=True)


@lru_cache(maxsize=4096)
def _formatted(at: Instant, form: str, zoned: bool = False) -> str:
    local = local_time(at)
    shown = local.strftime(form)
    return f"{shown} {zone_text(local)}" if zoned else shown


def period_text(start: Instant, end: Instant, now: Instant) -> str:
    """Return a period as text: the zone is shown once, and the dates as in `time_text`."""
    first, last = local_time(start), local_time(end)
    if zone_text(first) != zone_text(last):
        return f"{time_text(start, now)} – {time_text(end, now)}"
    if first.date() != last.date():
        return f"{_formatted(start, '%Y-%m-%d %H:%M')} – {time_text(end, '')}"
    shown, begin = time_text(start, now), f"{first:%H:%M}"
    before, zone = shown.rsplit(" ", 1)
    return shown if begin == f"{last:%H:%M}" else f"{before}–{last:%H:%M} {zone}"


def duration_text(seconds: float) -> str:
    """Return a duration in its one or two largest units."""
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
    """Return how long ago `at` was."""
    seconds = seconds_between(at, now)
    return "just now" if seconds < 5 else f"{duration_text(seconds)} ago"


def eta_text(eta: str, now: Instant) -> str:
    """Return the end that a session expects: the time, or the text that an older version stored, on one line."""
    return time_text(eta, now) if is_instant(eta) else line(eta)


def until(at: Instant, now: Instant, automatic: bool = False) -> str:
    """Return the end of a claim and how much time is left, or `UNTIL_COMMITTED` for an automatic claim."""
    return (
        UNTIL_COMMITTED if automatic else f"until {time_text(at, now)} ({duration_text(seconds_between(now, at))} left)"
    )


class CountedNames(dict[str, str]):
    """Names that are looked up one by one. What they contain cannot be listed."""

    def is_only(self, name: str) -> bool:
        """Return whether only one session has this name."""
        return list(self.values()).count(name) == 1


def session_label(session: str, names: Names, *, full: bool = False) -> str:
    """Return the name of a session; its id if it has no name.

    The id follows the name where `full` asks for both, where the name alone could mean another session, and where it
    could be read as more than a name: another session chose it, and a name of several words can be a sentence.
    """
    name = names.get(session, "")
    shown = line(name, _NAME_CHARS)
    if not shown:
        return session
    is_only = names.is_only(name) if isinstance(names, CountedNames) else list(names.values()).count(name) == 1
    is_unique = name not in names and is_only
    is_clear = is_unique and shown == name and len(name.split()) == 1
    return shown if is_clear and not full else f"{shown} ({session})"


def json_text(value: object, indent: int | None = 2) -> str:
    """Encode a value as JSON that is safe in a terminal. Text that is not valid UTF-8 is written with escapes."""
    try:
        encoded = msgspec.json.encode(value)
    except UnicodeEncodeError:
        import json  # takes 3 % of a command, and few texts are not valid UTF-8

        return json.dumps(msgspec.to_builtins(value), indent=indent)
    return json_plain((encoded if indent is None else msgspec.json.format(encoded, indent=indent)).decode())


def json_plain(text: str) -> str:
    """Escape the control characters in JSON text; the value stays the same."""
    return re.sub(_CONTROL, _json_escaped, text)


def _json_escaped(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", errors="surrogatepass")
    return "".join(f"\\u{high:02x}{low:02x}" for high, low in zip(units[::2], units[1::2], strict=True))


def percent_in(progress: str) -> int | None:
    """Return the percentage at the start of a progress text, or None."""
    match = re.match(_PERCENT, progress)
    return int(match[1]) if match and int(match[1]) <= 100 else None


def size(count: int) -> str:
    """Return a number of bytes in the largest unit that fits."""
    value, unit = float(count), "bytes"
    for larger in ("KB", "MB", "GB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return plural(count, "byte") if unit == "bytes" else f"{value:.1f} {unit}"


def plural(count: int, noun: str) -> str:
    """Return a count with its noun: `1 claim`, `2 claims`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def list_first(parts: Sequence[str]) -> str:
    """Return the first five parts, and how many more there are."""
    return ", ".join(parts[:5]) + (f" and {len(parts) - 5} more" if len(parts) > 5 else "")
