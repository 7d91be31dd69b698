"""Older checkpoints, about a hundred over the whole history.

When events arrive late, the fold continues from the newest older checkpoint before them. A state of the past is folded
from the newest one before it.
"""

import os
from collections.abc import Iterable
from contextlib import suppress

from coord.engine.cache.checkpoint import NAME, SavedFold, StoreVersion, load, write
from eventlog.events import Instant

_OLDER_PREFIX = f"{NAME}-"  # followed by the number of events that it has folded
_MIN_INTERVAL = 4096  # events between two older checkpoints


def older_checkpoint_interval(events: int) -> int:
    """Return the number of events between two older checkpoints, a power of two, for a history of this length."""
    return max(_MIN_INTERVAL, 1 << (events >> 7).bit_length())


def first_of_each_interval(counts: Iterable[int], interval: int) -> list[int]:
    """Return the first of these event counts in each interval."""
    kept: list[int] = []
    for count in sorted(counts):
        if not kept or count // interval > kept[-1] // interval:
            kept.append(count)
    return kept


def save_older_checkpoints(folder: str, kept: int, new: dict[int, bytes]) -> None:
    """Save `new` older checkpoints, by how many events they have folded, and delete those after `kept` events.

    In each interval, only the first one is kept.
    """
    present = _older_checkpoints(folder)
    valid = [*(count for count in present if count <= kept), *new]
    stay = set(first_of_each_interval(valid, older_checkpoint_interval(max(new, default=kept))))
    for count in set(present) - stay:
        with suppress(OSError):
            os.unlink(os.path.join(folder, f"{_OLDER_PREFIX}{count}"))
    for count in stay & new.keys():
        write(folder, f"{_OLDER_PREFIX}{count}", new[count])


def older_checkpoint_before(folder: str, key: tuple[Instant, str, int]) -> tuple[SavedFold, StoreVersion] | None:
    """Return the newest older checkpoint of this code whose state ends before `key`, or None."""
    for count in sorted(_older_checkpoints(folder), reverse=True):
        saved, folded = load(folder, f"{_OLDER_PREFIX}{count}")
        if folded and folded.state.precedes(key):
            return folded, saved.store
    return None


def _older_checkpoints(folder: str) -> list[int]:
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    counts = (name.removeprefix(_OLDER_PREFIX) for name in names if name.startswith(_OLDER_PREFIX))
    return [int(count) for count in counts if count.isdecimal() and len(count) < 16]
