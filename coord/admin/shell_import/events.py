"""The files of the shell scripts that were here before: the event that each amounts to.

Nothing is lost for being of no use: an event keeps `fields`, all that the file said
(`coord.admin.shell_import.recovery`). In its payload
stands what fits there: a name on one line, a length of time that a claim can have.

Pure but for one thing: a time in a file's name has no zone, and is one of this machine's zone, as it was when written.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from msgspec import Struct

from coord.admin.shell_import.recovery import TEMPLATES, FileFields, FileKind, Unusable, fields_of
from coord.render.format import instant_at, percent_in
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

_UNKNOWN = "unknown"  # whoever did what a file does not say who did, as the scripts called it


class FileEvent(Struct, frozen=True):
    """What a file amounts to: an event's payload, when and by whom; and everything that it said."""

    at: Instant
    acted_as: str
    payload: AnyPayload
    fields: FileFields
    recovered: bool  # whether it was found through the template


def parse_file(kind: FileKind, name: str, folder: str, data: bytes) -> FileEvent:
    """What the bytes of a file say. `folder` is where a message lies: whom it is for. Raises Unusable."""
    fields, recovered = fields_of(kind, data)
    who, when = _AUTHOR[kind]
    at = _instant(fields.get(when)) or _instant_in(name)
    if not at:
        raise Unusable(f"it does not say when: {when} cannot be read, and its name has no time")
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
"""The keys that say who did it, and when."""

_STAMPED = re.compile(r"(\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d)(?:-(.*))?")


def _instant(value: object) -> Instant:
    """The instant that a value names, in UTC if it has no zone; empty if it names none."""
    try:
        at = datetime.fromisoformat(value.strip()) if isinstance(value, str) else None
        return instant_at(at if at.tzinfo else at.replace(tzinfo=UTC)) if at else ""
    except (ValueError, OverflowError):
        return ""


def _instant_in(name: str) -> Instant:
    """The instant in the name of a file, which is a local time; empty if there is none."""
    found = _STAMPED.match(name)
    try:
        return instant_at(datetime.strptime(found[1], "%Y-%m-%d_%H-%M-%S").astimezone()) if found else ""
    except (ValueError, OverflowError, OSError):
        return ""


def _author_in(kind: FileKind, name: str) -> str:
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
    return f"{readable}-{blake2b(text.encode(), digest_size=2).hexdigest()}"


# --- the events -----------------------------------------------------------------------------------------------------


class _File(Struct, frozen=True):
    """What is known of a file."""

    name: str
    folder: str
    at: Instant
    fields: FileFields


_UNPRINTED = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def _text(value: object) -> str:
    """A value as text; what is null, or not there, says nothing."""
    return value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)


def _name(value: object) -> Name:
    """A value as a name: on one line, and not too long."""
    return _UNPRINTED.sub(" ", _text(value)).strip()[:MAX_NAME_LENGTH]


def _names(value: object) -> tuple[Name, ...]:
    found = (_name(item) for item in (value if isinstance(value, list) else [value]))
    return tuple(dict.fromkeys(name for name in found if name))


def _started(file: _File) -> AnyPayload:
    called, can = _name(file.fields.get("name")), _names(file.fields.get("capabilities"))
    return SessionStarted(client="shell-scripts", name=called, capabilities=can)


def _heartbeat(file: _File) -> AnyPayload:
    words = [_text(file.fields.get(key)) for key in TEMPLATES["heartbeat"][2:]]
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
    ttl_s = min(max(round(lasts), MIN_TTL_S), MAX_TTL_S)
    return ClaimRequested(resource=f"{kind}/{what}"[:MAX_NAME_LENGTH], mode="exclusive", ttl_s=ttl_s, told="granted")


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
