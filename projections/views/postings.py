"""Postings: what a fold leaves for later questions, by resource and by session, so that nobody must fold it again.

`PostingCollector` folds events and collects entries of a key and a value. The values of a key are in the order of the
fold. All values are derived from the events, and a fold in pieces collects the same values as a fold of all events.

| key | values |
|---|---|
| `about/RESOURCE` | a `Posting` for each event about the resource, and for each moment with a decision about it |
| `heartbeats/RESOURCE` | an `EventReference` for each heartbeat that names the file |
| `by/SESSION` | a `Posting` for each claim event of the session, and for the decisions about its claims |
| `life/SESSION` | a `LifeStep` for each event after which the session is new or has another status |
| `called/NAME` | a `Naming` for each session that got this name |
| `renamed` | the ids of the sessions that got a name after an event without it |
| `prefix/ABC` | the ids of the sessions whose ids begin with these three characters |
| `patterns` | the file resources that match several paths; a resource can be repeated |
| `resources` | the resources of all claims; a resource can be repeated |
| `loose` | a `Posting` for each claim event that names only a claim, and that decided nothing about that claim |
| `odd` | an `Oddity` for each event after which a question must be answered from the journals |
"""

from collections.abc import Iterable
from typing import TypeAlias

import msgspec
from msgspec import Struct

from eventlog.events import (
    ClaimHandedOver,
    Event,
    EventId,
    Instant,
    SessionHeartbeat,
    SessionStarted,
)
from projections.rules.fold import as_of, fold
from projections.rules.resources import is_file, is_pattern
from projections.rules.sessions import has_effect
from projections.rules.state import Decision, Session, State, Status
from projections.views.claim_history import CLAIM_EVENTS, Obstacle

PATTERNS, RESOURCES, LOOSE, RENAMED, ODD = "patterns", "resources", "loose", "renamed", "odd"
PREFIXES = ("about/", "heartbeats/", "by/", "life/", "called/", "prefix/", PATTERNS, RESOURCES, LOOSE, RENAMED, ODD)
PREFIX_LENGTH = 3
_MAX_REMEMBERED = 8192  # entries that are not repeated in the lists of resources and patterns

Entry: TypeAlias = tuple[str, bytes]
_encode = msgspec.msgpack.Encoder().encode


class Step(Struct, frozen=True, array_like=True):
    """One decision, and the claims and requests that conflicted with it at that moment."""

    number: int  # of this decision among those of its event, or of its instant
    decision: Decision
    obstacles: tuple[Obstacle, ...] = ()


class Posting(Struct, frozen=True, array_like=True):
    """An event and its decisions, or decisions of time alone, as far as a key is concerned by them.

    `order` is twice the number of events folded before, plus 1 if there is an event.
    """

    order: int
    event: Event | None
    steps: list[Step] = []
    names: dict[str, str] = {}  # of the sessions in the event and in the decisions, as they were then

    def decides(self, claim: EventId) -> bool:
        """Return whether one of these decisions is about a claim."""
        return any(step.decision.claim == claim for step in self.steps)


class EventReference(Struct, frozen=True, array_like=True):
    """The place of an event in the total order, and the name of its session then."""

    at: Instant
    session: str
    n: int
    name: str = ""


class LifeStep(Struct, frozen=True, array_like=True):
    """How a session is after an event that affects it. `last_at` is the time of its latest event before that."""

    at: Instant
    cause: EventId
    acted: bool
    status: Status
    because: str
    last_at: Instant


class Naming(Struct, frozen=True, array_like=True):
    """The order of the event that gave a session its name, and the session."""

    order: int
    session: str


class Oddity(Struct, frozen=True, array_like=True):
    """Something that the postings do not describe.

    Either the resources of a claim differ between its events, or a session is unknown or has another `name` than the
    last one that its events give it.
    """

    resources: tuple[str, ...] = ()
    session: str = ""
    name: str = ""


def grouped(entries: Iterable[Entry]) -> dict[str, list[bytes]]:
    """Return the values of each key. In the lists of resources, each is contained once, in any fixed order."""
    groups: dict[str, list[bytes]] = {}
    for key, value in entries:
        groups.setdefault(key, []).append(value)
    return groups | {key: sorted(set(groups[key])) for key in (PATTERNS, RESOURCES) if key in groups}


def about_key(resource: str) -> str:
    """Return the key of the claim events and decisions about a resource."""
    return f"about/{resource}"


