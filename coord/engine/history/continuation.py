"""Check that the present continues an earlier end of the history, without reading what is between them.

Each line of a journal contains a hash of the lines before it. So a journal has the same lines up to an earlier position
if it has the same bytes just before that position. Its times increase, so if its next event sorts after the end, all
others do.
"""

from functools import partial

from coord.engine.cache.ended import StoredPositions
from coord.engine.history.stretch import End, buckets_of, end_of
from coord.engine.snapshot import Snapshot
from eventlog.errors import LogError
from eventlog.local.journal import read_from, with_journal_path
from eventlog.scanning import Position, scan

_CHUNK_BYTES = 1 << 12  # read at a time to find the next event
_NOTHING = Position()


def continues(present: Snapshot, end: End, checked: set[str]) -> bool:
    """Return whether the events of the present up to an end are exactly those that were read up to there.

    The journals in `checked` are known to continue the end; those that are found to do so are added. Raises
    CacheDamaged.
    """
    now = end_of(present, end.store.head).positions
    if end.in_log.keys() - now.keys():
        return False
    stored = StoredPositions(buckets_of(present, end.store))
    for name in now.keys() - checked if checked else now:
        position, before = now[name], end.positions.get(name)
        if before is None and (position.rewound or not _leads_on(present, name, _NOTHING, position, end)):
            before = stored.get(name)  # it was in the archive before the stretch, and is not there now
            if stored.damaged:
                return False
        if not _leads_on(present, name, before or _NOTHING, position, end):
            return False
        if not position.rewound and position.size > (before or _NOTHING).size:
            checked.add(name)
    return True


def _leads_on(present: Snapshot, name: str, before: Position, now: Position, end: End) -> bool:
    """Return whether a journal has the same lines up to `before`, and its next event sorts after an end."""
    if before.size == now.size:
        return before.same_lines(now)
    if before.size > now.size or before.stopped or now.damage[: len(before.damage)] != before.damage:
        return False
    while before.size < now.size:
        read = partial(read_from, size=before.size, last=before.last, chunk_bytes=_CHUNK_BYTES)
        try:
            data, was_rewound = with_journal_path(present.history.folder, name, read)
        except (OSError, LogError):
            return False
        events, after = scan(name, data[: now.size - before.size], before)
        if was_rewound or after.size == before.size:
            return False
        if events:
            return end.state.precedes(events[0].key)
        before = after
    return True
