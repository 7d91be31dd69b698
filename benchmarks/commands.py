"""Measure whole processes: the time that a user or a hook waits.

Each round runs all commands on all folders, and the base processes P and L, one after the other, so that other load on
the machine affects all of them. A round runs each base several times and uses the median. One round before the first is
not counted: it warms caches, such as compiled files.
"""

import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from benchmarks.folders import EDITED, HOOK, LOAD, OWN_EDIT, PASS, Folder, hook_payload
from benchmarks.rows import ASKED, CLAIMS, FIRST_WRITE, GUARD, PAST, SILENT_HOOKS, SPEAKING_HOOKS, WHOLE, Row, Samples
from benchmarks.series import Series
from tests.support.processes import COORD

_P, _L, SHORT_UNIT = "P", "L", "x short"
PLOTTED = ("heartbeat", CLAIMS[0], "status")
_ALWAYS = (*PLOTTED, "release")  # what the claim has claimed must be released


class Curves(Struct):
    """The cost of the plotted commands, in L, by how much there is of what grows."""

    grows: str
    lines: dict[str, dict[int, list[float]]]


class Command(Struct, frozen=True):
    """A command of a round; `name` is that of its row in the table."""

    name: str
    argv: list[str]
    codes: tuple[int, ...] = (0,)
    by_other: bool = False
    stdin: bytes = b""


class Failed(Exception):
    """A command ended with an unexpected exit code."""


def commands(folder: Folder, i: int) -> list[Command]:
    """Return the commands of round `i`, in order. The round releases the claim that it makes."""
    root, me = folder.root, folder.me
    new = f"src/new-{i}.py"
    text = "It works now, and the tests pass. Could you look at the third part?"
    return [
        Command("heartbeat", [COORD, "heartbeat", "building", f"part-{i}", "BUILD", "25%", "the tests"]),
        Command("send", [COORD, "send", me, "Review please", text], by_other=True),
        Command("claim, granted", [COORD, "claim", "file", new, "1"]),
        Command("claim, refused", [COORD, "claim", "file", "src/taken.py", "1"], codes=(1,)),
        Command("renew", [COORD, "renew", "file", new, "2"]),
        Command("status", [COORD, "status"]),
        Command("inbox", [COORD, "inbox"]),
        Command("board", [COORD, "board"]),
        Command("claims", [COORD, "claims"]),
        Command("release", [COORD, "release", "file", new]),
        Command(GUARD[0], HOOK, stdin=_write(root, OWN_EDIT)),
        Command(GUARD[1], HOOK, codes=(2,), stdin=_write(root, "src/taken.py")),
        Command(GUARD[2], HOOK, codes=(2,), stdin=_write(root, EDITED)),
        Command(FIRST_WRITE, HOOK, stdin=_write(root, f"src/first-{i}.py")),
        Command(SPEAKING_HOOKS[0], HOOK, stdin=hook_payload(root, "SessionStart", source="resume")),
        Command(SILENT_HOOKS[0], HOOK, stdin=hook_payload(root, "UserPromptSubmit", prompt="go on")),
        Command(SILENT_HOOKS[1], HOOK, stdin=hook_payload(root, "PreToolUse", **_SHELL)),
        Command(SILENT_HOOKS[2], HOOK, stdin=hook_payload(root, "PostToolUse", **_SHELL)),
        Command(SPEAKING_HOOKS[1], HOOK, stdin=hook_payload(root, "Stop")),
        Command(ASKED[0], [COORD, "why", *folder.resource.split("/", 1)]),
        Command(ASKED[1], [COORD, "why", folder.session]),
        Command(ASKED[2], [COORD, "inbox", folder.message, "--peek"]),
        Command(ASKED[3], [COORD, "log", "--resource", folder.resource]),
        Command(PAST[0], [COORD, "status", "--at", "-8h"]),
        Command(PAST[1], [COORD, "diff", "-8h"]),
        Command(PAST[2], [COORD, "report", "--since", "8h"]),
    ]


_SHELL = {"tool_name": "Bash", "tool_input": {"command": "make"}, "tool_use_id": "bench"}