def heartbeats_key(resource: str) -> str:
    """Return the key of the heartbeats that name a file."""
    return f"heartbeats/{resource}"


def by_key(session: str) -> str:
    """Return the key of the claim events of a session and of the decisions about its claims."""
    return f"by/{session}"


def life_key(session: str) -> str:
    """Return the key of the starts and ends of a session."""
    return f"life/{session}"


def called_key(name: str) -> str:
    """Return the key of the sessions that got a name."""
    return f"called/{name}"


def prefix_key(session: str) -> str:
    """Return the key of the sessions whose ids begin like this one."""
    return f"prefix/{session[:PREFIX_LENGTH]}"


def own_resource(event: Event) -> str:
    """Return the resource that an event names itself; empty if it names none."""
    return getattr(event.payload, "resource", "")


def claim_of(event: Event) -> EventId:
    """Return the claim that an event names; empty if it names none."""
    return getattr(event.payload, "claim", "")


class PostingCollector:
    """Folds events into a state and collects their postings in `entries`."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        # The decisions that are not posted yet, each with the order and the names of its posting.
        self._steps: list[tuple[int, Step, dict[str, str]]] = []
        self._remembered: set[tuple[str, str]] = set()

    def take(self) -> list[Entry]:
        """Return the entries that were collected since the last call."""
        entries, self.entries = self.entries, []
        return entries

    def fold(self, state: State, events: Iterable[Event]) -> None:
        """Fold events as `projections.rules.fold.fold` does, and collect their postings."""
        plain: list[Event] = []  # events that change no claim and no status; only time can decide something
        for event in events:
            if _is_plain(state, event):
                plain.append(event)
                continue
            self._fold_plain(state, plain)
            plain = []
            self._fold_one(state, event)
        self._fold_plain(state, plain)

    def advance(self, state: State, now: Instant) -> None:
        """Let time pass as `projections.rules.fold.as_of` does, and collect the postings of its decisions."""
        as_of(state, now, lambda decision: self._record(state, decision))
        self._post_time()

    def _fold_plain(self, state: State, events: list[Event]) -> None:
        """Fold events of which only time can cause decisions."""
        if not events:
            return
        fold(state, events, lambda decision: self._record(state, decision))
        if self._steps:
            self._post_time()
        for event in events:
            if event.payload.files:  # type: ignore[union-attr]
                self._post_files(state, event, event.payload)  # type: ignore[arg-type]

    def _fold_one(self, state: State, event: Event) -> None:
        order = 2 * state.events + 1
        names = [*_affected(event)]
        before = {name: _facts(state.sessions[name]) for name in names if name in state.sessions}
        effective = has_effect(state, event)
        fold(state, [event], lambda decision: self._record(state, decision))
        steps = [step for _, step, _ in self._steps if step.decision.cause]
        self._steps = [item for item in self._steps if not item[1].decision.cause]
        self._post_time()
        self._post_claims(state, order, event, steps)
        if isinstance(event.payload, SessionHeartbeat):
            self._post_files(state, event, event.payload)
        if effective:
            for name in names:
                if session := state.sessions.get(name):
                    self._post_life(event, session, before.get(name))
        self._post_names(state, order, event, before.get(event.actor))

    def _record(self, state: State, decision: Decision) -> None:
        obstacles: list[Obstacle] = []
        if decision.what not in ("handed_over", "passed_on"):
            for name in decision.others:
                if other := state.claims.get(name) or state.waits.get(name):
                    obstacles.append(Obstacle(other.id, other.session, other.resource))
        order, number = 2 * state.events + bool(decision.cause), 0
        if self._steps:
            before, last, _ = self._steps[-1]
            if (order, decision.at) == (before, last.decision.at):
                number = last.number + 1
        step = Step(number, decision, tuple(obstacles))
        self._steps.append((order, step, {} if decision.cause else _names(state, [step])))

    def _post_time(self) -> None:
        """Post the collected decisions, which time alone caused."""
        for order, step, names in self._steps:
            value = _encode(Posting(order, None, [step], names))
            self._post_about(step.decision.resource, value, listed=True)
            self.entries.append((by_key(step.decision.session), value))
        self._steps = []

    def _post_claims(self, state: State, order: int, event: Event, steps: list[Step]) -> None:
        own = own_resource(event)
        if not (steps or own or isinstance(event.payload, CLAIM_EVENTS)):
            return
        by_resource: dict[str, list[Step]] = {own: []} if own else {}
        by_session: dict[str, list[Step]] = {}
        for step in steps:
            by_resource.setdefault(step.decision.resource, []).append(step)
            if step.decision.session != event.actor:
                by_session.setdefault(step.decision.session, []).append(step)
        by_session[event.actor] = steps
        names = _names(state, steps, event.actor, getattr(event.payload, "to", ""))
        for resource, some in by_resource.items():
            self._post_about(resource, _encode(Posting(order, event, some, names)), listed=bool(some))
        for session, some in by_session.items():
            self.entries.append((by_key(session), _encode(Posting(order, event, some, names))))
        claim = claim_of(event)
        decided = any(step.decision.claim == claim for step in steps)
        if isinstance(event.payload, CLAIM_EVENTS) and not (decided if not own else steps):
            self.entries.append((LOOSE, _encode(Posting(order, event, steps, names))))
        if isinstance(event.payload, ClaimHandedOver):
            resources = {own} | {step.decision.resource for step in steps if step.decision.claim in (claim, event.id)}
            if len(resources) > 1:
                self.entries.append((ODD, _encode(Oddity(tuple(sorted(resources))))))

    def _post_about(self, resource: str, value: bytes, *, listed: bool) -> None:
        self.entries.append((about_key(resource), value))
        if is_file(resource) and is_pattern(resource) and self._is_new(PATTERNS, resource):
            self.entries.append((PATTERNS, resource.encode()))
        if listed and self._is_new(RESOURCES, resource):
            self.entries.append((RESOURCES, resource.encode()))

    def _post_files(self, state: State, event: Event, heartbeat: SessionHeartbeat) -> None:
        session = state.sessions.get(event.session)
        value = _encode(EventReference(event.at, event.session, event.n, session.name if session else ""))
        for name in dict.fromkeys(heartbeat.files):
            resource = f"file/{name}"
            self.entries.append((heartbeats_key(resource), value))
            if is_pattern(resource) and self._is_new(PATTERNS, resource):
                self.entries.append((PATTERNS, resource.encode()))

    def _is_new(self, key: str, resource: str) -> bool:
        """Return whether a list does not contain a resource yet, as far as is remembered."""
        if (key, resource) in self._remembered:
            return False
        if len(self._remembered) >= _MAX_REMEMBERED:
            self._remembered.clear()
        self._remembered.add((key, resource))
        return True

    def _post_life(self, event: Event, session: Session, before: "tuple[str, Instant, str] | None") -> None:
        """Post that a session is new or has another status. Each event of an imported session can be its last."""
        if before is None:
            self.entries.append((prefix_key(session.id), session.id.encode()))
        if before is None or before[0] != session.status or session.status == "imported":
            step = LifeStep(
                event.at,
                event.id,
                session.id == event.actor,
                session.status,
                session.over_because,
                before[1] if before else "",
            )
            self.entries.append((life_key(session.id), _encode(step)))

    def _post_names(self, state: State, order: int, event: Event, before: "tuple[str, Instant, str] | None") -> None:
        session, given = state.sessions.get(event.actor), ""
        if isinstance(event.payload, SessionStarted):
            given = event.payload.name
        name = given or (before[2] if before else "")
        if session is None or session.name != name:
            self.entries.append((ODD, _encode(Oddity(session=event.actor, name=name))))
        elif given and (before is None or before[2] != given):
            self.entries.append((called_key(given), _encode(Naming(order, event.actor))))
            if before:
                self.entries.append((RENAMED, event.actor.encode()))


def _names(state: State, steps: Iterable[Step], *sessions: str) -> dict[str, str]:
    """Return the names of these sessions and of those in the decisions. Those without a name have an empty one."""
    found = [*sessions]
    for step in steps:
        found += [step.decision.session, *(obstacle.session for obstacle in step.obstacles)]
    return {name: state.sessions[name].name for name in dict.fromkeys(found) if name in state.sessions}


def _is_plain(state: State, event: Event) -> bool:
    """Return whether an event is a heartbeat of a live session, which changes no claim and no status."""
    if type(event.payload) is not SessionHeartbeat or event.imported is not None:
        return False
    session = state.sessions.get(event.session)
    return session is not None and session.status == "live"


def _affected(event: Event) -> Iterable[str]:
    """Return the sessions whose status an event can change, the acting one first."""
    payload = event.payload
    return dict.fromkeys((event.actor, getattr(payload, "session", ""), getattr(payload, "continues", "")))


def _facts(session: Session) -> tuple[str, Instant, str]:
    return session.status, session.last_at, session.name
