"""Measure the stream of `coord web` without a browser: `python -m benchmarks.streaming [--events 100000]`.

A server serves a repository with a long history. A page connects over HTTP, and a session writes heartbeats. Measured
are: the first answer; the time from an event's time in the log until the page has received it; the processor time of
the server while nothing happens, with a page open, with only hidden pages, and without one; and its memory, also while
earlier parts of the timeline are read. P is the time of `python -c pass`.
"""

import argparse
import statistics
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.commands import timed
from benchmarks.folders import PASS, Folder, prepare
from benchmarks.inside import clocked
from eventlog.events import to_micros
from tests.support.page_stream import OpenPage
from tests.support.pages import PageServer
from tests.support.repositories import Repo

LONG = 100_000
_EVENTS, _IDLE_S, _PARTS, _PAUSE_S = 20, 30, 3, 1.2


def latencies_s(folder: Folder, page: OpenPage) -> list[float]:
    """Return the seconds between each of some events and its arrival."""
    found: list[float] = []
    for number in range(_EVENTS):
        time.sleep(_PAUSE_S)  # alone, not as part of a burst
        command = threading.Thread(target=folder.coord, args=(folder.me, "heartbeat", f"step {number}"))
        command.start()
        while folder.me not in (lanes := page.next().timeline["tables"]["lanes"]):
            pass
        found.append(time.time() - to_micros(lanes[folder.me]["last_at"]) / 1e6)
        command.join()
    return found


def idle_s(server: PageServer) -> float:
    """Return the processor time that the server uses while nothing happens."""
    time.sleep(1)
    before = processor_s(server)
    time.sleep(_IDLE_S)
    return processor_s(server) - before


def processor_s(server: PageServer) -> float:
    """Return the processor time of the server so far, in seconds."""
    fields = Path(f"/proc/{server.process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def memory_mb(server: PageServer) -> float:
    """Return the most memory that the server had."""
    rows = Path(f"/proc/{server.process.pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(row.split()[1]) for row in rows if row.startswith("VmHWM")) / 1024


def earlier_parts(server: PageServer, since: str) -> None:
    """Read some earlier parts of the timeline, each from where the last one began."""
    for _ in range(_PARTS):
        since = server.get(f"/api/timeline?until={since}").json["since"]


def measure(events: int) -> None:
    """Measure on a history of `events` events, and print the results."""
    with tempfile.TemporaryDirectory(prefix="coord-bench-") as base:
        folder = prepare(Path(base, "folder"), events, archived=True)
        unit = statistics.median([timed(PASS, folder.root, folder.env) for _ in range(5)])
        server = PageServer(Repo(folder.root, folder.root / "home"))
        try:
            page = OpenPage(server)
            first = clocked(page.next)
            times = sorted(latencies_s(folder, page))
            print(f"{events:,} events; P = {unit * 1000:.1f} ms")
            print(f"first answer: {first * 1000:.0f} ms = {first / unit:.1f} P")
            median, p95 = statistics.median(times), times[int(len(times) * 0.95)]
            for name, value in (("median", median), ("95 %", p95)):
                print(f"an event received: {value * 1000:.0f} ms = {value / unit:.1f} P ({name}; at most 150 ms)")
            print(f"idle, a page open: {idle_s(server):.2f} s of {_IDLE_S} s")
            page.close()
            print(f"idle, no page: {idle_s(server):.2f} s (0)")
            hidden = OpenPage(server, "?only=needs")
            hidden.next()
            print(f"idle, hidden pages: {idle_s(server):.2f} s (0)")
            hidden.close()
            print(f"memory: {memory_mb(server):.0f} MB (at most 120 MB at 1,000,000 events)")
            earlier_parts(server, page.messages[0].timeline["since"])
            print(f"memory after {_PARTS} earlier parts: {memory_mb(server):.0f} MB")
        finally:
            server.end()


def main() -> None:
    """Measure with the given number of events."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.streaming", description=__doc__)
    parser.add_argument("--events", type=int, default=LONG, help=f"the length of the history (default: {LONG})")
    measure(parser.parse_args().events)


if __name__ == "__main__":
    main()
