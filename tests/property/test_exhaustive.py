"""Attack 13: every history over a fixed alphabet of twelve events, and after each of them a naive judge agrees.

Three sessions, and a folder and two files in it; an event every 30 seconds, so that what lasts 60 seconds ends at an
event, and what lasts 45 or 75 ends between two. The histories are walked as a tree: the state is copied where they
part. The judge below looks at every quarter of a minute in turn, and takes nothing from `projections`. This holds the
promise that a claim is never given twice, and that a dead or stopped session blocks nobody beyond the rules.
"""

from dataclasses import dataclass, field
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
from projections.fold import as_of, fold
from projections.state import State
from tests.attacks import Tally
from tests.histories import at

AMBER, BROWN, CORAL = "amber", "brown", "coral"
ALL, PART, OTHER = "file/a/", "file/a/b", "file/a/c"  # the first covers the others, which do not overlap
TICK_S = 15
STEP = 2  # ticks from one event to the next
ACCEPT = 4  # ticks in which a grant to a waiter must be accepted
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


def overlapping(one: str, other: str) -> bool:
    return one == other or ALL in (one, other)


@dataclass(slots=True)
class Lease:
    """A claim, or a request that waits: all times in ticks."""

    id: str
    session: str
    resource: str
    lasts: int
    ends: int
    accept_by: int = 0

    def against(self, session: str, resource: str) -> bool:
        """Rule 1, of exclusive claims."""
        return self.session != session and overlapping(self.resource, resource)

    def copy(self) -> "Lease":
        return Lease(self.id, self.session, self.resource, self.lasts, self.ends, self.accept_by)


