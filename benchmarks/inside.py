"""Measure log operations inside one process: appending, replaying and catching up."""

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec.json import Decoder

import coord.__main__  # noqa: F401 - configures the garbage collector as a command does
from benchmarks.folders import PYTHON, Folder
from benchmarks.history import GAP, Author, Shape
from benchmarks.rows import APPEND, BATCH, CATCH_UP, LATE, MEMORY, REPLAY, REPLAY_CLAIMS, REPLAY_LENGTH, Samples
from coord.engine.snapshot import Snapshot
from coord.workspace.paths import Workspace, find_workspace
from coord.workspace.system import System, real_system
from eventlog.codec import NO_HASH, encode_line
from eventlog.events import VERSION, Event, SessionHeartbeat, SessionStarted, from_micros
from eventlog.history import LogReader
from eventlog.local.files import JOURNAL_SUFFIX, sync_data, try_lock
from eventlog.local.journal import journal_paths
from eventlog.local.lock import locked
from eventlog.local.writer import JournalWriter
from eventlog.scanning import Position
from projections.rules.fold import fold
from projections.rules.state import State

_ROOT = str(Path(__file__).resolve().parents[1])
_PAIRS, _BATCH = 30, 100
NEW, LATE_ONES = 100, 1000  # events
_WITHIN = 10  # a late journal lies within the newest tenth of the history


