"""Read the history of a folder, or its end, and compute the state at any point in time.

All commands that show the past use this module. It takes no lock and saves nothing. Everyone who has the same journals
gets the same answer.

The whole history is read from the beginnings of the journals. What concerns only its end is read from an older
checkpoint on (`open_past`), under one rule: the present state continues its own checkpoint, every journal can be read
and leads from the older checkpoint to the present, all events after the older checkpoint sort after its state, and both
states together have the number of events that the present state has. Otherwise the whole history is read. The answer is
the same.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from coord.engine.cache.buckets import Buckets, CacheDamaged
from coord.engine.cache.checkpoint import SavedFold, StoreVersion
from coord.engine.cache.ended import EndedRows, StoredPositions, final_positions_since
from coord.engine.cache.older_checkpoints import older_checkpoint_before
from coord.engine.cache.recompute import recompute
from coord.engine.snapshot import Snapshot
from coord.engine.times import find_event, is_event_name, parse_cut, parse_instant, parse_since
from coord.errors import CoordError, no_log
from coord.render.console.progress import chunks
from coord.workspace.paths import Workspace
from coord.workspace.system import System
from eventlog.archived import Archive
from eventlog.errors import LogError
from eventlog.events import Event, EventId, Instant, SessionStarted
from eventlog.history import LogReader
from eventlog.local.journal import read_between, read_event
from eventlog.order import order_key
from eventlog.scanning import Position
from projections.rules.fold import as_of, fold
from projections.rules.state import DecisionRecorder, State, ignore_decision
from projections.views.point_in_time import PointInTime, after_event, after_instant, before_instant, count_until


class Past:
    """Events of the history in order, up to the present, and `start`, the state before them.

    `snapshot` contains the problems of the journals.
    """

    def __init__(self, snapshot: Snapshot, events: Sequence[Event], start: State) -> None:
        self.snapshot, self.events, self.start = snapshot, events, start

    @property
    def now(self) -> Instant:
        """The present."""
        return self.snapshot.now

    def cut(self, text: str | None, what: str) -> PointInTime:
        """Return the point in time that `text` names, or now. Raises CoordError (2); see `coord.engine.times`."""
        return parse_cut(text, what, self.now, self.events) if text is not None else after_instant(self.now)

    def cut_or_beginning(self, text: str | None, what: str) -> PointInTime:
        """As `cut`, but a time before the first event is allowed. The history up to it is empty."""
        before = self.since(text, what)
        return (
            before if text is not None and (not self.events or before.at < self.events[0].at) else self.cut(text, what)
        )

    def since(self, text: str | None, what: str) -> PointInTime:
        """Return the point in time from which events are shown, or the beginning. Raises CoordError (2)."""
        return parse_since(text, what, self.now, self.events) if text is not None else after_instant("")

    def until(self, cut: PointInTime) -> Sequence[Event]:
        """Return the events up to a point in time."""
        return self.events[: count_until(self.events, cut)]

    def state(self, cut: PointInTime, record: DecisionRecorder = ignore_decision) -> State:
        """Return the state at a point in time, and show a progress bar if it takes long. This changes `start`.

        The result is that of `projections.views.point_in_time.state_at`.
        """
        state = self.start
        for piece in chunks("replaying", self.until(cut)):
            fold(state, piece, record)
        return as_of(state, cut.at, record)

    def snapshot_at(self, text: str) -> Snapshot:
        """Return a snapshot of the point in time that `text` names; its `now` is that time. Raises CoordError (2)."""
        cut = self.cut(text, "--at")
        self.snapshot.state, self.snapshot.at = self.state(cut), cut.at
        return self.snapshot


class FullHistory(Past):
    """All events in order. With `lines`, the journal line of each event as well.

    With `follows`, later events can be read from `snapshot.history`, which then continues exactly where these end. The
    state of `snapshot` is empty. Raises CoordError (4) if there is no log.
    """

    def __init__(self, system: System, workspace: Workspace, *, lines: bool = False, follows: bool = False) -> None:
        self.lines: dict[EventId, bytes] = {}
        snapshot = Snapshot(system, workspace)
        super().__init__(snapshot, snapshot.read_all(self.lines if lines else None, consistent=not follows), State())

    def event(self, text: str) -> Event:
        """Return the event that `text` names. Raises CoordError (2)."""
        return find_event(text, self.events)

    def is_known_event(self, text: str) -> bool:
        """Return whether `text` names an event, or at least a session of this history."""
        try:
            return self.event(text) is not None
        except CoordError:
            session = text.rpartition("/")[0]
            names = {e.payload.name for e in self.events if isinstance(e.payload, SessionStarted)}
            return session in names or any(event.session.startswith(session) for event in self.events)


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
