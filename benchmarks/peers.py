"""Compare coord with similar programs: `make bench-peers`. CI does not run it, because it installs packages.

    python -m benchmarks.peers [--rounds 11] [--fill 100] [--venv build/peers] [--json FILE]

The peers are installed from PyPI into a separate environment, and each gets a repository with some messages. Every
round runs the commands of all peers and of coord one after the other. All are whole processes of the same interpreter,
in units of P. A peer that cannot be installed, or whose command fails, is listed with the reason.

The work is not quite the same: peers differ in what they sync to the disk, check and keep of the history.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from msgspec import Struct

from benchmarks.commands import Failed, commands, timed
from benchmarks.folders import PASS, Folder, prepare
from benchmarks.rows import SHORT
from coord.render.console.progress import ProgressBar
from tests.support.processes import environment

_INSTALL_S = 600


class Peer(Struct, frozen=True):
    """A peer: how to set up its store, and its commands by what they do. `{i}` is replaced by the number of the round.

    The command `send` also fills the store before the first round.
    """

    package: str
    store: str
    commands: dict[str, str]
    setup: tuple[str, ...] = ()
    env: dict[str, str] = {}
    stdin: str = ""


_HOOK = '{"hook_event_name":"PreToolUse","session_id":"bench","cwd":"{root}","tool_name":"Write","tool_input":'
_TABLE = (
    "import sqlite3; db = sqlite3.connect('bare.db', isolation_level=None); db.execute('pragma journal_mode=wal'); "
    "db.execute('pragma synchronous=full'); "
)
_SQLITE = "sqlite3, in Python"

PEERS = (
    Peer(
        "hcom",
        "a Rust program, SQLite",
        {"send": "hcom send --from bench -- works_now_{i}", "status": "hcom list", "log": "hcom events --last 20"},
        setup=("hcom start",),
    ),
    Peer(
        "agent-file-claim",
        "one JSON file",
        {"claim (hook)": "agent-file-claim hook", "claims": "agent-file-claim list"},
        stdin=_HOOK + '{"file_path":"{root}/src/new-{i}.py"}}',
    ),
    Peer("cabildo", "SQLite", {"send": "cabildo say works_now_{i}", "log": "cabildo log -n 20"}),
    Peer(
        "claude-agent-sync",
        "SQLite",
        {
            "heartbeat": "agent-sync heartbeat",
            "send": "agent-sync send --to all --message works_now_{i}",
            "claim": "agent-sync lock src/new-{i}.py",
            "release": "agent-sync unlock src/new-{i}.py",
            "status": "agent-sync status",
            "inbox": "agent-sync inbox",
        },
        setup=("agent-sync init", "agent-sync register --name bench"),
    ),
    Peer(
        "agent-lease-mcp",
        "SQLite",
        {
            "send": "agent-lease say works_now_{i}",
            "claim": "agent-lease claim src/new-{i}.py",
            "release": "agent-lease release src/new-{i}.py",
            "status": "agent-lease room",
        },
        env={"AGENT_NAME": "bench"},
    ),
    Peer(
        "claude-swarm",
        "SQLite",
        {
            "heartbeat": "claude-swarm update A --note works_now_{i}",
            "send": "claude-swarm message B works_now_{i} --from A",
            "claim": "claude-swarm claim src/new-{i}.py --session A",
            "release": "claude-swarm unclaim src/new-{i}.py --session A",
            "status": "claude-swarm status",
            "inbox": "claude-swarm inbox --session B",
        },
        setup=("claude-swarm init --sessions A:one|B:two",),
    ),
    Peer(
        "",
        _SQLITE,
        {
            "send": f"python -c {_TABLE}db.execute('insert into said values (?, ?)', (1, 'works now'))",
            "log": f"python -c {_TABLE}print(db.execute('select * from said order by rowid desc limit 20').fetchall())",
        },
        setup=(f"python -c {_TABLE}db.execute('create table said (at, what)')",),
    ),
)


def words(line: str, programs: Path, root: Path, i: int) -> list[str]:
    """Return the arguments of a command line of the table; `|` stands for a space within an argument."""
    name, *rest = line.split(" ", 2) if line.startswith("python -c ") else line.split(" ")
    filled = [word.replace("{i}", str(i)).replace("{root}", str(root)) for word in rest]
    python = name == "python"
    return [sys.executable if python else str(programs / name), *(w if python else w.replace("|", " ") for w in filled)]


def install(venv: Path, package: str) -> str:
    """Install a peer's package, if it has one. Return why that failed, or an empty text."""
    if not package:
        return ""
    try:
        if not (venv / "bin" / "python").exists():
            subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True, capture_output=True, text=True)
        pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", package]
        subprocess.run(pip, check=True, capture_output=True, text=True, timeout=_INSTALL_S)
    except subprocess.CalledProcessError as error:
        return f"not installed: {error.stderr.strip().splitlines()[-1:]}"
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"not installed: {error}"
    return ""


