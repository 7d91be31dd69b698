"""Run a command under strace: list its system calls that touch the shared folder, make one of them fail, or kill the
command at one of them.

A call is identified by its name and its number among the process's calls of that name. Two runs of a command on the
same folder make the same calls, so a call seen in one run can be selected in the next. Each run reports the call that
was hit. If the numbers have shifted, as they do for commands that wait, the run is repeated.

SIGKILL at a call comes before the kernel executes it, so the call is not made. SIGKILL at the next call is therefore
SIGKILL after this one.
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
    """Whether strace is installed and permitted."""
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-f", "-o", os.devnull, "true"], capture_output=True, check=False).returncode == 0


needs_strace = pytest.mark.skipif(not _can_trace(), reason="strace is not installed or not permitted")
END = "exit_group"
MARK = os.path.join(".git", "coord")  # the one file outside the shared folder
CHANGES = ("write", "ftruncate", "fsync", "fdatasync", "rename", "unlink", "mkdir", "chmod", "flock", END)
_LINE = re.compile(r"(\d+) +(\w+)\((.*)")
_FD = re.compile(r"(\d+)<(.*?)>")
_PATH = re.compile(r'"(/[^"]*)"')
_ID = re.compile(r"(import|[a-z]+-[a-z]+)-[a-z2-9]{4}")


@dataclass(frozen=True)
class Call:
    """A system call: its name; what it touches, which is a path in the shared folder with `ID` for session ids, or `1`
    or `2` for standard output and error; and its number among the calls with this name and path, counted from 1.
    """

    name: str
    what: str
    turn: int
    flags: str = ""  # of an `open`

    @property
    def changes(self) -> bool:
        """Whether it changes something in the folder, takes the lock, or prints something."""
        return self.name in CHANGES or "O_CREAT" in self.flags

    @property
    def must_not_fail(self) -> bool:
        """Whether the command must fail if this call fails: it writes an event, or makes one durable."""
        syncs = self.name in ("fsync", "fdatasync") and self.what.startswith("log")
        return syncs or (self.name == "write" and self.what.endswith(".jsonl"))

    @property
    def in_folder(self) -> bool:
        """Whether it touches the folder, and is not only output."""
        return self.what not in ("", "1", "2")

    def __str__(self) -> str:
        return f"{self.name} {self.what} {self.turn}"


@dataclass(frozen=True)
class Traced:
    """The result of a command (with code -9 if it was killed), its relevant calls with their numbers, and the call that
    failed or was prevented.
    """

    result: Result
    calls: dict[Call, int]
    hit: Call | None


class Strace:
    """Runs `coord` in a repository, in an environment. `heard` is called when the command says that it waits."""

    def __init__(self, root: Path, env: dict[str, str], heard: Callable[[], object] | None = None) -> None:
        self.root, self.heard = root, heard
        self.env = env | {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}

    def run(self, words: Sequence[str], *options: str, within: Sequence[str] = ()) -> Traced:
        """Run a command with options of strace. If `within` is given, that program starts the command."""
        with tempfile.TemporaryDirectory() as scratch:
            trace = Path(scratch, "trace")
            result = self._run(["strace", "-f", "-y", "-o", str(trace), *options, *within, COORD, *words])
            lines = trace.read_text(errors="replace").splitlines()
        calls, hit = _read(lines, str(self.root))
        return Traced(result, calls, hit)

    def kill(self, words: Sequence[str], call: Call, number: int) -> Traced:
        """Run a command and kill it just before this call."""
        return self.run(words, *_at(call, number, "signal=KILL"))

    def fail(self, words: Sequence[str], call: Call, number: int, error: str) -> Traced:
        """Run a command in which this call is not made and returns an error."""
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
                for line in process.stderr:  # its standard output fits into the pipe
                    said += line
                    if self.heard and b"; waiting for at most" in line:
                        self.heard()
                out = process.stdout.read()
                code = process.wait()
            finally:
                guard.cancel()
        return Result(out.decode(), said.decode(), code)


def _at(call: Call, number: int, what: str) -> tuple[str, str]:
    """The options that make strace do `what` at a call, and show the calls of that name and the first `execve`."""
    return f"-etrace=execve,{call.name}", f"-einject={call.name}:{what}:when={number}"


def _read(lines: list[str], root: str) -> tuple[dict[Call, int], Call | None]:
    """The calls of the first process that touch the folder, print, or exit; and the call that was hit."""
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
    places = [os.path.relpath(path, root) for path in ([by_number[2]] if by_number else _PATH.findall(rest))]
    inside = [path for path in places if path.startswith(("COORDINATION", MARK))]
    path = inside[-1].removeprefix("COORDINATION/") if inside else ""
    return _ID.sub("ID", path) if path.startswith("log/") else path
