"""The rules of claims for a single process that handles all claims alone: the object that recorded histories are
compared with (`tests.support.model.linearizability`).

`steps` gives every state that an operation with a given answer may lead to; none if the answer is impossible.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from tests.support.model.leases import (
    Lease,
    Mortal,
    Span,
    State,
    after_deaths,
    blockers_of,
    granted,
    possible_states,
    without,
)
from tests.support.model.linearizability import Answer, Op, Seen, apart, refusal
from tests.support.model.reference_model import conflict, own_covers


def steps(state: State, number: int, op: Op, asked: bool) -> Iterator[tuple[State, bool]]:
    """Every state that an operation may lead to, and whether it is waiting then. `asked` says that it was waiting
    before.

    Listing claims takes no lock: it shows the claims at one time, without those that have expired when it prints. If
    clocks may go back, an operation that writes nothing does not advance the time.
    """
    if op.session in state.dead:
        return
    if op.what == "claims":
        seen = [state, *(state.halfway if op.called < state.half_until else ())]
        if any(_shown(early, op.answer) for one in seen for early, _ in possible_states(one, op)):
            yield state, False
        return
    state = replace(state, halfway=(), half_until=0)
    for early, from_ in possible_states(state, op):
        for then, at in after_deaths(early, op, from_):
            recorded = then is not early
            same = replace(then, now=at.lo) if state.steady or recorded else state
            if recorded and (asked or op.answer is None):  # it records a death, and then waits on or is killed
                yield then, asked
            if asked:
                yield from ((after or same, False) for after in _take(then, number, op, at))
            elif op.what == "claim":
                yield from _claim(then, number, op, at)
            else:
                yield from ((after or same, False) for after in _own(then, number, op, at))


def _own(state: State, number: int, op: Op, at: Span) -> Iterator[State | None]:
    """The states after an operation on existing claims; None if it is refused."""
    own = meant(state, op)
    refused = not own or void(state, op, own)
    if op.answer is not None and (op.answer.said == "refused") != refused:
        return
    if not refused:
        yield from _change(state, number, op, own, at)
    else:
        yield None


def _claim(state: State, number: int, op: Op, at: Span) -> Iterator[tuple[State, bool]]:
    answer = op.answer
    said, name = (answer.said, answer.claims[0]) if answer else ("", "")
    ask = Lease((number, 0), op.session, op.resource, op.mode, op.ttl, name, at.plus(op.wait))
    own = next((lease for lease in state.held if own_covers(lease, ask)), None)
    ways = blockers_of(state, ask)
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


def _are(leases: list[Lease], seen: tuple[Seen, ...]) -> bool:
    return len(leases) == len(seen) and all(lease.shown(one) for lease, one in zip(leases, seen, strict=True))


def _put(state: State, lease: Lease) -> State:
    return replace(state, held=tuple(lease if other.key == lease.key else other for other in state.held))


def _told(lease: Lease, answer: Answer) -> Lease | None:
    """The claim with the values of an answer, or None if they are impossible."""
    assert lease.token is not None
    until, token = lease.until.exactly(answer.until), lease.token.exactly(answer.token)
    if lease.id not in ("", answer.claims[0]) or not (until.possible and token.possible):
        return None
    return replace(lease, id=answer.claims[0], until=until, token=token)


def _renewed(state: State, lease: Lease, op: Op, at: Span, answer: Answer | None) -> State | None:
    """The state after a claim was renewed, which accepts it. Every command gives a time, and so may shorten its own
    resource's claim, but not a claim that covers more.
    """
    until = Span(at.lo + op.ttl, at.hi + op.ttl)
    if lease.resource != op.resource:
        until = Span(max(lease.until.lo, until.lo), max(lease.until.hi, until.hi))
    new: Lease | None = replace(lease, until=until, accept=None)
    if new is not None and answer:
        new = _told(new, answer)
    return None if new is None else _put(state, new)


def _take(state: State, number: int, op: Op, at: Span) -> Iterator[State | None]:
    """The states after a waiter accepted its grant, or gave up without one; None if nothing changes."""
    answer, key = op.answer, (number, 0)
    lease = next((lease for lease in state.held if lease.key == key), None)
    at = at.exactly(answer.at - (answer.said == "granted")) if answer and answer.at else at  # of the time after it
    if not at.possible:
        return
    if answer and answer.said == "timed_out":
        if lease is None and all(wait.key != key for wait in state.queue):
            yield None
    elif lease is not None:
        taken: Lease | None = replace(lease, accept=None)
        if taken is not None and answer:
            taken = _told(taken, answer)
        if taken is not None:
            yield _put(replace(state, now=at.lo + 1), taken)


def _shown(state: State, answer: Answer | None) -> bool:
    """Whether a list shows exactly the claims of a state."""
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
    """The claims that an operation is about; for a release also waiting requests."""
    there = [lease for lease in state.held if lease.resource == op.resource]
    if op.what == "break":
        return (
            [] if all(lease.session == op.session for lease in there) else [x for x in there if x.session != op.session]
        )
    queued = [lease for lease in state.queue if lease.resource == op.resource] if op.what == "release" else []
    own = [lease for lease in (*there, *queued) if lease.session == op.session]
    return [lease for lease in own if not op.token or (lease.token and lease.token.exactly(op.token).possible)]


def void(state: State, op: Op, own: list[Lease]) -> bool:
    """Whether a handover is void: to the holder itself, to a dead session, or in conflict with another claim."""
    if op.what != "handoff":
        return False
    if op.to == op.session or op.to in state.dead:
        return True
    given = [replace(lease, session=op.to) for lease in own]
    return any(conflict(other, new) for new in given for other in state.held if other.key != new.key)


def _change(state: State, number: int, op: Op, own: list[Lease], at: Span) -> Iterator[State]:
    """The states while each claim in turn is renewed, released, handed over or broken."""
    answer = op.answer
    if answer and op.what == "renew":
        at = at.exactly(answer.until - op.ttl)
    if answer and op.what == "break" and answer.claims != tuple(lease.session for lease in own):
        return
    if answer and op.what in ("release", "handoff") and len(answer.claims) != len(own):
        return
    after: State | None = state
    parts: list[State] = []
    for i, lease in enumerate(own):
        point = at.plus(i)
        if not point.possible or after is None:
            return
        after = replace(after, now=point.lo + 1)
        if op.what == "renew":
            after = _renewed(after, lease, op, point, answer if i == 0 else None)
        elif answer and op.what == "release" and lease.id not in ("", answer.claims[i]):
            return
        else:
            new = replace(lease, key=(number, i), session=op.to, id=answer.claims[i] if answer else "", accept=None)
            if op.what == "handoff":
                gone = replace(after, held=tuple(other for other in after.held if other.key != lease.key))
                after = granted(gone, new, point)
            after = after and without(after, lease, point)
        if after is not None and (answer is None or lease is own[-1]):  # a killed process may have done a part
            yield replace(after, halfway=tuple(parts), half_until=op.answered if parts else 0)
        parts += [after] if after else []


def judged(history: Sequence[Op], steady: bool = True, mortal: tuple[Mortal, ...] = ()) -> str:
    """Why a single process could not have given these answers; empty if it could."""
    start = State(steady=steady, mortal=mortal)
    parts = [history] if mortal else apart(history)  # a death ends claims on all resources
    return "\n".join(filter(None, (refusal(part, start, steps) for part in parts)))
