"""The events about a resource, as `coord log --resource` prints them, from the postings and a few lines of journals."""

from collections.abc import Sequence

from coord.engine.cache.posted import event_line_in, open_posted_history
from coord.engine.run import Run
from coord.render.events import event_line
from coord.render.format import CountedNames, json_plain
from projections.views.posted_history import FoundEvent, NotPosted, PostedHistory
from projections.views.postings import claim_of


class PostedLog:
    """The events in the postings. Every method raises NotPosted where they are not enough."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.snapshot, self.history = open_posted_history(run.system, run.workspace)

    def events_about(self, resources: Sequence[str]) -> list[FoundEvent]:
        """Return the events about these resources, in order."""
        return self.history.events_about(resources)

    def line(self, found: FoundEvent) -> str:
        """Return the line that shows an event: with `--json`, its line in the journal."""
        place, event = found.place, found.event
        if event is None or self.run.json:
            event, line = event_line_in(self.snapshot, place.session, place.n)
            if event.at != place.at:
                raise NotPosted(event.id)
            if self.run.json:
                return json_plain(line.decode())
        self.history.check(event.actor)
        resources = {claim_of(event): found.resource}
        return event_line(event, self.snapshot.now, _NamesThen(self.history, found), resources)


class _NamesThen(CountedNames):
    """The names that sessions had at one event."""

    def __init__(self, history: PostedHistory, found: FoundEvent) -> None:
        super().__init__({session: name for session, name in found.names.items() if name})
        self._history, self._order = history, found.order

    def get(self, session: str, default: str = "") -> str:  # type: ignore[override]
        """Return the name of a session of the event, or `default` if it had none."""
        self._history.check(session)
        return super().get(session, default)

    def __contains__(self, session: object) -> bool:
        if session in self._history.state.sessions:
            raise NotPosted(str(session))
        return False

    def is_only(self, name: str) -> bool:
        """Return whether only one session had this name."""
        return self._history.is_only(name, self._order)
