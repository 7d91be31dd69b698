"""What the files of the shell scripts say, those included that are no JSON.

Every file is a template that a shell filled in. It escaped nothing, so a line break, a quote or a backslash in a value
made a file that is no JSON. The template around the values is fixed, and with it they are found again:

1. A file that is JSON says what its JSON says. One in which a key stands twice is not taken for it: a value that held
   quotes wrote the second.
2. In any other, a key of the template that begins a line begins a value, which ends before the next key of the template
   or at the closing brace. Keys come in the template's order, so text inside a value that looks like a key of an
   earlier line is text. What stands between the quotes is the value, as it stands.
3. A key that is not of the template is kept too: before the first, where a value has ended, and in the lines after the
   free text of a message.
4. Only what a journal cannot hold, such as a number beyond 2^53, is kept as text.

The work is bounded by the length of the file, whatever stands in it.
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
_FREE_TEXT = "message"  # the last of its template: it may hold anything, and be followed by anything
_DEEPEST = 50  # levels that a value may have


class Unusable(ValueError):
    """A file of which nothing can be made, with the reason."""


def fields_of(kind: FileKind, data: bytes) -> tuple[FileFields, bool]:
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
        return {_escape_surrogates(key): _storable(value) for key, value in said.items()}, False
    found = recover_fields(kind, text) if said is None else {}
    if not found:
        raise Unusable("it is neither a JSON object nor of the template that the scripts filled in")
    return {_escape_surrogates(key): _storable(value) for key, value in found.items()}, True


def _json(text: str) -> object:
    """Raises ValueError for what is not JSON, and for a key that stands twice."""

    def pairs(items: list[tuple[str, object]]) -> FileFields:
        found = dict(items)
        if len(found) != len(items):
            raise ValueError("a key stands twice")
        return found

    return json.loads(text, object_pairs_hook=pairs, parse_int=_int, parse_float=_float, parse_constant=str)


def _int(text: str) -> object:
    return int(text) if len(text) <= 17 and abs(int(text)) <= MAX_INT else text


def _float(text: str) -> object:
    value = float(text)
    return value if abs(value) <= MAX_INT else text


def _storable(value: object, depth: int = 0) -> object:
    """A value as a journal can hold it: all of it, what must be as text."""
    if isinstance(value, str):
        return _escape_surrogates(value)
    if isinstance(value, dict | list) and depth == _DEEPEST:
        return _escape_surrogates(json.dumps(value, ensure_ascii=False))
    if isinstance(value, dict):
        return {_escape_surrogates(key): _storable(item, depth + 1) for key, item in value.items()}
    return [_storable(item, depth + 1) for item in value] if isinstance(value, list) else value


def _escape_surrogates(text: str) -> str:
    """Text in which half a character, which JSON can write, is shown as an escape."""
    return text.encode(errors="backslashreplace").decode()


_KEY = r'^[ \t]*"({})"[ \t]*:[ \t]*'
_NEXT = r',[ \t]*\r?\n[ \t]*"([A-Za-z_][\w-]*)"[ \t]*:[ \t]*'
_OTHER_KEY = re.compile(r'(?:(?<=["\d\]}])|(?<=true)|(?<=false)|(?<=null))' + _NEXT)
_PAIR = re.compile(r'"([A-Za-z_][\w-]*)"[ \t]*:[ \t]*(.+)')


def recover_fields(kind: FileKind, text: str) -> FileFields:
    """The values in a filled template that is no JSON, by rules 2 and 3; nothing if no key of it is there."""
    marks: list[tuple[str, int, int]] = []
    workspace = 0
    for key in TEMPLATES[kind]:
        if found := re.compile(_KEY.format(key), re.MULTILINE).search(text, workspace):
            marks.append((key, found.start(), found.end()))
            workspace = found.end()
    if not marks:
        return {}
    last = re.search(r"\n[ \t]*\}\s*\Z", text)
    ends = [start for _, start, _ in marks[1:]] + [last.start() if last else len(text)]
    _, pairs = _split("null," + text[: marks[0][1]].lstrip().removeprefix("{"))  # as if a value had ended there
    for (key, _, begin), end in zip(marks, ends, strict=True):
        raw, others = (_split_at_the_end if key == _FREE_TEXT else _split)(text[begin:end])
        pairs += [(key, raw), *others]
    fields: FileFields = {}
    for key, raw in pairs:
        fields.setdefault(key, _value(raw))
    return fields


def _split(raw: str) -> tuple[str, list[tuple[str, str]]]:
    """A value, and the pairs after it whose keys are not of the template."""
    first, *rest = _OTHER_KEY.split(raw)
    return first, list(zip(rest[::2], rest[1::2], strict=True))


def _split_at_the_end(raw: str) -> tuple[str, list[tuple[str, str]]]:
    """Free text, and the pairs after it: whole lines at the very end, each with a value that is JSON."""
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
    """A value as it stands in the template: between quotes text, and without them what JSON makes of it."""
    raw = raw.strip().removesuffix(",").rstrip()
    if raw.startswith('"'):
        return raw[1:-1] if len(raw) > 1 and raw.endswith('"') else raw[1:]
    try:
        return _json(raw)
    except (ValueError, RecursionError):
        return raw
