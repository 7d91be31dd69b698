"""Real processes that claim at the same time, and what each asked and was answered, and when.

`python -m tests.faults.claimants ROOT HOME` reads plans from standard input, one JSON document a line, and answers each
with what came of it. A plan has workers; each is a process forked from this one, which runs its commands one after the
other through the code of the command line: real files, the real lock, and the plan's clock, which runs `pace` times as
fast as the machine's, so that an hour of claims passes in a second. Or it runs the installed command, by its own clock.
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
    """What the plan's clock says at a moment of the machine's, to one whose clock is ahead or behind."""
    passed_us: int = (ns - plan["begin"]) * plan["pace"] // 1000
    return BEGIN_MICROS + passed_us + round(ahead_s * 1_000_000)


def clock(plan: Plan, ahead_s: float) -> Instant:
    return from_micros(micros(plan, time.monotonic_ns(), ahead_s))


def inside(plan: Plan, root: str, session: str, step: Plan, system: System | None = None) -> tuple[int, str, str]:
    """Run a command in this process, which kills itself at one of its calls if the plan says so."""
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
    """The machine's processes, but one of them, a worker, looks like a shell in which a command of ours runs."""

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
    """Start a session; its id. If sessions are mortal here, it lives as long as this process."""
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
    """Run the installed command, and kill it after so many milliseconds if the plan says so."""
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
    """The commands of a worker from the `first` on. What is called and answered is noted at once, in a file."""
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
    """A plan played in a fresh log."""

    def __init__(self, plan: Plan, root: str, home: str) -> None:
        self.plan, self.root, self.home = plan, root, home
        self.running: dict[int, int] = {}  # the workers by their pids
        self.ended: list[list[object]] = []  # which sessions are over: between when and when
        for name in ("log", ".cache"):
            shutil.rmtree(Path(root, "COORDINATION", name), ignore_errors=True)
        plan["begin"] = time.monotonic_ns()

    def run(self) -> Plan:
        """All of it; the plan, with what was noted."""
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
        """A process for a worker, which begins when it is told with what, through the pipe that is returned."""
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
        """One process ends. Where sessions are not mortal, another goes on for one that was killed."""
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
    coord.platform.watch.POLL_EVERY_S = 0.02  # as often as the machine's clock would let it, for one that runs faster
    for name in ("claim", "renew", "release", "handoff", "break", "claims", "start"):
        load_command(name)
    for line in sys.stdin:
        game = Play(json.loads(line), root, home)
        try:
            print(json.dumps(game.run()), flush=True)
        finally:
            for pid in game.running:  # only where something went wrong
                os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
