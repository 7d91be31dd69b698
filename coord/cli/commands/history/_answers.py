"""What `coord why` asks a history about resources and sessions: answered from the postings, or from all events.

Both give the same answers. The postings need not be enough for one; NotPosted is then raised.
"""

from collections.abc import Sequence
from functools import partial
from typing import Protocol

from coord.cli.commands.history._posted import PostedNames, open_posted_history
from coord.cli.commands.history.log import sessions_named
from coord.engine.board import find_deaths
from coord.engine.history.full import FullHistory
from coord.engine.run import Run
from coord.engine.snapshot import Snapshot
from coord.errors import CoordError
from coord.render.console.progress import chunks
from coord.render.events import names_in
from coord.render.format import Names
from eventlog.events import Instant
from projections.rules.state import State
from projections.views.claim_history import ClaimHistoryEntry, about_resources, about_session, build_claim_history
from projections.views.intervals.analysis import analyze_history
from projections.views.intervals.values import SessionInterval
from projections.views.point_in_time import PointInTime


class Answers(Protocol):
    """The answers at the time `now`; `deaths` are the sessions whose process is gone, but which are not recorded as
    dead yet.
    """

    state: State
    snapshot: Snapshot
    now: Instant
    names: Names
    deaths: dict[str, str]

    def about(self, resources: Sequence[str]) -> list[ClaimHistoryEntry]:
        """Return the entries about resources that overlap one of these."""

    def by(self, session: str) -> list[ClaimHistoryEntry]:
        """Return the entries about a session's claims, and those that it caused for other sessions."""

    def lives(self, session: str) -> list[SessionInterval]:
        """Return the intervals in which a session was live."""

    def sessions_named(self, text: str) -> list[str]:
        """Return the sessions with this id, this name, or an id that begins with it."""

    def resources(self) -> set[str]:
        """Return all resources that have entries."""


class AllEvents:
    """The answers of all events up to a point in time."""

    def __init__(self, run: Run, past: FullHistory, cut: PointInTime, *, is_past: bool) -> None:
        self.past, self.cut, self.now, self.snapshot = past, cut, cut.at, past.snapshot
        events = past.until(cut)
        self.analysis = analyze_history(events, cut.at, partial(chunks, "replaying"))
        self.state = self.snapshot.state = self.analysis.state
        self.snapshot.at = cut.at if is_past else ""
        self.deaths = find_deaths(run.system, self.snapshot)
        self.entries = build_claim_history(events, self.analysis.decisions)
        self.names: Names = names_in(events)

    def about(self, resources: Sequence[str]) -> list[ClaimHistoryEntry]:
        """Return the entries about resources that overlap one of these."""
        return about_resources(self.entries, resources)

    def by(self, session: str) -> list[ClaimHistoryEntry]:
        """Return the entries about a session's claims, and those that it caused for other sessions."""
        return about_session(self.entries, session)

    def lives(self, session: str) -> list[SessionInterval]:
        """Return the intervals in which a session was live."""
        return [life for life in self.analysis.session_intervals if life.session == session]

    def sessions_named(self, text: str) -> list[str]:
        """Return the sessions with this id, this name, or an id that begins with it."""
        try:
            return sorted(sessions_named(self.past, text) & self.state.sessions.keys())
        except CoordError:
            return []

    def resources(self) -> set[str]:
        """Return all resources that have entries."""
        return {entry.resource for entry in self.entries}


class Postings:
    """The answers of the postings, at present. Every method raises NotPosted where they are not enough."""

    def __init__(self, run: Run) -> None:
        self.snapshot, self.history = open_posted_history(run.system, run.workspace)
        self.state, self.now = self.snapshot.state, self.snapshot.now
        self.snapshot.advance(self.now)
        self.deaths = find_deaths(run.system, self.snapshot)
        self.names: Names = PostedNames(self.history)

    def about(self, resources: Sequence[str]) -> list[ClaimHistoryEntry]:
        """Return the entries about resources that overlap one of these."""
        return self.history.entries_about(resources)

    def by(self, session: str) -> list[ClaimHistoryEntry]:
        """Return the entries about a session's claims, and those that it caused for other sessions."""
        return self.history.entries_by(session)

    def lives(self, session: str) -> list[SessionInterval]:
        """Return the intervals in which a session was live."""
        return self.history.lives(session)

    def sessions_named(self, text: str) -> list[str]:
        """Return the sessions with this id, this name, or an id that begins with it."""
        return self.history.sessions_named(text)

    def resources(self) -> set[str]:
        """Return all resources that have entries."""
        return self.history.resources()
