"""Measure the stream of `coord web` without a browser: `python -m benchmarks.streaming [--events 100000]`.

A server serves a repository with a long history. A page connects over HTTP, and a session writes heartbeats. Measured
are: the first answer; the time from an event's time in the log until the page has received it; the processor time of
the server while nothing happens, with a page open, with only hidden pages, and without one; and its memory, also after
moments of the past, earlier parts of the timeline, searches, stories and many new events. P is the time of `python -c
pass`.
"""

import argparse
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from benchmarks.commands import timed
from benchmarks.folders import PASS, Folder, prepare
from benchmarks.history import GAP, Author
from benchmarks.inside import clocked
from benchmarks.targets import Measured, print_measured
from eventlog.events import from_micros, to_micros
from tests.support.page_stream import OpenPage
from tests.support.pages import PageServer
from tests.support.repositories import Repo

LONG = 100_000
_EVENTS, _IDLE_S, _PAUSE_S = 20, 30, 1.2
_MOMENTS, _PARTS, _BURST = 50, 3, 2000  # asked for, or written, before the memory is read


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


def memory_row(server: PageServer, what: str) -> Measured:
    """Return the most memory that the server has had."""
    rows = Path(f"/proc/{server.process.pid}/status").read_text(encoding="utf-8").splitlines()
    value = next(int(row.split()[1]) for row in rows if row.startswith("VmHWM")) / 1024
    return Measured(f"memory at most, {what}", value, "MB", 120, "the target is for 1,000,000 events")


def memory_rows(folder: Folder, server: PageServer, since: str) -> Iterator[Measured]:
    """Yield the memory after what a person asks for; `since` is where the window of the page begins."""
    last, chosen = to_micros(folder.author.state.at), random.Random(19)
    span = folder.author.state.events * GAP
    for _ in range(_MOMENTS):
        server.get(f"/api/moment?at={from_micros(last - int(chosen.random() * span))}")
    yield memory_row(server, f"after {_MOMENTS} moments of the past")
    for _ in range(_PARTS):
        since = server.get(f"/api/timeline?until={since}").json["since"]
    yield memory_row(server, f"after {_PARTS} earlier parts")
    texts = ("parser", "Question", "not-in-the-log", "worker-1", folder.resource)
    took = [clocked(lambda text=text: server.get(f"/api/search?text={quote(text)}")) for text in texts]  # type: ignore[misc]
    yield memory_row(server, f"after {len(texts)} searches")
    yield Measured("a search, the slowest", 1000 * max(took), "ms")
    abouts = (folder.me, "file/src/taken.py", folder.resource, folder.session, folder.message)
    took = [clocked(lambda about=about: server.get(f"/api/story?about={quote(about)}")) for about in abouts]  # type: ignore[misc]
    yield memory_row(server, f"after {len(abouts)} stories")
    yield Measured("a story, the slowest", 1000 * max(took), "ms")
    Author(folder.log, seed=20, machine="other").write(_BURST, time.time_ns() // 1000, gap=1000)
    time.sleep(2)
    yield memory_row(server, f"after {_BURST:,} new events")


def measure(events: int) -> tuple[float, list[Measured]]:
    """Measure on a history of `events` events, and return P in seconds and the rows."""
    with tempfile.TemporaryDirectory(prefix="coord-bench-") as base:
        folder = prepare(Path(base, "folder"), events, archived=True)
        unit = statistics.median([timed(PASS, folder.root, folder.env) for _ in range(5)])
        server = PageServer(Repo(folder.root, folder.root / "home"))
        try:
            page = OpenPage(server)
            rows = [Measured("first answer", 1000 * clocked(page.next), "ms"), memory_row(server, "at the first view")]
            times = sorted(latencies_s(folder, page))
            for name, value in (("median", statistics.median(times)), ("95 %", times[int(len(times) * 0.95)])):
                rows.append(Measured(f"an event received, {name}", 1000 * value, "ms", 150))
            rows.append(Measured(f"processor time in {_IDLE_S} s, a page open", idle_s(server), "s"))
            page.close()
            rows.append(Measured("the same, no page", idle_s(server), "s", 0))
            hidden = OpenPage(server, "?only=needs")
            hidden.next()
            rows.append(Measured("the same, only hidden pages", idle_s(server), "s", 0))
            hidden.close()
            page = OpenPage(server)
            since = page.next().timeline["since"]
            rows += memory_rows(folder, server, since)
            page.close()
        finally:
            server.end()
    return unit, rows


def main() -> None:
    """Measure with the given number of events, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.streaming", description=__doc__)
    parser.add_argument("--events", type=int, default=LONG, help=f"the length of the history (default: {LONG})")
    events = parser.parse_args().events
    unit, rows = measure(events)
    print(f"{events:,} events; P = {unit * 1000:.1f} ms\n")
    print_measured(rows)


if __name__ == "__main__":
    main()