class Setup(Struct):
    """The repository of a peer; `trouble` is why it cannot run, if it cannot."""

    peer: Peer
    programs: Path
    root: Path
    env: dict[str, str]
    trouble: str = ""

    def run(self, name: str, line: str, i: int) -> float:
        """Run one of its commands and return its seconds. Raises Failed."""
        stdin = self.peer.stdin.replace("{i}", str(i)).replace("{root}", str(self.root)) if "hook" in name else ""
        return timed(words(line, self.programs, self.root, i), self.root, self.env, stdin=stdin.encode())


def begin(peer: Peer, venv: Path, base: Path, fill: int, bar: ProgressBar) -> Setup:
    """Install a peer, and set up and fill its store."""
    root = base / (peer.package or "bare")
    (root / "src").mkdir(parents=True)
    env = environment(root / "home", **peer.env)
    (root / "home").mkdir()
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=root, env=env, check=True)
    setup = Setup(peer, venv / "bin", root, env, install(venv, peer.package))
    bar.step()
    try:
        for line in peer.setup if not setup.trouble else ():
            setup.run("setup", line, 0)
        for i in range(fill if not setup.trouble and "send" in peer.commands else 0):
            setup.run("send", peer.commands["send"], i)
    except (Failed, OSError) as failed:
        setup.trouble = f"{failed}"
    bar.step()
    return setup


def measure(setups: list[Setup], folder: Folder, rounds: int, bar: ProgressBar) -> dict[tuple[str, str], list[float]]:
    """Return the times of each peer's commands in P, by round. One round before the first is not counted."""
    ratios: dict[tuple[str, str], list[float]] = {}
    for i in range(rounds + 1):
        seconds: dict[tuple[str, str], float] = {}
        bases = [timed(PASS, folder.root, folder.env)]
        for command in commands(folder, i):
            env = folder.acting(folder.other if command.by_other else folder.me)
            seconds["coord", command.name] = timed(command.argv, folder.root, env, command.codes, command.stdin)
        for setup in setups:
            bases.append(timed(PASS, folder.root, folder.env))
            for name, line in setup.peer.commands.items() if not setup.trouble else ():
                try:
                    seconds[setup.peer.package, name] = setup.run(name, line, 10_000 + i)
                except (Failed, OSError) as failed:
                    setup.trouble = f"{name}: {failed}"
        base = statistics.median(bases)
        for key, took in seconds.items() if i else ():
            ratios.setdefault(key, []).append(took / base)
        bar.step()
    return ratios


def table(setups: list[Setup], ratios: dict[tuple[str, str], list[float]]) -> str:
    """Return the results as text, one line for each command."""
    stores = {"coord": "journals, synced"} | {setup.peer.package: setup.peer.store for setup in setups}
    lines = []
    for (package, name), values in ratios.items():
        low, median, high = statistics.quantiles(values, n=4, method="inclusive") if values[1:] else values * 3
        what = f"{package or '(bare table)':18} {stores[package]:24} {name:22}"
        lines.append(f"{what} {median:6.2f} P   {low:.2f} .. {high:.2f}")
    troubles = [f"{setup.peer.package:18} {setup.trouble}" for setup in setups if setup.trouble]
    return "\n".join([*lines, *troubles])


def main() -> None:
    """Install the peers, measure, and print the results."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.peers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=11, help="rounds of all commands")
    parser.add_argument("--fill", type=int, default=100, help="messages in a peer's store before the first round")
    parser.add_argument(
        "--venv", default=os.path.join("build", "peers"), help="the environment to install the peers into"
    )
    parser.add_argument("--json", metavar="FILE", help="write all numbers to FILE as JSON")
    args = parser.parse_args()
    venv = Path(args.venv).absolute()
    venv.parent.mkdir(parents=True, exist_ok=True)
    bar = ProgressBar("measuring", 2 * len(PEERS) + args.rounds + 1, quiet_s=0)
    try:
        with tempfile.TemporaryDirectory(prefix="coord-peers-") as base:
            folder = prepare(Path(base, "coord"), SHORT)
            setups = [begin(peer, venv, Path(base), args.fill, bar) for peer in PEERS]
            ratios = measure(setups, folder, args.rounds, bar)
    finally:
        bar.close()
    print(f"whole processes, {args.rounds} rounds; coord with {SHORT:,} events, the others with {args.fill} messages\n")
    print(table(setups, ratios))
    if args.json:
        rows = [{"package": key[0] or _SQLITE, "command": key[1], "in_P": values} for key, values in ratios.items()]
        troubles = {setup.peer.package: setup.trouble for setup in setups if setup.trouble}
        Path(args.json).write_text(json.dumps({"rows": rows, "not_there": troubles}, indent=1) + "\n")


if __name__ == "__main__":
    main()
