"""What is measured, with its target: the table of the rows, and how what was measured is summed up.

Every value is a ratio to something that was measured in the same round, or an amount, and every target is an upper
bound. P is `python -c pass` and L `python -c 'import click, msgspec'`, of the interpreter that runs the bench.
"""

import statistics
from collections.abc import Iterator
from typing import Literal, TypeAlias

from msgspec import Struct

Size: TypeAlias = Literal["short", "long", ""]
SHORT = 1000  # events of the short history


class Row(Struct, frozen=True):
    """A row of the table: what, on which history, in which unit, and the most that it may be."""

    name: str
    size: Size
    unit: str
    most: float


Samples: TypeAlias = dict[Row, list[float]]
"""What was measured of each row, round by round."""


class Summary(Struct, frozen=True):
    """A row as it came out: the median, the quartiles, and whether the target is met; why it is not there, if so."""

    row: Row
    rounds: int = 0
    low: float = 0
    median: float = 0
    high: float = 0
    missing: str = ""

    @property
    def met(self) -> bool:
        """Whether the target is met."""
        return not self.missing and self.median <= self.row.most


WRITES = ("heartbeat", "send", "release", "renew")
CLAIMS = ("claim, granted", "claim, refused")
READS = ("status", "inbox", "board", "claims")
GUARD = ("guard, allowed", "guard, denied", "guard, denied an edit")
FIRST_WRITE = "guard, a first write"  # which is a claim
QUIET = ("hook, a prompt", "hook, before a shell command", "hook, after a tool")  # with nothing to say or write down
SPEAKING = ("hook, start", "hook, stop")


def _whole() -> Iterator[Row]:
    for size, writes, claims, reads in (("short", 1.3, 1.3, 1.3), ("long", 1.4, 1.4, 1.5)):
        at: Size = "short" if size == "short" else "long"
        yield from (Row(name, at, "L", writes) for name in WRITES)
        yield from (Row(name, at, "L", claims) for name in CLAIMS)
        yield from (Row(name, at, "L", reads) for name in READS)
        yield from (Row(name, at, "P", 2.0) for name in GUARD)
        yield Row(FIRST_WRITE, at, "L", claims)
        yield from (Row(name, at, "P", 2.0) for name in QUIET)
        yield from (Row(name, at, "L", writes) for name in SPEAKING)


APPEND = Row("durable append, one at a time", "", "x bare", 1.3)
BATCH = Row("append in batches of 100", "", "x bare", 2.0)
REPLAY = Row("full replay", "long", "x msgspec alone", 2.0)
MEMORY = Row("peak memory of a full replay", "long", "MB", 150)
CATCH_UP = Row("catching up on 100 new events", "long", "x the short", 3.0)
LATE = Row("a late journal of 1,000 events", "long", "x full replay", 0.15)
WAIT_CLAIM = Row("append to another's claim --wait", "short", "ms", 60)
WAIT_INBOX = Row("append to another's inbox --wait", "short", "ms", 60)
WATCH = Row("append to another's watch", "short", "ms", 60)
TOGETHER = Row("16 at once, 50 sends each", "short", "x 800 L", 1.4)

WHOLE = tuple(_whole())
INSIDE = (APPEND, BATCH, REPLAY, MEMORY, CATCH_UP, LATE)
ROWS = (*WHOLE, *INSIDE, WAIT_CLAIM, WAIT_INBOX, WATCH, TOGETHER)


def summed(samples: Samples, missing: dict[Row, str]) -> list[Summary]:
    """Every row of the table, in its order."""
    return [_summary(row, samples.get(row, []), missing.get(row, "not measured")) for row in ROWS]


def _summary(row: Row, values: list[float], missing: str) -> Summary:
    if not values:
        return Summary(row, missing=missing)
    low, median, high = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    return Summary(row, len(values), low, median, high)
