"""Read only the end of the history, from an older checkpoint on.

Questions about the end of the history are answered from there (`open_past`), if all of this holds: the present state
continues its own checkpoint, every journal can be read and leads from the older checkpoint to the present, all events
after the older checkpoint sort after its state, and both states together have the number of events that the present
state has. Otherwise the whole history is read. The answer is the same.
"""

from collections.abc import Callable
from contextlib import suppress

from coord.engine.cache.buckets import CacheDamaged
from coord.engine.cache.checkpoint import SavedFold, StoreVersion
from coord.engine.cache.older_checkpoints import older_checkpoint_before
from coord.engine.history.full import FullHistory, Past
from coord.engine.history.segment import Journals, WholeHistoryNeeded, end_at, end_of, read_segment, start_of
from coord.engine.snapshot import Snapshot
from coord.engine.times.points_in_time import is_event_name, parse_instant
from coord.workspace.paths import Workspace
from coord.workspace.system import System
from eventlog.errors import LogError
from eventlog.events import Event, EventId, Instant
from eventlog.local.journal import read_event
from projections.rules.state import State
from projections.views.point_in_time import PointInTime, after_event, after_instant, before_instant


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
        if event := read_known_event(self.snapshot, text):
            return event
        raise WholeHistoryNeeded

    def read_after(self, point: PointInTime, *, with_waits: bool) -> None:
        """Read the events after the newest older checkpoint before a point in time.

        With `with_waits`, also the requests of all sessions that waited then are among these events. Raises
        `WholeHistoryNeeded`; see the module.
        """
        cache = self.snapshot.workspace.cache
        older = older_checkpoint_before(cache, point.key)
        if older and older[0].state.waits and with_waits:
            first = before_instant(min(wait.asked_at for wait in older[0].state.waits.values()))
            older = older_checkpoint_before(cache, first.key)
        if older is None:
            raise WholeHistoryNeeded
        self.read_from(*older)

    def read_from(self, older: SavedFold, store: StoreVersion) -> None:
        """Read the events after an older checkpoint, whose store is given. Raises `WholeHistoryNeeded`."""
        if self.snapshot.history.problems:
            raise WholeHistoryNeeded
        journals = Journals(self.snapshot.workspace.log)
        segment = read_segment(self.snapshot, journals, end_at(older, store), end_of(self.snapshot))
        self.start, self.events = older.state, segment.events
        start_of(self.snapshot, older, store).expect_none(segment.new)


def read_known_event(snapshot: Snapshot, text: EventId) -> Event | None:
    """Return the event with exactly this id, if it is in the state of a snapshot. It is read from its journal."""
    session, _, number = text.rpartition("/")
    position = snapshot.history.position(session)
    if position and int(number) <= position.n:
        event = read_event(snapshot.workspace.log, text)
        if event and event.at <= snapshot.state.at:
            return event
    return None


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
        with suppress(WholeHistoryNeeded, CacheDamaged, LogError, OSError):
            recent.read_after(earliest(recent), with_waits=with_waits)
            return recent
    return FullHistory(system, workspace)
