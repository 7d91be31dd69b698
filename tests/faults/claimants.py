"""Real processes that claim at the same time, with a record of their calls and answers.

`python -m tests.faults.claimants ROOT HOME` reads plans from standard input, one JSON document per line, and prints the
results of each. A plan has workers: processes forked from this one that run their commands one after the other, either
through the code of the command line or as the installed command. The first kind uses real files and the real lock, but
the clock of the plan, which runs `pace` times as fast as the machine's, so that an hour of claims takes a second.
"""

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import watchfiles._rust_notify  # noqa: F401 - loaded once, before the forks
from msgspec.structs import replace

import coord.platform.watch
from coord.cli.main import run
from coord.cli.registry import load_command
from coord.platform.processes import Process, system_process_table
from coord.workspace.system import System, wall_clock
from eventlog.events import Instant, from_micros
from projections.rules.liveness import ProcessStatus
from tests.support.in_process import OURS, Table
from tests.support.processes import COORD, environment

BEGIN_MICROS = 1_795_348_800_000_000
Plan = dict[str, Any]
CALM: Plan = {"ahead": 0, "dies": 0}


def micros(plan: Plan, ns: int, ahead_s: float) -> int:
    """The time of the plan's clock at a time of the monotonic clock, for a process whose clock is off by `ahead_s`."""
    passed_us: int = (ns - plan["begin"]) * plan["pace"] // 1000
    return BEGIN_MICROS + passed_us + round(ahead_s * 1_000_000)


def clock(plan: Plan, ahead_s: float) -> Instant:
    return from_micros(micros(plan, time.monotonic_ns(), ahead_s))


def inside(plan: Plan, root: str, session: str, step: Plan, system: System | None = None) -> tuple[int, str, str]:
    """Run a command in this process. If the plan says so, the process kills itself at the n-th call of a function."""
    out, err = io.StringIO(), io.StringIO()
    wall = wall_clock if plan["installed"] else partial(clock, plan, step["ahead"])
    env = {"COORD_SESSION": session} if session else {}
    table = system_process_table if plan["mortal"] else Table
    system = system or System(env, root, wall, os.getpid(), processes=table)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        sys.setprofile(_killer(step["dies"]) if step["dies"] else None)
        code = run(step["words"], system)
        sys.setprofile(None)
    return code, out.getvalue(), err.getvalue()


class Disguise:
    """The real process table, in which the process of one worker looks like a shell that runs a command of ours."""

    def __init__(self, pid: int) -> None:
        self.real, self.pid, self.command = system_process_table(), pid, (1 << 22) + 1  # a pid that no process has

    def process(self, pid: int) -> Process | None:
        if pid == self.command:
            return Process(pid, self.pid, self.pid, 1, "S", ("python3",))
        found = self.real.process(pid)
        return replace(found, session=pid, argv=("-bash",)) if found and pid == self.pid else found

    def start_or_status(self, pid: int) -> ProcessStatus:
        return self.real.start_or_status(pid)


def begin(plan: Plan, root: str, pid: int) -> str:
    """Start a session; its id. In a plan with mortal sessions, it lives as long as the process `pid`."""
    table = Disguise(pid)
    wall = wall_clock if plan["installed"] else partial(clock, plan, 0)
    system = System({}, root, wall, table.command, processes=lambda: table if plan["mortal"] else Table())
    code, out, err = inside(plan, root, "", CALM | {"words": ["start", "--json"]}, system)
    assert code == 0, err
    return str(json.loads(out)["session"])


def _killer(left: int) -> Any:
    def count(frame: FrameType, event: str, _: object) -> None:
        nonlocal left
        if event == "call" and any(package in frame.f_code.co_filename for package in OURS):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return count


