"""What `coord why` asks a history about resources and sessions: answered from the postings, or from all events.

Both give the same answers. The postings need not be enough for one; NotPosted is then raised.
"""

from collections.abc import Iterable, Sequence
from functools import cached_property, partial
from itertools import chain
from typing import NamedTuple, Protocol

from coord.cli.commands.history._posted import PostedNames, event_line_in, open_posted_history
from coord.cli.commands.history.log import sessions_named
from coord.engine.board import find_deaths
from coord.engine.history.full import FullHistory
from coord.engine.run import Run
from coord.engine.snapshot import Snapshot
from coord.errors import CoordError, refused
from coord.render.console.progress import chunks
from coord.render.events import names_in
from coord.render.format import Names
from eventlog.events import Event, EventId, Instant
from projections.postings.answers import NotPosted
from projections.rules.state import State
from projections.views.claim_history import (
    ClaimHistoryEntry,
    about_claim,
    about_resources,
    about_session,
    build_claim_history,
    caused_by,
)
from projections.views.intervals.analysis import analyze_history
from projections.views.intervals.values import SessionInterval
from projections.views.point_in_time import PointInTime, after_instant, before_instant
from projections.views.receipts import Receipts, build_receipts


class WhyAnswer(NamedTuple):
    """The answer to a question: its subject, a first line, and the entries of the claim history about it."""

    about: str
    head: str
    entries: list[ClaimHistoryEntry]
    kind: str  # resource, session, claim, message or event
    receipts: object = None  # of a message
    lines: Sequence[str] = ()  # after the first
    lives: Sequence[SessionInterval] = ()  # of a session
    event: Event | None = None  # of a claim, a message or an event


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

    def event(self, name: EventId) -> Event | None:
        """Return an event by its id, or None if there is none."""

    def event_named(self, text: str) -> Event | None:
        """Return the event that `text` names, or None if there is none. Raises CoordError if it is after this time."""

    def about_claim(self, request: Event) -> list[ClaimHistoryEntry]:
        """Return the entries about one claim or request, and about the claims that handovers created from it."""

    def caused_by(self, event: Event) -> list[ClaimHistoryEntry]:
        """Return the entries that one event caused."""

    def receipts(self, message: Event) -> Receipts:
        """Return the receipts of a message."""

    def written_by(self, session: str, limit: int) -> Sequence[Event]:
        """Return the newest events that a session wrote, in order; if it was imported, those of its history."""


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

    def event_named(self, text: str) -> Event | None:
        """Return the event that `text` names, or None if there is none. Raises CoordError if it is after this time."""
        if not self.past.is_known_event(text):
            return None
        event = self.past.event(text)
        if event.key > self.cut.key:
            raise refused(f"{event.id} had not happened yet at that time.")
        return event

    def about_claim(self, request: Event) -> list[ClaimHistoryEntry]:
        """Return the entries about one claim or request, and about the claims that handovers created from it."""
        return about_claim(self.entries, request.id)

    def caused_by(self, event: Event) -> list[ClaimHistoryEntry]:
        """Return the entries that one event caused."""
        return caused_by(self.entries, event.id)

    def receipts(self, message: Event) -> Receipts:
        """Return the receipts of a message."""
        return build_receipts(_with_progress(self.past.until(self.cut)), message)

    def event(self, name: EventId) -> Event | None:
        """Return an event by its id, or None if there is none."""
        return self._by_id.get(name)

    @cached_property
    def _by_id(self) -> dict[EventId, Event]:
        return {event.id: event for event in self.past.until(self.cut)}

    def written_by(self, session: str, limit: int) -> Sequence[Event]:
        """Return the newest events that a session wrote, in order; if it was imported, those of its history."""
        acted = [event for event in self.past.until(self.cut) if event.actor == session]
        return ([event for event in acted if not event.imported] or acted)[-limit:]


def _with_progress(events: Sequence[Event]) -> Iterable[Event]:
    """Yield the events, and show a progress bar if that takes long."""
    return chain.from_iterable(chunks("following the message", events))


class Postings:
    """The answers of the postings, at present. Every method raises NotPosted where they are not enough."""

    def __init__(self, run: Run) -> None:
        self.run = run
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

    def event(self, name: EventId) -> Event | None:
        """Return an event by its id, or None if there is none."""
        return self.history.find_event(name)

    def event_named(self, text: str) -> Event | None:
        """Return the event with exactly this id. A shortened id needs all sessions."""
        event = self.history.find_event(text)
        if event is None or event.at > self.now:
            raise NotPosted(text)
        return event

    def about_claim(self, request: Event) -> list[ClaimHistoryEntry]:
        """Return the entries about one claim or request, and about the claims that handovers created from it.

        All these claims have one resource; if an event says otherwise, all events are needed.
        """
        entries = about_claim(self.about([getattr(request.payload, "resource", "")]), request.id)
        claims = {entry.claim for entry in entries}
        if not entries or any(entry.became and entry.became not in claims for entry in entries):
            raise NotPosted(request.id)
        return entries

    def caused_by(self, event: Event) -> list[ClaimHistoryEntry]:
        """Return the entries that one event caused. They are among those by its session."""
        if event.imported:
            raise NotPosted(event.id)
        return caused_by(self.by(event.actor), event.id)

    def receipts(self, message: Event) -> Receipts:
        """Return the receipts of a message. They need all events since it, but not the decisions about claims."""
        past = self.run.open_past(lambda past: before_instant(message.at))
        return build_receipts(_with_progress(past.until(after_instant(self.now))), message, past.start)

    def written_by(self, session: str, limit: int) -> Sequence[Event]:
        """Return the newest events that a session wrote, in order."""
        position = self.snapshot.history.position(session)
        if position is None:
            raise NotPosted(session)
        numbers = range(max(1, position.n - limit + 1), position.n + 1)
        events = [event_line_in(self.snapshot, session, n)[0] for n in numbers]
        if any(event.imported for event in events):
            raise NotPosted(session)
        return events
