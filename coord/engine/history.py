"""Looking back: the whole history of a folder, and the state at any moment of it.

What every command on the past shares. Nothing is saved and nothing is locked: the journals are read from their
beginnings, so an answer about the past is the same for everyone who has the same journals.
"""

from collections.abc import Sequence

from coord.engine.snapshot import Snapshot
from coord.engine.times import find_event, parse_cut, parse_since
from coord.errors import CoordError
from coord.render.console.progress import chunks
from coord.workspace.paths import Workspace
from coord.workspace.system import System
from eventlog.events import Event, EventId, Instant, SessionStarted
from projections.rules.fold import as_of, fold
from projections.rules.state import DecisionRecorder, State, ignore_decision
from projections.views.point_in_time import PointInTime, after_instant, count_until


class FullHistory:
    """All events in order. `lines` has the line of each as it stands in its journal, if that was asked for. For one who
    `follows`, what `present.history` reads next goes on exactly where the events end.

    `present` says what is wrong with the journals; its state is empty. Raises CoordError (4) if there is no log.
    """

    def __init__(self, system: System, workspace: Workspace, *, lines: bool = False, follows: bool = False) -> None:
        self.lines: dict[EventId, bytes] = {}
        self.snapshot = Snapshot(system, workspace)
        self.events: Sequence[Event] = self.snapshot.read_all(self.lines if lines else None, consistent=not follows)

    @property
    def now(self) -> Instant:
        """The present."""
        return self.snapshot.now

    def cut(self, text: str | None, what: str) -> PointInTime:
        """The moment that a person names, or now. Raises CoordError (2); see `coord.engine.times`."""
        return parse_cut(text, what, self.now, self.events) if text is not None else after_instant(self.now)

    def cut_or_beginning(self, text: str | None, what: str) -> PointInTime:
        """As `cut`, where a moment before the first event is the one at which nothing had happened."""
        before = self.since(text, what)
        return (
            before if text is not None and (not self.events or before.at < self.events[0].at) else self.cut(text, what)
        )

    def since(self, text: str | None, what: str) -> PointInTime:
        """The moment after which something is looked at, or the beginning. Raises CoordError (2)."""
        return parse_since(text, what, self.now, self.events) if text is not None else after_instant("")

    def event(self, text: str) -> Event:
        """The event that a person names. Raises CoordError (2)."""
        return find_event(text, self.events)

    def is_known_event(self, text: str) -> bool:
        """Whether the name of an event means one, or at least a session that is there."""
        try:
            return self.event(text) is not None
        except CoordError:
            session = text.rpartition("/")[0]
            names = {e.payload.name for e in self.events if isinstance(e.payload, SessionStarted)}
            return session in names or any(event.session.startswith(session) for event in self.events)

    def until(self, cut: PointInTime) -> Sequence[Event]:
        """The events up to a moment."""
        return self.events[: count_until(self.events, cut)]

    def state(self, cut: PointInTime, record: DecisionRecorder = ignore_decision) -> State:
        """The state at a moment: `projections.views.point_in_time.state_at`, with a bar where it takes long."""
        state = State()
        for piece in chunks("replaying", self.until(cut)):
            fold(state, piece, record)
        return as_of(state, cut.at, record)

    def snapshot_at(self, text: str) -> Snapshot:
        """That moment as `Snapshot` shows now: the same state, and `now` is then."""
        cut = self.cut(text, "--at")
        self.snapshot.state, self.snapshot.at = self.state(cut), cut.at
        return self.snapshot
