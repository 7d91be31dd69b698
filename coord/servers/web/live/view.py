"""The present state of the page: the moment and the timeline, updated from the log on request.

A state of the page has an id, `N/EVENT-ID`: the number of events in it, and the last one. If time alone
has changed bars, `/TIME` is added. A page that has the state with an id gets the rows that changed since, if the event
with that number is still the same one. Otherwise it gets everything (`reset`).
"""

import traceback
from collections.abc import Callable

import msgspec
from msgspec import Raw, Struct

from coord.engine.board import current_board
from coord.engine.snapshot import Snapshot
from coord.errors import CoordError
from coord.render.board.text import ROWS
from coord.servers.web.live.window import MAX_EVENTS, FollowedSnapshot, open_window
from coord.servers.web.notifications import Notifications
from coord.workspace.config import read_config
from coord.workspace.paths import Workspace
from coord.workspace.system import System
from eventlog.errors import LogError
from eventlog.events import NEVER, Event, EventId, Instant
from projections.rules.state import State
from projections.views.board import Board, build_board
from projections.views.timeline.changes import TABLES, Tables, TimelineChanges

_encode = msgspec.json.encode
MakeMoment = Callable[[Board, Snapshot | None, list[str]], dict[str, object]]
"""Make the moment document of a board. The snapshot is None if the log cannot be read; the texts are problems."""


class Message(Struct, frozen=True):
    """One message to a page: the id of the state that it then has, and the data."""

    id: str
    data: bytes


class TimelinePart(Struct, frozen=True):
    """Rows of the timeline, as the page receives them. With `reset`, they replace what it has."""

    since: Instant
    until: Instant
    position: str
    reset: bool
    earlier: bool  # whether there are older events
    tables: Tables


class _Window:
    """The timeline of the window, and the ids and times of its events. Those before `first` are forgotten."""

    def __init__(self, snapshot: FollowedSnapshot) -> None:
        state, events = open_window(snapshot)
        (at, session, n), self.first, self.earlier = state.last, state.events, state.events > 0
        self.ids: list[tuple[EventId, Instant]] = [(f"{session}/{n}" if session else "", at)]
        self.since = at or (events[0].at if events else "")
        self.changes = TimelineChanges(state)
        self.add(events)

    def add(self, events: list[Event]) -> None:
        self.changes.add(events)
        self.ids += [(event.id, event.at) for event in events]
        if not self.since and events:
            self.since = events[0].at
        if len(self.ids) > 2 * MAX_EVENTS:
            self.first += len(self.ids) - MAX_EVENTS
            del self.ids[:-MAX_EVENTS]
            self.since, self.earlier = self.ids[0][1], True
            self.changes.forget_before(self.since)

    @property
    def id(self) -> str:
        """The id of the present state of the page."""
        advanced = self.changes.advanced_to
        return "/".join([str(self.changes.count), self.ids[-1][0], *([advanced] if advanced else [])])

    def find(self, id: str) -> tuple[int, Instant] | None:
        """Return the number of events of an earlier state, and its time, if it is one of this window."""
        number, _, event = id.partition("/")
        event, _, advanced = event.rpartition("/") if event.count("/") == 2 else (event, "", "")
        if not (number.isascii() and number.isdecimal() and len(number) < 16):
            return None
        index = int(number) - self.first
        if not 0 <= index < len(self.ids) or self.ids[index][0] != event:
            return None
        if advanced and index + 1 < len(self.ids) and self.ids[index + 1][1] < advanced:
            return None  # an event arrived that is older than something which that state shows as ended
        return int(number), advanced


class LiveView:
    """The present state of the page. It is used by one thread, except that `moment` may be read by any."""

    def __init__(self, system: System, workspace: Workspace, make_moment: MakeMoment) -> None:
        self.notifications, self.is_visible = Notifications(workspace.cache, workspace.root), False
        self._due: dict[str, object] = {"count": 0, "notify": []}
        self._system, self._workspace, self._make_moment = system, workspace, make_moment
        self._snapshot: FollowedSnapshot | None = None
        self._window: _Window | None = None
        self._encoded: dict[str, Message] = {}  # the messages about the present state, by the state that they follow
        self.moment: dict[str, object] = {}
        self.version = 0  # it changes when the page changes
        self.problem = ""  # why the log cannot be read
        self.next_change: Instant = NEVER  # when the moment changes without an event

    def refresh(self) -> None:
        """Catch up with the log and make the moment again."""
        before, count = self.moment, self._window.changes.count if self._window else -1
        snapshot, self._snapshot = self._snapshot, None
        self._encoded, self.problem = {}, ""
        try:
            self._snapshot = self._read(snapshot)
        except CoordError as error:
            self.problem = error.message
        except (LogError, OSError) as error:
            self.problem = f"the log cannot be read: {error}"
        except Exception as error:  # a bug must not end the thread that serves all pages
            traceback.print_exc()
            self.problem = f"the page failed ({type(error).__name__}: {str(error)[:200]})"
        if self.problem:
            self._make_failed()
        now_at = {"at": self.moment["at"]}
        if self.moment != {**before, **now_at} or count != (self._window.changes.count if self._window else -1):
            self.version += 1

    def _read(self, snapshot: FollowedSnapshot | None) -> FollowedSnapshot:
        snapshot = snapshot or FollowedSnapshot(self._system, self._workspace)
        config = read_config(self._workspace)
        snapshot.catch_up(consistent=True)
        new, window = snapshot.take_new(), self._window
        self._window = None
        if window is not None and new is not None:
            window.add(new)
        if window is None or new is None or window.changes.count != snapshot.state.events:
            window = _Window(snapshot)
            snapshot.follow()
        board, current = current_board(self._system, config, snapshot, ROWS)
        window.changes.advance(current.now)
        problems = [problem.text for problem in snapshot.journal_problems()]
        self.moment = self._make_moment(board, current, problems)
        self._due = self.notifications.due(board, self.is_visible)
        self.moment["position"] = window.id
        self._window, self.next_change = window, current.state.due
        return snapshot

    def _make_failed(self) -> None:
        """Show the problem, with the last moment if there is one."""
        now = self._system.wall()
        empty = self._make_moment(build_board(State(), now, 0, {}), None, [self.problem])
        self.moment = {**(self.moment or empty), "problems": [self.problem], "at": now}
        self.next_change = NEVER

    def message(self, after: str) -> Message:
        """Return the message to a page that has the state with the id `after`; empty if it has none."""
        if self._window and not self._window.find(after):
            after = ""  # all pages with an unknown state get the same message
        if after not in self._encoded:
            part = self._timeline(after)
            data = _encode({"moment": Raw(_encode(self.moment)), "timeline": part})
            self._encoded[after] = Message(part.position, data)
        return self._encoded[after]

    def _timeline(self, after: str) -> TimelinePart:
        window, now = self._window, str(self.moment["at"])
        if window is None:
            return TimelinePart("", now, after, not after, False, {name: {} for name in TABLES})
        known = window.find(after)
        tables = window.changes.changed_since(*known) if known else window.changes.tables()
        return TimelinePart(window.since, now, window.id, known is None, window.earlier, tables)

    def needs(self) -> bytes:
        """Return the message for a browser whose tabs are all hidden."""
        return _encode(self._due)
