"""Answer from the postings in the store, where they have everything; otherwise raise NotPosted.

The caller then answers from the journals. An answer from the postings is the same.
"""

from collections.abc import Iterable

from coord.engine.cache.buckets import Buckets, CacheDamaged
from coord.engine.snapshot import Snapshot
from coord.render.format import CountedNames
from coord.workspace.paths import Workspace
from coord.workspace.system import System
from eventlog.events import Event, EventId
from eventlog.local.journal import find_line
from projections.views.posted_history import NotPosted, PostedHistory
from projections.views.postings import PREFIXES, Entry, grouped


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


def postings_differ(store: Buckets, entries: Iterable[Entry]) -> bool:
    """Return whether the postings in a store are not `entries`, those of the whole history. Reads the whole store.

    Raises CacheDamaged.
    """
    expected = grouped(entries)
    kept = grouped(entry for prefix in PREFIXES for entry in store.every(prefix))
    return kept != expected


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
