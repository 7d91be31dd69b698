"""A saved fold, with how far each journal was read and its hash there. A cache: it can never change an answer.

Delete it and everything still works; damage it and it is ignored; change the code of the fold and it is rebuilt. The
one thing that only it knows is what was there before: a journal that is shorter than it says, or gone, was rewound.

Beside it lie older ones, the rungs, about one for each hundredth part of the history: where events come late, the fold
goes on from the newest rung before them. All that a rung does not know lies behind the positions that it has, so a
reader who goes on from there sees at once whether anything sorts before it; a rung that is out of date is not harmful.
"""

import os
from collections.abc import Iterable
from contextlib import suppress

import msgspec
from msgspec import Struct

from coord.platform.code_version import code_version
from coord.platform.replace_file import replace_file
from eventlog.digest import blake2b
from eventlog.events import Instant
from eventlog.local.files import read_regular
from eventlog.scanning import Position
from projections.rules.state import State

NAME = "checkpoint"
_OLDER_PREFIX = f"{NAME}-"  # and how many events it has folded
_LEAST_STEP = 4096  # events from one rung to the next, at least
_DIGEST = 16
_DECODE_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)  # a digest is no proof of who made the bytes
_MOST_BYTES = 1 << 28  # of a checkpoint: a larger one is none


class HighWaterMark(Struct, frozen=True):
    """The most that was ever read of a journal."""

    size: int
    lines: int
    rewound: str = ""
    last: bytes = b""  # the bytes before that place; none in what an older version saved


class SavedFold(Struct):
    """A fold, and how far each journal was read for it."""

    positions: dict[str, Position]
    state: State


class Checkpoint(Struct):
    """What is saved. What was seen of the journals outlives the code of the fold; the fold itself does not."""

    code: str = ""  # which fold made it
    seen: dict[str, HighWaterMark] = {}
    told: list[str] = []  # what is wrong with the journals, as far as some command has said so
    folded: bytes = b""
    rung: int = 0  # how many events the newest rung has folded
    listed: int = 0  # when a journal last came to the log or left it, in nanoseconds since 1970

    @property
    def of_this_code(self) -> bool:
        """Whether the code that runs has made the fold."""
        return self.code == code_version()


def load(folder: str, name: str = NAME) -> tuple[Checkpoint, SavedFold | None]:
    """The checkpoint in a cache folder, empty if there is none that is whole; and its fold, if it is of this code."""
    try:
        if os.path.islink(folder):
            return Checkpoint(), None  # it would be elsewhere
        data = read_regular(os.path.join(folder, name), _MOST_BYTES)
        if blake2b(data[_DIGEST:], digest_size=_DIGEST).digest() != data[:_DIGEST]:
            return Checkpoint(), None
        saved = msgspec.msgpack.decode(data[_DIGEST:], type=Checkpoint)
    except (OSError, *_DECODE_ERRORS):
        return Checkpoint(), None
    try:
        return saved, msgspec.msgpack.decode(saved.folded, type=SavedFold) if saved.of_this_code else None
    except _DECODE_ERRORS:
        return saved, None


def save(
    folder: str, seen: dict[str, HighWaterMark], told: list[str], folded: SavedFold, rung: int = 0, listed: int = 0
) -> None:
    """Put a checkpoint in place of the old one; a cache that cannot be written is done without."""
    _write(folder, NAME, Checkpoint(code_version(), seen, told, encoded(folded), rung, listed))


def encoded(folded: SavedFold) -> bytes:
    """A fold as it stands now, to be saved later."""
    return msgspec.msgpack.encode(folded)


def _write(folder: str, name: str, saved: Checkpoint) -> None:
    data = msgspec.msgpack.encode(saved)
    with suppress(OSError):
        whole = blake2b(data, digest_size=_DIGEST).digest() + data
        replace_file(os.path.join(folder, name), whole, within=folder)


def older_checkpoint_interval(events: int) -> int:
    """How many events there are from one rung to the next in a history of so many: a power of two."""
    return max(_LEAST_STEP, 1 << (events >> 7).bit_length())


def thinned(rungs: Iterable[int], step: int) -> list[int]:
    """Of these rungs, the first in each step."""
    found: list[int] = []
    for rung in sorted(rungs):
        if not found or rung // step > found[-1] // step:
            found.append(rung)
    return found


def save_older_checkpoints(folder: str, kept: int, new: dict[int, bytes]) -> None:
    """Write these rungs, by how many events they have folded. Of the old ones those up to `kept` events stay."""
    there = _older_checkpoints(folder)
    stay = set(
        thinned([*(rung for rung in there if rung <= kept), *new], older_checkpoint_interval(max(new, default=kept)))
    )
    for rung in set(there) - stay:
        with suppress(OSError):
            os.unlink(os.path.join(folder, f"{_OLDER_PREFIX}{rung}"))
    for rung in stay & new.keys():
        _write(folder, f"{_OLDER_PREFIX}{rung}", Checkpoint(code=code_version(), folded=new[rung]))


def older_checkpoint_before(folder: str, key: tuple[Instant, str, int]) -> SavedFold | None:
    """The newest rung of this code that can go on at that place, if there is one."""
    for rung in sorted(_older_checkpoints(folder), reverse=True):
        folded = load(folder, f"{_OLDER_PREFIX}{rung}")[1]
        if folded and folded.state.precedes(key):
            return folded
    return None


def _older_checkpoints(folder: str) -> list[int]:
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    counts = (name.removeprefix(_OLDER_PREFIX) for name in names if name.startswith(_OLDER_PREFIX))
    return [int(count) for count in counts if count.isdecimal() and len(count) < 16]
