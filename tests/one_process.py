"""What one process alone would do that had all claims to itself: the rules of claims once more, small and naive, as the
object that a recorded history is compared with (`tests.linearizability`). Nothing here is taken from `projections`.

Whoever looks from outside does not know at which instant something was done, only between which; so every instant is a
`Span`, as narrow as the answers allow. What ends by itself ends within its span: it may have ended from the beginning
of it, and must have by its end. All instants are microseconds of the clock that the processes were given.

`steps` gives every state that an operation may lead to, given what it answered; none, if no process could answer that.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple, TypeAlias

from tests.linearizability import Answer, Op, Seen, apart, refusal
from tests.property.naive import matched, overlap

SECOND = 1_000_000
ACCEPT = 60 * SECOND  # a waiter takes up its grant within so long, or it lapses
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

    @property
    def ends(self) -> Span:
        return self.accept or self.until

    def shown(self, seen: Seen) -> bool:
        """Whether this may be what an answer shows."""
        same = (self.session, self.resource) == (seen.session, seen.resource) and self.id in ("", seen.id)
        return same and seen.waits == (self.token is None) and self.ends.exactly(seen.until).possible


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


@cache
def covers(a: str, b: str) -> bool:
    if a.startswith("file/") and b.startswith("file/"):
        return a == b or matched(b[5:]) <= matched(a[5:])
    return a == b


def conflict(a: Lease, b: Lease) -> bool:
    return a.session != b.session and "exclusive" in (a.mode, b.mode) and overlap(a.resource, b.resource)


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
    """The state after something ended at an instant: waiters that nothing is in the way of are granted."""
    state = replace(
        state,
        held=tuple(other for other in state.held if other.key != lease.key),
        queue=tuple(other for other in state.queue if other.key != lease.key),
    )
    for wait in state.queue:
        if not in_the_way(state, wait):
            state = replace(state, queue=tuple(other for other in state.queue if other.key != wait.key))
            lease = replace(wait, until=at.plus(wait.ttl), accept=at.plus(ACCEPT))
            more = granted(state, lease, at)
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


# --- the operations ---------------------------------------------------------------------------------------------------


def steps(state: State, number: int, op: Op, asked: bool) -> Iterator[tuple[State, bool]]:
    """Every state that an operation may lead to, and whether it is waiting then; `asked` if it was waiting before.

    A list takes no lock: it shows what is held at one moment, less what has run out when it is shown. And what writes
    nothing does not move the time on, if clocks go back.
    """
    for then, at in moments(state, op):
        same = replace(then, now=at.lo) if state.steady else state
        if asked:
            yield from ((after or same, False) for after in _take(then, number, op, at))
        elif op.what == "claim":
            yield from _claim(then, number, op, at)
        elif op.what == "claims":
            if _shown(then, op.answer):
                yield state, False
        else:
            own = meant(then, op)
            if op.answer is not None and op.answer.said == "refused":
                if not own or void(then, op, own):
                    yield same, False
            elif own and not void(then, op, own):
                yield from ((after, False) for after in _change(then, number, op, own, at))


def _claim(state: State, number: int, op: Op, at: Span) -> Iterator[tuple[State, bool]]:
    answer = op.answer
    said, name = (answer.said, answer.claims[0]) if answer else ("", "")
    ask = Lease((number, 0), op.session, op.resource, op.mode, op.ttl, name, at.plus(op.wait))
    own = next((lease for lease in state.held if own_covers(lease, ask)), None)
    ways = in_the_way(state, ask)
    waits = bool(ways and op.wait and own is None)
    if answer and not waits:
        at = at.exactly(answer.at)
    if not at.possible:
        return
    state = replace(state, now=at.lo + 1)
    if own is not None:
        after = _renewed(state, own, op, at, answer) if said in ("", "renewed") else None
        if after is not None:
            yield after, False
    elif not ways:
        lease = replace(ask, until=at.plus(op.ttl))
        right = not answer or (said == "granted" and not answer.seen and answer.until == at.lo + op.ttl)
        after = granted(state, lease, at, answer.token if answer else 0)
        if right and after is not None:
            yield after, False
    elif answer and not _are(ways, answer.seen):
        return
    elif waits and said in ("", "granted", "timed_out"):
        yield replace(state, queue=(*state.queue, ask)), True
    elif not waits and said in ("", "refused"):
        yield state, False


def own_covers(own: Lease, ask: Lease) -> bool:
    strong = own.mode == "exclusive" or ask.mode == "shared"
    return own.session == ask.session and strong and covers(own.resource, ask.resource)


def _are(leases: list[Lease], seen: tuple[Seen, ...]) -> bool:
    return len(leases) == len(seen) and all(lease.shown(one) for lease, one in zip(leases, seen, strict=True))


def _put(state: State, lease: Lease) -> State:
    return replace(state, held=tuple(lease if other.key == lease.key else other for other in state.held))


def _told(lease: Lease, answer: Answer) -> Lease | None:
    """The claim as an answer tells it, if it can be that."""
    assert lease.token is not None
    until, token = lease.until.exactly(answer.until), lease.token.exactly(answer.token)
    if lease.id not in ("", answer.claims[0]) or not (until.possible and token.possible):
        return None
    return replace(lease, id=answer.claims[0], until=until, token=token)


def _renewed(state: State, lease: Lease, op: Op, at: Span, answer: Answer | None) -> State | None:
    """The state after one claim was renewed: it is never shortened, and its holder has taken it up."""
    until = Span(max(lease.until.lo, at.lo + op.ttl), max(lease.until.hi, at.hi + op.ttl))
    new: Lease | None = replace(lease, until=until, accept=None)
    if new is not None and answer:
        new = _told(new, answer)
    return None if new is None else _put(state, new)


def _take(state: State, number: int, op: Op, at: Span) -> Iterator[State | None]:
    """A waiter takes up its grant, or finds that it has none and waits no more; None if that changes nothing."""
    answer, key = op.answer, (number, 0)
    lease = next((lease for lease in state.held if lease.key == key), None)
    if answer and answer.said == "timed_out":
        if lease is None and all(wait.key != key for wait in state.queue):
            yield None
    elif lease is not None:
        at = at.exactly(answer.at - 1) if answer else at  # it is told the time after that
        taken: Lease | None = replace(lease, accept=None)
        if taken is not None and answer:
            taken = _told(taken, answer)
        if at.possible and taken is not None:
            yield _put(replace(state, now=at.lo + 1), taken)


def _shown(state: State, answer: Answer | None) -> bool:
    """Whether these are the claims that a list shows."""
    left = list(answer.seen) if answer else []
    for lease in state.held:
        assert lease.token is not None
        rows = [row for row in left if lease.shown(row) and row.mode == lease.mode]
        rows = [row for row in rows if row.accepted != bool(lease.accept) and lease.token.exactly(row.token).possible]
        if not rows:
            return answer is None
        left.remove(rows[0])
    return not left


def meant(state: State, op: Op) -> list[Lease]:
    """The claims that an operation is about; for a release also what waits."""
    there = [lease for lease in state.held if lease.resource == op.resource]
    if op.what == "break":
        return (
            [] if all(lease.session == op.session for lease in there) else [x for x in there if x.session != op.session]
        )
    queued = [lease for lease in state.queue if lease.resource == op.resource] if op.what == "release" else []
    own = [lease for lease in (*there, *queued) if lease.session == op.session]
    return [lease for lease in own if not op.token or (lease.token and lease.token.exactly(op.token).possible)]


def void(state: State, op: Op, own: list[Lease]) -> bool:
    """Whether a handover goes to the giver itself, or would give someone what conflicts with another claim."""
    if op.what != "handoff" or op.to == op.session:
        return op.what == "handoff"
    given = [replace(lease, session=op.to) for lease in own]
    return any(conflict(other, new) for new in given for other in state.held if other.key != new.key)


def _change(state: State, number: int, op: Op, own: list[Lease], at: Span) -> Iterator[State]:
    """Each claim that is meant, one after the other, is renewed, given back, handed over or broken."""
    answer, first = op.answer, own[0]
    if answer and op.what == "renew":
        if answer.until > first.until.hi:
            at = at.exactly(answer.until - op.ttl)
        at = Span(at.lo, min(at.hi, answer.until - op.ttl))
    if answer and op.what == "break" and answer.claims != tuple(lease.session for lease in own):
        return
    if answer and op.what in ("release", "handoff") and len(answer.claims) != len(own):
        return
    after: State | None = state
    for i, lease in enumerate(own):
        moment = at.plus(i)
        if not moment.possible or after is None:
            return
        after = replace(after, now=moment.lo + 1)
        if op.what == "renew":
            after = _renewed(after, lease, op, moment, answer if i == 0 else None)
        elif answer and op.what == "release" and lease.id not in ("", answer.claims[i]):
            return
        else:
            new = replace(lease, key=(number, i), session=op.to, id=answer.claims[i] if answer else "", accept=None)
            if op.what == "handoff":
                gone = replace(after, held=tuple(other for other in after.held if other.key != lease.key))
                after = granted(gone, new, moment)
            after = after and without(after, lease, moment)
    if after is not None:
        yield after


def judged(history: Sequence[Op], steady: bool = True) -> str:
    """Why one process could not have given these answers; empty if it could."""
    return "\n".join(filter(None, (refusal(part, State(steady=steady), steps) for part in apart(history))))
