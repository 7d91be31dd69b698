"""The history of a folder as ordered events, and the whole of it, read from the beginnings of the journals.

All commands that show the past use it. It takes no lock and saves nothing. The same journals always give the same
answer.
"""

from collections.abc import Sequence

from coord.engine.snapshot import Snapshot
from coord.engine.times.points_in_time import find_event, parse_cut, parse_since
from coord.errors import CoordError
from coord.render.console.progress import chunks
from coord.workspace.paths import Workspace
from coord.workspace.system import System
from eventlog.events import Event, EventId, Instant, SessionStarted
from projections.rules.fold import as_of, fold
from projections.rules.state import DecisionRecorder, State, ignore_decision
from projections.views.point_in_time import PointInTime, after_instant, count_until


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
        """Return the point in time that `text` names, or now. Raises CoordError (2)."""
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
