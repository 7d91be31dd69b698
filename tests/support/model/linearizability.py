"""Whether a recorded history is linearizable: whether one process that had the object to itself could have given the
same answers, doing each operation at some moment between its call and its answer (Herlihy and Wing 1990,
"Linearizability: a correctness condition for concurrent objects").

The search is that of Wing and Gong (1993, "Testing and verifying concurrent objects"), with the memo of Lowe (2017,
"Testing for linearizability"): of the operations that no other one was finished before, do one, and go on with the
rest; never twice from the same state with the same ones done. Linearizability is local, so resources that do not
overlap are judged apart.

An operation of a process that was killed before it answered was done while it lived, or never. One that waits is two:
it asks, and later it takes what it was given or gives up.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from tests.support.model.patterns import overlap

SECOND = 1_000_000  # of the clock that the operations were given, which counts in microseconds


class Timed(Hashable, Protocol):
    """A state of the object: nothing happens before `now` any more."""

    @property
    def now(self) -> int: ...


S = TypeVar("S", bound=Timed)


@dataclass(frozen=True)
class Seen:
    """A claim or a waiting request as an answer shows it."""

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
    """What an operation was told: `granted`, `renewed`, `refused`, `timed_out` or `done`, and what it was shown."""

    said: str
    claims: tuple[str, ...] = ()
    at: int = 0
    until: int = 0
    token: int = 0
    seen: tuple[Seen, ...] = ()


@dataclass(frozen=True)
class Op:
    """An operation: from when until when it ran, by a clock that nobody sets (in ns), and between which instants of the
    clock that it was given. Without an answer it was killed, at `answered`, and may have been done or not.
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
        """When it was done, at the latest."""
        return min(self.latest, self.answer.at or self.latest) if self.answer else self.latest


def apart(history: Sequence[Op]) -> list[list[Op]]:
    """The history of each set of resources that overlap. A list of all claims is cut into lists of each set's."""
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
"""From a state, and an operation by its number, which may have been left waiting before: the states that it may lead
to, and whether it is left waiting.
"""


def refusal(history: Sequence[Op], start: S, steps: Steps[S]) -> str:
    """Why no process alone could have given these answers: how far one comes at most. Empty if it could."""
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
    return f"{(best & needed).bit_count()} of {len(answered)} answers can be had, then none of\n{stuck}"


def _next(history: Sequence[Op], answered: list[int], done: int, waiting: int) -> list[int]:
    """The operations that may be done next: called before any other that is left had answered, and not over before any
    that was done was called.
    """
    first = min((history[i].answered for i in answered if not done >> i & 1), default=0)
    last = max((op.called for i, op in enumerate(history) if (done | waiting) >> i & 1), default=0)
    ready = [i for i, op in enumerate(history) if not done >> i & 1 and op.called <= first and op.answered >= last]
    return sorted(ready, key=lambda i: (history[i].answer is None, history[i].answered))