def _write(root: Path, path: str) -> bytes:
    """Return the payload of a client's hook before a write."""
    tool = {"file_path": str(root / path), "content": "print()\n"}
    return hook_payload(root, "PreToolUse", tool_name="Write", tool_input=tool)


def timed(argv: list[str], cwd: Path, env: dict[str, str], codes: tuple[int, ...] = (0,), stdin: bytes = b"") -> float:
    """Run a process and return its seconds, from before it starts until it has ended.

    Raises Failed if its exit code is not one of `codes`.
    """
    stdin_path, stderr_path = cwd / "stdin", cwd / "stderr"
    stdin_path.write_bytes(stdin)
    with stdin_path.open("rb") as source, stderr_path.open("wb") as errors:
        begin = time.perf_counter()
        code = subprocess.call(argv, cwd=cwd, env=env, stdin=source, stdout=subprocess.DEVNULL, stderr=errors)
        seconds = time.perf_counter() - begin
    if code not in codes:
        raise Failed(f"exit code {code}: {stderr_path.read_text(errors='replace').strip()[-300:]}")
    return seconds


class Round:
    """One round: the bases, and each command on each folder. A command that failed is not run again."""

    def __init__(self, folders: dict[str, Folder], missing: dict[tuple[str, str], str]) -> None:
        self.folders, self.missing = folders, missing
        self.bases: dict[str, list[float]] = {_P: [], _L: []}
        self.seconds: dict[tuple[str, str], float] = {}

    def run(self, i: int, wanted: Callable[[str, str], bool]) -> None:
        """Run the round; `wanted` returns whether a command is measured on a folder."""
        names = list(self.folders) if i % 2 else list(self.folders)[::-1]
        self._bases()
        for name in names:
            folder = self.folders[name]
            for command in commands(folder, i):
                key = (name, command.name)
                if not wanted(*key) or key in self.missing:
                    continue
                env = folder.acting(folder.other if command.by_other else folder.me)
                try:
                    self.seconds[key] = timed(command.argv, folder.root, env, command.codes, command.stdin)
                except Failed as failed:
                    self.missing[key] = f"failed: {failed}"
            if name == names[0]:
                self._bases()
        self._bases()

    def _bases(self) -> None:
        folder = next(iter(self.folders.values()))
        for name, argv in ((_P, PASS), (_L, LOAD)):
            self.bases[name].append(timed(argv, folder.root, folder.env))

    def ratio(self, key: tuple[str, str], unit: str) -> float:
        """Return the time of a command in P, in L, or in multiples of its time in the short folder, in this round."""
        base = self.seconds["short", key[1]] if unit == SHORT_UNIT else statistics.median(self.bases[unit])
        return self.seconds[key] / base


class Measured(Struct):
    """The results: samples by row, reasons for missing rows, the bases in milliseconds, and the curves."""

    samples: Samples
    missing: dict[Row, str]
    bases_ms: dict[str, float]
    curves: list[Curves]


def measure(folders: dict[str, Folder], series: list[Series], rounds: int, step: Callable[[], None]) -> Measured:
    """Measure the rows and the curves of the series; `step` is called after each round."""
    missing: dict[tuple[str, str], str] = {}
    done: list[Round] = []
    needed = {(row.size, row.name) for row in WHOLE} | {(name, command) for name in folders for command in _ALWAYS}
    for i in range(rounds + 1):
        one = Round(folders, missing)
        one.run(i, lambda folder, command: (folder, command) in needed)
        done.append(one)
        step()
    del done[0]
    samples = {
        row: [one.ratio((row.size, row.name), row.unit) for one in done if (row.size, row.name) in one.seconds]
        for row in WHOLE
    }
    curves = [Curves(each.grows, {name: _curve(done, each, name) for name in PLOTTED}) for each in series]
    bases = {name: statistics.median(s for one in done for s in one.bases[name]) * 1000 for name in (_P, _L)}
    why = {row: missing[row.size, row.name] for row in WHOLE if (row.size, row.name) in missing}
    return Measured(samples, why, bases, curves)


def _curve(done: list[Round], series: Series, command: str) -> dict[int, list[float]]:
    return {
        amount: [one.ratio((folder, command), _L) for one in done if (folder, command) in one.seconds]
        for amount, folder in series.points.items()
    }
