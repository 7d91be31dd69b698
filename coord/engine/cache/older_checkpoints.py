"""Older checkpoints: about a hundred over the whole history, and more of them in its last 100,000 events.

When events arrive late, the fold continues from the newest older checkpoint before them. A state of the past is folded
from the newest one before it.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from typing import TypeAlias

from msgspec import Struct

from coord.engine.cache.checkpoint import NAME, SavedFold, StoreVersion, load, load_part, write
from coord.engine.cache.spool import Place, Spool
from eventlog.events import Instant
from eventlog.scanning import Position
from projections.rules.state import State

EventKey: TypeAlias = tuple[Instant, str, int]  # a place in the total order

_OLDER_PREFIX = f"{NAME}-"  # followed by the number of events that it has folded
_MIN_INTERVAL = 4096  # events between two older checkpoints
_RECENT = 100_000  # the last events of the history, among which the interval is the smallest one


def older_checkpoint_interval(events: int) -> int:
    """Return the number of events between two older checkpoints, a power of two, for a history of this length.

    It applies to those that are not among the last `_RECENT` events.
    """
    return max(_MIN_INTERVAL, 1 << (events >> 7).bit_length())


def first_of_each_interval(counts: Iterable[int], interval: int) -> list[int]:
    """Return the first of these event counts in each interval."""
    kept: list[int] = []
    for count in sorted(counts):
        if not kept or count // interval > kept[-1] // interval:
            kept.append(count)
    return kept


def is_due(events: int, newest: int) -> bool:
    """Return whether an older checkpoint is to be made after this many events, if the newest one has `newest`."""
    return events // _MIN_INTERVAL > newest // _MIN_INTERVAL


def to_keep(counts: Iterable[int], events: int) -> list[int]:
    """Return which older checkpoints are kept in a history of this length, by how many events they have folded."""
    counts, recent = list(counts), events - _RECENT
    earlier = first_of_each_interval((n for n in counts if n <= recent), older_checkpoint_interval(events))
    return earlier + first_of_each_interval((n for n in counts if n > recent), _MIN_INTERVAL)


def save_older_checkpoints(folder: str, kept: int, new: dict[int, Place], spool: Spool) -> None:
    """Save `new` older checkpoints, by how many events they have folded, and delete those after `kept` events.

    Of the others, those of `to_keep` stay. The contents of the new ones are in `spool`.
    """
    present = _older_checkpoints(folder)
    valid = [*(count for count in present if count <= kept), *new]
    stay = set(to_keep(valid, max(new, default=kept)))
    for count in set(present) - stay:
        with suppress(OSError):
            os.unlink(os.path.join(folder, f"{_OLDER_PREFIX}{count}"))
    for count in stay & new.keys():
        with suppress(OSError):
            write(folder, f"{_OLDER_PREFIX}{count}", spool.read(new[count]))


class OlderEnd(Struct):
    """Where an older checkpoint ends: how far each journal was read, and a state without rows."""

    positions: dict[str, Position]
    state: State
    store: StoreVersion


class _EndOfState(Struct):
    """The part of a `State` that tells where it ends."""

    events: int = 0
    last: EventKey = ("", "", 0)
    reached: Instant = ""


class _EndOfFold(Struct):
    """The part of a `SavedFold` without the rows of its state."""

    positions: dict[str, Position]
    state: _EndOfState


def load_end(folder: str, count: int) -> OlderEnd | None:
    """Return where an older checkpoint of this code ends, or None. It is loaded much faster than its state."""
    saved, folded = load_part(folder, f"{_OLDER_PREFIX}{count}", _EndOfFold)
    if folded is None or folded.state.events != count:
        return None
    end = folded.state
    return OlderEnd(folded.positions, State(events=end.events, last=end.last, reached=end.reached), saved.store)


def load_older_checkpoint(folder: str, count: int) -> tuple[SavedFold, StoreVersion] | None:
    """Return the older checkpoint of this code that has folded this many events, or None."""
    saved, folded = load(folder, f"{_OLDER_PREFIX}{count}")
    return (folded, saved.store) if folded else None


def older_checkpoint_before(folder: str, key: EventKey) -> tuple[SavedFold, StoreVersion] | None:
    """Return the newest older checkpoint of this code whose state ends before `key`, or None."""
    for count in reversed(counts_before(folder, key)):
        found = load_older_checkpoint(folder, count)
        if found and found[0].state.precedes(key):
            return found
    return None


def counts_before(folder: str, key: EventKey) -> list[int]:
    """Return how many events the older checkpoints have folded that end before `key`, in order.

    Only some of them are looked at, so the list can contain a checkpoint that cannot be used.
    """
    counts = older_counts(folder)
    low, high = 0, len(counts)
    while low < high:
        middle = (low + high) // 2
        ended = load_end(folder, counts[middle])
        if ended is None:
            del counts[middle]
            high -= 1
        elif ended.state.precedes(key):
            low = middle + 1
        else:
            high = middle
    return counts[:low]


def older_counts(folder: str) -> list[int]:
    """Return how many events each older checkpoint has folded, in order."""
    return sorted(_older_checkpoints(folder))


def _older_checkpoints(folder: str) -> list[int]:
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    counts = (name.removeprefix(_OLDER_PREFIX) for name in names if name.startswith(_OLDER_PREFIX))
    return [int(count) for count in counts if count.isdecimal() and len(count) < 16]


def older_checkpoint_of_window(folder: str, key: EventKey, least: int) -> tuple[SavedFold, StoreVersion] | None:
    """Return the newest older checkpoint before `key`, or else the oldest one, with at least `least` events, or None.

    None is also returned if the window can begin with the first event.
    """
    before = [count for count in counts_before(folder, key) if count >= least]
    after = [count for count in older_counts(folder) if count >= least] if least > 0 else []
    for count in (*reversed(before), *after):
        if found := load_older_checkpoint(folder, count):
            return found
    return None
