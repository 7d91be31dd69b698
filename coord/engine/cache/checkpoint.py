"""A saved state, and how far each journal was read for it. It is a cache: it never changes an answer.

It can be deleted, and a damaged one is ignored. When the code of the fold changes, it is rebuilt. It contains only one
fact that is stored nowhere else: how much of each journal was read before. A journal that is shorter than that, or
missing, was rewound.

Older checkpoints lie beside it: see `coord.engine.cache.older_checkpoints`. A reader that continues from a checkpoint
reads everything after its positions, and notices an event that sorts before its state. An outdated checkpoint is
therefore harmless.
"""

import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import TypeVar

import msgspec
from msgspec import Struct

from coord.platform.code_version import code_version
from coord.platform.replace_file import replace_file
from eventlog.digest import blake2b
from eventlog.listing import ArchiveSummary
from eventlog.local.files import read_regular
from eventlog.scanning import Position
from projections.rules.state import State

NAME = "checkpoint"
_DIGEST = 16  # bytes
_DECODE_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)  # anyone can write a valid digest
_MAX_BYTES = 1 << 28  # a larger file is ignored
F = TypeVar("F")
_encode = msgspec.msgpack.Encoder().encode


class HighWaterMark(Struct, frozen=True):
    """The furthest place to which a journal was ever read."""

    size: int
    lines: int
    rewound: str = ""
    last: bytes = b""  # the bytes before that place; empty if an older version saved the mark


class SavedFold(Struct):
    """A state, and how far each journal was read for it, except the archived journals that have a final position."""

    positions: dict[str, Position]
    state: State


class StoreVersion(Struct):
    """What belongs to a checkpoint, but is not in its fold: the version of the store, and what is known of the archive.

    The store contains the final positions of archived journals, and rows that left the state; see
    `coord.engine.cache.ended`.
    """

    head: bytes = b""
    pending: bytes = b""
    archive: ArchiveSummary = msgspec.field(default_factory=ArchiveSummary)
    posted: bool = False  # whether the store has the postings of all events in the state


class Checkpoint(Struct):
    """The content of a checkpoint file. `seen` stays valid when the code of the fold changes; `folded` does not."""

    code: str = ""  # the version of the fold that made it
    seen: dict[str, HighWaterMark] = {}
    told: list[str] = []  # the problems of the journals that some command has reported
    folded: bytes = b""
    rung: int = 0  # how many events the newest older checkpoint has folded
    listed: int = 0  # when a journal was last added to the log or removed, in nanoseconds since 1970
    store: StoreVersion = msgspec.field(default_factory=StoreVersion)  # valid for other code too
    requests_id: str = ""  # see `coord.engine.cache.requests_id`

    @property
    def of_this_code(self) -> bool:
        """Whether the running version of the fold made it."""
        return self.code == code_version()


def load(folder: str, name: str = NAME) -> tuple[Checkpoint, SavedFold | None]:
    """Return the checkpoint in a cache folder, empty if there is no valid one, and its fold if this code made it."""
    return load_part(folder, name, SavedFold)


def load_part(folder: str, name: str, kind: type[F]) -> tuple[Checkpoint, F | None]:
    """Return what `load` returns, with only the fields of the fold that `kind` has."""
    try:
        if os.path.islink(folder):
            return Checkpoint(), None  # a cache is never read through a link
        data = read_regular(os.path.join(folder, name), _MAX_BYTES)
        if blake2b(data[_DIGEST:], digest_size=_DIGEST).digest() != data[:_DIGEST]:
            return Checkpoint(), None
        saved = msgspec.msgpack.decode(data[_DIGEST:], type=Checkpoint)
    except (OSError, *_DECODE_ERRORS):
        return Checkpoint(), None
    try:
        return saved, msgspec.msgpack.decode(saved.folded, type=kind) if saved.of_this_code else None
    except _DECODE_ERRORS:
        return saved, None


def save(
    folder: str,
    seen: dict[str, HighWaterMark],
    told: list[str],
    folded: SavedFold | None,
    rung: int = 0,
    listed: int = 0,
    store: StoreVersion | None = None,
    requests_id: str = "",
) -> None:
    """Replace the checkpoint; without a fold, the next command folds everything again. Does nothing if the cache cannot
    be written.
    """
    saved = Checkpoint("", seen, told)
    if folded:
        store = store or StoreVersion()
        saved = Checkpoint(code_version(), seen, told, _encode(folded), rung, listed, store, requests_id)
    write(folder, NAME, _encode(saved))


def encoded(folded: SavedFold, store: StoreVersion) -> bytes:
    """Return a fold as the content of an older checkpoint, to be saved later."""
    return _encode(Checkpoint(code=code_version(), folded=_encode(folded), store=store))


def write(folder: str, name: str, content: bytes) -> None:
    """Replace a checkpoint file. Does nothing if the cache cannot be written."""
    with suppress(OSError):
        digest = blake2b(content, digest_size=_DIGEST).digest()
        replace_file(os.path.join(folder, name), digest + content, within=folder)


def high_water_marks(
    seen: Mapping[str, HighWaterMark], positions: Mapping[str, Position], held_back: Collection[str]
) -> dict[str, HighWaterMark]:
    """Return the furthest place to which each journal was ever read, from earlier marks and the present positions."""
    marks = dict(seen)
    for name, position in positions.items():
        before = marks.get(name, HighWaterMark(0, 0))
        if not position.n and not position.rewound:
            continue  # it never had an event, so nothing is lost if it is removed or replaced
        if (position.size, position.last, position.rewound) == (before.size, before.last, before.rewound):
            continue
        if name not in held_back or position.size > before.size:
            most = position if position.size else before
            marks[name] = HighWaterMark(most.size, most.lines, position.rewound, most.last)
    return marks
