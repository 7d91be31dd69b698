"""Decide whether a recorded history is linearizable: whether a single process could have given the same answers, doing
each operation at some time between its call and its answer (Herlihy and Wing 1990, "Linearizability: a correctness
condition for concurrent objects").

The search is that of Wing and Gong (1993, "Testing and verifying concurrent objects"), with the memo of Lowe (2017,
"Testing for linearizability"): choose one of the operations that may come next, do it, and continue with the rest;
never continue twice from the same state with the same operations done. Linearizability is local, so resources that do
not overlap are checked separately.

An operation of a process that was killed before it answered was done before the kill, or never. A waiting claim is two
operations: it asks, and later it accepts its grant or gives up.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from tests.support.model.patterns import overlap

SECOND = 1_000_000  # in microseconds, the unit of the clock of the operations


class Timed(Hashable, Protocol):
    """A state of the object; the next operation is no earlier than `now`."""

    @property
    def now(self) -> int: ...


S = TypeVar("S", bound=Timed)


@dataclass(frozen=True)
class Seen:
    """A claim or a waiting request in an answer."""

    id: str
    session: str
    resource: str
    until: int
    waits: bool = False
    mode: str = ""
    token: int = 0
    accepted: bool = True


@dataclass(frozen=True)
class Answer:
    """An answer: `granted`, `renewed`, `refused`, `timed_out` or `done`, and the claims it showed."""

    said: str
    claims: tuple[str, ...] = ()
    at: int = 0
    until: int = 0
    token: int = 0
    seen: tuple[Seen, ...] = ()


@dataclass(frozen=True)
class Op:
    """An operation: when it was called and answered, in nanoseconds of the monotonic clock, and the earliest and latest
    time of the clock that it was given. Without an answer it was killed, at `answered`, and may have been done or not.
    """

    session: str
    what: str  # claim, renew, release, handoff, break, claims
    resource: str
    called: int
    answered: int
    earliest: int
    latest: int
    answer: Answer | None = None
    mode: str = "exclusive"
    ttl: int = 60 * SECOND
    wait: int = 0
    to: str = ""
    token: int = 0

    @property
    def by(self) -> int:
        """The latest time at which it was done."""
        return min(self.latest, self.answer.at or self.latest) if self.answer else self.latest


def apart(history: Sequence[Op]) -> list[list[Op]]:
    """A history for each set of overlapping resources. Lists of all claims are divided among them."""
    sets: list[set[str]] = []
    shown = {row.resource for op in history if op.answer for row in op.answer.seen}
    for name in {op.resource for op in history if op.resource} | shown:
        near = [one for one in sets if any(overlap(name, other) for other in one)]
        sets = [one for one in sets if one not in near] + [{name}.union(*near)]
    return [[_cut(op, one) for op in history if op.resource in one or not op.resource] for one in sets]


def _cut(op: Op, resources: set[str]) -> Op:
    if op.resource or op.answer is None:
        return op
    seen = tuple(row for row in op.answer.seen if row.resource in resources)
    return replace(op, answer=replace(op.answer, seen=seen))


Steps = Callable[[S, int, Op, bool], Iterator[tuple[S, bool]]]
"""A function of a state, the number of an operation, the operation, and whether it is waiting. It yields each state
that may follow, and whether the operation is waiting then.
"""


def refusal(history: Sequence[Op], start: S, steps: Steps[S]) -> str:
    """Why no single process could have given these answers, with the longest part it could give; empty if it could."""
    everyone = range(len(history))
    answered = [i for i in everyone if history[i].answer is not None]
    needed = sum(1 << i for i in answered)
    stack = [(0, 0, start)]  # which are done, which were left waiting, and the state
    known, best = {stack[0]}, 0
    while stack:
        done, waiting, state = stack.pop()
        if done & needed == needed:
            return ""
        if (done & needed).bit_count() >= (best & needed).bit_count():
            best = done
        if any(history[i].by < state.now for i in answered if not done >> i & 1):
            continue
        ways = []
        for i in _next(history, answered, done, waiting):
            for after, left in steps(state, i, history[i], bool(waiting >> i & 1)):
                way = (done, waiting | 1 << i, after) if left else (done | 1 << i, waiting & ~(1 << i), after)
                if way not in known:
                    known.add(way)
                    ways.append(way)
        stack += reversed(ways)
    rest = [history[i] for i in answered if not best >> i & 1]
    stuck = "\n".join(f"  {op}" for op in sorted(rest, key=lambda op: op.called)[:8])
    return f"{(best & needed).bit_count()} of {len(answered)} answers are possible, then none of\n{stuck}"


def _next(history: Sequence[Op], answered: list[int], done: int, waiting: int) -> list[int]:
    """The operations that may be done next: those called before any remaining one was answered, and answered after
    every one already done was called.
    """
    first = min((history[i].answered for i in answered if not done >> i & 1), default=0)
    last = max((op.called for i, op in enumerate(history) if (done | waiting) >> i & 1), default=0)
    ready = [i for i, op in enumerate(history) if not done >> i & 1 and op.called <= first and op.answered >= last]
    return sorted(ready, key=lambda i: (history[i].answer is None, history[i].answered))
