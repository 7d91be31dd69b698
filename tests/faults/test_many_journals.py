"""A machine joins a remote with ten thousand old journals, and is killed again and again while they come in.

After the last start everything is there, nothing twice, and the memory stayed bounded.
"""

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from eventlog.codec import NO_HASH, encode_lines
from eventlog.events import AnyPayload, Event, SessionEnded, SessionHeartbeat, SessionStarted
from tests.support.machines import Machine
from tests.support.processes import COORD, environment

pytestmark = [pytest.mark.slow, pytest.mark.machine]

JOURNALS = 10_000
MOST_MEMORY_KB = 200_000


def write_old_journals(machine: Machine, count: int) -> None:
    """Write the journals of sessions that ended, most of them archived."""
    ended = machine.log / "ended"
    ended.mkdir(parents=True)
    for number in range(count):
        session, minute = f"old-session-{number:05}", number % 60
        at = [f"2026-10-{1 + number % 28:02}T12:{minute:02}:{second:02}.{number:06}Z" for second in (1, 2, 3)]
        payloads: tuple[AnyPayload, ...] = (
            SessionStarted(name=f"agent {number}", machine="elsewhere", folder=str(machine.folder)),
            SessionHeartbeat(action="building", target=f"part {number}", next_action="test it " * 20),
            SessionEnded(summary="done"),
        )
        events = [
            Event(v=1, at=time, session=session, n=n, payload=payload)
            for n, (time, payload) in enumerate(zip(at, payloads, strict=True), 1)
        ]
        folder = machine.log if number % 100 == 0 else ended
        (folder / f"{session}.jsonl").write_bytes(b"".join(encode_lines(events, NO_HASH)))


def test_ten_thousand_journals_come_in_after_interruptions(tmp_path: Path) -> None:
    chance = random.Random(0)
    hub = tmp_path / "hub.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(hub)], check=True)
    source, target = Machine(tmp_path / "a", tmp_path / "home-a", 1), Machine(tmp_path / "b", tmp_path / "home-b", 1)
    source.ok("", "init")
    target.ok("", "init")
    write_old_journals(source, JOURNALS)
    told = source.run("", "remote", "add", "git", str(hub), "--json", timeout_s=600)
    assert told.code == 0, told
    assert told.json["journals_out"] == JOURNALS
    words = [COORD, "remote", "add", "git", str(hub)]
    for _ in range(4):
        process = subprocess.Popen(words, cwd=target.root, env=environment(target.home), stdout=subprocess.DEVNULL)
        time.sleep(chance.uniform(0.3, 3))
        process.send_signal(signal.SIGKILL)
        process.wait()
    process = subprocess.Popen(words, cwd=target.root, env=environment(target.home), stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status  # it was waited for already
    assert status == 0
    assert usage.ru_maxrss < MOST_MEMORY_KB, f"{usage.ru_maxrss} KB"
    there = {name: data for name, data in target.journals().items() if name.startswith("old-")}
    assert there == {name: data for name, data in source.journals().items() if name.startswith("old-")}
    assert len(list((target.log / "ended").glob("old-*.jsonl"))) == len(
        list((source.log / "ended").glob("old-*.jsonl"))
    )
    print(f"{usage.ru_maxrss // 1024} MB at most")
