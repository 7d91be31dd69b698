"""Looking back: the whole history of a folder, and the state at any moment of it.

What every command on the past shares. Nothing is saved and nothing is locked: the journals are read from their
beginnings, so an answer about the past is the same for everyone who has the same journals.
"""

from collections.abc import Sequence

from coord.engine.snapshot import Present
from coord.engine.times import cut_of, event_named, since_of
from coord.errors import CoordError
from coord.render.console.progress import chunks
from coord.workspace.paths import Place
from coord.workspace.system import World
from eventlog.events import Event, EventId, Instant, SessionStarted
from projections.rules.fold import as_of, fold
from projections.rules.state import Record, State, ignore
from projections.views.point_in_time import Cut, at_the_end_of, count_until


class Past:
    """All events in order. `lines` has the line of each as it stands in its journal, if that was asked for. For one who
    `follows`, what `present.history` reads next goes on exactly where the events end.

    `present` says what is wrong with the journals; its state is empty. Raises CoordError (4) if there is no log.
    """

    def __init__(self, world: World, place: Place, *, lines: bool = False, follows: bool = False) -> None:
        self.lines: dict[EventId, bytes] = {}
        self.present = Present(world, place)
        self.events: Sequence[Event] = self.present.read_all(self.lines if lines else None, snapshot=not follows)

    @property
    def now(self) -> Instant:
        """The present."""
        return self.present.now

    def cut(self, text: str | None, what: str) -> Cut:
        """The moment that a person names, or now. Raises CoordError (2); see `coord.engine.times`."""
        return cut_of(text, what, self.now, self.events) if text is not None else at_the_end_of(self.now)

    def cut_or_before(self, text: str | None, what: str) -> Cut:
        """As `cut`, where a moment before the first event is the one at which nothing had happened."""
        before = self.since(text, what)
        return (
            before if text is not None and (not self.events or before.at < self.events[0].at) else self.cut(text, what)
        )

    def since(self, text: str | None, what: str) -> Cut:
        """The moment after which something is looked at, or the beginning. Raises CoordError (2)."""
        return since_of(text, what, self.now, self.events) if text is not None else at_the_end_of("")

    def event(self, text: str) -> Event:
        """The event that a person names. Raises CoordError (2)."""
        return event_named(text, self.events)

    def knows(self, text: str) -> bool:
        """Whether the name of an event means one, or at least a session that is there."""
        try:
            return self.event(text) is not None
        except CoordError:
            session = text.rpartition("/")[0]
            names = {e.payload.name for e in self.events if isinstance(e.payload, SessionStarted)}
            return session in names or any(event.session.startswith(session) for event in self.events)

    def until(self, cut: Cut) -> Sequence[Event]:
        """The events up to a moment."""
        return self.events[: count_until(self.events, cut)]

    def state(self, cut: Cut, record: Record = ignore) -> State:
        """The state at a moment: `projections.views.point_in_time.state_at`, with a bar where it takes long."""
        state = State()
        for piece in chunks("replaying", self.until(cut)):
            fold(state, piece, record)
        return as_of(state, cut.at, record)

    def look(self, text: str) -> Present:
        """That moment as `Present` shows now: the same state, and `now` is then."""
        cut = self.cut(text, "--at")
        self.present.state, self.present.at = self.state(cut), cut.at
        return self.present
