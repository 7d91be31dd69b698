"""The files of the shell scripts that were here before: what each says, and the event that it amounts to.

Every file is a template that a shell filled in. It escaped nothing, so a line break, a quote or a backslash in a value
made a file that is no JSON. The template around the values is fixed, and with it they are found again:

1. A file that is JSON says what its JSON says. One in which a key stands twice is not taken for it: a value that held
   quotes wrote the second.
2. In any other, a key of the template that begins a line begins a value, which ends before the next key of the template
   or at the closing brace. Keys come in the template's order, so text inside a value that looks like a key of an
   earlier line is text. What stands between the quotes is the value, as it stands.
3. A key that is not of the template is kept too: where a value has ended, and in the lines after the free text of a
   message.
4. Nothing is lost for being of no use: an event keeps `fields`, all that the file said. In its payload stands what fits
   there. Only what a journal cannot hold, such as a number beyond 2^53, is kept as text.

Pure but for one thing: a time in a file's name has no zone, and is one of this machine's zone, as it was when written.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from msgspec import Struct

from coord.names import EVERYONE_WORDS
from coord.text import percent_in
from eventlog.events import (
    BIGGEST_INT,
    EVERYONE,
    HOUR_S,
    LONGEST_NAME,
    LONGEST_TTL_S,
    SHORTEST_TTL_S,
    AnyPayload,
    ClaimRequested,
    Instant,
    MessageSent,
    Name,
    SessionHeartbeat,
    SessionStarted,
    seconds_between,
)
from eventlog.journal import is_session_id

Kind: TypeAlias = Literal["session", "heartbeat", "claim", "message"]
Fields: TypeAlias = dict[str, object]

_TEMPLATES: dict[Kind, tuple[str, ...]] = {
    "session": (
        *("session_id", "started_at", "status", "current_work", "capabilities", "last_heartbeat", "heartbeat_count"),
    ),
    "heartbeat": ("session_id", "timestamp", "action", "target", "phase", "progress", "next_action"),
    "claim": (
        *("claimed_by", "claimed_at", "resource_type", "resource_name", "duration_hours", "expires_at"),
        "allow_coordination",
    ),
    "message": ("from", "to", "timestamp", "subject", "message"),
}
_FREE_TEXT = "message"  # the last of its template: it may hold anything, and be followed by anything
_DEEPEST = 50  # levels that a value may have
_UNKNOWN = "unknown"  # whoever did what a file does not say who did, as the scripts called it


class Unusable(ValueError):
    """A file of which nothing can be made, with the reason."""


class Said(Struct, frozen=True):
    """What a file amounts to: an event's payload, when and by whom; and everything that it said."""

    at: Instant
    acted_as: str
    payload: AnyPayload
    fields: Fields
    recovered: bool  # whether it was found through the template


def read(kind: Kind, name: str, folder: str, data: bytes) -> Said:
    """What the bytes of a file say. `folder` is where a message lies: whom it is for. Raises Unusable."""
    fields, recovered = fields_of(kind, data)
    who, when = _AUTHOR[kind]
    at = _instant(fields.get(when)) or _instant_in(name)
    if not at:
        raise Unusable(f"it does not say when: {when} cannot be read, and its name has no time")
    author = _text(fields.get(who)) or _author_in(kind, name)
    payload = _PAYLOADS[kind](_File(name, folder, at, fields))
    return Said(at, session_id(author), payload, fields, recovered)


# --- what a file says -----------------------------------------------------------------------------------------------


def fields_of(kind: Kind, data: bytes) -> tuple[Fields, bool]:
    """Everything that a file says, and whether it had to be recovered. Raises Unusable."""
    try:
        text, valid = data.decode("utf-8-sig"), True
    except UnicodeDecodeError:
        text, valid = data.decode(errors="backslashreplace"), False
    if not text.strip("\0 \t\r\n"):
        raise Unusable("it is empty")
    try:
        said = _json(text) if valid else None
    except (ValueError, RecursionError):
        said = None
    if isinstance(said, dict):
        return {_whole(key): _kept(value) for key, value in said.items()}, False
    found = recovered(kind, text) if said is None else {}
    if not found:
        raise Unusable("it is neither a JSON object nor of the template that the scripts filled in")
    return {_whole(key): _kept(value) for key, value in found.items()}, True


