"""Pack the data of an exported page so that the file stays small. `static/core/packed.js` unpacks it.

A packed value is JSON, compressed with gzip, as base64. Moments are in blocks. Each moment of a block is a patch of the
moment before it, and the first one a patch of an empty one. A list of rows is stored as a list of numbers: the block
contains each row once.
"""

import gzip
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from coord.render.format import json_text

BLOCK = 400  # moments
_STORIES = 100  # in a block
_LISTS, _SECTIONS = ("needs", "messages", "sessions"), ("board", "claims")


def pack(value: object) -> str:
    """Return a JSON value as a packed text."""
    return b64encode(gzip.compress(json_text(value, indent=None).encode(), 6, mtime=0)).decode()


def pack_moments(moments: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """Return moments in blocks, with an index. Each moment is given with its event, or with an empty text."""
    index: dict[str, list[str]] = {"at": [], "events": []}
    blocks: list[str] = []
    block = _Block()
    for event, moment in moments:
        index["at"].append(moment["at"])
        index["events"].append(event)
        block.add(moment)
        if len(block.patches) == BLOCK:
            blocks.append(block.packed())
            block = _Block()
    if block.patches:
        blocks.append(block.packed())
    return {"size": BLOCK, "index": pack(index), "blocks": blocks}


class _Block:
    """A block of consecutive moments."""

    def __init__(self) -> None:
        self.patches: list[dict[str, Any]] = []
        self.rows: list[Any] = []
        self._numbers: dict[bytes, int] = {}  # of each row, by its encoded value
        self._last: dict[str, Any] = {}

    def add(self, moment: Mapping[str, Any]) -> None:
        """Add the next moment."""
        now = {name: self._shrunk(name, value) for name, value in moment.items()}
        patch: dict[str, Any] = {"values": {}, "lists": {}, "sections": {}}
        for name, value in now.items():
            if name not in self._last or self._last[name] != value:
                patch[_kind(name)][name] = value
        self.patches.append(patch)
        self._last = now

    def packed(self) -> str:
        """Return the block as a packed text."""
        return pack({"rows": self.rows, "patches": self.patches})

    def _shrunk(self, name: str, value: Any) -> Any:
        if name in _LISTS:
            return [self._number(row) for row in value]
        if name in _SECTIONS:
            return [[section["head"], [self._number(row) for row in section["rows"]]] for section in value]
        return value

    def _number(self, row: Any) -> int:
        key = msgspec.json.encode(row)
        number = self._numbers.setdefault(key, len(self.rows))
        if number == len(self.rows):
            self.rows.append(row)
        return number


def _kind(name: str) -> str:
    return "lists" if name in _LISTS else "sections" if name in _SECTIONS else "values"


def pack_stories(stories: Iterable[tuple[str, object]]) -> dict[str, Any]:
    """Return stories in blocks, with an index. Each story is given with its subject."""
    index: dict[str, int] = {}
    blocks: list[str] = []
    for some in _batches(stories):
        index |= dict.fromkeys(some, len(blocks))
        blocks.append(pack(some))
    return {"index": pack(index), "blocks": blocks}


def _batches(stories: Iterable[tuple[str, object]]) -> Iterator[dict[str, object]]:
    batch: dict[str, object] = {}
    for about, story in stories:
        batch[about] = story
        if len(batch) == _STORIES:
            yield batch
            batch = {}
    if batch:
        yield batch
