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
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any

import watchfiles._rust_notify  # noqa: F401 - loaded once, before the forks

import coord.waiting
from coord.cli import run
from coord.world import World, wall_clock
from eventlog.events import Instant, from_micros
from tests.coord.inside import Table
from tests.processes import COORD, environment

BEGIN_MICROS = 1_795_348_800_000_000
_OURS = tuple(f"{os.sep}{package}{os.sep}" for package in ("coord", "eventlog", "projections"))
Plan = dict[str, Any]


def micros(plan: Plan, ns: int, ahead_s: float) -> int:
    """What the plan's clock says at a moment of the machine's, to one whose clock is ahead or behind."""
    passed_us: int = (ns - plan["begin"]) * plan["pace"] // 1000
    return BEGIN_MICROS + passed_us + round(ahead_s * 1_000_000)


def clock(plan: Plan, ahead_s: float) -> Instant:
    return from_micros(micros(plan, time.monotonic_ns(), ahead_s))


def inside(plan: Plan, root: str, session: str, step: Plan) -> tuple[int, str, str]:
    """Run a command in this process, which kills itself at one of its calls if the plan says so."""
    out, err = io.StringIO(), io.StringIO()
    wall = wall_clock if plan["installed"] else partial(clock, plan, step["ahead"])
    env = {"COORD_SESSION": session} if session else {}
    world = World(env, root, wall, os.getpid(), processes=Table)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        sys.setprofile(_killer(step["dies"]) if step["dies"] else None)
        code = run(step["words"], world)
        sys.setprofile(None)
    return code, out.getvalue(), err.getvalue()


def _killer(left: int) -> Any:
    def count(frame: FrameType, event: str, _: object) -> None:
        nonlocal left
        if event == "call" and any(package in frame.f_code.co_filename for package in _OURS):
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


def play(plan: Plan, root: str, home: str) -> Plan:
    """Run a plan in a fresh log; the plan, with what each worker did."""
    folder = Path(root, "COORDINATION")
    for name in ("log", ".cache"):
        shutil.rmtree(folder / name, ignore_errors=True)
    plan["begin"] = time.monotonic_ns()
    calm = {"ahead": 0, "dies": 0}
    sessions = []
    for _ in range(plan["sessions"]):
        code, out, err = inside(plan, root, "", calm | {"words": ["start", "--json"]})
        assert code == 0, err
        sessions.append(json.loads(out)["session"])
    running: dict[int, int] = {}

    def start(number: int, first: int) -> None:
        pid = os.fork()
        if pid == 0:
            work(plan, root, home, plan["workers"][number], first, f"{home}/{number}")
            os._exit(0)
        running[pid] = number

    for number, worker in enumerate(plan["workers"]):
        worker["session"] = sessions[worker["session"]]
        for step in worker["steps"]:
            step["words"] = [sessions[word] if isinstance(word, int) else word for word in step["words"]]
        start(number, 0)
    while running:
        pid, status = os.wait()
        number, died = running.pop(pid), time.monotonic_ns()
        if os.WIFSIGNALED(status):
            with open(f"{home}/{number}", "a", encoding="utf-8") as note:
                note.write(json.dumps({"answered": died, "code": -os.WTERMSIG(status), "out": "", "err": ""}) + "\n")
            start(number, noted(f"{home}/{number}")[-2]["number"] + 1)
        else:
            assert status == 0, f"worker {number} ended with {status}"
    plan["noted"] = []
    for number in range(len(plan["workers"])):
        plan["noted"] += noted(f"{home}/{number}")
        os.unlink(f"{home}/{number}")
    last = calm | {"words": ["claims", "--json"], "session": sessions[0], "called": time.monotonic_ns()}
    code, out, err = inside(plan, root, sessions[0], last)
    plan["noted"] += [last, {"answered": time.monotonic_ns(), "code": code, "out": out, "err": err}]
    return plan


def noted(path: str) -> list[Plan]:
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def main() -> None:
    root, home = sys.argv[1:]
    coord.waiting.LOOK_EVERY_S = 0.02  # as often as the machine's clock would let it, for one that runs faster
    for name in ("claim", "renew", "release", "handoff", "break_", "claims", "start"):
        import_module(f"coord.commands.{name}")
    for line in sys.stdin:
        print(json.dumps(play(json.loads(line), root, home)), flush=True)


if __name__ == "__main__":
    main()
