"""Postings: what a fold leaves for later questions, by resource and by session, so that nobody must fold it again.

`projections.postings.collect` folds events and collects entries of a key and a value. The values of a key are in the
order of the fold. All are derived from the events, and a fold in pieces collects the same values as one of all events.

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

from eventlog.events import Event, EventId, Instant
from projections.rules.state import Decision, Status
from projections.views.claim_history import Obstacle

PATTERNS, RESOURCES, LOOSE, RENAMED, ODD = "patterns", "resources", "loose", "renamed", "odd"
PREFIXES = ("about/", "heartbeats/", "by/", "life/", "called/", "prefix/", PATTERNS, RESOURCES, LOOSE, RENAMED, ODD)
PREFIX_LENGTH = 3

Entry: TypeAlias = tuple[str, bytes]
Place: TypeAlias = tuple[int, Instant, int]  # of a decision in the fold: the order of its posting, its time, its number
encode = msgspec.msgpack.Encoder().encode


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


def in_order(postings: Iterable[Posting]) -> list[tuple[Place, Event | None, Step]]:
    """Return all decisions in the order of the fold, with their places and events."""
    steps = [
        ((posting.order, step.decision.at, step.number), posting.event, step)
        for posting in postings
        for step in posting.steps
    ]
    return sorted(steps, key=lambda item: item[0])
