"""Attack 7: eight processes append to one log, are killed at any time, and are started again (promises 1 to 3).

No acknowledged event is lost, nothing is damaged, times increase in the order of writing on the whole machine, and no
journal has a gap. The log is in memory if possible: killing a process does not lose what it has written to the kernel.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from eventlog.history import LogReader
from tests.support.attacks import Tally

pytestmark = pytest.mark.slow

WRITERS, EACH = 8, 1_000
KILLS = 40  # in one round
PARTS = 5  # of the rounds, so that several processors can share them
GUARD_S = 900.0
MEMORY = "/dev/shm"
WALL = "2027-01-01T00:00:00.000000Z"

_WRITE = """
import os, sys, time
from eventlog.events import VERSION, Event, SessionHeartbeat, add_time
from eventlog.history import LogReader
from eventlog.scanning import Position
from eventlog.local.lock import locked
from eventlog.local.writer import JournalWriter

folder, session, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
order = os.open(sys.argv[4], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
history = LogReader(folder, "north")
history.catch_up("2026-12-01T00:00:00.000000Z")  # a restarted writer reads everything before it takes the lock
while True:
    with locked(folder, 120):
        history.catch_up("2026-12-01T00:00:00.000000Z")
        position = history.positions.get(session, Position())
        if position.n >= count:
            break
        writer = JournalWriter(folder, session, position)
        if writer.mended:  # a line was completed or cut off: read again
            history.catch_up("2026-12-01T00:00:00.000000Z")
        at = add_time(history.latest or "2026-11-22T11:00:00.000000Z", micros=1)
        event = Event(v=VERSION, at=at, session=session, n=writer.n, payload=SessionHeartbeat(action="x" * 99))
        writer.append(event)
        if not writer.n % 10:
            time.sleep(0.002)  # like a slow disk, so that many are killed before they acknowledge
        writer.sync()
        writer.close()
        os.write(order, f"{event.id} {at}\\n".encode())  # acknowledged, while nobody else can write
"""


class Round:
    """The writers of one log. Each is restarted when it was killed, until all have written all of their events."""

    def __init__(self, folder: Path, seed: int, chance: Random) -> None:
        self.log, self.said, self.seed = folder / "log", folder / "said", seed
        self.log.mkdir(parents=True)
        self.said.touch()
        self.killed = self.untold = 0
        size = WRITERS * EACH * len("writer-0/100 2026-11-22T11:00:00.000000Z\n")
        self._kills = sorted(chance.randrange(size) for _ in range(KILLS))  # sizes of the list of acknowledged events
        self._chance = chance
        self._running = {f"writer-{number}": self._start(f"writer-{number}") for number in range(WRITERS)}

    def run(self) -> None:
        """Run until all writers have finished."""
        deadline = time.monotonic() + GUARD_S
        try:
            while self._running:
                assert time.monotonic() < deadline, f"seed {self.seed}: they hang"
                time.sleep(self._chance.uniform(0.001, 0.01))
                if self._kills and self.said.stat().st_size >= self._kills[0]:
                    del self._kills[0]
                    self._running[self._victim()].kill()
                self._look()
        finally:
            for process in self._running.values():
                process.kill()
                process.communicate()
        assert self.killed, f"seed {self.seed}: nobody was killed"

    def _victim(self) -> str:
        """The writer to kill: mostly the one that holds the lock and is writing."""
        holder = (self.log / ".lock").read_text().strip()
        busy = [session for session, process in self._running.items() if str(process.pid) == holder]
        return self._chance.choice(busy if busy and self._chance.random() < 0.8 else sorted(self._running))

    def _start(self, session: str) -> subprocess.Popen[bytes]:
        words = [sys.executable, "-c", _WRITE, str(self.log), session, str(EACH), str(self.said)]
        return subprocess.Popen(words, stderr=subprocess.PIPE)

    def _look(self) -> None:
        """Remove the writers that have finished, and restart those that were killed."""
        for session, process in list(self._running.items()):
            if (code := process.poll()) is None:
                continue
            err = process.communicate()[1]
            del self._running[session]
            assert code in (0, -signal.SIGKILL), f"seed {self.seed}, {session}: {err.decode()}"
            if code:
                self.killed += 1
                self._running[session] = self._start(session)

    def check(self) -> None:
        """Check that the log has the acknowledged events, in their order."""
        history = LogReader(str(self.log), "north")
        events = history.catch_up(WALL).events
        assert (history.problems, history.held_back) == ({}, {}), f"seed {self.seed}"
        for number in range(WRITERS):
            session, case = f"writer-{number}", f"seed {self.seed}, writer {number}"
            position = history.positions[session]
            assert (position.damage, position.rewound) == ((), ""), case
            assert [one.n for one in events if one.session == session] == list(range(1, EACH + 1)), case
        assert all(a.at < b.at for a, b in pairwise(events)), f"seed {self.seed}: two events at one instant"
        lines = [line.split() for line in self.said.read_text().splitlines()]
        assert [at for _, at in lines] == sorted(at for _, at in lines), f"seed {self.seed}: in writing order"
        there = {one.id: one.at for one in events}
        assert all(there.get(name) == at for name, at in lines), f"seed {self.seed}: an acknowledged event is lost"
        self.untold = WRITERS * EACH - len(lines)
        assert self.untold <= self.killed, f"seed {self.seed}: each kill prevents at most one acknowledgement"


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """A temporary folder, in memory if possible."""
    if not os.access(MEMORY, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        yield Path(folder)


@pytest.mark.machine
@pytest.mark.attack(7)
@pytest.mark.parametrize("part", range(PARTS))
def test_restarted_writers_lose_no_acknowledged_event(memory: Path, tally: Tally, part: int) -> None:
    for seed in tally.seeds[part::PARTS]:
        writers = Round(memory / str(seed), seed, tally.chance(seed))
        writers.run()
        writers.check()
        tally.did("rounds")
        tally.did("writers killed", writers.killed)
        tally.did("between writing and saying so", writers.untold)
        shutil.rmtree(memory / str(seed))
