"""Read a segment of the history: the events between two ends, of which each is a checkpoint or the present.

An end has the positions of the journals in the log at that time, and the number of journals that were in the archive.
Nothing is appended to an archived journal, and each line contains a hash of the lines before it. Which journals were
in the archive follows from the time of their first event: all others began after the end.

A segment is valid if each journal leads from its position at the start to the one at the end, all events sort after the
start, and both states differ by the number of these events. The present continues an end if each journal has the same
lines up to there, its next event sorts after the end, and no other journal begins before it.
"""

import os
from collections.abc import Iterator, Set
from functools import partial

from msgspec import Struct

from coord.engine.cache.buckets import Buckets
from coord.engine.cache.checkpoint import SavedFold, StoreVersion
from coord.engine.cache.ended import EndedRows, StoredPositions
from coord.engine.cache.older_checkpoints import OlderEnd
from coord.engine.cache.recompute import recompute
from coord.engine.snapshot import Snapshot
from coord.errors import no_log
from eventlog.errors import LogError
from eventlog.events import Event, Instant
from eventlog.history import LogReader
from eventlog.listing import Archive
from eventlog.local.files import ARCHIVE_FOLDER, list_journal_sizes
from eventlog.local.journal import is_session_id, read_between, read_from, with_journal_path
from eventlog.order import order_key
from eventlog.scanning import Position, scan
from projections.rules.state import State

_NOTHING = Position()
_CHUNK_BYTES = 1 << 12  # read at a time to find the next event of a journal


class WholeHistoryNeeded(Exception):
    """A part of the history is not enough to answer."""


class End(Struct):
    """An end of a segment: the positions in the log, how many journals were in the archive, and a state, of which only
    the end is used.
    """

    in_log: dict[str, Position]
    state: State
    store: StoreVersion

    @property
    def archived(self) -> int:
        """How many journals have a final position in the archive."""
        return self.store.archive.journals


class Segment(Struct):
    """The events of a segment in order, and the sessions that have no event before it."""

    events: list[Event]
    new: Set[str]


def end_of(snapshot: Snapshot) -> End:
    """Return the present as an end."""
    buckets, archive = snapshot.ended.buckets, snapshot.history.archive
    return End(snapshot.history.positions, snapshot.state, StoreVersion(buckets.head, buckets.pending, archive.summary))


def end_at(older: OlderEnd | SavedFold, store: StoreVersion) -> End:
    """Return an older checkpoint, whose store is given, as an end."""
    return End(older.positions, older.state, store)


class Journals:
    """The journals of a log. The times of their first events are read once."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._firsts: dict[str, Instant] = {}

    def names(self) -> set[str]:
        """Return the names of all journals. Raises OSError."""
        names = list_journal_sizes(self.folder).keys() | _archived(self.folder)
        return {name for name in names if is_session_id(name)}

    def begins_after(self, name: str, end: End) -> bool:
        """Return whether a journal has no event before an end. Raises LogError or OSError."""
        if name not in self._firsts:
            event = next(self.events_after(name, _NOTHING), None)
            if event is None:
                return True
            self._firsts[name] = event.at
        return end.state.last < (self._firsts[name], name, 1)

    def events_after(self, name: str, position: Position) -> Iterator[Event]:
        """Yield the events of a journal after a position, read in small pieces.

        Raises `WholeHistoryNeeded` if the lines up to the position are not the same, LogError and OSError.
        """
        while not position.stopped:
            read = partial(read_from, size=position.size, last=position.last, chunk_bytes=_CHUNK_BYTES)
            data, was_rewound = with_journal_path(self.folder, name, read)
            if was_rewound:
                raise WholeHistoryNeeded
            events, after = scan(name, data, position)
            yield from events
            if after.size == position.size:
                return
            position = after

    def forget(self, snapshot: Snapshot) -> None:
        """Forget what was read of journals that were rewound."""
        for name, position in snapshot.history.positions.items():
            if position.rewound:
                self._firsts.pop(name, None)


def _archived(folder: str) -> Set[str]:
    try:
        return list_journal_sizes(os.path.join(folder, ARCHIVE_FOLDER)).keys()
    except FileNotFoundError:
        return set()


def buckets_of(snapshot: Snapshot, store: StoreVersion) -> Buckets:
    """Return a version of the store."""
    return Buckets(snapshot.workspace.cache, store.head, store.pending)


def read_segment(snapshot: Snapshot, journals: Journals, start: End, end: End) -> Segment:
    """Return the events between two ends.

    Raises `WholeHistoryNeeded` if the segment is not valid, LogError and OSError.
    """
    journals.forget(snapshot)
    names, new, events = journals.names(), set[str](), list[Event]()
    before = check_archive(snapshot, journals, start, names)
    for name in names - before:
        position = start.in_log.get(name)
        if position is None:
            position = _NOTHING
            new.add(name)
        if name in end.in_log:
            events += _between(journals.folder, name, position, end.in_log[name])
        elif position is not _NOTHING or not journals.begins_after(name, end):
            events += journals.events_after(name, position)  # it was archived since
    # The positions can be ahead of the state: see `Snapshot.catch_up`.
    events = sorted((event for event in events if event.at <= end.state.at), key=order_key)
    is_late = bool(events) and not start.state.precedes(events[0].key)
    if is_late or start.state.events + len(events) != end.state.events:
        raise WholeHistoryNeeded
    return Segment(events, new)


def _between(folder: str, name: str, start: Position, end: Position) -> list[Event]:
    events = read_between(folder, name, start, end)
    if events is None:
        raise WholeHistoryNeeded
    return events


def check_archive(snapshot: Snapshot, journals: Journals, end: End, names: Set[str]) -> set[str]:
    """Return the journals that were in the archive at an end, of all `names`.

    Raises `WholeHistoryNeeded` if these are not the journals that the end knows.
    """
    before = {name for name in names - end.in_log.keys() if not journals.begins_after(name, end)}
    if len(before) != end.archived or any(end.in_log[name].size for name in end.in_log.keys() - names):
        raise WholeHistoryNeeded
    stored = StoredPositions(buckets_of(snapshot, end.store))
    for name, position in snapshot.history.positions.items():
        if position.rewound and name not in end.in_log and (stored.get(name) or stored.damaged):
            raise WholeHistoryNeeded
    return before


def check_continued(snapshot: Snapshot, journals: Journals, end: End) -> None:
    """Check that the events of the present up to an end are those that were read up to there.

    Raises `WholeHistoryNeeded` if they are not, LogError and OSError.
    """
    journals.forget(snapshot)
    names = journals.names()
    check_archive(snapshot, journals, end, names)
    for name in end.in_log.keys() & names:
        before, now = end.in_log[name], snapshot.history.positions.get(name)
        if now and (now.size < before.size or now.damage[: len(before.damage)] != before.damage):
            raise WholeHistoryNeeded
        event = next(journals.events_after(name, before), None)
        if event and not end.state.precedes(event.key):
            raise WholeHistoryNeeded


def start_of(snapshot: Snapshot, start: SavedFold, store: StoreVersion) -> EndedRows:
    """Let the state of a checkpoint find its rows in the store. Return these rows."""
    history, wall, last = snapshot.history, snapshot.system.wall(), start.state.last
    buckets = buckets_of(snapshot, store)
    archive = Archive(store.archive, StoredPositions(buckets))
    known = LogReader(history.folder, history.machine, start.positions, archive=archive)

    def recomputed() -> State:
        try:
            return recompute(LogReader(history.folder, history.machine), wall, known, last)
        except LogError as error:
            raise no_log(str(error)) from None

    return EndedRows(buckets, start.state, recomputed)
