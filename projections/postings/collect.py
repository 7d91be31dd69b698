"""Fold events, and collect their postings."""

from collections.abc import Iterable

from eventlog.events import ClaimHandedOver, Event, Instant, SessionHeartbeat, SessionStarted
from projections.postings.values import (
    LOOSE,
    ODD,
    PATTERNS,
    RENAMED,
    RESOURCES,
    Entry,
    EventReference,
    LifeStep,
    Naming,
    Oddity,
    Posting,
    Step,
    about_key,
    by_key,
    called_key,
    claim_of,
    encode,
    heartbeats_key,
    life_key,
    own_resource,
    prefix_key,
)
from projections.rules.fold import as_of, fold
from projections.rules.resources import is_file, is_pattern
from projections.rules.sessions import has_effect
from projections.rules.state import Decision, Session, State
from projections.views.claim_history import CLAIM_EVENTS, Obstacle

_MAX_REMEMBERED = 8192  # entries that are not repeated in the lists of resources and patterns


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
            value = encode(Posting(order, None, [step], names))
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
            self._post_about(resource, encode(Posting(order, event, some, names)), listed=bool(some))
        for session, some in by_session.items():
            self.entries.append((by_key(session), encode(Posting(order, event, some, names))))
        claim = claim_of(event)
        decided = any(step.decision.claim == claim for step in steps)
        if isinstance(event.payload, CLAIM_EVENTS) and not (decided if not own else steps):
            self.entries.append((LOOSE, encode(Posting(order, event, steps, names))))
        if isinstance(event.payload, ClaimHandedOver):
            resources = {own} | {step.decision.resource for step in steps if step.decision.claim in (claim, event.id)}
            if len(resources) > 1:
                self.entries.append((ODD, encode(Oddity(tuple(sorted(resources))))))

    def _post_about(self, resource: str, value: bytes, *, listed: bool) -> None:
        self.entries.append((about_key(resource), value))
        if is_file(resource) and is_pattern(resource) and self._is_new(PATTERNS, resource):
            self.entries.append((PATTERNS, resource.encode()))
        if listed and self._is_new(RESOURCES, resource):
            self.entries.append((RESOURCES, resource.encode()))

    def _post_files(self, state: State, event: Event, heartbeat: SessionHeartbeat) -> None:
        session = state.sessions.get(event.session)
        value = encode(EventReference(event.at, event.session, event.n, session.name if session else ""))
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
            self.entries.append((life_key(session.id), encode(step)))

    def _post_names(self, state: State, order: int, event: Event, before: "tuple[str, Instant, str] | None") -> None:
        session, given = state.sessions.get(event.actor), ""
        if isinstance(event.payload, SessionStarted):
            given = event.payload.name
        name = given or (before[2] if before else "")
        if session is None or session.name != name:
            self.entries.append((ODD, encode(Oddity(session=event.actor, name=name))))
        elif given and (before is None or before[2] != given):
            self.entries.append((called_key(given), encode(Naming(order, event.actor))))
            if before:
                self.entries.append((RENAMED, event.actor.encode()))


def _names(state: State, steps: Iterable[Step], *sessions: str) -> dict[str, str]:
    """Return the names of these sessions and of those in the decisions. Those without a name have an empty one."""
    found = [*sessions]
    for step in steps:
        found += [step.decision.session, *(obstacle.session for obstacle in step.obstacles)]
    return {name: state.sessions[name].name for name in dict.fromkeys(found) if name and name in state.sessions}


def _is_plain(state: State, event: Event) -> bool:
    """Return whether an event is a heartbeat of a live session, which changes no claim and no status."""
    if type(event.payload) is not SessionHeartbeat or event.imported is not None:
        return False
    session = state.sessions.get(event.session)
    return session is not None and session.status == "live"


def _affected(event: Event) -> Iterable[str]:
    """Return the sessions whose status an event can change, the acting one first."""
    payload = event.payload
    names = (event.actor, getattr(payload, "session", ""), getattr(payload, "continues", ""))
    return dict.fromkeys(filter(None, names))  # a name that is not in the state is looked up in the store


def _facts(session: Session) -> tuple[str, Instant, str]:
    return session.status, session.last_at, session.name
