"""Measure what a call of a running MCP server costs: `python -m benchmarks.serving [--rounds 7]`.

Each round starts a server, makes some calls that are not counted, then measures the calls of each tool, from the
request line to the answer line. A call that writes is durable when it answers. P is the time of `python -c pass`,
measured in the same rounds.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.commands import timed
from benchmarks.folders import PASS, Folder, prepare
from benchmarks.inside import clocked
from benchmarks.rows import MCP, SHORT, Samples
from eventlog.local.files import sync_data
from tests.support.mcp_connections import Connection

_CALLS, _WARM = 50, 5
FEW = 4  # events, so only a few sessions; the short history has twenty live ones


def calls(folder: Folder) -> dict[str, Callable[[Connection, int], object]]:
    """Return the calls to measure, by name. `release` releases what `claim, granted` has claimed."""
    return {
        "ping (the protocol alone)": lambda server, i: server.ask("ping"),
        "heartbeat": lambda server, i: server.ok("heartbeat", action="building", target=f"part-{i}", progress="25%"),
        "claim, granted": lambda server, i: server.ok("claim", resource=f"file/src/new-{i}.py"),
        "release": lambda server, i: server.ok("release", resource=f"file/src/new-{i}.py"),
        "claim, refused": lambda server, i: server.refused("claim", resource="file/src/taken.py"),
        "send": lambda server, i: server.ok("send", to=folder.other, subject="Review please", body="It works now."),
        "status": lambda server, i: server.ok("status"),
        "inbox": lambda server, i: server.ok("inbox"),
    }


def append(path: str) -> None:
    """Make one line durable with the least system calls: open, write, fdatasync."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(fd, b"x" * 300)
    sync_data(fd)
    os.close(fd)


def serving(folder: Folder, rounds: int, step: Callable[[], None]) -> Samples:
    """Measure the rows about MCP: the median of each call in each server, in milliseconds."""
    samples: Samples = {row: [] for row in MCP}
    for _ in range(rounds):
        with Connection(folder.root, folder.env, "--session", folder.me) as server:
            for name, call in calls(folder).items():
                taken = [seconds * 1000 for seconds in timed_calls(server, call)]
                if row := next((row for row in MCP if row.name == f"MCP: {name}"), None):
                    samples[row].append(statistics.median(taken))
        folder.coord(folder.other, "inbox")  # unread messages of one round would slow the next
        step()
    return samples


def timed_calls(server: Connection, call: Callable[[Connection, int], object]) -> list[float]:
    """Return the seconds of each of `_CALLS` calls, after some that are not counted."""
    taken = []
    for i in range(-_WARM, _CALLS):
        taken.append(clocked(lambda i=i: call(server, i)))  # type: ignore[misc]
    return taken[_WARM:]


def measure(events: int, rounds: int) -> None:
    """Measure on a history of `events` events, and print medians and quartiles."""
    bases: list[float] = []
    bare: list[float] = []
    starts: list[float] = []
    samples: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="coord-bench-") as base:
        folder = prepare(Path(base, "folder"), events)
        for _ in range(rounds):
            bases += [timed(PASS, folder.root, folder.env) for _ in range(3)]
            bare += [clocked(lambda: append(str(folder.root / "bare"))) for _ in range(_CALLS)]
            begin = time.perf_counter()
            with Connection(folder.root, folder.env, "--session", folder.me) as server:
                starts.append(time.perf_counter() - begin)
                for name, call in calls(folder).items():
                    samples.setdefault(name, []).extend(timed_calls(server, call))
            folder.coord(folder.other, "inbox")  # unread messages of one round would slow the next
    unit = statistics.median(bases)
    print(f"{events:,} events, {rounds} servers, {_CALLS} calls of each tool; P = {unit * 1000:.1f} ms\n")
    comparison = {"start and answer `initialize`": starts, "a bare write and fdatasync": bare}
    for name, seconds in (comparison | samples).items():
        low, median, high = (value * 1000 for value in statistics.quantiles(seconds, n=4, method="inclusive"))
        verdict = "" if name not in calls(folder) else "  met" if median <= MCP[0].most else "  NOT MET"
        print(f"{median:7.2f} ms ({low:.2f} to {high:.2f})  {median / unit / 1000:6.2f} P  {name}{verdict}")
    print()


def main() -> None:
    """Measure with a few sessions, and with the many of a longer history."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument(
        "--events", type=int, nargs="*", default=[FEW, SHORT], help=f"lengths of the histories (default: {FEW} {SHORT})"
    )
    parser.add_argument("--rounds", type=int, default=7, help="servers to start for each history")
    args = parser.parse_args()
    for events in args.events:
        measure(events, max(2, args.rounds))


if __name__ == "__main__":
    main()
