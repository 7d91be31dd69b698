"""Older checkpoints: about a hundred over the whole history, and more of them in its last 100,000 events.

When events arrive late, the fold continues from the newest older checkpoint before them. A state of the past is folded
from the newest one before it.
"""

import os
from collections.abc import Iterable
from contextlib import suppress

from coord.engine.cache.checkpoint import NAME, SavedFold, StoreVersion, load, write
from coord.engine.cache.spool import Place, Spool
from eventlog.events import Instant

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


def older_checkpoint_before(folder: str, key: tuple[Instant, str, int]) -> tuple[SavedFold, StoreVersion] | None:
    """Return the newest older checkpoint of this code whose state ends before `key`, or None."""
    for count in sorted(_older_checkpoints(folder), reverse=True):
        saved, folded = load(folder, f"{_OLDER_PREFIX}{count}")
        if folded and folded.state.precedes(key):
            return folded, saved.store
    return None


def older_checkpoint_of_window(
    folder: str, key: tuple[Instant, str, int], least: int
) -> tuple[SavedFold, StoreVersion] | None:
    """Return the newest older checkpoint before `key`, or else the oldest one with at least `least` events, or None."""
    oldest = None
    for count in sorted(_older_checkpoints(folder), reverse=True):
        if count < least:
            break
        saved, folded = load(folder, f"{_OLDER_PREFIX}{count}")
        if folded:
            oldest = folded, saved.store
            if folded.state.precedes(key):
                return oldest
    return oldest if least > 0 else None


def _older_checkpoints(folder: str) -> list[int]:
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    counts = (name.removeprefix(_OLDER_PREFIX) for name in names if name.startswith(_OLDER_PREFIX))
    return [int(count) for count in counts if count.isdecimal() and len(count) < 16]
