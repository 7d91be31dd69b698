"""Measure what a moment document of the page costs: `python -m benchmarks.scrubbing [--events 100000] [--moments 60]`.

Random moments of a history are asked for in one process, as a server does it, and then the events after one moment, one
by one. The times are processor times. P is the time of `python -c pass`, measured before.
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import coord.__main__  # noqa: F401 - configures the garbage collector as a command does
from benchmarks.commands import timed
from benchmarks.folders import PASS, prepare
from benchmarks.history import GAP
from coord.engine.board import board_of
from coord.engine.history.moments import Moments
from coord.render.board.text import ROWS
from coord.servers.web.documents import Viewer, moment_document
from coord.workspace.config import Config
from coord.workspace.paths import find_workspace
from coord.workspace.system import real_system
from eventlog.events import Instant, from_micros, to_micros

MOST_MS = 100  # the target for the median


def _processor_s(work: Callable[[], object]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


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
        scrubbed = [_processor_s(lambda at=at: ask(at)) for at in times]  # type: ignore[misc]
        stepped = [_processor_s(lambda step=step: ask(times[-1], step)) for step in range(1, count)]  # type: ignore[misc]
    print(f"{events:,} events, {count} moments; P = {unit * 1000:.1f} ms\n")
    for name, seconds in (("a random moment", scrubbed), ("the next event", stepped)):
        low, median, high = (value * 1000 for value in statistics.quantiles(seconds, n=4, method="inclusive"))
        verdict = "met" if median <= MOST_MS else "NOT MET"
        print(f"{median:7.2f} ms ({low:.2f} to {high:.2f})  {median / unit / 1000:6.2f} P  {name}  {verdict}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scrubbing", description=__doc__)
    parser.add_argument("--events", type=int, default=100_000, help="length of the history")
    parser.add_argument("--moments", type=int, default=60, help="moments to ask for")
    args = parser.parse_args()
    measure(args.events, max(4, args.moments))


if __name__ == "__main__":
    main()
