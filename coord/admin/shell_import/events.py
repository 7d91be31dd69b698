"""Convert the files of the shell scripts to events, one event for each file.

The payload of an event has what fits its limits, such as a name on one line or the length of a claim. Nothing else is
lost: the event's `fields` have everything that the file contains (see `coord.admin.shell_import.recovery`).

These functions are pure, with one exception: a time in a file name has no time zone and is read in this machine's zone,
because the scripts wrote it in local time.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from msgspec import Struct

from coord.admin.shell_import.recovery import TEMPLATES, FileFields, FileKind, Unusable, fields_of
from coord.render.clock import instant_at
from coord.render.format import percent_in
from coord.workspace.names import EVERYONE_WORDS
from eventlog.digest import blake2b
from eventlog.events import (
    EVERYONE,
    HOUR_S,
    MAX_NAME_LENGTH,
    MAX_TTL_S,
    MIN_TTL_S,
    AnyPayload,
    ClaimRequested,
    Instant,
    MessageSent,
    Name,
    SessionHeartbeat,
    SessionStarted,
    seconds_between,
)
from eventlog.local.journal import is_session_id

_UNKNOWN = "unknown"  # the session of a file that names none; the scripts used the same word


class FileEvent(Struct, frozen=True):
    """The event that a file becomes: its time, session and payload, and all fields of the file."""

    at: Instant
    acted_as: str
    payload: AnyPayload
    fields: FileFields
    recovered: bool  # whether the file was invalid JSON and its fields were found by the template


def parse_file(kind: FileKind, name: str, folder: str, data: bytes) -> FileEvent:
    """Convert the bytes of a file. The name of its `folder` is the recipient of a message. Raises Unusable."""
    fields, recovered = fields_of(kind, data)
    who, when = _AUTHOR[kind]
    at = _instant(fields.get(when)) or _instant_in(name)
    if not at:
        raise Unusable(f"its time is unknown: it has no valid {when}, and its name contains no time")
    author = _text(fields.get(who)) or _author_in(kind, name)
    payload = _PAYLOADS[kind](_File(name, folder, at, fields))
    return FileEvent(at, session_id(author), payload, fields, recovered)


# --- when, and who --------------------------------------------------------------------------------------------------

_AUTHOR: dict[FileKind, tuple[str, str]] = {
    "session": ("session_id", "started_at"),
    "heartbeat": ("session_id", "timestamp"),
    "claim": ("claimed_by", "claimed_at"),
    "message": ("from", "timestamp"),
}
"""The keys of the session and of the time."""

_STAMPED = re.compile(r"(\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d)(?:-(.*))?")


def _instant(value: object) -> Instant:
    """Parse a time, in UTC if it has no time zone. Return an empty string if it is not a time."""
    try:
        at = datetime.fromisoformat(value.strip()) if isinstance(value, str) else None
        return instant_at(at if at.tzinfo else at.replace(tzinfo=UTC)) if at else ""
    except (ValueError, OverflowError):
        return ""


def _instant_in(name: str) -> Instant:
    """Parse the local time in the name of a file. Return an empty string if there is none."""
    match = _STAMPED.match(name)
    try:
        return instant_at(datetime.strptime(match[1], "%Y-%m-%d_%H-%M-%S").astimezone()) if match else ""
    except (ValueError, OverflowError, OSError):
        return ""


def _author_in(kind: FileKind, name: str) -> str:
    """Return the session in the name of a file."""
    stem = name.rpartition(".")[0] or name
    if kind == "session":
        return stem
    match = _STAMPED.fullmatch(stem)
    return (match and match[2]) or _UNKNOWN


def session_id(text: str) -> str:
    """Return a valid session id for a text: the text itself, or its readable part and a hash of the whole."""
    if is_session_id(text):
        return text
    readable = re.sub(r"[^a-z0-9._-]+", "-", text.lower()).strip("-._")[:80] or _UNKNOWN
    return f"{readable}-{blake2b(text.encode(), digest_size=2).hexdigest()}"


# --- the events -----------------------------------------------------------------------------------------------------


class _File(Struct, frozen=True):
    """The parts of a file from which a payload is made."""

    name: str
    folder: str
    at: Instant
    fields: FileFields


_UNPRINTED = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def _text(value: object) -> str:
    """Return a value as text; empty if it is null or missing."""
    return value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)


def _name(value: object) -> Name:
    """Return a value as a name: on one line, and cut to the maximum length."""
    return _UNPRINTED.sub(" ", _text(value)).strip()[:MAX_NAME_LENGTH]


def _names(value: object) -> tuple[Name, ...]:
    names = (_name(item) for item in (value if isinstance(value, list) else [value]))
    return tuple(dict.fromkeys(name for name in names if name))


def _started(file: _File) -> AnyPayload:
    name, capabilities = _name(file.fields.get("name")), _names(file.fields.get("capabilities"))
    return SessionStarted(client="shell-scripts", name=name, capabilities=capabilities)


def _heartbeat(file: _File) -> AnyPayload:
    texts = [_text(file.fields.get(key)) for key in TEMPLATES["heartbeat"][2:]]
    action, target, phase, progress, next_action = texts
    percent = percent_in(progress)
    return SessionHeartbeat(action, target, phase, progress, percent, next_action)


def _claim(file: _File) -> AnyPayload:
    """Return the claim. If the file does not say how long it lasts, it lasts four hours, as in the scripts."""
    kind, _, name = file.name.removesuffix(".claim").partition("-")
    kind = re.sub(r"[/\s]+", "-", _name(file.fields.get("resource_type")) or _name(kind) or _UNKNOWN)[:100]
    name = _name(file.fields.get("resource_name")) or _name(name) or _UNKNOWN
    expires_at, hours = _instant(file.fields.get("expires_at")), file.fields.get("duration_hours")
    seconds = (hours if isinstance(hours, int | float) else 4) * HOUR_S
    if expires_at:
        seconds = seconds_between(file.at, expires_at)
    ttl_s = min(max(round(seconds), MIN_TTL_S), MAX_TTL_S)
    return ClaimRequested(resource=f"{kind}/{name}"[:MAX_NAME_LENGTH], mode="exclusive", ttl_s=ttl_s, told="granted")


def _message(file: _File) -> AnyPayload:
    to = _names(file.fields.get("to")) or _names(file.folder)
    everyone = not to or any(name.lower() in EVERYONE_WORDS for name in to)
    subject, body = _text(file.fields.get("subject")), _text(file.fields.get("message"))
    return MessageSent(to=EVERYONE if everyone else to, subject=subject, body=body)


_PAYLOADS: Mapping[FileKind, Callable[[_File], AnyPayload]] = {
    "session": _started,
    "heartbeat": _heartbeat,
    "claim": _claim,
    "message": _message,
}
