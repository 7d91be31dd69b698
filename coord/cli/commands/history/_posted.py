"""Answer from the postings in the store, where they have everything; otherwise raise NotPosted.

The caller then answers from the journals. An answer from the postings is the same.
"""

from coord.cli.paging import Page, newest_page
from coord.cli.resources.words import resources_meant
from coord.engine.cache.buckets import CacheDamaged
from coord.engine.run import Run
from coord.engine.snapshot import Snapshot
from coord.errors import CoordError
from coord.render.events import event_line
from coord.render.format import CountedNames, json_plain
from coord.workspace.paths import Workspace
from coord.workspace.system import System
from eventlog.events import Event, EventId
from eventlog.local.journal import find_line
from projections.postings.answers import FoundEvent, NotPosted, PostedHistory
from projections.postings.values import claim_of


def open_posted_history(system: System, workspace: Workspace) -> tuple[Snapshot, PostedHistory]:
    """Return the present state, read without a lock, and the answers from the postings of all its events.

    Raises NotPosted if the checkpoint has no postings, or if the journals have problems.
    """
    snapshot = Snapshot(system, workspace, posts=True)
    if snapshot.fresh:
        snapshot.catch_up(consistent=True)
    if not snapshot.fresh or not snapshot.posted or snapshot.ended.damaged or snapshot.journal_problems():
        raise NotPosted("the checkpoint has no postings of these journals")
    store = snapshot.ended.buckets

    def get(key: str) -> list[bytes]:
        try:
            return store.get(key)
        except CacheDamaged as error:
            raise NotPosted(str(error)) from None

    return snapshot, PostedHistory(get, snapshot.state, lambda name: _event(snapshot, name))


def event_line_in(snapshot: Snapshot, session: str, n: int) -> tuple[Event, bytes]:
    """Return an event of the state's history and its line. Raises NotPosted if its journal cannot be searched."""
    found = find_line(snapshot.workspace.log, session, n)
    if found is None:
        raise NotPosted(f"{session}/{n}")
    return found


def _event(snapshot: Snapshot, name: EventId) -> Event | None:
    """Return an event of the state's history, or None if it has none with this id."""
    session, _, number = name.rpartition("/")
    position = snapshot.history.position(session) if number.isdecimal() else None
    if position is None or int(number) > position.n:
        return None
    return event_line_in(snapshot, session, int(number))[0]


class PostedNames(CountedNames):
    """The last name that each session was given, looked up in the postings."""

    def __init__(self, history: PostedHistory) -> None:
        super().__init__()
        self._history = history

    def get(self, session: str, default: str = "") -> str:  # type: ignore[override]
        """Return the name of a session, or `default` if it has none."""
        return self._history.name(session) or default

    def __contains__(self, session: object) -> bool:
        return bool(self._history.name(str(session)))

    def is_only(self, name: str) -> bool:
        """Return whether only one session has this name."""
        return self._history.is_only(name)


class PostedLog:
    """The events in the postings. Every method raises NotPosted where they are not enough."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.snapshot, self.history = open_posted_history(run.system, run.workspace)

    def page(self, resource: str, limit: int | None, before: str | None) -> tuple[Page[FoundEvent], int, list[str]]:
        """Return the newest events about a resource, how many there are in all, and the lines that show them.

        Raises CoordError (2) as `log` does.
        """
        try:
            found = self.history.events_about(resources_meant(self.run, "log --resource", resource))
            page = newest_page(self.run, "log", found, lambda each: each.key, limit, before)
            return page, len(found), [self.line(each) for each in page.rows]
        except CoordError:
            self.run.note_problems(self.snapshot)
            raise

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
