"""Claims and the queue as one process sees them that has them to itself; what it does with them is in
`tests.support.model.one_process`. What conflicts is in the reference model; nothing here is taken from `projections`.

Whoever looks from outside does not know at which instant something was done, only between which; so every instant is a
`Span`, as narrow as the answers allow. What ends by itself ends within its span: it may have ended from the beginning
of it, and must have by its end. All instants are microseconds of the clock that the processes were given.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from typing import NamedTuple, TypeAlias

from tests.support.model.linearizability import Op, Seen
from tests.support.model.reference_model import ACCEPT, conflict

SECOND = 1_000_000
AT_ONCE = 32  # grants of one instant, at most: their tokens are apart


class Span(NamedTuple):
    """An instant that lies between these two, or is one of them."""

    lo: int
    hi: int

    def plus(self, more: int) -> "Span":
        return Span(self.lo + more, self.hi + more)

    def exactly(self, moment: int) -> "Span":
        """The same instant, now that it is known; a span with nothing in it if it cannot be that one."""
        return Span(max(self.lo, moment), min(self.hi, moment))

    @property
    def possible(self) -> bool:
        return self.lo <= self.hi


Key: TypeAlias = tuple[int, int]  # the operation that asked, and which of its claims


@dataclass(frozen=True)
class Lease:
    """A claim, or a request that waits for one: then it has no token, and `until` is the limit of waiting."""

    key: Key
    session: str
    resource: str
    mode: str
    ttl: int
    id: str  # empty as long as nobody was told
    until: Span
    token: Span | None = None
    accept: Span | None = None  # until when a waiter must take up its grant
    agent: str = ""  # the processes of these histories have no subagents, worktrees, hooks or imports
    worktree: str = ""
    automatic: bool = False
    imported: bool = False

    @property
    def ends(self) -> Span:
        return self.accept or self.until

    def shown(self, seen: Seen) -> bool:
        """Whether this may be what an answer shows."""
        same = (self.session, self.resource) == (seen.session, seen.resource) and self.id in ("", seen.id)
        return same and seen.waits == (self.token is None) and self.ends.exactly(seen.until).possible


class Mortal(NamedTuple):
    """A session whose process ended: between when and when, by the clock that nobody sets."""

    session: str
    earliest: int
    latest: int


@dataclass(frozen=True)
class State:
    """The claims and the queue; the next thing happens no earlier than `now`, the next token is above `token`. With one
    clock that never goes back (`steady`), what has ended for one has ended for all.
    """

    held: tuple[Lease, ...] = ()
    queue: tuple[Lease, ...] = ()
    now: int = 0
    token: int = 0
    steady: bool = True
    mortal: tuple[Mortal, ...] = ()  # those whose death nobody has recorded yet
    buried: tuple[str, ...] = ()  # those whose death somebody has


def in_the_way(state: State, lease: Lease) -> list[Lease]:
    """The claims, and the earlier waiting requests, that a request conflicts with."""
    earlier = [other for other in state.queue if other.key != lease.key]
    if lease in state.queue:
        earlier = earlier[: state.queue.index(lease)]
    return [other for other in (*state.held, *earlier) if conflict(other, lease)]


def granted(state: State, lease: Lease, at: Span, token: int = 0) -> State | None:
    """The state with one claim more. Its token is larger than all before, and its instant if that allows."""
    lowest = max(at.lo, state.token + 1)
    span = Span(lowest, max(at.hi, lowest) + AT_ONCE)
    held = state.held
    if token:
        span = span.exactly(token)
        held = tuple(_older(other, token) for other in held)
        if not span.possible or not all(other.token and other.token.possible for other in held):
            return None
    return replace(state, held=(*held, replace(lease, token=span)), token=span.lo)


def _older(lease: Lease, token: int) -> Lease:
    assert lease.token is not None
    return replace(lease, token=Span(lease.token.lo, min(lease.token.hi, token - 1)))


def without(state: State, lease: Lease, at: Span) -> State:
    """The state after something ended at an instant."""
    state = replace(
        state,
        held=tuple(other for other in state.held if other.key != lease.key),
        queue=tuple(other for other in state.queue if other.key != lease.key),
    )
    return settled(state, at)


def settled(state: State, at: Span) -> State:
    """The state after all waiters that nothing is in the way of were granted."""
    for wait in state.queue:
        if not in_the_way(state, wait):
            state = replace(state, queue=tuple(other for other in state.queue if other.key != wait.key))
            more = granted(state, replace(wait, until=at.plus(wait.ttl), accept=at.plus(ACCEPT)), at)
            assert more is not None
            state = more
    return state


def moments(state: State, op: Op) -> Iterator[tuple[State, Span]]:
    """Time passes until an operation is done: what may have ended by then, and between which instants it is done."""
    found = [state]
    for then in found:  # grows while it is walked
        everything = (*then.held, *then.queue)
        span = Span(max(then.now, op.earliest), min([op.latest, *(lease.ends.hi - 1 for lease in everything)]))
        if span.possible:
            yield then, span
        for lease in everything:
            end = Span(max(lease.ends.lo, then.now), min(lease.ends.hi, op.latest))
            if end.possible and (after := without(replace(then, now=end.lo), lease, end)) not in found:
                found.append(after)


def burials(state: State, op: Op, at: Span) -> Iterator[tuple[State, Span]]:
    """Who does something first finds who is dead, and records it, which ends all that they had: whom it may find, and
    when it goes on. Whoever was dead before it was called is found.
    """
    others = [one for one in state.mortal if one.session != op.session and one.earliest <= op.answered]
    certain = {one for one in others if one.latest < op.called}
    for many in range(len(others) + 1):
        for found in combinations(others, many):
            first = Span(at.lo, at.hi - many)
            if certain <= set(found) and first.possible:
                after = state
                for i, one in enumerate(found):
                    after = _buried(after, one, first.plus(i))
                yield after, first.plus(many)


def _buried(state: State, one: Mortal, at: Span) -> State:
    had = [lease for lease in (*state.held, *state.queue) if lease.session == one.session]
    state = replace(
        state,
        mortal=tuple(other for other in state.mortal if other != one),
        buried=(*state.buried, one.session),
        held=tuple(lease for lease in state.held if lease not in had),
        queue=tuple(lease for lease in state.queue if lease not in had),
        now=at.lo + 1,
    )
    return settled(state, at)