def _json(text: str) -> object:
    """Raises ValueError for what is not JSON, and for a key that stands twice."""

    def pairs(items: list[tuple[str, object]]) -> Fields:
        found = dict(items)
        if len(found) != len(items):
            raise ValueError("a key stands twice")
        return found

    return json.loads(text, object_pairs_hook=pairs, parse_int=_int, parse_float=_float, parse_constant=str)


def _int(text: str) -> object:
    return int(text) if len(text) <= 17 and abs(int(text)) <= BIGGEST_INT else text


def _float(text: str) -> object:
    value = float(text)
    return value if abs(value) <= BIGGEST_INT else text


def _kept(value: object, depth: int = 0) -> object:
    """A value as a journal can hold it: all of it, what must be as text."""
    if isinstance(value, str):
        return _whole(value)
    if isinstance(value, dict | list) and depth == _DEEPEST:
        return _whole(json.dumps(value, ensure_ascii=False))
    if isinstance(value, dict):
        return {_whole(key): _kept(item, depth + 1) for key, item in value.items()}
    return [_kept(item, depth + 1) for item in value] if isinstance(value, list) else value


def _whole(text: str) -> str:
    """Text in which half a character, which JSON can write, is shown as an escape."""
    return text.encode(errors="backslashreplace").decode()


_KEY = r'^[ \t]*"({})"[ \t]*:[ \t]*'
_NEXT = r',[ \t]*\r?\n[ \t]*"([A-Za-z_][\w-]*)"[ \t]*:[ \t]*'
_OTHER_KEY = re.compile(r'(?:(?<=["\d\]}])|(?<=true)|(?<=false)|(?<=null))' + _NEXT)
_LAST_PAIR = re.compile(_NEXT + r"([^\r\n]+?)[ \t]*$")


def recovered(kind: Kind, text: str) -> Fields:
    """The values in a filled template that is no JSON, by rules 2 and 3; nothing if no key of it is there."""
    marks: list[tuple[str, int, int]] = []
    place = 0
    for key in _TEMPLATES[kind]:
        if found := re.compile(_KEY.format(key), re.MULTILINE).search(text, place):
            marks.append((key, found.start(), found.end()))
            place = found.end()
    fields: Fields = {}
    last = re.search(r"\n[ \t]*\}\s*\Z", text)
    ends = [start for _, start, _ in marks[1:]] + [last.start() if last else len(text)]
    for (key, _, begin), end in zip(marks, ends, strict=True):
        split = _split_at_the_end if key == _FREE_TEXT else _split
        raw, others = split(text[begin:end])
        for other, value in ((key, raw), *others):
            fields.setdefault(other, _value(value))
    return fields


def _split(raw: str) -> tuple[str, list[tuple[str, str]]]:
    """A value, and the pairs after it whose keys are not of the template."""
    first, *rest = _OTHER_KEY.split(raw)
    return first, list(zip(rest[::2], rest[1::2], strict=True))


def _split_at_the_end(raw: str) -> tuple[str, list[tuple[str, str]]]:
    """Free text, and the pairs after it: whole lines at the very end, each with a value that is JSON."""
    whole = raw
    others: list[tuple[str, str]] = []
    while found := _LAST_PAIR.search(raw := raw.rstrip()):
        try:
            json.loads(found[2])
        except ValueError:
            break
        others.insert(0, (found[1], found[2]))
        raw = raw[: found.start()]
    return (raw, others) if raw.endswith('"') and raw.count('"') > 1 else (whole, [])


def _value(raw: str) -> object:
    """A value as it stands in the template: between quotes text, and without them what JSON makes of it."""
    raw = raw.strip().removesuffix(",").rstrip()
    if raw.startswith('"'):
        return raw[1:-1] if len(raw) > 1 and raw.endswith('"') else raw[1:]
    try:
        return _json(raw)
    except (ValueError, RecursionError):
        return raw


# --- when, and who --------------------------------------------------------------------------------------------------

_AUTHOR: dict[Kind, tuple[str, str]] = {
    "session": ("session_id", "started_at"),
    "heartbeat": ("session_id", "timestamp"),
    "claim": ("claimed_by", "claimed_at"),
    "message": ("from", "timestamp"),
}
"""The keys that say who did it, and when."""

