"""A client's JSON file with something of ours in it. Pure: from a text and what is remembered to a text.

Pieces are what we want there: values, each at a path. What of ours is there already is found by `ours`. Where that is
just what is wanted nothing changes; otherwise it is taken out and put in anew.
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import msgspec
from msgspec.structs import replace

from coord.admin.install.formats.json_edit import Document, Path, add_value, empty_containers, parse, remove_value
from coord.admin.install.request import FileRecord

JsonEntry: TypeAlias = tuple[Path, Any]
"""Where a value goes (-1 is the end of an array), and the value."""
OursFinder: TypeAlias = Callable[[Document], list[Path]]
"""Where our values stand in a document, in its order."""

_NOTHING = "{}\n"
_MOST_LETTERS = 120  # of a line


def with_entries(
    text: str | None, comments: bool, pieces: Sequence[JsonEntry], ours: OursFinder, memory: FileRecord
) -> tuple[str, FileRecord]:
    """The text (None: there is no file) with the pieces in it, and what is to be remembered. Raises ValueError for what
    is no JSON, or has something else where ours must go.
    """
    if text is None or not text.strip():
        memory = replace(memory, blank=text, empty={})
        text, made = _NOTHING, True
    else:
        present = _present(parse(text, comments), ours)
        if present == Counter(map(_known, pieces)):
            return text, memory
        text, made = without_ours(text, comments, ours, memory), bool(present)
    alone = made and text.strip() == "{}" and "" not in memory.empty
    for path, value in pieces:
        document = parse(text, comments)
        empty = empty_containers(document, path)
        if made and "" not in memory.empty:
            empty.pop("", None)  # the empty document is ours
        memory = replace(memory, empty=empty | memory.empty)
        text = add_value(document, path, value)
    return (format_json(json.loads(text)) + "\n" if alone else text), memory


def without_entries(text: str, comments: bool, ours: OursFinder, memory: FileRecord) -> str | None:
    """The text without what is ours; None where nothing is left, and nothing was there before. Raises ValueError for
    what is no JSON.
    """
    if not text.strip():
        return text
    document = parse(text, comments)
    if not ours(document):
        return text
    text = without_ours(text, comments, ours, memory)
    return memory.blank if text.strip() == "{}" and "" not in memory.empty else text


def without_ours(text: str, comments: bool, ours: OursFinder, memory: FileRecord) -> str:
    """The text without what is ours. From the end, so that what is ours further up stays where it was found."""
    for path in reversed(ours(parse(text, comments))):
        text = remove_value(parse(text, comments), path, memory.empty)
    return text


def format_json(value: Any, margin: str = "", key: str = "") -> str:
    """A value in a file that is ours alone, as a person reads it best: on one line what fits there."""
    flat = key + json.dumps(value, ensure_ascii=False)
    if len(margin + flat) < _MOST_LETTERS or not value or not isinstance(value, dict | list):
        return flat
    inner = margin + "  "
    if isinstance(value, list):
        parts = [format_json(item, inner) for item in value]
    else:
        parts = [format_json(item, inner, json.dumps(name, ensure_ascii=False) + ": ") for name, item in value.items()]
    return f",\n{inner}".join(parts).join((f"{flat[len(key)]}\n{inner}", f"\n{margin}{flat[-1]}")).join((key, ""))


def _present(document: Document, ours: OursFinder) -> Counter[bytes]:
    found: list[bytes] = []
    for path in ours(document):
        node = document.find(path)
        assert node is not None
        where = (*path[:-1], -1) if isinstance(path[-1], int) else path
        found.append(_known((where, document.value(node))))
    return Counter(found)


def _known(piece: JsonEntry) -> bytes:
    return msgspec.json.encode(piece, order="sorted")
