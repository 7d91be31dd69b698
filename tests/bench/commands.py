"""Where the time of a command goes: whole processes, as ratios to `python3 -c pass` of the same interpreter.

    python -m tests.bench.commands [--rounds 21] [--events 1000] [--json FILE]

All rows are measured in one run, one after the other in every round, so that whatever slows the machine slows them all.
The folder has 20 sessions and as many events as asked, made from a fixed seed.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

from eventlog.codec import NO_HASH
from eventlog.events import Event, SessionHeartbeat, SessionStarted, from_micros
from eventlog.scanning import Position
from eventlog.writer import Writer

SEED = 20261122
SESSIONS = 20


def fill(log: str, events: int) -> None:
    """Write a history of heartbeats by 20 sessions of another machine that ended up here: seeded, 10 s apart."""
    rng = random.Random(SEED)
    start = time.time_ns() // 1000 - events * 10_000_000
    writers = {f"bench-session-{i:02}": Position(hashes=(NO_HASH,)) for i in range(SESSIONS)}
    open_ones = {name: Writer(log, name, position) for name, position in writers.items()}
    for i in range(events):
        name = f"bench-session-{i % SESSIONS:02}" if i < SESSIONS else rng.choice(list(open_ones))
        beat = SessionHeartbeat(action="building", target=f"part-{rng.randrange(99)}", progress="25%", percent=25)
        payload = SessionStarted(name=name) if i < SESSIONS else beat
        writer = open_ones[name]
        at = from_micros(start + i * 10_000_000)
        writer.append(Event(v=1, at=at, session=name, n=writer.n, payload=payload))
    for writer in open_ones.values():
        writer.sync()
        writer.close()


def rows(python: str) -> dict[str, list[str]]:
    """What is measured: a name, and a command line. `{i}` is the number of the round."""
    coord = [python, "-P", "-m", "coord"]
    return {
        "python3 -c pass  (P)": [python, "-c", "pass"],
        "import click": [python, "-c", "import click"],
        "import click, msgspec  (L)": [python, "-c", "import click, msgspec"],
        "coord --version": [*coord, "--version"],
        "coord heartbeat": [*coord, "heartbeat", "building", "part-{i}", "BUILD", "25%"],
        "coord claim, granted": [*coord, "claim", "file", "src/part-{i}.py", "1"],
        "coord claim, refused": [*coord, "claim", "file", "src/taken.py", "1"],
        "coord status": [*coord, "status"],
        "coord status --at": [*coord, "status", "--at", "-1h"],
        "coord log": [*coord, "log"],
        "coord why": [*coord, "why", "file", "src/taken.py"],
        "coord report": [*coord, "report"],
    }


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--events", type=int, default=1000)
    parser.add_argument("--json")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="coord-bench-") as folder:
        env = prepare(folder, args.events)
        table = measure(folder, env, args.rounds)
    base = statistics.median(table["python3 -c pass  (P)"])
    print(f"{args.events} events, {SESSIONS} sessions, {args.rounds} rounds, seed {SEED}; P = {base * 1000:.1f} ms\n")
    print("| whole process | median / P | 10 % | 90 % |\n| --- | ---: | ---: | ---: |")
    report = {}
    for name, times in table.items():
        deciles = statistics.quantiles(times, n=10)
        ratios = [statistics.median(times) / base, deciles[0] / base, deciles[-1] / base]
        report[name] = ratios
        print(f"| {name} | " + " | ".join(f"{ratio:.2f}" for ratio in ratios) + " |")
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=2)


def prepare(folder: str, events: int) -> dict[str, str]:
    """A folder with a history, and the environment of a session in it that others share with one who holds a file."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("COORD_", "CLAUDE", "CODEX", "GEMINI"))}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    coord = [sys.executable, "-P", "-m", "coord"]
    subprocess.run([*coord, "init"], cwd=folder, env=env, check=True, capture_output=True)
    fill(os.path.join(folder, "COORDINATION", "log"), events)
    for name, claims in (("holder", ["src/taken.py"]), ("bench", [])):
        start = [*coord, "start", "--no-anchor", "--new", "--json", "--name", name]
        told = subprocess.run(start, cwd=folder, env=env, check=True, capture_output=True).stdout
        env["COORD_SESSION"] = json.loads(told)["session"]
        for path in claims:
            subprocess.run([*coord, "claim", "file", path], cwd=folder, env=env, check=True, capture_output=True)
    return env


def measure(folder: str, env: dict[str, str], rounds: int) -> dict[str, list[float]]:
    """Seconds of each row in each round; a round before the first is not counted."""
    commands = rows(sys.executable)
    table: dict[str, list[float]] = {name: [] for name in commands}
    for i in range(rounds + 1):
        for name, command in commands.items():
            words = [word.replace("{i}", str(i)) for word in command]
            begin = time.perf_counter()
            done = subprocess.run(words, cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            seconds = time.perf_counter() - begin
            if done.returncode not in (0, 1):
                raise SystemExit(done.stderr.decode())
            if i:
                table[name].append(seconds)
    return table


if __name__ == "__main__":
    main()
