"""Add coord's entries to a client's JSON file, and remove them again.

An entry is a value at a path. The caller passes a function that finds coord's values that are already there. If they
are the same as the wanted entries, nothing changes; otherwise they are removed and the wanted ones are added.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec
from msgspec.structs import replace

from coord.admin.install.formats.json_edit import Document, Path, add_value, empty_containers, parse, remove_value
from coord.admin.install.record import FileRecord

JsonEntry: TypeAlias = tuple[Path, Any]
"""The path that a value is added at (-1 is the end of an array), and the value."""
OursFinder: TypeAlias = Callable[[Document], list[Path]]
"""A function that returns the paths of coord's values in a document, in the document's order."""

_NO_HEAD: Mapping[str, Any] = {}
_MAX_LINE = 120  # characters


def with_entries(
    text: str | None,
    comments: bool,
    entries: Sequence[JsonEntry],
    find_ours: OursFinder,
    record: FileRecord,
    head: Mapping[str, Any] = _NO_HEAD,
) -> tuple[str, FileRecord]:
    """Return the text with the entries, and the new record of the file. A text of None means that there is no file. A
    new file also gets the members of `head`.

    Raises ValueError for invalid JSON, or if another kind of value is where an entry must be added.
    """
    if text is None or not text.strip():
        record = replace(record, blank=text, empty={})
        text, created = format_json(head) + "\n", True
    else:
        present = _count_ours(parse(text, comments), find_ours)
        if present == Counter(map(_encode, entries)):
            return text, record
        text, created = _without_ours(text, comments, find_ours, record), bool(present)
    only_ours = created and _is_bare(text, head) and "" not in record.empty
    for path, value in entries:
        document = parse(text, comments)
        empty = empty_containers(document, path)
        if created and "" not in record.empty:
            empty.pop("", None)  # the empty document was created by coord, so it need not be restored
        record = replace(record, empty=empty | record.empty)
        text = add_value(document, path, value)
    return (format_json(json.loads(text)) + "\n" if only_ours else text), record


def without_entries(
    text: str, comments: bool, find_ours: OursFinder, record: FileRecord, head: Mapping[str, Any] = _NO_HEAD
) -> str | None:
    """Return the text without coord's entries; None if nothing but `head` is left and the file did not exist before.

    Raises ValueError for invalid JSON.
    """
    if not text.strip():
        return text
    document = parse(text, comments)
    if not find_ours(document):
        return text
    text = _without_ours(text, comments, find_ours, record)
    return record.blank if _is_bare(text, head) and "" not in record.empty else text


def _is_bare(text: str, head: Mapping[str, Any]) -> bool:
    """Return whether a text has only the members that a new file of coord has."""
    return text.strip() == "{}" or (bool(head) and parse(text).value(parse(text).root) == head)


def _without_ours(text: str, comments: bool, find_ours: OursFinder, record: FileRecord) -> str:
    """Return the text without coord's values. The last is removed first, so that the paths of the others stay valid."""
    for path in reversed(find_ours(parse(text, comments))):
        text = remove_value(parse(text, comments), path, record.empty)
    return text


def format_json(value: Any, margin: str = "", key: str = "") -> str:
    """Format a value for a file that contains only coord's entries. A value is written on one line if it fits."""
    flat = key + json.dumps(value, ensure_ascii=False)
    if len(margin + flat) < _MAX_LINE or not value or not isinstance(value, dict | list):
        return flat
    inner = margin + "  "
    if isinstance(value, list):
        parts = [format_json(item, inner) for item in value]
    else:
        parts = [format_json(item, inner, json.dumps(name, ensure_ascii=False) + ": ") for name, item in value.items()]
    return f",\n{inner}".join(parts).join((f"{flat[len(key)]}\n{inner}", f"\n{margin}{flat[-1]}")).join((key, ""))


def _count_ours(document: Document, find_ours: OursFinder) -> Counter[bytes]:
    encoded: list[bytes] = []
    for path in find_ours(document):
        node = document.find(path)
        assert node is not None
        added_at = (*path[:-1], -1) if isinstance(path[-1], int) else path
        encoded.append(_encode((added_at, document.value(node))))
    return Counter(encoded)


def _encode(entry: JsonEntry) -> bytes:
    return msgspec.json.encode(entry, order="sorted")
