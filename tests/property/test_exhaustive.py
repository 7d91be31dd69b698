"""Attack 13: every history over a fixed alphabet of twelve events, and after each of them the reference model agrees.

Three sessions, and a folder and two files in it; an event every 30 seconds, so that what lasts 60 seconds ends at an
event, and what lasts 45 or 75 ends between two. The histories are walked as a tree: the state is copied where they
part. After each event and between two, the state is that of the reference model. This holds the promise that a claim
is never given twice, and that a dead or stopped session blocks nobody beyond the rules.
"""

from dataclasses import dataclass
from functools import partial

import msgspec
import pytest

from eventlog.events import (
    VERSION,
    Anchor,
    AnyPayload,
    ClaimAccepted,
    ClaimBroken,
    ClaimHandedOver,
    ClaimReleased,
    ClaimRequested,
    Event,
    SessionEnded,
    SessionPresumedDead,
    SessionStarted,
)
from projections.rules.fold import as_of, fold
from projections.rules.state import State
from tests.support.attacks import Tally
from tests.support.histories import at
from tests.support.model.agreement import as_json, assert_agree, micros
from tests.support.model.patterns import overlap
from tests.support.model.reference_model import Model

pytestmark = pytest.mark.slow

AMBER, BROWN, CORAL = "amber", "brown", "coral"
ALL, PART, OTHER = "file/a/", "file/a/a", "file/a/b"  # the first covers the others, which do not overlap
TICK_S = 15
STEP = 2  # ticks from one event to the next
LONG_AFTER = 12  # ticks after the last event: all that can end has ended
TICKS = [at(tick * TICK_S) for tick in range(STEP * 8 + LONG_AFTER)]
FIRST, SECOND = (Anchor(machine="north", boot="boot-1", pid=pid, start_ticks=1) for pid in (1, 2))
ENCODE, DECODE = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(State).decode
ask = partial(ClaimRequested, mode="exclusive")

# Who does it, and what; where it acts on a claim, that is the last request of the session named.
ALPHABET: dict[str, tuple[str, AnyPayload, str]] = {
    "amber asks, granted": (AMBER, ask(resource=PART, ttl_s=60, told="granted"), ""),
    "amber releases": (AMBER, ClaimReleased(claim="x/1"), AMBER),
    "amber hands over to brown": (AMBER, ClaimHandedOver(claim="x/1", resource=PART, to=BROWN), AMBER),
    "amber has another process": (AMBER, SessionStarted(machine="north", anchor=SECOND), ""),
    "brown asks, waiting": (BROWN, ask(resource=ALL, ttl_s=60, wait_s=60, told="waiting"), ""),
    "brown asks, granted": (BROWN, ask(resource=PART, ttl_s=75, wait_s=60, told="granted"), ""),
    "brown accepts": (BROWN, ClaimAccepted(claim="x/1", resource=ALL), BROWN),
    "brown ends": (BROWN, SessionEnded(), ""),
    "coral asks, waiting": (CORAL, ask(resource=OTHER, ttl_s=75, wait_s=45, told="waiting"), ""),
    "coral asks, refused": (CORAL, ask(resource=ALL, ttl_s=60, wait_s=60, told="refused"), ""),
    "coral presumes amber dead": (CORAL, SessionPresumedDead(session=AMBER, anchor=FIRST), ""),
    "coral breaks amber's": (CORAL, ClaimBroken(claim="x/1", reason="silent"), AMBER),
}
LETTERS = list(ALPHABET)
REFUSED = "coral asks, refused"


def check(state: State, model: Model, refused: set[str], tokens: dict[str, int], path: list[str]) -> None:
    """The state is what the model says, and keeps the laws that can be seen without one. `refused` are the requests
    whose requesters were told so, `tokens` those of every grant so far.
    """
    assert_agree(state, model, path)
    active = list(state.claims.values())
    for claim in active:
        assert claim.id not in refused, path
        for other in active:
            assert claim.session == other.session or not overlap(claim.resource, other.resource), path
        if claim.id not in tokens:
            assert claim.token > max(tokens.values(), default=0), path
            tokens[claim.id] = claim.token
    ahead = [(claim.session, claim.resource) for claim in active]
    for wait in state.waits.values():
        for_whom = [who for who, what in ahead if who != wait.session and overlap(what, wait.resource)]
        assert for_whom, (path, "it waits for nothing")
        ahead.append((wait.session, wait.resource))


@dataclass
class Node:
    """A place in the tree: what was told until here, and what came of it."""

    state: State
    model: Model
    many: dict[str, int]  # events of each session
    last: dict[str, str]  # the last request of each session
    refused: set[str]  # requests whose requesters were told so
    tokens: dict[str, int]  # of every grant so far
    path: list[str]

    def after(self, letter: str) -> "Node":
        """The history that goes on with this event, checked when it happens and a quarter of a minute later."""
        by, payload, whose = ALPHABET[letter]
        if whose:
            payload = msgspec.structs.replace(payload, claim=self.last.get(whose, f"{whose}/99"))
        path = [*self.path, letter]
        tick, many = STEP * len(path), self.many[by] + 1
        event = Event(v=VERSION, at=TICKS[tick], session=by, n=many, payload=payload)
        last = self.last | {by: event.id} if isinstance(payload, ClaimRequested) else self.last
        refused = self.refused | ({event.id} if letter == REFUSED else set())
        state, model = DECODE(ENCODE(self.state)), self.model.copy()
        node = Node(state, model, self.many | {by: many}, last, refused, dict(self.tokens), path)
        node.model.hear(as_json(event))
        fold(node.state, [event])
        node.check()
        node.wait(tick + 1)
        return node

    def wait(self, tick: int) -> None:
        """Let time pass."""
        self.model.until(micros(TICKS[tick]))
        as_of(self.state, TICKS[tick])
        self.check()

    def check(self) -> None:
        """See `check`."""
        check(self.state, self.model, self.refused, self.tokens, self.path)


def beginning() -> Node:
    """Three sessions are here."""
    anchors = {AMBER: FIRST, BROWN: None, CORAL: None}
    starts = [
        Event(v=VERSION, at=TICKS[0], session=name, n=1, payload=SessionStarted(machine="north", anchor=own))
        for name, own in anchors.items()
    ]
    model = Model()
    for start in starts:
        model.hear(as_json(start))
    return Node(fold(State(), starts), model, dict.fromkeys(anchors, 1), {}, set(), {}, [])


def walk(node: Node, depth: int, tally: Tally) -> None:
    """Every history that begins like this one, up to so many more events."""
    if depth == 0:
        node.wait(STEP * len(node.path) + LONG_AFTER)
        assert not node.state.claims, node.path
        tally.did("histories")
        return
    for letter in LETTERS:
        walk(node.after(letter), depth - 1, tally)


@pytest.mark.attack(13)
@pytest.mark.parametrize("first", LETTERS)
def test_after_every_history_the_reference_model_agrees(tally: Tally, first: str) -> None:
    """Rules 1 to 5 and 7 to 9; a shorter history is the beginning of a longer one, and is checked there."""
    walk(beginning().after(first), tally.count - 1, tally)
