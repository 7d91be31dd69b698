"""A command under strace: which of its system calls touch the shared folder, and what becomes of it if one of them
fails or is the last that it comes to.

A call is known by its name and its number among the calls of that name that the process makes. Two runs of one command
on one folder make the same calls, so what was seen in one can be aimed at in the next. Each run tells what was hit:
where the numbers have shifted, which those of a command that waits do, it is aimed anew.

SIGKILL at a call comes before the kernel looks at it: the call is not made. So SIGKILL at the next call is SIGKILL
after this one.
"""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.processes import COORD, GUARD_S, Result


def _can_trace() -> bool:
    """Whether there is an strace, and it may look at processes here."""
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-f", "-o", os.devnull, "true"], capture_output=True, check=False).returncode == 0


needs_strace = pytest.mark.skipif(not _can_trace(), reason="there is no strace here, or it may not trace")
END = "exit_group"
MARK = os.path.join(".git", "coord")  # the one file outside the shared folder
CHANGES = ("write", "ftruncate", "fsync", "fdatasync", "rename", "unlink", "mkdir", "chmod", "flock", END)
_LINE = re.compile(r"(\d+) +(\w+)\((.*)")
_FD = re.compile(r"(\d+)<(.*?)>")
_PATH = re.compile(r'"(/[^"]*)"')
_ID = re.compile(r"(import|[a-z]+-[a-z]+)-[a-z2-9]{4}")


@dataclass(frozen=True)
class Call:
    """A system call: its name; what it touches, which is a place in the shared folder, with every session's id as `ID`,
    or `1` or `2`, where its words go; and which of those it is, counted from 1.
    """

    name: str
    what: str
    turn: int
    flags: str = ""  # of an open

    @property
    def changes(self) -> bool:
        """Whether it may change what is in the folder, or what others may do there, or tells someone of it."""
        return self.name in CHANGES or "O_CREAT" in self.flags

    @property
    def must_not_fail(self) -> bool:
        """Whether a command cannot say yes if this fails: an event's line, and what makes it durable."""
        syncs = self.name in ("fsync", "fdatasync") and self.what.startswith("log")
        return syncs or (self.name == "write" and self.what.endswith(".jsonl"))

    @property
    def in_folder(self) -> bool:
        """Whether it touches the folder, and not only what a person sees."""
        return self.what not in ("", "1", "2")

    def __str__(self) -> str:
        return f"{self.name} {self.what} {self.turn}"


@dataclass(frozen=True)
class Traced:
    """What a command printed, with its exit code (-9 if it was killed); its calls that are of interest, with their
    numbers; and the one that was made to fail or was never made.
    """

    result: Result
    calls: dict[Call, int]
    hit: Call | None


class Strace:
    """Runs `coord` in a repository, in an environment. `heard` is called when it says that it waits."""

    def __init__(self, root: Path, env: dict[str, str], heard: Callable[[], object] | None = None) -> None:
        self.root, self.heard = root, heard
        self.env = env | {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}

    def run(self, words: Sequence[str], *options: str, within: Sequence[str] = ()) -> Traced:
        """Run it with these options of strace, and started by the command `within`, if that is given."""
        with tempfile.TemporaryDirectory() as scratch:
            trace = Path(scratch, "trace")
            result = self._run(["strace", "-f", "-y", "-o", str(trace), *options, *within, COORD, *words])
            lines = trace.read_text(errors="replace").splitlines()
        calls, hit = _read(lines, str(self.root))
        return Traced(result, calls, hit)

    def kill(self, words: Sequence[str], call: Call, number: int) -> Traced:
        """Run it until just before this call."""
        return self.run(words, *_at(call, number, "signal=KILL"))

    def fail(self, words: Sequence[str], call: Call, number: int, error: str) -> Traced:
        """Run it with this call failing: it is not made, and the error is given."""
        return self.run(words, "--seccomp-bpf", *_at(call, number, f"error={error}"))

    def _run(self, command: list[str]) -> Result:
        with subprocess.Popen(
            command,
            cwd=self.root,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            guard = threading.Timer(GUARD_S, os.killpg, (process.pid, signal.SIGKILL))
            guard.start()
            said = b""
            try:
                for line in process.stderr:  # what it prints beside fits into the pipe
                    said += line
                    if self.heard and b"; waiting for at most" in line:
                        self.heard()
                out = process.stdout.read()
                code = process.wait()
            finally:
                guard.cancel()
        return Result(out.decode(), said.decode(), code)


def _at(call: Call, number: int, what: str) -> tuple[str, str]:
    """What strace is told: to do it there, and to show the calls of that name, and first of all how it began."""
    return f"-etrace=execve,{call.name}", f"-einject={call.name}:{what}:when={number}"


def _read(lines: list[str], root: str) -> tuple[dict[Call, int], Call | None]:
    """The calls of the first process that touch the folder, or with which it speaks or ends; and the one hit."""
    main = lines[0].split()[0] if lines else ""
    numbers, turns = Counter[str](), Counter[tuple[str, str]]()
    calls: dict[Call, int] = {}
    hit = last = None
    for line in lines:
        found = _LINE.fullmatch(line)
        if found and found[1] == main:
            name, rest = found[2], found[3]
            what = _what(name, rest, root)
            numbers[name] += 1
            turns[name, what] += 1
            flags = rest if name == "openat" else ""
            last = Call(name, what, turns[name, what], "|".join(re.findall(r"\bO_[A-Z]+\b", flags)))
            if what or name == END:
                calls[last] = numbers[name]
            hit = last if "(INJECTED)" in line else hit
        elif line.split()[:3] == [main, "+++", "killed"]:
            hit = last
    return calls, hit


def _what(name: str, rest: str, root: str) -> str:
    by_number = _FD.match(rest)
    if name == "write" and by_number and by_number[1] in "12":
        return by_number[1]
    places = [os.path.relpath(workspace, root) for workspace in ([by_number[2]] if by_number else _PATH.findall(rest))]
    inside = [workspace for workspace in places if workspace.startswith(("COORDINATION", MARK))]
    workspace = inside[-1].removeprefix("COORDINATION/") if inside else ""
    return _ID.sub("ID", workspace) if workspace.startswith("log/") else workspace
