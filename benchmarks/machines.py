"""Measure what several machines cost: claims with agreement, messages that travel, hooks, and the link itself.

    python -m benchmarks.machines [--rounds 11]

The first column is a bare git repository on this machine, the second a cluster of three NATS servers. Times are medians
in P, the time of `python -c pass`, in the same run. The link is measured while nothing happens.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.targets import Measured, print_measured
from coord.platform.host import read_stat
from tests.support.machines import GitRemoteOfMachines, Machine, machines
from tests.support.nats_servers import nats_servers
from tests.support.processes import COORD, environment, until

_IDLE_S = 20
_CLAIM, _MESSAGE, _MEMORY_MB, _IDLE_PERCENT = {"git": 25, "NATS": 6}, {"git": 25, "NATS": 8}, 60, 0.2
_TICKS = 100  # of the processor's clock in a second


def main() -> None:
    """Measure both kinds of remote, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.machines", description=__doc__)
    parser.add_argument("--rounds", type=int, default=11)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="coord-bench-") as base:
        rows = _measured("git", Path(base, "git"), GitRemoteOfMachines(Path(base, "git")).url, rounds)
        with nats_servers(Path(base, "servers"), 3) as servers:
            rows += _measured("NATS", Path(base, "nats"), lambda _: servers.url("bench"), rounds)
    print_measured(rows)


def _measured(kind: str, base: Path, remote: Callable[[str], str], rounds: int) -> list[Measured]:
    alone = Machine(base / "alone", base / "home-alone", 1, own_id=False)
    alone.start()
    with machines(base, "ab", remote, agents=1, own_ids=False) as (one, two):
        for machine in (one, two):
            until(machine.link_pid, "the link")
        pass_s = _seconds(lambda _: subprocess.run([sys.executable, "-c", "pass"], check=True), rounds)
        claim_s = _seconds(lambda n: _ran(one, "claim", f"task/{n}"), rounds)
        hooks = [_seconds(partial(_hook, machine), rounds) for machine in (alone, one)]
        arrived_s = [_until_it_arrives(one, two, number) for number in range(rounds)]
        time.sleep(2)  # what was published last arrives
        pid = two.link_pid()
        used = _ticks(pid)
        time.sleep(_IDLE_S)
        idle = 100 * (_ticks(pid) - used) / _TICKS / _IDLE_S
        interval = 5 / pass_s if kind == "git" else 0
        return [
            Measured(f"{kind}: claim with agreement, the link runs", claim_s / pass_s, "P", _CLAIM[kind]),
            Measured(
                f"{kind}: a message is in inbox --wait of another machine",
                statistics.median(arrived_s) / pass_s,
                "P",
                round(interval + _MESSAGE[kind]),
                "the sync interval is 5 s" if interval else "",
            ),
            Measured(f"{kind}: a hook with nothing to ask, against no remote", hooks[1] / hooks[0], "x", 1.1),
            Measured(f"{kind}: memory of the link", _memory_mb(pid), "MB", _MEMORY_MB),
            Measured(f"{kind}: processor time of the idle link", idle, "%", _IDLE_PERCENT),
        ]


def _seconds(work: Callable[[int], object], rounds: int) -> float:
    """The median time of some work."""
    times = []
    for number in range(rounds):
        began = time.perf_counter()
        work(number)
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def _command(machine: Machine, *words: str) -> subprocess.Popen[str]:
    env = environment(machine.home, CLAUDE_CODE_SESSION_ID=machine.agents[0])
    return subprocess.Popen([COORD, *words], cwd=machine.root, env=env, text=True, stdout=subprocess.PIPE)


def _ran(machine: Machine, *words: str) -> None:
    with _command(machine, *words) as process:
        process.communicate()
    assert process.returncode == 0, words


def _hook(machine: Machine, _number: int) -> None:
    """Let a client ask before it reads a file, which needs no answer."""
    asked = {
        "session_id": machine.agents[0],
        "hook_event_name": "PreToolUse",
        "cwd": str(machine.root),
        "tool_name": "Read",
        "tool_input": {"file_path": str(machine.root / "read.py")},
    }
    env = environment(machine.home)
    data = json.dumps(asked).encode()
    subprocess.run([COORD, "hook", "claude"], input=data, cwd=machine.root, env=env, capture_output=True, check=True)


def _until_it_arrives(one: Machine, two: Machine, number: int) -> float:
    """The time from the start of `send` on one machine to the end of `inbox --wait` on the other."""
    ended: list[float] = []

    def wait() -> None:
        with _command(two, "inbox", "--wait", "60s") as process:
            process.communicate()
        assert process.returncode == 0, "no message arrived"
        ended.append(time.perf_counter())

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(1)  # it waits
    began = time.perf_counter()
    _ran(one, "send", two.sessions[two.agents[0]], "Question", f"number {number}")
    thread.join()
    assert ended, "no message arrived"
    return ended[0] - began


def _ticks(pid: int) -> int:
    fields = read_stat(pid)[1]
    return int(fields[11]) + int(fields[12])


def _memory_mb(pid: int) -> float:
    rows = Path(f"/proc/{pid}/status").read_text().split("\n")
    return next(int(row.split()[1]) for row in rows if row.startswith("VmRSS:")) / 1024


if __name__ == "__main__":
    main()