@dataclass(slots=True)
class Judge:
    """What is true by the rules, in plain lists."""

    now: int = 0
    status: dict[str, str] = field(default_factory=lambda: dict.fromkeys((AMBER, BROWN, CORAL), "live"))
    anchor: Anchor = FIRST  # of amber
    held: list[Lease] = field(default_factory=list)
    queue: list[Lease] = field(default_factory=list)
    told: list[tuple[str, str, str]] = field(default_factory=list)  # whom, what, about which event
    refused: list[str] = field(default_factory=list)

    def copy(self) -> "Judge":
        held, queue = [lease.copy() for lease in self.held], [lease.copy() for lease in self.queue]
        return Judge(self.now, dict(self.status), self.anchor, held, queue, list(self.told), list(self.refused))

    def until(self, tick: int) -> None:
        """Rules 3 and 4: waits end, claims end, waiters are granted; both ends are half-open."""
        while self.now < tick and (self.held or self.queue):
            self.now += 1
            self.queue = [wait for wait in self.queue if wait.ends > self.now]
            for lease in list(self.held):
                if lease.accept_by == self.now:
                    self.held.remove(lease)
                elif not lease.accept_by and lease.ends == self.now:
                    self.held.remove(lease)
                    self.told.append((lease.session, "expired", lease.id))
            self.serve()
        self.now = tick

    def serve(self) -> None:
        """Rule 4: each that no longer conflicts, in order."""
        for wait in list(self.queue):
            if not self.in_the_way(wait.session, wait.resource, wait):
                self.queue.remove(wait)
                wait.ends, wait.accept_by = self.now + wait.lasts, self.now + ACCEPT
                self.held.append(wait)

    def in_the_way(self, session: str, resource: str, before: Lease | None = None) -> bool:
        ahead = self.queue[: self.queue.index(before)] if before else self.queue
        return any(lease.against(session, resource) for lease in [*self.held, *ahead])

    def covering(self, session: str, resource: str) -> Lease | None:
        return next((own for own in self.held if own.session == session and own.resource in (ALL, resource)), None)

    def hear(self, event: Event) -> None:
        said, by = event.payload, event.session
        if self.status[by] == "dead":
            self.status[by] = "live"  # rule 9: it lives after all, without its claims
        if isinstance(said, ClaimRequested):
            self.asked(event, said)
        elif isinstance(said, ClaimAccepted):
            self.accepted(event, said)
        elif isinstance(said, ClaimHandedOver):
            self.handed_over(event, said)
        elif isinstance(said, SessionStarted):
            self.anchor = said.anchor or FIRST
        elif isinstance(said, SessionEnded):
            self.status[by] = "ended"
            self.leaves(by)
        elif isinstance(said, SessionPresumedDead):
            if self.status[AMBER] == "live" and self.anchor == said.anchor:  # rule 9: the latest anchor only
                self.status[AMBER] = "dead"
                self.leaves(AMBER)
                self.told.append((AMBER, "presumed_dead", event.id))
        elif isinstance(said, ClaimReleased):
            self.held = [lease for lease in self.held if (lease.id, lease.session) != (said.claim, by)]
        elif isinstance(said, ClaimBroken):
            for lease in [lease for lease in self.held if lease.id == said.claim]:
                self.held.remove(lease)
                self.told.append((lease.session, "broken", event.id))
        self.serve()

    def leaves(self, session: str) -> None:
        self.held = [lease for lease in self.held if lease.session != session]
        self.queue = [wait for wait in self.queue if wait.session != session]

    def asked(self, event: Event, said: ClaimRequested) -> None:
        """Rules 2 and 8."""
        by, lasts = event.session, said.ttl_s // TICK_S
        own = self.covering(by, said.resource)
        if said.told == "refused":
            self.refused.append(event.id)
        elif self.status[by] == "live" and own:
            own.ends, own.accept_by = max(own.ends, self.now + lasts), 0
        elif self.status[by] == "live" and not self.in_the_way(by, said.resource):
            accept_by = self.now + ACCEPT if said.told == "waiting" else 0
            self.held.append(Lease(event.id, by, said.resource, lasts, self.now + lasts, accept_by))
        elif said.told == "granted":
            self.told.append((by, "lost", event.id))
        elif self.status[by] == "live":
            self.queue.append(Lease(event.id, by, said.resource, lasts, self.now + said.wait_s // TICK_S))

    def accepted(self, event: Event, said: ClaimAccepted) -> None:
        """Rules 4 and 8."""
        for lease in self.held:
            if (lease.id, lease.session) == (said.claim, event.session):
                lease.accept_by = 0
                return
        self.queue = [wait for wait in self.queue if wait.id != said.claim]
        if not self.covering(event.session, said.resource):
            self.told.append((event.session, "lost", event.id))

    def handed_over(self, event: Event, said: ClaimHandedOver) -> None:
        """Rules 5 and 8: without a gap, with the same end; void if nobody is there to take it."""
        given = next((own for own in self.held if (own.id, own.session) == (said.claim, event.session)), None)
        if given and self.status[said.to] == "live":
            self.held.remove(given)
            self.held.append(Lease(event.id, said.to, given.resource, given.lasts, given.ends))
            self.told.append((said.to, "handed_over", event.id))
            return
        if given:
            self.told.append((event.session, "not_handed_over", event.id))
        self.told.append((said.to, "lost", event.id))


def check(state: State, judge: Judge, tokens: dict[str, int], path: list[str]) -> None:
    """The state is what the judge says, and keeps the laws that can be seen without one. `tokens` are those so far."""
    held = [(claim.id, claim.session, claim.expires_at, claim.accept_by or TICKS[0]) for claim in state.claims.values()]
    assert held == [(own.id, own.session, TICKS[own.ends], TICKS[own.accept_by]) for own in judge.held], path
    waiting = [(wait.id, wait.session, wait.until) for wait in state.waits.values()]
    assert waiting == [(wait.id, wait.session, TICKS[wait.ends]) for wait in judge.queue], path
    told = [(name, note.kind, note.id) for name, who in state.sessions.items() for note in who.notices]
    assert told == sorted(judge.told, key=lambda one: one[0]), path
    assert {name: who.status for name, who in state.sessions.items()} == judge.status, path
    active = list(state.claims.values())
    for claim in active:
        assert claim.id not in judge.refused, path
        for other in active:
            assert claim.session == other.session or not overlapping(claim.resource, other.resource), path
        if claim.id not in tokens:
            assert claim.token > max(tokens.values(), default=0), path
            tokens[claim.id] = claim.token
    ahead = [(claim.session, claim.resource) for claim in active]
    for wait in state.waits.values():
        for_whom = [who for who, what in ahead if who != wait.session and overlapping(what, wait.resource)]
        assert for_whom, (path, "it waits for nothing")
        ahead.append((wait.session, wait.resource))


@dataclass
class Node:
    """A place in the tree: what was told until here, and what came of it."""

    state: State
    judge: Judge
    many: dict[str, int]  # events of each session
    last: dict[str, str]  # the last request of each session
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
        node = Node(
            DECODE(ENCODE(self.state)), self.judge.copy(), self.many | {by: many}, last, dict(self.tokens), path
        )
        node.judge.until(tick)
        node.judge.hear(event)
        fold(node.state, [event])
        node.check()
        node.wait(tick + 1)
        return node

    def wait(self, tick: int) -> None:
        """Let time pass."""
        self.judge.until(tick)
        as_of(self.state, TICKS[tick])
        self.check()

    def check(self) -> None:
        """See `check`."""
        check(self.state, self.judge, self.tokens, self.path)


def beginning() -> Node:
    """Three sessions are here."""
    anchors = {AMBER: FIRST, BROWN: None, CORAL: None}
    starts = [
        Event(v=VERSION, at=TICKS[0], session=name, n=1, payload=SessionStarted(machine="north", anchor=own))
        for name, own in anchors.items()
    ]
    return Node(fold(State(), starts), Judge(), dict.fromkeys(anchors, 1), {}, {}, [])


def walk(node: Node, depth: int, tally: Tally) -> None:
    """Every history that begins like this one, up to so many more events."""
    if depth == 0:
        node.wait(node.judge.now + LONG_AFTER)
        assert not node.state.claims, node.path
        tally.did("histories")
        return
    for letter in LETTERS:
        walk(node.after(letter), depth - 1, tally)


@pytest.mark.attack(13)
@pytest.mark.parametrize("first", LETTERS)
def test_after_every_history_the_rules_hold_and_the_naive_judge_agrees(tally: Tally, first: str) -> None:
    """Rules 1 to 5 and 7 to 9; a shorter history is the beginning of a longer one, and is checked there."""
    walk(beginning().after(first), tally.count - 1, tally)
