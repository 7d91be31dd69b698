"""Answer questions about one resource or one session from postings, without a history.

The answers are those that the whole history gives. Where the postings are not enough for that, NotPosted is raised.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from functools import cached_property
from typing import TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from eventlog.events import ClaimHandedOver, ClaimRequested, Event, EventId, Instant
from projections.postings.values import (
    LOOSE,
    ODD,
    PATTERNS,
    PREFIX_LENGTH,
    RENAMED,
    RESOURCES,
    EventReference,
    LifeStep,
    Naming,
    Oddity,
    Place,
    Posting,
    Step,
    about_key,
    by_key,
    called_key,
    claim_of,
    heartbeats_key,
    in_order,
    life_key,
    own_resource,
    prefix_key,
)
from projections.rules.resources import is_pattern, overlap
from projections.rules.state import Session, State
from projections.views.claim_history import CLAIM_EVENTS, ClaimHistoryEntry, EntryBuilder
from projections.views.intervals.trackers import SessionIntervals
from projections.views.intervals.values import SessionInterval

T = TypeVar("T")
_MAX_PATTERNS = 100  # patterns that overlap what is asked about; with more, the whole history is read


class NotPosted(Exception):
    """The postings are not enough for this question. Answer it from the whole history."""


class FoundEvent(Struct):
    """An event about a resource: its place, and the event itself if the postings contain it.

    `names` has the names of its sessions then, `order` is that of its posting, and `resource` is that of its claim.
    """

    place: EventReference
    event: Event | None = None
    names: dict[str, str] = {}
    order: int = 0
    resource: str = ""

    @property
    def key(self) -> tuple[Instant, str, int]:
        """Its place in the total order."""
        return self.place.at, self.place.session, self.place.n


class PostedHistory:
    """The answers for the state `state`, from the postings that `get` returns by their key.

    `find_event` returns an event of the history by its id, or None if there is none.
    """

    def __init__(
        self, get: Callable[[str], list[bytes]], state: State, find_event: Callable[[EventId], Event | None]
    ) -> None:
        self.get, self.state, self.find_event = get, state, find_event
        self.names: dict[str, str] = {}  # of the sessions in the postings that were read, as they were then
        self._by_resource: dict[str, dict[Place, ClaimHistoryEntry]] = {}

    def entries_about(self, resources: Sequence[str]) -> list[ClaimHistoryEntry]:
        """Return what `build_claim_history` and `about_resources` return for all events. Raises NotPosted."""
        names = self._overlapping(resources)
        postings = [posting for name in names for posting in self._postings(about_key(name))]
        events = {posting.event.id: posting.event for posting in postings if posting.event}
        builder = EntryBuilder(events)
        entries = [entry for _, entry in self._entries_in_order(builder, postings, names)]
        own = {name for name, event in events.items() if own_resource(event) in names}
        loose = [posting.event for posting in self._loose if posting.event and not posting.steps]
        entries += [builder.without_effect(event) for event in loose if claim_of(event) in own]
        return sorted(entries, key=lambda entry: entry.at)

    def entries_by(self, session: str) -> list[ClaimHistoryEntry]:
        """Return what `build_claim_history` and `about_session` return for all events. Raises NotPosted."""
        postings = self._postings(by_key(session))
        events = {posting.event.id: posting.event for posting in postings if posting.event}
        builder, entries, own = EntryBuilder(events), list[ClaimHistoryEntry](), set[EventId]()
        for place, event, step in in_order(postings):
            decision = step.decision
            if decision.cause == decision.claim and decision.session == session:
                own.add(decision.claim)
            if decision.claim in own:
                entries.append(_add(builder, step))
            else:
                entries.append(self._entry_about(decision.resource, place))
            if decision.what == "passed_on" and event and event.actor != session:
                own.discard(decision.claim)  # the decisions until it returns are not posted by this session
        for posting in postings:
            event = posting.event
            if event and not posting.steps and isinstance(event.payload, CLAIM_EVENTS):
                if claim_of(event) not in events and (claimed := self.find_event(claim_of(event))):
                    events[claimed.id] = claimed
                entries.append(builder.without_effect(event))
        return sorted(entries, key=lambda entry: entry.at)

    def events_about(self, resources: Sequence[str]) -> list[FoundEvent]:
        """Return the events that name one of these resources, a claim of it, or a file of it, in order.

        Raises NotPosted.
        """
        names = self._overlapping(resources)
        found: dict[EventId, FoundEvent] = {}
        claims: dict[EventId, Event] = {}

        def add(posting: Posting, event: Event, resource: str) -> None:
            place = EventReference(event.at, event.session, event.n)
            found[event.id] = FoundEvent(place, event, posting.names, posting.order, resource)

        for name in names:
            for posting in self._postings(about_key(name)):
                event = posting.event
                if event and own_resource(event) == name:
                    add(posting, event, name)
                    if isinstance(event.payload, ClaimRequested | ClaimHandedOver):
                        claims[event.id] = event
                elif event and not own_resource(event) and posting.decides(claim_of(event)):
                    add(posting, event, name)
            for value in self.get(heartbeats_key(name)):
                place = _decode(value, EventReference)
                found.setdefault(
                    f"{place.session}/{place.n}",
                    FoundEvent(place, names={place.session: place.name} if place.name else {}),
                )
        for posting in self._loose:
            event = posting.event
            claimed = claims.get(claim_of(event)) if event and not own_resource(event) else None
            if event and claimed and claimed.key < event.key:
                add(posting, event, own_resource(claimed))
        return sorted(found.values(), key=lambda each: each.key)

    def lives(self, session: str) -> list[SessionInterval]:
        """Return the intervals in which a session was live, which `analyze_history` returns for all events."""
        intervals: dict[int, SessionInterval] = {}
        tracker, row = SessionIntervals(State(), intervals.__setitem__), self.state.sessions[session]
        for value in self.get(life_key(session)):
            step, count = _decode(value, LifeStep), len(intervals)
            then = Session(id=session, status=step.status, started_at="", last_at="", over_because=step.because)
            then.over_at = step.at
            tracker.update(then, step.at, step.cause, acted=step.acted)
            if len(intervals) > count > 0:
                intervals[count - 1] = replace(intervals[count - 1], last_at=step.last_at)
        if not intervals:
            raise NotPosted(session)
        *ended, last = intervals.values()
        return [*ended, replace(last, last_at=row.last_at)]

    def sessions_named(self, text: str) -> list[str]:
        """Return the sessions of the state that have this id, this name, or an id that begins with it.

        Raises NotPosted.
        """
        for odd in self._odd:
            if odd.session and (odd.name == text or odd.session.startswith(text)):
                raise NotPosted(text)
        sessions = self.state.sessions
        if text in sessions:
            return [text]
        called = {naming.session for naming in self._called(text)}
        if named := [name for name in called if name in sessions and sessions[name].name == text]:
            return sorted(named)
        if len(text) < PREFIX_LENGTH:
            raise NotPosted(text)
        alike = {value.decode() for value in self.get(prefix_key(text))}
        return sorted(name for name in alike if name.startswith(text) and name in sessions)

    def name(self, session: str) -> str:
        """Return the last name that a session was given; empty if it has none. Raises NotPosted."""
        self.check(session)
        if session in self.names and session not in self._renamed:
            return self.names[session]
        known = self.state.sessions.get(session)
        return known.name if known else ""

    def check(self, session: str) -> None:
        """Raise NotPosted if the names that a session had are unknown."""
        if session in self.odd_sessions:
            raise NotPosted(session)

    def is_only(self, name: str, order: int | None = None) -> bool:
        """Return whether only one session has this name, at the event with this order or now. Raises NotPosted."""
        if any(odd.name == name for odd in self._odd):
            raise NotPosted(name)
        called = {naming.session for naming in self._called(name) if order is None or naming.order <= order}
        if order is not None and called & self._renamed:
            raise NotPosted(name)
        return len({each for each in called if each not in self._renamed or self.name(each) == name}) == 1

    def resources(self) -> set[str]:
        """Return the resources of all entries of the claim history."""
        found = {value.decode() for value in self.get(RESOURCES)}
        for posting in self._loose:
            if posting.event and not posting.steps and (claimed := self.find_event(claim_of(posting.event))):
                found.add(own_resource(claimed))
        return found

    @cached_property
    def _renamed(self) -> set[str]:
        return {value.decode() for value in self.get(RENAMED)}

    def _called(self, name: str) -> list[Naming]:
        return [_decode(value, Naming) for value in self.get(called_key(name))]

    @cached_property
    def _odd(self) -> list[Oddity]:
        return [_decode(value, Oddity) for value in self.get(ODD)]

    @cached_property
    def odd_sessions(self) -> set[str]:
        """The sessions that have, or had, another name than the postings say."""
        return {odd.session for odd in self._odd}

    @cached_property
    def _loose(self) -> list[Posting]:
        return sorted(self._postings(LOOSE), key=lambda posting: posting.order)

    def _postings(self, key: str) -> list[Posting]:
        postings = [_decode(value, Posting) for value in self.get(key)]
        for posting in postings:
            self.names |= posting.names
        return postings

    def _overlapping(self, resources: Sequence[str]) -> set[str]:
        """Return the resources with postings that can overlap one of these, which are not patterns."""
        if any(is_pattern(resource) for resource in resources):
            raise NotPosted(resources[0])
        patterns = {value.decode() for value in self.get(PATTERNS)}
        names = {*resources} | {name for name in patterns if any(overlap(name, wanted) for wanted in resources)}
        if len(names) > _MAX_PATTERNS:
            raise NotPosted(resources[0])
        self._check_odd(names)
        return names

    def _check_odd(self, names: Iterable[str]) -> None:
        if any(resource in names for odd in self._odd for resource in odd.resources):
            raise NotPosted("a resource")

    def _entry_about(self, resource: str, place: Place) -> ClaimHistoryEntry:
        """Return the entry of one decision, from all postings about its resource."""
        if resource not in self._by_resource:
            self._check_odd([resource])
            postings = self._postings(about_key(resource))
            builder = EntryBuilder({posting.event.id: posting.event for posting in postings if posting.event})
            self._by_resource[resource] = dict(self._entries_in_order(builder, postings, {resource}))
        try:
            return self._by_resource[resource][place]
        except KeyError:
            raise NotPosted(resource) from None

    def _entries_in_order(
        self, builder: EntryBuilder, postings: Iterable[Posting], names: Set[str]
    ) -> Iterator[tuple[Place, ClaimHistoryEntry]]:
        """Yield the entries of all decisions about the resources `names`, with their places in the fold.

        Raises NotPosted if a decision is about a claim of another resource, as a wrong event can state it.
        """
        begun: set[EventId] = set()
        for place, _event, step in in_order(postings):
            claim = step.decision.claim
            if step.decision.cause == claim:
                begun.add(claim)
            elif claim not in begun and claim not in builder.by_id and (claimed := self.find_event(claim)):
                if own_resource(claimed) not in names:
                    raise NotPosted(claim)
                builder.by_id[claim] = claimed
            yield place, _add(builder, step)


def _add(builder: EntryBuilder, step: Step) -> ClaimHistoryEntry:
    builder.held.update((obstacle.id, obstacle) for obstacle in step.obstacles)
    return builder.add(step.decision)


def _decode(value: bytes, kind: type[T]) -> T:
    try:
        return msgspec.msgpack.decode(value, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise NotPosted("the postings are damaged") from None