_STAMPED = re.compile(r"(\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d)(?:-(.*))?")


def _instant(value: object) -> Instant:
    """The instant that a value names, in UTC if it has no zone; empty if it names none."""
    try:
        at = datetime.fromisoformat(value.strip()) if isinstance(value, str) else None
        return _written(at if at.tzinfo else at.replace(tzinfo=UTC)) if at else ""
    except (ValueError, OverflowError):
        return ""


def _instant_in(name: str) -> Instant:
    """The instant in the name of a file, which is a local time; empty if there is none."""
    found = _STAMPED.match(name)
    try:
        return _written(datetime.strptime(found[1], "%Y-%m-%d_%H-%M-%S").astimezone()) if found else ""
    except (ValueError, OverflowError, OSError):
        return ""


def _written(at: datetime) -> Instant:
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _author_in(kind: Kind, name: str) -> str:
    """The session that the name of a file names."""
    stem = name.rpartition(".")[0] or name
    if kind == "session":
        return stem
    found = _STAMPED.fullmatch(stem)
    return (found and found[2]) or _UNKNOWN


def session_id(text: str) -> str:
    """The id of a session as it may stand in a journal: itself, or what can be read of it and a mark of the rest."""
    if is_session_id(text):
        return text
    readable = re.sub(r"[^a-z0-9._-]+", "-", text.lower()).strip("-._")[:80] or _UNKNOWN
    return f"{readable}-{hashlib.blake2b(text.encode(), digest_size=2).hexdigest()}"


# --- the events -----------------------------------------------------------------------------------------------------


class _File(Struct, frozen=True):
    """What is known of a file."""

    name: str
    folder: str
    at: Instant
    fields: Fields


_UNPRINTED = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def _text(value: object) -> str:
    """A value as text; what is null, or not there, says nothing."""
    return value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)


def _name(value: object) -> Name:
    """A value as a name: on one line, and not too long."""
    return _UNPRINTED.sub(" ", _text(value)).strip()[:LONGEST_NAME]


def _names(value: object) -> tuple[Name, ...]:
    found = (_name(item) for item in (value if isinstance(value, list) else [value]))
    return tuple(dict.fromkeys(name for name in found if name))


def _started(file: _File) -> AnyPayload:
    called, can = _name(file.fields.get("name")), _names(file.fields.get("capabilities"))
    return SessionStarted(client="shell-scripts", name=called, capabilities=can)


def _heartbeat(file: _File) -> AnyPayload:
    words = [_text(file.fields.get(key)) for key in _TEMPLATES["heartbeat"][2:]]
    action, target, phase, progress, next_action = words
    percent = percent_in(progress)
    return SessionHeartbeat(action, target, phase, progress, percent, next_action)


def _claim(file: _File) -> AnyPayload:
    """As long as it was to last, and four hours, as the scripts did, where that is not said."""
    kind, _, what = file.name.removesuffix(".claim").partition("-")
    kind = re.sub(r"[/\s]+", "-", _name(file.fields.get("resource_type")) or _name(kind) or _UNKNOWN)[:100]
    what = _name(file.fields.get("resource_name")) or _name(what) or _UNKNOWN
    ends, hours = _instant(file.fields.get("expires_at")), file.fields.get("duration_hours")
    lasts = (hours if isinstance(hours, int | float) else 4) * HOUR_S
    if ends:
        lasts = seconds_between(file.at, ends)
    ttl_s = min(max(round(lasts), SHORTEST_TTL_S), LONGEST_TTL_S)
    return ClaimRequested(resource=f"{kind}/{what}"[:LONGEST_NAME], mode="exclusive", ttl_s=ttl_s, told="granted")


def _message(file: _File) -> AnyPayload:
    to = _names(file.fields.get("to")) or _names(file.folder)
    everyone = not to or any(name.lower() in EVERYONE_WORDS for name in to)
    subject, body = _text(file.fields.get("subject")), _text(file.fields.get("message"))
    return MessageSent(to=EVERYONE if everyone else to, subject=subject, body=body)


_PAYLOADS: Mapping[Kind, Callable[[_File], AnyPayload]] = {
    "session": _started,
    "heartbeat": _heartbeat,
    "claim": _claim,
    "message": _message,
}
