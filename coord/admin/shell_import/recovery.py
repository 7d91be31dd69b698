"""Read the fields of the shell scripts' files, also from files that are invalid JSON.

The scripts wrote each file by filling in a template in the shell, without escaping. So a line break, a quote or a
backslash in a value made the file invalid JSON. The template around the values is fixed, and is used to recover them:

1. A valid JSON file is read as JSON. A file in which a key occurs twice counts as invalid, because the second one comes
   from a value that contained quotes.
2. In an invalid file, a key of the template at the start of a line begins a value. The value ends before the next key
   of the template, or at the closing brace. Keys follow in the template's order; so what looks like an earlier key is
   part of a value. The text between the quotes is the value, without unescaping.
3. Keys that are not in the template are kept too: before the first key, where a value has ended, and in the lines after
   the free text of a message.
4. A value that a journal cannot hold, such as a number beyond 2^53, is kept as text.

The time needed is bounded by the length of the file, for any content.
"""

import json
import re
from typing import Literal, TypeAlias

from eventlog.events import MAX_INT

FileKind: TypeAlias = Literal["session", "heartbeat", "claim", "message"]
FileFields: TypeAlias = dict[str, object]

TEMPLATES: dict[FileKind, tuple[str, ...]] = {
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
"""The keys of each template, in its order."""
_FREE_TEXT = "message"  # the last key of its template; its value can contain anything
_MAX_DEPTH = 50  # of nested values


class Unusable(ValueError):
    """A file cannot be imported; the text of the error is the reason."""


def fields_of(kind: FileKind, data: bytes) -> tuple[FileFields, bool]:
    """Return all fields of a file, and whether they had to be recovered. Raises Unusable."""
    try:
        text, valid = data.decode("utf-8-sig"), True
    except UnicodeDecodeError:
        text, valid = data.decode(errors="backslashreplace"), False
    if not text.strip("\0 \t\r\n"):
        raise Unusable("it is empty")
    try:
        parsed = _json(text) if valid else None
    except (ValueError, RecursionError):
        parsed = None
    if isinstance(parsed, dict):
        return {_escape_surrogates(key): _storable(value) for key, value in parsed.items()}, False
    recovered = recover_fields(kind, text) if parsed is None else {}
    if not recovered:
        raise Unusable("it is neither a JSON object nor a file in the scripts' template")
    return {_escape_surrogates(key): _storable(value) for key, value in recovered.items()}, True


def _json(text: str) -> object:
    """Parse JSON. Raises ValueError if it is invalid or a key occurs twice."""

    def pairs(items: list[tuple[str, object]]) -> FileFields:
        fields = dict(items)
        if len(fields) != len(items):
            raise ValueError("a key occurs twice")
        return fields

    return json.loads(text, object_pairs_hook=pairs, parse_int=_int, parse_float=_float, parse_constant=str)


def _int(text: str) -> object:
    return int(text) if len(text) <= 17 and abs(int(text)) <= MAX_INT else text


def _float(text: str) -> object:
    value = float(text)
    return value if abs(value) <= MAX_INT else text


def _storable(value: object, depth: int = 0) -> object:
    """Return a value in a form that a journal can hold: the same value, with the parts that it cannot hold as text."""
    if isinstance(value, str):
        return _escape_surrogates(value)
    if isinstance(value, dict | list) and depth == _MAX_DEPTH:
        return _escape_surrogates(json.dumps(value, ensure_ascii=False))
    if isinstance(value, dict):
        return {_escape_surrogates(key): _storable(item, depth + 1) for key, item in value.items()}
    return [_storable(item, depth + 1) for item in value] if isinstance(value, list) else value


def _escape_surrogates(text: str) -> str:
    """Replace lone surrogates, which JSON can contain and UTF-8 cannot, by escapes."""
    return text.encode(errors="backslashreplace").decode()


_KEY = r'^[ \t]*"({})"[ \t]*:[ \t]*'
_NEXT = r',[ \t]*\r?\n[ \t]*"([A-Za-z_][\w-]*)"[ \t]*:[ \t]*'
_OTHER_KEY = re.compile(r'(?:(?<=["\d\]}])|(?<=true)|(?<=false)|(?<=null))' + _NEXT)
_PAIR = re.compile(r'"([A-Za-z_][\w-]*)"[ \t]*:[ \t]*(.+)')


def recover_fields(kind: FileKind, text: str) -> FileFields:
    """Return the fields of a file that is invalid JSON, by rules 2 and 3; empty if it has no key of the template."""
    keys: list[tuple[str, int, int]] = []
    position = 0
    for key in TEMPLATES[kind]:
        if match := re.compile(_KEY.format(key), re.MULTILINE).search(text, position):
            keys.append((key, match.start(), match.end()))
            position = match.end()
    if not keys:
        return {}
    last = re.search(r"\n[ \t]*\}\s*\Z", text)
    ends = [start for _, start, _ in keys[1:]] + [last.start() if last else len(text)]
    _, pairs = _split("null," + text[: keys[0][1]].lstrip().removeprefix("{"))  # `_split` expects a value first
    for (key, _, begin), end in zip(keys, ends, strict=True):
        raw, others = (_split_at_the_end if key == _FREE_TEXT else _split)(text[begin:end])
        pairs += [(key, raw), *others]
    fields: FileFields = {}
    for key, raw in pairs:
        fields.setdefault(key, _value(raw))
    return fields


def _split(raw: str) -> tuple[str, list[tuple[str, str]]]:
    """Return a value, and the pairs after it whose keys are not in the template."""
    first, *rest = _OTHER_KEY.split(raw)
    return first, list(zip(rest[::2], rest[1::2], strict=True))


def _split_at_the_end(raw: str) -> tuple[str, list[tuple[str, str]]]:
    """Return the free text, and the pairs after it: the last lines, as long as their values are valid JSON."""
    lines = raw.rstrip().split("\n")
    others: list[tuple[str, str]] = []
    while len(lines) > 1 and lines[-2].rstrip().endswith(",") and (pair := _PAIR.fullmatch(lines[-1].strip())):
        try:
            _json(pair[2])
        except (ValueError, RecursionError):
            break
        others.append((pair[1], pair[2]))
        lines[-2:] = [lines[-2].rstrip()[:-1]]
    text = "\n".join(lines)
    return (text, others[::-1]) if text.endswith('"') and text.count('"') > 1 else (raw, [])


def _value(raw: str) -> object:
    """Parse a value of the template: text if it is in quotes, otherwise JSON, or text if it is invalid JSON."""
    raw = raw.strip().removesuffix(",").rstrip()
    if raw.startswith('"'):
        return raw[1:-1] if len(raw) > 1 and raw.endswith('"') else raw[1:]
    try:
        return _json(raw)
    except (ValueError, RecursionError):
        return raw
