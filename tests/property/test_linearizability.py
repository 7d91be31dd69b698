"""The linearizability check of attack 12, on histories that are right or wrong by construction (promise 3).

A single process does operations one after the other and records the answers. An outside observer may have seen each
operation start earlier and end later, so that operations overlap; such a history is linearizable, even if some answers
were lost. If no operations overlap, the order and the times determine the answers, and any other answer is wrong.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.support.model.leases import Lease, Span, State, blockers_of, possible_states
from tests.support.model.linearizability import SECOND, Answer, Op, Seen
from tests.support.model.one_process import judged, meant, steps, void
from tests.support.model.reference_model import own_covers

pytestmark = pytest.mark.slow

T = TypeVar("T")
SESSIONS = ("amber-otter", "brown-hare", "coral-swift")
RESOURCES = ("file/a/", "file/a/b", "file/b", "deploy/x")
GAPS = (1, 1000, SECOND, 20 * SECOND, 59 * SECOND, 60 * SECOND)
WAITS = (0, 0, 30 * SECOND, 200 * SECOND)
KINDS = ("claim", "claim", "claim", "renew", "release", "handoff", "break", "claims")
FAR = 100 * SECOND


class SingleProcess:
    """A process that handles all claims alone, and records what it was asked and what it answered."""

    def __init__(self, draw: st.DrawFn, allow_waits: bool) -> None:
        self.draw, self.state, self.now, self.allow_waits = draw, State(), 1_000 * SECOND, allow_waits
        self.ops: list[Op] = []
        self.waiting: dict[int, Answer] = {}

    def choose(self, options: Sequence[T]) -> T:
        return self.draw(st.sampled_from(options))

    def step(self) -> None:
        """Let time pass, then do a new operation, or let a waiter check whether it was granted."""
        self.now += self.choose(GAPS)
        look = self.choose((True, False))
        if look and self.waiting:
            return self.check_waiter(self.choose(sorted(self.waiting)))
        session, to, _ = self.draw(st.permutations(SESSIONS))
        what, wait = self.choose(KINDS), self.choose(WAITS) if self.allow_waits else 0
        at = (self.now * 1000, self.now * 1000, self.now, self.now)
        resource = "" if what == "claims" else self.choose(RESOURCES)
        mode, ttl = self.choose(("exclusive", "exclusive", "shared")), self.choose((60, 120)) * SECOND
        op = Op(session, what, resource, *at, mode=mode, ttl=ttl, wait=wait, to=to)
        number = len(self.ops)
        self.ops.append(op)
        answer = self.answer(op, number)
        if answer.said == "waiting":
            as_told = replace(op, answer=replace(answer, said="timed_out"))  # or granted: the answer comes later
            self.state, _ = next(steps(self.state, number, as_told, False))
            self.waiting[number] = answer
        else:
            self.record_answer(number, answer)
        return None

    def record_answer(self, number: int, answer: Answer, asked: bool = False) -> None:
        """Record an answer given now. Answer and time determine the next state."""
        op = replace(self.ops[number], answered=self.now * 1000, latest=self.now, answer=answer)
        self.state, _ = next(steps(self.state, number, replace(op, earliest=self.now), asked))
        self.ops[number] = op

    def check_waiter(self, number: int) -> None:
        answer = self.waiting[number]
        state = self.state_now(number)
        here = [lease for lease in (*state.held, *state.queue) if lease.key == (number, 0)]
        if not here:
            self.record_answer(number, replace(answer, said="timed_out", at=self.now), asked=True)
        elif here[0].token:
            record_answer = granted(replace(here[0], accept=None), self.now + 1)
            self.record_answer(number, replace(record_answer, claims=answer.claims, seen=answer.seen), asked=True)
        else:
            return
        del self.waiting[number]

    def state_now(self, number: int) -> State:
        return next(possible_states(self.state, replace(self.ops[number], earliest=self.now, latest=self.now)))[0]

    def answer(self, op: Op, number: int) -> Answer:
        state = self.state_now(number)
        if op.what == "claims":
            return Answer("done", seen=tuple(map(shown, state.held)))
        if op.what == "claim":
            return self.answer_to_claim(state, op, number)
        own = meant(state, op)
        if not own or void(state, op, own):
            return Answer("refused")
        if op.what == "renew":
            longer = replace(own[0], until=own[0].until._replace(lo=max(own[0].until.lo, self.now + op.ttl)))
            return replace(granted(replace(longer, accept=None), self.now), said="done", at=0)
        ids = {"release": [lease.id for lease in own], "break": [lease.session for lease in own]}
        made = [f"{op.session}/{number}.{i}" for i in range(len(own))]
        return Answer("done", tuple(ids.get(op.what, made)))

    def answer_to_claim(self, state: State, op: Op, number: int) -> Answer:
        after, _ = next(steps(self.state, number, op, False))
        asks = [lease for lease in (*after.held, *after.queue) if lease.key == (number, 0)]
        name = f"{op.session}/{number}"
        ask = asks[0] if asks else Lease((number, 0), op.session, op.resource, op.mode, op.ttl, name, Span(0, 0))
        ways = tuple(map(shown, blockers_of(state, ask)))
        for own in state.held:
            if own_covers(own, ask):
                (now,) = [lease for lease in after.held if lease.key == own.key]
                return replace(granted(now, self.now), said="renewed")
        if asks and asks[0].token:
            return replace(granted(asks[0], self.now), claims=(name,))
        return Answer("waiting" if asks else "refused", (name,), self.now, seen=ways)


def granted(lease: Lease, at: int) -> Answer:
    assert lease.token is not None
    return Answer("granted", (lease.id,), at, lease.ends.lo, lease.token.lo)


def shown(lease: Lease) -> Seen:
    token = lease.token.lo if lease.token else 0
    waits = lease.token is None
    return Seen(
        lease.id, lease.session, lease.resource, lease.ends.lo, waits, lease.mode, token, not waits and not lease.accept
    )


@st.composite
def histories(draw: st.DrawFn, *, sequential: bool = False) -> list[Op]:
    """Operations and their answers. With `sequential`, no operations overlap and no answer is lost."""
    process = SingleProcess(draw, allow_waits=not sequential)
    for _ in range(draw(st.integers(1, 14))):
        process.step()
    if sequential:
        return process.ops
    spread = st.sampled_from((0, 0, 1, SECOND, FAR))
    seen = []
    for op in process.ops:
        before, after = draw(spread), draw(spread)
        after = FAR if op.answer is None else after
        lost = draw(st.integers(0, 9)) == 0
        wide = replace(op, called=op.called - before * 1000, answered=op.answered + after * 1000)
        wide = replace(wide, earliest=op.earliest - before, latest=op.latest + after)
        seen.append(replace(wide, answer=None if lost else op.answer))
    return draw(st.permutations(seen))


@given(histories())
def test_the_work_of_one_process_is_linearizable(history: list[Op]) -> None:
    assert judged(history) == ""
    assert judged(history, steady=False) == ""


@given(st.data())
def test_any_other_answer_is_not_linearizable(data: st.DataObject) -> None:
    history = data.draw(histories(sequential=True))
    assert judged(history) == ""
    number = data.draw(st.integers(0, len(history) - 1))
    op = history[number]
    assert op.answer is not None
    other = data.draw(st.sampled_from(others(op, op.answer)))
    assert judged([*history[:number], replace(op, answer=other), *history[number + 1 :]]) != "", other


def others(op: Op, answer: Answer) -> list[Answer]:
    """Wrong answers to an operation."""
    if op.what == "claims":
        more = Seen("x/1", "nobody", "deploy/x", op.latest + SECOND, mode="shared", token=1)
        found = [replace(answer, seen=(*answer.seen, more))]
        return found + [replace(answer, seen=answer.seen[:i] + answer.seen[i + 1 :]) for i in range(len(answer.seen))]
    if answer.said == "refused" and op.what == "claim":
        yes = Answer("granted", answer.claims, answer.at, answer.at + op.ttl, answer.at)
        return [yes, replace(yes, said="renewed"), replace(answer, seen=()), replace(answer, seen=answer.seen * 2)]
    if answer.said == "refused":
        return [Answer("done", (f"{op.session}/1",), 0, op.latest + op.ttl, op.latest)]
    found = [replace(answer, said="refused", claims=answer.claims or ("x/1",))]
    if answer.until:
        found += [replace(answer, until=answer.until + more) for more in (-1, 1)]
        found += [replace(answer, token=answer.token - 1)]
    return found


@given(st.data())
def test_a_second_holder_is_always_found(data: st.DataObject) -> None:
    """This holds whenever nothing can have ended the first claim when the second one is granted."""
    history = data.draw(histories())
    process = [
        op for op in history if op.answer and op.answer.said == "granted" and op.mode == "exclusive" and not op.wait
    ]
    assume(process)
    first = data.draw(st.sampled_from(process))
    assert first.answer is not None
    at = first.answer.at + 1
    enders = [op for op in history if op.what in ("release", "handoff", "break") and op.earliest <= at <= op.latest]
    assume(not enders)
    answer = replace(first.answer, claims=("dusky-wren/1",), at=at, until=at + first.ttl, token=at)
    second = replace(first, session="dusky-wren", answer=answer)
    assert judged([*history, second]) != "", first
