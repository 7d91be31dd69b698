"""Read only the end of the history, from an older checkpoint on.

What concerns the end of the history is computed from there (`open_past`), under one rule: the present state continues
its own checkpoint, every journal can be read and leads from the older checkpoint to the present, all events after the
older checkpoint sort after its state, and both states together have the number of events that the present state has.
Otherwise the whole history is read. The answer is the same.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress

from coord.engine.cache.buckets import Buckets, CacheDamaged
from coord.engine.cache.checkpoint import SavedFold, StoreVersion
from coord.engine.cache.ended import EndedRows, StoredPositions, final_positions_since
from coord.engine.cache.older_checkpoints import older_checkpoint_before
from coord.engine.cache.recompute import recompute
from coord.engine.history.full import FullHistory, Past
from coord.engine.snapshot import Snapshot
from coord.engine.times import is_event_name, parse_instant
from coord.errors import no_log
from coord.workspace.paths import Workspace
from coord.workspace.system import System
from eventlog.archived import Archive
from eventlog.errors import LogError
from eventlog.events import Event, EventId, Instant
from eventlog.history import LogReader
from eventlog.local.journal import read_between, read_event
from eventlog.order import order_key
from eventlog.scanning import Position
from projections.rules.state import State
from projections.views.point_in_time import PointInTime, after_event, after_instant, before_instant


class _WholeHistoryNeeded(Exception):
    """The end of the history is not enough to answer."""


class RecentHistory(Past):
    """The events after an older checkpoint. `snapshot` has the present state.

    The points in time that it returns are after its first event, since `read_after` was called with the earliest one.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__(snapshot, [], State())
        self._present = snapshot.state

    def cut(self, text: str | None, what: str) -> PointInTime:
        """As in `Past`."""
        return self._point(text, what, after_instant) if text is not None else after_instant(self.now)

    def cut_or_beginning(self, text: str | None, what: str) -> PointInTime:
        """As `cut`."""
        return self.cut(text, what)

    def since(self, text: str | None, what: str) -> PointInTime:
        """As in `Past`."""
        return self._point(text, what, before_instant) if text is not None else after_instant("")

    def _point(self, text: str, what: str, at_instant: Callable[[Instant], PointInTime]) -> PointInTime:
        if is_event_name(text):
            return after_event(self._event(text))
        return at_instant(parse_instant(text, what, self.now))

    def _event(self, text: EventId) -> Event:
        """Return the event with exactly this id, read from its journal. A shortened id needs all sessions."""
        session, _, number = text.rpartition("/")
        position = self.snapshot.history.position(session)
        if position and int(number) <= position.n:
            event = read_event(self.snapshot.workspace.log, text)
            if event and event.at <= self._present.at:
                return event
        raise _WholeHistoryNeeded

    def read_after(self, point: PointInTime, *, with_waits: bool) -> None:
        """Read the events after the newest older checkpoint before a point in time.

        With `with_waits`, also the requests of all sessions that waited then are among these events. Raises
        `_WholeHistoryNeeded`; see the module.
        """
        history, cache = self.snapshot.history, self.snapshot.workspace.cache
        older = older_checkpoint_before(cache, point.key)
        if older and older[0].state.waits and with_waits:
            first = before_instant(min(wait.asked_at for wait in older[0].state.waits.values()))
            older = older_checkpoint_before(cache, first.key)
        if older is None or history.problems:
            raise _WholeHistoryNeeded
        rows, head = self._start_from(*older), older[1].head
        starts = final_positions_since(rows.buckets, head) | older[0].positions
        changes = {name: position for name, position in history.archive.changes.items() if position}
        ends = final_positions_since(self.snapshot.ended.buckets, head) | changes | history.positions
        self.events = self._read_between(starts, ends)
        is_late = bool(self.events) and not self.start.precedes(self.events[0].key)
        if is_late or self.start.events + len(self.events) != self._present.events:
            raise _WholeHistoryNeeded
        rows.expect_none(ends.keys() - starts.keys())  # a session without events has no row

    def _start_from(self, older: SavedFold, store: StoreVersion) -> EndedRows:
        """Start from an older checkpoint. Return the rows that are in its version of the store."""
        history, wall, last = self.snapshot.history, self.snapshot.system.wall(), older.state.last
        buckets = Buckets(self.snapshot.workspace.cache, store.head, store.pending)
        archive = Archive(store.archive, StoredPositions(buckets))
        known = LogReader(history.folder, history.machine, older.positions, archive=archive)

        def recomputed() -> State:
            try:
                return recompute(LogReader(history.folder, history.machine), wall, known, last)
            except LogError as error:
                raise no_log(str(error)) from None

        self.start = older.state
        return EndedRows(buckets, self.start, recomputed)

    def _read_between(self, starts: Mapping[str, Position], ends: Mapping[str, Position]) -> list[Event]:
        """Return the events of the journals between these positions. Raises `_WholeHistoryNeeded`."""
        nothing, events = Position(), list[Event]()
        for name in starts.keys() | ends.keys():
            new = read_between(self.snapshot.history.folder, name, starts.get(name, nothing), ends.get(name, nothing))
            if new is None:
                raise _WholeHistoryNeeded
            events += new
        # The positions can be ahead of the state: see `Snapshot.catch_up`.
        return sorted((event for event in events if event.at <= self._present.at), key=order_key)


def open_past(
    system: System, workspace: Workspace, earliest: Callable[[Past], PointInTime], *, with_waits: bool = False
) -> Past:
    """Return the history from some point before `earliest` on.

    `earliest` parses the times of the command and returns the first of them. `with_waits` is as in
    `RecentHistory.read_after`. Raises CoordError (2) for a time, and (4) if there is no log.
    """
    snapshot = Snapshot(system, workspace)
    if snapshot.fresh:
        snapshot.catch_up(consistent=True)
    if snapshot.fresh:
        snapshot.full = True
        recent = RecentHistory(snapshot)
        with suppress(_WholeHistoryNeeded, CacheDamaged, LogError, OSError):
            recent.read_after(earliest(recent), with_waits=with_waits)
            return recent
    return FullHistory(system, workspace)
