"""Measure where the time of a heartbeat goes, by layer: `python -m benchmarks.layers [--events 1000] [--rounds 21]`.

Each round is a process that runs the command once, with a clock around each layer. The time of a layer does not include
that of layers inside it. The rest of the process's time is starting and ending the interpreter.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.commands import timed
from benchmarks.folders import PASS, PYTHON, prepare
from benchmarks.rows import SHORT

_BARE = [PYTHON, "-I", "-S", "-c", "pass"]
_CHILD = """
import json, os, sys, time
begin = last = time.perf_counter()
spent, inside = {}, []

def lap(name):
    global last
    spent[name], last = time.perf_counter() - last, time.perf_counter()

import coord.__main__
coord.__main__._load_msgspec()
lap("load msgspec")
from coord.cli.main import run
from coord.cli.registry import load_command
from coord.workspace.system import real_system
from coord.engine import transact, transaction
load_command("heartbeat")
lap("load coord's own modules")

def clocked(owner, function, name):
    real = getattr(owner, function)

    def call(*words, **more):
        begin = time.perf_counter()
        inside.append(0.0)
        try:
            return real(*words, **more)
        finally:
            took = time.perf_counter() - begin
            spent[name] = spent.get(name, 0.0) + took - inside.pop()
            if inside:
                inside[-1] += took

    setattr(owner, function, call)

from coord.engine import snapshot
from coord.engine.cache import checkpoint
from eventlog.local import lock, writer
clocked(checkpoint, "load", "read the checkpoint")
clocked(snapshot.Snapshot, "catch_up", "read the journals and fold new events")
clocked(lock, "_acquire", "take the lock, write the pid, release the lock")
clocked(lock, "_record_pid", "take the lock, write the pid, release the lock")
clocked(lock, "_write_pid", "take the lock, write the pid, release the lock")
clocked(transaction.Transaction, "act_as", "find and check the acting session")
clocked(transaction.Transaction, "record_observations", "record dead and idle sessions")
clocked(writer.JournalWriter, "extend", "hash, check and write the line")
clocked(writer.JournalWriter, "sync", "sync the journal")
clocked(snapshot.Snapshot, "save", "write the checkpoint")
clocked(transact, "save_index", "write the guard's index")
clocked(transact, "write_board", "write the board")
lap("(the clocks)")
inside.append(0.0)
code = run(sys.argv[1:], real_system())
whole = time.perf_counter() - last
spent["arguments, configuration, decision, answer"] = whole - inside.pop()
del spent["(the clocks)"]
print(json.dumps({"spent": spent, "ended": time.perf_counter() - begin, "code": code}), file=sys.stderr)
sys.stderr.flush()
os._exit(0)
"""


def main() -> None:
    """Measure the layers and print them in the order in which they run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.layers", description=__doc__)
    parser.add_argument("--events", type=int, default=SHORT, help="events of the history")
    parser.add_argument("--rounds", type=int, default=21, help="number of processes")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="coord-bench-") as base:
        folder = prepare(Path(base, "folder"), args.events)
        env = folder.acting(folder.me)
        bases: dict[str, list[float]] = {"bare": [], "P": []}
        layers: dict[str, list[float]] = {}
        for i in range(args.rounds + 1):
            words = ["heartbeat", "building", f"part-{i}", "BUILD", "25%"]
            begin = time.perf_counter()
            done = subprocess.run(
                [PYTHON, "-c", _CHILD, *words], cwd=folder.root, env=env, capture_output=True, text=True, check=True
            )
            whole = time.perf_counter() - begin
            result = json.loads(done.stderr)
            if result["code"] or not i:  # the first process only warms caches
                continue
            for name, argv in (("bare", _BARE), ("P", PASS)):
                bases[name].append(timed(argv, folder.root, env))
            for name, seconds in {"start": whole - result["ended"], **result["spent"]}.items():
                layers.setdefault(name, []).append(seconds)
    ms = {name: statistics.median(values) * 1000 for name, values in (bases | layers).items()}
    start, bare, plain = ms.pop("start"), ms.pop("bare"), ms.pop("P")
    rows = {
        "start and end Python": min(bare, start),
        "load `site`, with the environment's packages": max(0.0, plain - bare),
        **ms,
    }
    print(f"{args.events:,} events, {args.rounds} rounds, medians; P = {plain:.1f} ms\n")
    for name, took in rows.items():
        print(f"{took:6.1f} ms  {took / plain:5.2f} P  {name}")
    print(f"{sum(rows.values()):6.1f} ms  {sum(rows.values()) / plain:5.2f} P  total")


if __name__ == "__main__":
    main()
