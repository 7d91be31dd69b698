"""Read a stretch of the history: the events between two states of which each continues the same journals.

A stretch is valid if each journal leads from the positions of the first state to those of the second, all its events
sort after the first state, and both states differ by the number of these events.
"""

from collections.abc import Mapping, Set

from msgspec import Struct

from coord.engine.cache.buckets import Buckets
from coord.engine.cache.checkpoint import SavedFold, StoreVersion
from coord.engine.cache.ended import EndedRows, StoredPositions, final_positions_since
from coord.engine.cache.older_checkpoints import OlderEnd
from coord.engine.cache.recompute import recompute
from coord.engine.snapshot import Snapshot
from coord.errors import no_log
from eventlog.archived import Archive
from eventlog.errors import LogError
from eventlog.events import Event
from eventlog.history import LogReader
from eventlog.local.journal import read_between
from eventlog.order import order_key
from eventlog.scanning import Position
from projections.rules.state import State

_NOTHING = Position()


class WholeHistoryNeeded(Exception):
    """A part of the history is not enough to answer."""


class End(Struct):
    """Where a stretch ends: a state, of which only its end counts, and the positions there, in the log and in a store.

    `positions` has all positions that can differ from those at the start of the stretch.
    """

    positions: dict[str, Position]
    state: State
    in_log: dict[str, Position]
    store: StoreVersion


class Stretch(Struct):
    """The events of a stretch in order, and the sessions that have no event before it."""

    events: list[Event]
    new: Set[str]


def end_of(snapshot: Snapshot, head: bytes) -> End:
    """Return the present as the end of a stretch whose start has the store with this head. Raises CacheDamaged."""
    history, buckets = snapshot.history, snapshot.ended.buckets
    in_log = {name: position for name, position in history.archive.changes.items() if position} | history.positions
    store = StoreVersion(buckets.head, buckets.pending)
    return End(final_positions_since(buckets, head) | in_log, snapshot.state, in_log, store)


def end_at(snapshot: Snapshot, older: OlderEnd, head: bytes) -> End:
    """Return the end of an older checkpoint as that of a stretch whose start has the store with this head.

    Raises CacheDamaged.
    """
    positions = final_positions_since(buckets_of(snapshot, older.store), head) | older.positions
    return End(positions, older.state, older.positions, older.store)


def buckets_of(snapshot: Snapshot, store: StoreVersion) -> Buckets:
    """Return a version of the store."""
    return Buckets(snapshot.workspace.cache, store.head, store.pending)


def read_stretch(snapshot: Snapshot, start: SavedFold, store: StoreVersion, end: End) -> Stretch:
    """Return the events between the state of a checkpoint, whose store is given, and an end.

    Raises `WholeHistoryNeeded` if the stretch is not valid, CacheDamaged, LogError and OSError.
    """
    starts = final_positions_since(buckets_of(snapshot, store), store.head) | start.positions
    events = _read_between(snapshot.history.folder, starts, end)
    is_late = bool(events) and not start.state.precedes(events[0].key)
    if is_late or start.state.events + len(events) != end.state.events:
        raise WholeHistoryNeeded
    return Stretch(events, end.positions.keys() - starts.keys())


def _read_between(folder: str, starts: Mapping[str, Position], end: End) -> list[Event]:
    """Return the events of the journals between these positions, in order. Raises `WholeHistoryNeeded`."""
    events: list[Event] = []
    for name in starts.keys() | end.positions.keys():
        new = read_between(folder, name, starts.get(name, _NOTHING), end.positions.get(name, _NOTHING))
        if new is None:
            raise WholeHistoryNeeded
        events += new
    # The positions can be ahead of the state: see `Snapshot.catch_up`.
    return sorted((event for event in events if event.at <= end.state.at), key=order_key)


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
