"""Eight processes that append to one log, killed at any moment and started again: nothing that was acknowledged is
lost, nothing is damaged, times rise in the order of writing on the whole machine, and no journal has a gap.
"""

import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from eventlog.history import History
from tests.attacks import LONG, Tally

WRITERS, EACH = 8, 1_000
KILLS = 40  # in one round
GUARD_S = 300.0
WALL = "2027-01-01T00:00:00.000000Z"

_WRITE = """
import os, sys
from eventlog.events import VERSION, Event, SessionHeartbeat, later
from eventlog.history import History
from eventlog.journal import Position
from eventlog.lock import locked
from eventlog.writer import Writer

folder, session, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
order = os.open(sys.argv[4], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
history = History(folder, "north")
while True:
    with locked(folder, 120):
        history.catch_up("2026-12-01T00:00:00.000000Z")
        position = history.positions.get(session, Position())
        if position.n >= count:
            break
        writer = Writer(folder, session, position)
        if writer.mended:  # one that lacked its newline, or was cut: what comes next is seen anew
            history.catch_up("2026-12-01T00:00:00.000000Z")
        at = later(history.latest or "2026-11-22T11:00:00.000000Z", micros=1)
        event = Event(v=VERSION, at=at, session=session, n=writer.n, payload=SessionHeartbeat(action="x" * 99))
        writer.append(event)
        writer.sync()
        writer.close()
        os.write(order, f"{event.id} {at}\\n".encode())  # acknowledged, while nobody else can write
"""


@pytest.mark.machine
@pytest.mark.attack(7)
def test_writers_that_are_killed_at_any_moment_and_started_again_lose_nothing(tmp_path: Path, tally: Tally) -> None:
    count = EACH if LONG else EACH // 5  # a fifth of the events in the usual run, so that it ends in a minute
    for seed in tally.seeds:
        chance, folder, said = tally.chance(seed), tmp_path / str(seed) / "log", tmp_path / str(seed) / "said"
        folder.mkdir(parents=True)
        sessions = [f"writer-{number}" for number in range(WRITERS)]

        def start(session: str, folder: Path = folder, said: Path = said) -> subprocess.Popen[bytes]:
            words = [sys.executable, "-c", _WRITE, str(folder), session, str(count), str(said)]
            return subprocess.Popen(words, stderr=subprocess.PIPE)

        running = {session: start(session) for session in sessions}
        killed, deadline = 0, time.monotonic() + GUARD_S
        try:
            while running:
                assert time.monotonic() < deadline, f"seed {seed}: they hang"
                time.sleep(chance.uniform(0.02, 0.2))
                if killed < KILLS and said.exists():
                    running[chance.choice(sorted(running))].kill()
                for session, process in list(running.items()):
                    if (code := process.poll()) is None:
                        continue
                    err = process.communicate()[1]
                    del running[session]
                    assert code in (0, -signal.SIGKILL), f"seed {seed}, {session}: {err.decode()}"
                    if code:
                        killed += 1
                        running[session] = start(session)
        finally:
            for process in running.values():
                process.kill()
                process.communicate()
        assert killed, f"seed {seed}: nobody was killed"
        history = History(str(folder), "north")
        events = history.catch_up(WALL).events
        assert (history.problems, history.held_back) == ({}, {}), f"seed {seed}"
        for session in sessions:
            position = history.positions[session]
            assert (position.damage, position.rewound) == ((), ""), f"seed {seed}, {session}"
            assert [one.n for one in events if one.session == session] == list(range(1, count + 1)), f"seed {seed}"
        times = [one.at for one in events]
        assert all(a < b for a, b in pairwise(times)), f"seed {seed}: two events at one instant"
        acknowledged = [line.split() for line in said.read_text().splitlines()]
        assert [at for _, at in acknowledged] == sorted(at for _, at in acknowledged), f"seed {seed}: in writing order"
        there = {one.id: one.at for one in events}
        assert all(there.get(name) == at for name, at in acknowledged), f"seed {seed}: an acknowledged event is lost"
        tally.did("rounds")
        tally.did("writers killed", killed)
