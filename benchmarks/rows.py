"""The rows of the table, with their targets, and the summary of the samples of a row.

Most values are ratios to something measured in the same round; the others are amounts. Every target is an upper bound.
P is the time of `python -c pass`, and L that of `python -c 'import click, msgspec'`, with the interpreter that runs the
benchmark. `x short` is a multiple of the same command's time in the folder `short`.
"""

import statistics
from collections.abc import Iterator
from typing import Literal, TypeAlias

from msgspec import Struct

Size: TypeAlias = Literal["short", "long", "ended", "crowd", ""]
"""The folder of a row; see `benchmarks.series.places`. In `ended`, sessions end after a few events. In `crowd` they do,
too, and there are many live sessions and claims."""
SHORT = 1000  # events of the short history


class Row(Struct, frozen=True):
    """A row of the table: what is measured, on which history, in which unit, and the target."""

    name: str
    size: Size
    unit: str
    most: float


Samples: TypeAlias = dict[Row, list[float]]
"""The measured values of each row, by round."""


class Summary(Struct, frozen=True):
    """The result of a row: median and quartiles, or in `missing` the reason why it has none."""

    row: Row
    rounds: int = 0
    low: float = 0
    median: float = 0
    high: float = 0
    missing: str = ""

    @property
    def met(self) -> bool:
        """Whether the row was measured and meets its target."""
        return not self.missing and self.median <= self.row.most


WRITES = ("heartbeat", "send", "release", "renew")
CLAIMS = ("claim, granted", "claim, refused")
READS = ("status", "inbox", "board", "claims")
GUARD = ("guard, allowed", "guard, denied", "guard, denied an edit")
FIRST_WRITE = "guard, a first write"  # it makes a claim
SILENT_HOOKS = ("hook, a prompt", "hook, before a shell command", "hook, after a tool")  # neither answer nor event
SPEAKING_HOOKS = ("hook, start", "hook, stop")
GROWTH = ("heartbeat", "send", CLAIMS[0], "status")  # must cost the same, however much there is
ASKED = ("why, a file", "why, a session", "inbox, a message", "log, a resource")  # of at most 200 events
PAST = ("status --at", "diff", "report")  # of the last hours


def _whole_process_rows() -> Iterator[Row]:
    for size, writes, claims, reads in (("short", 1.3, 1.3, 1.3), ("long", 1.4, 1.4, 1.5)):
        at: Size = "short" if size == "short" else "long"
        yield from (Row(name, at, "L", writes) for name in WRITES)
        yield from (Row(name, at, "L", claims) for name in CLAIMS)
        yield from (Row(name, at, "L", reads) for name in READS)
        yield from (Row(name, at, "P", 2.0) for name in GUARD)
        yield Row(FIRST_WRITE, at, "L", claims)
        yield from (Row(name, at, "P", 2.0) for name in SILENT_HOOKS)
        yield from (Row(name, at, "L", writes) for name in SPEAKING_HOOKS)
    yield Row("heartbeat", "short", "P", 3.5)
    yield from (Row(name, "ended", "x short", 1.15) for name in GROWTH)
    yield from (Row(name, "crowd", "x short", 1.5) for name in GROWTH)
    yield from (Row(name, "crowd", "P", 2.0) for name in GUARD)
    yield from (Row(name, "ended", "P", 12) for name in ASKED)
    yield from (Row(name, "ended", "P", 40) for name in PAST)


APPEND = Row("durable append, one at a time", "", "x bare", 1.3)
BATCH = Row("append in batches of 100", "", "x bare", 2.0)
REPLAY = Row("full replay", "long", "x msgspec alone", 3.0)
REPLAY_CLAIMS = Row("full replay, by events", "crowd", "x with few claims", 1.3)
REPLAY_LENGTH = Row("full replay, by events", "long", "x with fewer", 1.1)
MEMORY = Row("peak memory of a full replay", "long", "MB", 150)
CATCH_UP = Row("catching up on 100 new events", "ended", "x short", 2.0)
LATE = Row("a late journal of 1,000 events", "long", "x full replay", 0.15)
WAIT_CLAIM = Row("append to another's claim --wait", "short", "ms", 60)
WAIT_INBOX = Row("append to another's inbox --wait", "short", "ms", 60)
WATCH = Row("append to another's watch", "short", "ms", 60)
MCP = tuple(Row(f"MCP: {name}", "short", "ms", 5.0) for name in ("heartbeat", CLAIMS[0], "send"))
TOGETHER = Row("16 at once, 50 sends each", "short", "x 800 L", 1.4)

WHOLE = tuple(_whole_process_rows())
INSIDE = (APPEND, BATCH, REPLAY, REPLAY_CLAIMS, REPLAY_LENGTH, MEMORY, CATCH_UP, LATE)
ROWS = (*WHOLE, *INSIDE, *MCP, WAIT_CLAIM, WAIT_INBOX, WATCH, TOGETHER)


def summarize(samples: Samples, missing: dict[Row, str]) -> list[Summary]:
    """Return the result of every row, in the order of the table."""
    return [_summary(row, samples.get(row, []), missing.get(row, "not measured")) for row in ROWS]


def _summary(row: Row, values: list[float], missing: str) -> Summary:
    if not values:
        return Summary(row, missing=missing)
    low, median, high = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    return Summary(row, len(values), low, median, high)