def installed(root: str, home: str, session: str, step: Plan) -> tuple[int, str, str]:
    """Run the installed command. If the plan says so, kill it after some milliseconds."""
    env = environment(Path(home), COORD_SESSION=session)
    with subprocess.Popen(
        [COORD, *step["words"]], cwd=root, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as command:
        try:
            out, err = command.communicate(timeout=step["dies"] / 1000 if step["dies"] else None)
        except subprocess.TimeoutExpired:
            command.kill()
            out, err = command.communicate()
    return command.returncode, out, err


def work(plan: Plan, root: str, home: str, worker: Plan, first: int, path: str) -> None:
    """Run the commands of a worker, starting with number `first`. Calls and answers are written to a file at once."""
    note = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    tokens: dict[str, str] = {}
    for number, step in enumerate(worker["steps"]):
        if number < first:
            continue
        time.sleep(step["pause"])
        words = [*step["words"], *(["--token", tokens[step["fenced"]]] if step["fenced"] in tokens else []), "--json"]
        step = step | {"words": words, "number": number, "session": worker["session"]}
        os.write(note, json.dumps(step | {"called": time.monotonic_ns()}).encode() + b"\n")
        if plan["installed"]:
            code, out, err = installed(root, home, worker["session"], step)
        else:
            code, out, err = inside(plan, root, worker["session"], step)
        answered = time.monotonic_ns()
        os.write(note, json.dumps({"answered": answered, "code": code, "out": out, "err": err}).encode() + b"\n")
        if code == 0 and words[0] == "claim":
            answer = json.loads(out)
            tokens[answer["resource"]] = str(answer["token"])


class Play:
    """Runs a plan in a fresh log."""

    def __init__(self, plan: Plan, root: str, home: str) -> None:
        self.plan, self.root, self.home = plan, root, home
        self.running: dict[int, int] = {}  # the workers by their pids
        self.ended: list[list[object]] = []  # ended sessions, with the earliest and the latest time of the end
        for name in ("log", ".cache"):
            shutil.rmtree(Path(root, "COORDINATION", name), ignore_errors=True)
        plan["begin"] = time.monotonic_ns()

    def run(self) -> Plan:
        """Run the whole plan; return it with the recorded calls and answers."""
        workers = self.plan["workers"]
        waiting = [self.start(number) for number in range(len(workers))]
        pids = {number: pid for pid, number in self.running.items()}
        sessions = [begin(self.plan, self.root, pids.get(number, 0)) for number in range(self.plan["sessions"])]
        for worker in workers:
            worker["session"] = sessions[worker["session"]]
            for step in worker["steps"]:
                step["words"] = [sessions[word] if isinstance(word, int) else word for word in step["words"]]
        for number, pipe in enumerate(waiting):
            self.tell(number, 0, pipe)
        while self.running:
            self.waits()
        notes = [note for number in range(len(workers)) for note in self.noted(number)]
        last = CALM | {"words": ["claims", "--json"], "session": "", "called": time.monotonic_ns()}
        code, out, err = inside(self.plan, self.root, "", last)
        notes += [last, {"answered": time.monotonic_ns(), "code": code, "out": out, "err": err}]
        for number in range(len(workers)):
            os.unlink(self.path(number))
        return self.plan | {"noted": notes, "ended": self.ended}

    def start(self, number: int) -> int:
        """Fork a process for a worker. It starts when its work is written to the returned pipe."""
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            with os.fdopen(reading) as pipe:
                worker, first = json.loads(pipe.readline())
            work(self.plan, self.root, self.home, worker, first, self.path(number))
            os._exit(0)
        os.close(reading)
        self.running[pid] = number
        return writing

    def tell(self, number: int, first: int, pipe: int) -> None:
        os.write(pipe, json.dumps((self.plan["workers"][number], first)).encode() + b"\n")
        os.close(pipe)

    def waits(self) -> None:
        """Wait until a process ends. If it was killed and sessions are not mortal, start another to continue."""
        pid, status = os.wait()
        number, now = self.running.pop(pid), time.monotonic_ns()
        killed = os.WIFSIGNALED(status)
        assert killed or status == 0, f"worker {number} ended with {status}"
        last = self.noted(number)[-1]
        if self.plan["mortal"]:
            self.ended.append([self.plan["workers"][number]["session"], last["called" if killed else "answered"], now])
        if killed:
            with open(self.path(number), "a", encoding="utf-8") as note:
                note.write(json.dumps({"answered": now, "code": -os.WTERMSIG(status), "out": "", "err": ""}) + "\n")
        if killed and not self.plan["mortal"]:
            self.tell(number, last["number"] + 1, self.start(number))

    def path(self, number: int) -> str:
        return f"{self.home}/{number}"

    def noted(self, number: int) -> list[Plan]:
        with open(self.path(number), encoding="utf-8") as file:
            return [json.loads(line) for line in file]


def main() -> None:
    root, home = sys.argv[1:]
    coord.platform.watch.POLL_EVERY_S = 0.02  # more often than usual, because the plan's clock runs faster
    for name in ("claim", "renew", "release", "handoff", "break", "claims", "start"):
        load_command(name)
    for line in sys.stdin:
        game = Play(json.loads(line), root, home)
        try:
            print(json.dumps(game.run()), flush=True)
        finally:
            for pid in game.running:  # only after an error
                os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
