"""The attacks of docs/explanation/reliability.md: what each does, and how often.

A test of an attack is marked with the attack's number and takes its count from here: a Hypothesis test with `@law(11)`,
any other with `@pytest.mark.attack(11)` and the fixture `tally`. The fixture prints progress, and a summary at the end.
`COORD_TEST_LONG=1` selects the long counts, and `COORD_TEST_SEED=1000` makes the seeds start at 1000 instead of 0.
"""

import os
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import settings

LONG = os.environ.get("COORD_TEST_LONG", "") not in ("", "0")
FIRST_SEED = int(os.environ.get("COORD_TEST_SEED", "0"))
_PAUSE_S = 5.0  # between two reports of progress


@dataclass(frozen=True)
class Attack:
    """One row: the promises that the attack tests, what it does, and how many times, counted in `unit`."""

    promises: tuple[int, ...]
    what: str
    unit: str
    usual: int
    long: int

    @property
    def count(self) -> int:
        """The count in this run."""
        return self.long if LONG else self.usual


ATTACKS = {
    1: Attack(
        (1, 2, 6), "a journal of 50 events is cut at every byte, opened again, appended to, read", "journals", 1, 5
    ),
    2: Attack((2, 6), "every byte of a journal is changed", "changes of each byte", 1, 8),
    3: Attack((1, 2, 6), "NULs or stale sectors after the last line, at 512-byte boundaries", "tails", 200, 2_000),
    4: Attack(
        (1, 2), "SIGKILL around every system call that touches the folder, in every writing command", "rounds", 1, 5
    ),
    5: Attack((1, 2, 6), "ENOSPC, EIO, EINTR and short writes at every such call", "rounds", 1, 5),
    6: Attack((1, 2), "a file system that is really full, then has room again", "times", 20, 200),
    7: Attack(
        (1, 2, 3), "8 processes append 1,000 events each, are killed at random and started again", "rounds", 5, 200
    ),
    8: Attack((3, 5), "clocks that are wrong, stand still, or step during a command", "seeds", 40, 1_000),
    9: Attack((3, 5), "SIGSTOP until after the expiry, then continue and write", "times", 20, 200),
    10: Attack(
        (3, 4), "random commands of random sessions against a model that replays everything", "examples", 500, 50_000
    ),
    11: Attack(
        (4,), "journals merged in any order, grouping and number of pieces, late ones too", "examples", 1_000, 100_000
    ),
    12: Attack((3,), "histories recorded from real processes are linearizable", "histories", 200, 5_000),
    13: Attack((3, 4), "every history over a fixed alphabet of 12 events", "events at most", 5, 6),
    14: Attack(
        (1, 4), "two machines, offline, clocks apart, exchanging journals; folders cloned", "seeds", 300, 20_000
    ),
    15: Attack((5,), "pids used again, zombies, containers, reboots, anchors that vanish", "cases", 200, 5_000),
    16: Attack((2, 7), "fuzzing of the codec, the import, the folder and every text argument", "seconds", 120, 3_600),
    17: Attack((1, 2), "journals of earlier versions, never regenerated, can still be read", "rounds", 1, 1),
    18: Attack((1, 6), "git takes files away under live sessions", "cases", 16, 16),
    19: Attack((1, 2, 3, 4, 5, 6, 7), "deliberate errors in the code, one at a time", "mutants at least", 60, 60),
    20: Attack(
        (3, 4, 6),
        "the checkpoint and older ones, with journals that arrive late, rewound or damaged, against a full replay",
        "examples",
        1_000,
        50_000,
    ),
    21: Attack(
        (1, 3),
        "processes with the same conversation that write, are killed, resumed and cleared",
        "schedules",
        20,
        1_000,
    ),
    22: Attack(
        (1, 3),
        "3 machines with 4 processes each agree over git, while links are killed and networks are cut",
        "histories",
        2,
        20,
    ),
    23: Attack(
        (1, 3),
        "the same over a cluster of 3 NATS servers, whose leader is killed or stopped, or cut off",
        "histories",
        3,
        100,
    ),
    24: Attack((3,), "claims raced from 2 machines, over git and NATS", "claims", 40, 400),
    25: Attack(
        (1, 3, 4), "machines work an hour without their remote, and come together; one boots again", "hours", 2, 200
    ),
    26: Attack((3, 5), "one machine's clock is wrong by 10 minutes or a day, either way", "rounds", 1, 1),
    27: Attack(
        (1, 3, 4),
        "2 simulated machines work for an hour without their remote, then together again",
        "seeds",
        10,
        1_000,
    ),
}


def law(number: int) -> Callable[[Callable[..., Any]], Any]:
    """Mark a Hypothesis test as part of an attack, and give it the number of examples of that attack."""

    def mark(test: Callable[..., Any]) -> Any:
        examples = ATTACKS[number].count
        return pytest.mark.attack(number, examples)(settings(max_examples=examples)(test))

    return mark


class Tally:
    """The count of an attack, and what a test of it has done so far."""

    def __init__(self, number: int, say: Callable[[str], None]) -> None:
        self.number, self.count, self.done = number, ATTACKS[number].count, dict[str, int]()
        self._say, self._next = say, time.monotonic() + _PAUSE_S

    @property
    def seeds(self) -> range:
        """The seeds of this run."""
        return range(FIRST_SEED, FIRST_SEED + self.count)

    def chance(self, seed: object) -> random.Random:
        """A random generator that depends only on the attack and the seed."""
        return random.Random(f"{self.number}/{seed}")

    def did(self, unit: str, many: int = 1) -> None:
        """Add to the number of things done, and report progress every few seconds."""
        self.done[unit] = self.done.get(unit, 0) + many
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _PAUSE_S
            self._say(f"attack {self.number}: {self.done[unit]:,} {unit}")

    @property
    def told(self) -> list[tuple[str, object]]:
        """What was done, as properties of a pytest report."""
        return [("attack", [self.number, unit, many]) for unit, many in self.done.items()]


class Tallies:
    """A pytest plugin that adds up what all tests of a run have done."""

    def __init__(self) -> None:
        self.done: dict[tuple[int, str], int] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add what one test has done."""
        for name, told in report.user_properties if report.when == "teardown" else ():
            if name == "attack" and isinstance(told, list):
                number, unit, many = told
                self.done[number, unit] = self.done.get((number, unit), 0) + many

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print how much was done of each attack."""
        if self.done:
            length = "long" if LONG else "usual"
            terminalreporter.write_line(f"attacks, {length} counts, seeds from {FIRST_SEED}:")
        for number in sorted({number for number, _ in self.done}):
            units = [f"{many:,} {unit}" for (of, unit), many in self.done.items() if of == number]
            terminalreporter.write_line(f"  {number:2} {ATTACKS[number].what}: {', '.join(units)}")


def examples_of(item: pytest.Item) -> list[tuple[str, list[object]]]:
    """The number of examples of a Hypothesis test of an attack, in the form of `Tally.told`."""
    found: Iterator[pytest.Mark] = item.iter_markers("attack")
    return [("attack", [mark.args[0], "examples", mark.args[1]]) for mark in found if len(mark.args) > 1]
