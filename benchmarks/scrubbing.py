"""Measure what a moment document of the page costs: `python -m benchmarks.scrubbing [--events 100000] [--moments 60]`.

Random moments of a history are asked for in one process, as a server does it, and then the events after one moment, one
by one: how long each takes, and its processor time. P is the time of `python -c pass`, measured before.
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

import coord.__main__  # noqa: F401 - configures the garbage collector as a command does
from benchmarks.commands import timed
from benchmarks.folders import PASS, prepare
from benchmarks.history import GAP
from benchmarks.targets import Measured, print_measured
from coord.engine.board import board_of
from coord.engine.history.moments import Moments
from coord.render.board.text import ROWS
from coord.servers.web.documents import Viewer, moment_document
from coord.workspace.config import Config
from coord.workspace.paths import find_workspace
from coord.workspace.system import real_system
from eventlog.events import Instant, from_micros, to_micros

MOST_MS = 100  # the target for the median


class Times(Struct):
    """How long the same work took several times, and its processor time, in milliseconds."""

    wall: list[float] = []
    processor: list[float] = []

    def measure(self, work: Callable[[], object]) -> None:
        """Do the work and add its times."""
        wall, processor = time.perf_counter(), time.process_time()
        work()
        self.wall.append(1000 * (time.perf_counter() - wall))
        self.processor.append(1000 * (time.process_time() - processor))

    def rows(self, what: str) -> list[Measured]:
        """Return the medians, with the quartiles."""
        named = (("processor time", self.processor), ("elapsed", self.wall))
        return [_median(f"{what}, {name}", values) for name, values in named]


def _median(what: str, values: list[float]) -> Measured:
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Measured(what, median, "ms", MOST_MS, f"{low:.0f} to {high:.0f} ms")


def measure(events: int, count: int) -> None:
    """Measure on a history of `events` events, and print medians and quartiles."""
    with tempfile.TemporaryDirectory(prefix="coord-bench-") as base:
        folder = prepare(Path(base, "folder"), events, archived=True)
        unit = statistics.median(timed(PASS, folder.root, folder.env) for _ in range(5))
        system = real_system().at(str(folder.root))
        moments = Moments(system, find_workspace(system, None))

        def ask(text: Instant, step: int = 0) -> None:
            with moments.at(text, step) as snapshot:
                board = board_of(system, Config(), snapshot, snapshot.now, most=ROWS)
                moment_document(board, snapshot.state, Viewer(), live=False)

        last, chosen = to_micros(folder.author.state.at), random.Random(events)
        times = [from_micros(last - int(chosen.random() * (events - 1) * GAP)) for _ in range(count)]
        scrubbed, stepped = Times(), Times()
        for at in times:
            scrubbed.measure(lambda at=at: ask(at))  # type: ignore[misc]
        for step in range(1, count):
            stepped.measure(lambda step=step: ask(times[-1], step))  # type: ignore[misc]
    print(f"{events:,} events, {count} moments; P = {unit * 1000:.1f} ms\n")
    print_measured([*scrubbed.rows("a random moment"), *stepped.rows("the next event")])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scrubbing", description=__doc__)
    parser.add_argument("--events", type=int, default=100_000, help="length of the history")
    parser.add_argument("--moments", type=int, default=60, help="moments to ask for")
    args = parser.parse_args()
    measure(args.events, max(4, args.moments))


if __name__ == "__main__":
    main()