def clocked(work: Callable[[], object]) -> float:
    """Call `work` and return its seconds."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


# --- appending ------------------------------------------------------------------------------------------------------


class _Appending:
    """A log with one journal written by `eventlog`, and a file to which bare system calls write the same bytes."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.log, self.bare, self.lock = str(folder), str(folder / "bare"), str(folder / "bare-lock")
        self.position, self.digest = Position(hashes=(NO_HASH,)), NO_HASH
        self.first = time.time_ns() // 1000
        self.append([next(self.events(1, SessionStarted(client="shell")))])
        self.append_bare([b"\n"])

    def events(self, count: int, payload: SessionStarted | SessionHeartbeat) -> Iterator[Event]:
        """Yield the next events of the journal."""
        for n in range(self.position.n + 1, self.position.n + 1 + count):
            yield Event(v=VERSION, at=from_micros(self.first + n), session="bench", n=n, payload=payload)

    def lines(self, events: list[Event]) -> list[bytes]:
        """Return the lines that `eventlog` will write for these events."""
        lines, digest = [], self.position.hashes[0]
        for event in events:
            line, digest = encode_line(event, digest)
            lines.append(line)
        return lines

    def append(self, events: list[Event]) -> None:
        """Append the events under one lock and sync them."""
        with locked(self.log, 1):
            writer = JournalWriter(self.log, "bench", self.position)
            writer.extend(events)
            writer.sync()
            writer.close()
            self.position = writer.position

    def append_bare(self, lines: list[bytes]) -> None:
        """Append the lines with the least system calls: open, lock, write, fdatasync."""
        lock = os.open(self.lock, os.O_RDWR | os.O_CREAT)
        assert try_lock(lock)
        fd = os.open(self.bare, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(fd, b"".join(lines))
        sync_data(fd)
        os.close(fd)
        os.close(lock)

    def ratio(self, count: int, pairs: int) -> float:
        """Return the ratio of the medians of both ways, for `pairs` appends of `count` events each."""
        library, bare = [], []
        beat = SessionHeartbeat(action="building", target="parser", phase="BUILD", progress="25%", percent=25)
        for _ in range(pairs):
            events = list(self.events(count, beat))
            lines = self.lines(events)
            bare.append(clocked(lambda lines=lines: self.append_bare(lines)))  # type: ignore[misc]
            library.append(clocked(lambda events=events: self.append(events)))  # type: ignore[misc]
        return statistics.median(library) / statistics.median(bare)


def appending(folder: Path, rounds: int, step: Callable[[], None]) -> Samples:
    """Measure the rows about appending."""
    log = _Appending(folder)
    samples: Samples = {APPEND: [], BATCH: []}
    for _ in range(rounds):
        samples[APPEND].append(log.ratio(1, _PAIRS))
        samples[BATCH].append(log.ratio(_BATCH, _PAIRS // 3))
        step()
    return samples


# --- replaying ------------------------------------------------------------------------------------------------------


def replay(log: str) -> State:
    """Read, verify, decode, merge and fold all journals."""
    system, state = real_system(), State()
    for batch in LogReader(log, system.here.machine).batches(system.wall()):
        fold(state, batch.events)
    return state


def decode_alone(log: str) -> float:
    """Return the seconds that msgspec takes to decode the lines of all journals, without reading them."""
    decode = Decoder(Event).decode_lines
    seconds = 0.0
    for path in Path(log).rglob(f"*{JOURNAL_SUFFIX}"):
        data = path.read_bytes()
        seconds += clocked(lambda data=data: decode(data))  # type: ignore[misc]
    return seconds


_CHILD = """
import resource, sys
from eventlog.history import LogReader
from projections.rules.fold import fold
from projections.rules.state import State
from coord.workspace.system import real_system
import coord.__main__
system, state = real_system(), State()
for news in LogReader(sys.argv[1], system.here.machine).batches(system.wall()):
    fold(state, news.events)
if sys.platform == "linux":  # ru_maxrss includes the peak of the process that started this one
    status = open("/proc/self/status").read()
    print(int(status.partition("VmHWM:")[2].split()[0]) / (1 << 10))
else:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10))
"""


def peak_mb(log: str) -> float:
    """Return the peak memory, in MB, of a process that only replays the log."""
    done = subprocess.run([PYTHON, "-c", _CHILD, log], cwd=_ROOT, capture_output=True, text=True, check=True)
    return float(done.stdout)


def _opened(folder: Folder) -> tuple[System, Workspace]:
    system = real_system().at(str(folder.root))
    return system, find_workspace(system, str(folder.root))


def _caught_up(folder: Folder) -> Snapshot:
    snapshot = Snapshot(*_opened(folder))
    snapshot.catch_up()
    return snapshot


def catching_up(short: Folder, long: Folder, rounds: int, step: Callable[[], None]) -> Samples:
    """Measure catching up on a hundred new events. The checkpoint is not saved again, so each round repeats it."""
    for folder in (short, long):
        _caught_up(folder).save()
        time.sleep(0.1)
        folder.author.write(NEW, time.time_ns() // 1000, gap=500)
        assert _caught_up(folder).fresh, "the new events sort last"
    samples: Samples = {CATCH_UP: []}
    for _ in range(rounds):
        base = statistics.median(clocked(lambda: _caught_up(short)) for _ in range(3))
        samples[CATCH_UP].append(statistics.median(clocked(lambda: _caught_up(long)) for _ in range(3)) / base)
        step()
    return samples


def replaying(folder: Folder, events: int, rounds: int, step: Callable[[], None]) -> Samples:
    """Measure the rows of the long history: a full replay, and a late journal as a merge brings it."""
    samples: Samples = {MEMORY: [peak_mb(folder.log)], REPLAY: [], LATE: []}
    snapshot = Snapshot(*_opened(folder))
    snapshot.catch_up()
    snapshot.save()
    end = time.time_ns() // 1000 - 60_000_000 - NEW * GAP
    tenth = events // _WITHIN * GAP
    late = Author(folder.log, seed=7, shape=Shape(sessions=1, life=4 * LATE_ONES), machine="elsewhere")
    late.write(LATE_ONES, end, gap=(tenth - NEW * GAP) // LATE_ONES)
    assert all(os.path.exists(journal_paths(folder.log, journal.id)[0]) for journal in late.open)
    for _ in range(rounds):
        alone = decode_alone(folder.log)
        whole = clocked(lambda: replay(folder.log))
        samples[REPLAY].append(whole / alone)
        samples[LATE].append(clocked(lambda: _caught_up(folder)) / whole)
        step()
    return samples


def replaying_each(
    long: Folder, shorter: Folder, ended: Folder, crowd: Folder, rounds: int, step: Callable[[], None]
) -> Samples:
    """Measure how the cost of a full replay grows with the number of events, and with the number of active claims.

    The histories `ended` and `crowd` have the same number of events and sessions.
    """
    samples: Samples = {REPLAY_CLAIMS: [], REPLAY_LENGTH: []}
    for _ in range(rounds):
        samples[REPLAY_CLAIMS].append(_per_event(crowd) / _per_event(ended))
        samples[REPLAY_LENGTH].append(_per_event(long) / _per_event(shorter))
        step()
    return samples


def _per_event(folder: Folder) -> float:
    begin = time.process_time()
    state = replay(folder.log)
    return (time.process_time() - begin) / state.events
