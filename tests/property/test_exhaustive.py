"""Attack 13: for every history over a fixed alphabet of twelve events, the fold agrees with the reference model.

There are three sessions, and a folder with two files. An event happens every 30 seconds, so that a lease of 60 seconds
ends at an event, and one of 45 or 75 seconds between two events. The histories form a tree, and the state is copied at
each branch. The state is compared with the reference model after each event, and between events. This tests the
promises that a claim is never granted twice, and that a dead or stopped session blocks nobody longer than the rules
allow.
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
LONG_AFTER = 12  # ticks after the last event, when everything that can end has ended
TICKS = [at(tick * TICK_S) for tick in range(STEP * 8 + LONG_AFTER)]
FIRST, SECOND = (Anchor(machine="north", boot="boot-1", pid=pid, start_ticks=1) for pid in (1, 2))
ENCODE, DECODE = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(State).decode
ask = partial(ClaimRequested, mode="exclusive")

# For each event: its author, its payload, and the session whose last request it is about.
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
KINDS = list(ALPHABET)
REFUSED = "coral asks, refused"


def check(state: State, model: Model, refused: set[str], tokens: dict[str, int], path: list[str]) -> None:
    """Check that the state equals the model, and that it keeps the rules that can be checked without a model.

    `refused` are the requests that were told refused; `tokens` are the tokens of all grants so far.
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
        assert for_whom, (path, "it waits although nothing blocks it")
        ahead.append((wait.session, wait.resource))


@dataclass
class Node:
    """A node of the tree: the history so far, and its results."""

    state: State
    model: Model
    counts: dict[str, int]  # events of each session
    last: dict[str, str]  # the last request of each session
    refused: set[str]  # requests that were told refused
    tokens: dict[str, int]  # the tokens of all grants so far
    path: list[str]

    def after(self, kind: str) -> "Node":
        """Append an event to the history. The result is checked at the event and 15 seconds later."""
        by, payload, whose = ALPHABET[kind]
        if whose:
            payload = msgspec.structs.replace(payload, claim=self.last.get(whose, f"{whose}/99"))
        path = [*self.path, kind]
        tick, counts = STEP * len(path), self.counts[by] + 1
        event = Event(v=VERSION, at=TICKS[tick], session=by, n=counts, payload=payload)
        last = self.last | {by: event.id} if isinstance(payload, ClaimRequested) else self.last
        refused = self.refused | ({event.id} if kind == REFUSED else set())
        state, model = DECODE(ENCODE(self.state)), self.model.copy()
        node = Node(state, model, self.counts | {by: counts}, last, refused, dict(self.tokens), path)
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


def root() -> Node:
    """The root of the tree: three sessions have started."""
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
    """Check every history that starts with this node's and has `depth` more events."""
    if depth == 0:
        node.wait(STEP * len(node.path) + LONG_AFTER)
        assert not node.state.claims, node.path
        tally.did("histories")
        return
    for kind in KINDS:
        walk(node.after(kind), depth - 1, tally)


@pytest.mark.attack(13)
@pytest.mark.parametrize("first", KINDS)
def test_the_reference_model_agrees_after_every_short_history(tally: Tally, first: str) -> None:
    """Rules 1 to 5 and 7 to 9. A shorter history is checked as the beginning of a longer one."""
    walk(root().after(first), tally.count - 1, tally)
