"""The claims and the queue of the single process that recorded histories are compared with; its operations are in
`tests.support.model.one_process`. Conflicts are those of the reference model. Nothing here imports `projections`.

An outside observer does not know the exact time of an operation, only an interval. So every time is a `Span`, which is
as narrow as the answers allow. A lease may have ended from the beginning of its span, and must have ended by its end.
All times are microseconds of the clock that the processes were given.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from typing import NamedTuple, TypeAlias

from tests.support.model.linearizability import Op, Seen
from tests.support.model.reference_model import ACCEPT, conflict

SECOND = 1_000_000
AT_ONCE = 32  # how far tokens of grants at one time can be ahead of that time


class Span(NamedTuple):
    """A time that is between `lo` and `hi`, both included."""

    lo: int
    hi: int

    def plus(self, more: int) -> "Span":
        return Span(self.lo + more, self.hi + more)

    def exactly(self, at: int) -> "Span":
        """The span with only this time; an impossible span if the time is outside."""
        return Span(max(self.lo, at), min(self.hi, at))

    @property
    def possible(self) -> bool:
        return self.lo <= self.hi


Key: TypeAlias = tuple[int, int]  # the number of the operation, and which of its claims


@dataclass(frozen=True)
class Lease:
    """A claim, or a request that waits for one: then it has no token, and `until` is the limit of waiting."""

    key: Key
    session: str
    resource: str
    mode: str
    ttl: int
    id: str  # empty until an answer gives it
    until: Span
    token: Span | None = None
    accept: Span | None = None  # until when a waiter must accept its grant
    agent: str = ""  # the processes of these histories have no subagents, worktrees, hooks or imports
    worktree: str = ""
    automatic: bool = False
    imported: bool = False

    @property
    def ends(self) -> Span:
        return self.accept or self.until

    def shown(self, seen: Seen) -> bool:
        """Whether an answer may show this lease as `seen`."""
        same = (self.session, self.resource) == (seen.session, seen.resource) and self.id in ("", seen.id)
        return same and seen.waits == (self.token is None) and self.ends.exactly(seen.until).possible


class Mortal(NamedTuple):
    """A session whose process ended between two times of the monotonic clock."""

    session: str
    earliest: int
    latest: int


@dataclass(frozen=True)
class State:
    """The claims and the queue. The next operation is no earlier than `now`, and the next token is larger than `token`.

    If all processes have one clock that never goes back (`steady`), a lease that ended for one has ended for all.

    A command can append several events, such as the renewals of two claims. A list takes no lock, so until that command
    has answered, at `half_until`, a list may show one of the states in between (`halfway`).
    """

    held: tuple[Lease, ...] = ()
    queue: tuple[Lease, ...] = ()
    now: int = 0
    token: int = 0
    steady: bool = True
    mortal: tuple[Mortal, ...] = ()  # the sessions whose death is not yet recorded
    dead: tuple[str, ...] = ()  # the sessions whose death is recorded
    halfway: tuple["State", ...] = ()
    half_until: int = 0  # nanoseconds of the monotonic clock


def blockers_of(state: State, lease: Lease) -> list[Lease]:
    """The claims, and the earlier waiting requests, that a request conflicts with."""
    earlier = [other for other in state.queue if other.key != lease.key]
    if lease in state.queue:
        earlier = earlier[: state.queue.index(lease)]
    return [other for other in (*state.held, *earlier) if conflict(other, lease)]


def granted(state: State, lease: Lease, at: Span, token: int = 0) -> State | None:
    """The state with one more claim, or None if its token is impossible. The token is the time, or larger."""
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
    """The state after a lease ended."""
    state = replace(
        state,
        held=tuple(other for other in state.held if other.key != lease.key),
        queue=tuple(other for other in state.queue if other.key != lease.key),
    )
    return settled(state, at)


def settled(state: State, at: Span) -> State:
    """The state after every waiting request that is not blocked was granted."""
    for wait in state.queue:
        if not blockers_of(state, wait):
            state = replace(state, queue=tuple(other for other in state.queue if other.key != wait.key))
            more = granted(state, replace(wait, until=at.plus(wait.ttl), accept=at.plus(ACCEPT)), at)
            assert more is not None
            state = more
    return state


def possible_states(state: State, op: Op) -> Iterator[tuple[State, Span]]:
    """Every state that may exist when an operation is done, and the span in which it is done then."""
    found = [state]
    for then in found:  # the loop appends to the list
        everything = (*then.held, *then.queue)
        span = Span(max(then.now, op.earliest), min([op.latest, *(lease.ends.hi - 1 for lease in everything)]))
        if span.possible:
            yield then, span
        for lease in everything:
            end = Span(max(lease.ends.lo, then.now), min(lease.ends.hi, op.latest))
            if end.possible and (after := without(replace(then, now=end.lo), lease, end)) not in found:
                found.append(after)


def after_deaths(state: State, op: Op, at: Span) -> Iterator[tuple[State, Span]]:
    """An operation first records the deaths that it finds, which ends the claims of the dead. Yields every state that
    may follow, and the span in which the operation continues. Sessions that died before the call must be found.
    """
    others = [one for one in state.mortal if one.session != op.session and one.earliest <= op.answered]
    certain = {one for one in others if one.latest < op.called}
    for many in range(len(others) + 1):
        for found in combinations(others, many):
            first = Span(at.lo, at.hi - many)
            if certain <= set(found) and first.possible:
                after = state
                for i, one in enumerate(found):
                    after = _after_death(after, one, first.plus(i))
                yield after, first.plus(many)


def _after_death(state: State, one: Mortal, at: Span) -> State:
    had = [lease for lease in (*state.held, *state.queue) if lease.session == one.session]
    state = replace(
        state,
        mortal=tuple(other for other in state.mortal if other != one),
        dead=(*state.dead, one.session),
        held=tuple(lease for lease in state.held if lease not in had),
        queue=tuple(lease for lease in state.queue if lease not in had),
        now=at.lo + 1,
    )
    return settled(state, at)
