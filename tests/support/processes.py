"""Real shells, with or without a terminal, in a clean environment.

A `Shell` is a `bash` that leads a process session of its own and whose parent is init, so that a coding agent that runs
the tests is not its ancestor. A `Terminal` is an interactive `bash` in tmux. Timeouts only guard against hanging: no
test asserts how long something takes.
"""

import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GUARD_S = 90.0
TREE = os.environ.get("COORD_TEST_TREE", "")  # a copy of the program to test instead; set by tests.mutants
_PYTHON = [os.path.dirname(sys.executable)] if TREE else []
BIN = os.path.join(TREE, "bin") if TREE else os.path.dirname(sys.executable)
COORD = os.path.join(BIN, "coord")
_FOREIGN = re.compile(r"^(CLAUDE|CODEX|GEMINI|COORD_|GIT_|TMUX|PYTEST|PYTHON|_COORD|XDG_CONFIG)")
ORPHAN = "import os, sys\nif os.fork(): os._exit(0)\nos.setsid()\nos.execvp(sys.argv[1], sys.argv[1:])"


@dataclass(frozen=True)
class Result:
    """What a command printed, and its exit code."""

    out: str
    err: str
    code: int

    @property
    def json(self) -> Any:
        """The JSON document on standard output."""
        return json.loads(self.out)

    @property
    def both(self) -> str:
        """Standard output and standard error."""
        return self.out + self.err


def environment(home: Path, **more: str) -> dict[str, str]:
    """The environment of a user who has just logged in, with the tested `coord` first on the PATH."""
    kept = {name: value for name, value in os.environ.items() if not _FOREIGN.match(name)}
    return kept | {
        "PATH": os.pathsep.join((BIN, *_PYTHON, os.environ.get("PATH", os.defpath))),
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "TERM": "xterm-256color",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "A Person",
        "GIT_AUTHOR_EMAIL": "person@example.org",
        "GIT_COMMITTER_NAME": "A Person",
        "GIT_COMMITTER_EMAIL": "person@example.org",
        **({"PYTHONPATH": TREE} if TREE else {}),
        **more,
    }


def until(condition: Callable[[], object], what: str = "it") -> None:
    """Wait until a condition holds. Raises TimeoutError."""
    deadline = time.monotonic() + GUARD_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come")
        time.sleep(0.01)


class Shell:
    """A `bash` without a terminal, which reads commands from a pipe."""

    def __init__(self, cwd: Path, home: Path, argv: tuple[str, ...] = ("bash", "--norc", "--noprofile")) -> None:
        self.folder = home / f"shell-{len(list(home.glob('shell-*')))}"
        self.folder.mkdir(parents=True)
        self.env = environment(home)
        with subprocess.Popen(
            [sys.executable, "-ISc", ORPHAN, *argv],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            cwd=cwd,
            env=self.env,
        ) as parent:
            assert parent.stdin is not None
            assert parent.stdout is not None
            self._in, self._out = os.dup(parent.stdin.fileno()), os.dup(parent.stdout.fileno())
        self._turn = 0
        self._pending = b""
        self._write("echo $$\n")
        self.pid = int(self._line())

    def run(self, command: str) -> Result:
        """Type a command and wait for it."""
        self.begin(command)
        return self.finish()

    def begin(self, command: str) -> None:
        """Type a command and do not wait for it."""
        self._turn += 1
        out, err = self._files()
        self._write(f"{{ {command}\n}} </dev/null >'{out}' 2>'{err}'; echo $?\n")

    def finish(self) -> Result:
        """Wait for the command that was begun. The code is -9 if the shell was killed meanwhile."""
        line = self._line()
        out, err = self._files()
        return Result(out.read_text(), err.read_text(), int(line) if line else -9)

    def so_far(self) -> str:
        """The output and errors that the command that was begun has printed so far."""
        return "".join(file.read_text() for file in self._files() if file.exists())

    def ok(self, command: str) -> str:
        """Type a command that must succeed; its output."""
        result = self.run(command)
        assert result.code == 0, (command, result)
        return result.out

    def json(self, command: str) -> Any:
        """Type a command that must succeed and print a JSON document."""
        return json.loads(self.ok(command + " --json"))

    def start(self, options: str = "") -> str:
        """Start a session here; its id."""
        return str(self.json(f"coord start {options}")["session"])

    def kill(self) -> None:
        """Kill the shell with SIGKILL, but not its children."""
        os.kill(self.pid, signal.SIGKILL)
        until(lambda: not alive(self.pid), "the shell's death")

    def close(self) -> None:
        """Kill the shell and everything that it left running."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        with suppress(OSError):
            os.close(self._in)
            os.close(self._out)

    def _files(self) -> tuple[Path, Path]:
        return self.folder / f"{self._turn}.out", self.folder / f"{self._turn}.err"

    def _write(self, text: str) -> None:
        data = text.encode()
        while data:
            data = data[os.write(self._in, data) :]

    def _line(self) -> str:
        while b"\n" not in self._pending:
            if not select.select([self._out], [], [], GUARD_S)[0]:
                raise TimeoutError(f"the shell did not answer; it printed {self.so_far()!r}")
            part = os.read(self._out, 4096)
            if not part:
                return ""
            self._pending += part
        line, _, self._pending = self._pending.partition(b"\n")
        return line.decode()


class Terminal:
    """An interactive `bash` in a window of its own tmux server."""

    def __init__(self, cwd: Path, home: Path, number: int) -> None:
        self._tmux = ["tmux", "-u", "-L", f"coord-{os.getpid()}-{number}"]
        self.env = environment(home, PS1="$ ")
        self._turn = 0
        self._call(
            "-f", "/dev/null", "new-session", "-d", "-x", "300", "-y", "100", "-c", str(cwd), "bash --norc --noprofile"
        )
        self.run("true")

    def run(self, command: str) -> Result:
        """Type a command, press enter, and read the screen. `err` is empty: a screen does not separate the two."""
        self._turn += 1
        self._call("send-keys", "-l", f"clear; {command}; echo end-$(({self._turn})):$?")
        self._call("send-keys", "Enter")
        mark = re.compile(rf"^(.*?)^end-{self._turn}:(\d+)$", re.DOTALL | re.MULTILINE)
        seen: list[re.Match[str]] = []

        def done() -> bool:
            seen.extend(mark.finditer(self._call("capture-pane", "-p", "-J")))
            return bool(seen)

        until(done, f"the end of {command!r}")
        return Result(seen[0][1], "", int(seen[0][2]))

    def begin(self, command: str) -> None:
        """Type a command and do not wait for it."""
        self._call("send-keys", "-l", f"clear; {command}")
        self._call("send-keys", "Enter")

    def press(self, *keys: str) -> None:
        """Press keys, by their tmux names: `q`, `Right`, `C-c`."""
        self._call("send-keys", *keys)

    def quit(self) -> None:
        """Leave a full-screen view, and wait for its end, so that it does not read what is typed next."""
        self.press("q")
        until(lambda: "q quits" not in self.screen(), "the end of the view")

    def screen(self) -> str:
        """The text of the window."""
        return self._call("capture-pane", "-p")

    def sees(self, *texts: str) -> str:
        """Wait until the window shows these texts; its whole text."""
        until(lambda: all(text in self.screen() for text in texts), f"{texts} on the screen")
        return self.screen()

    def resize(self, columns: int, rows: int) -> None:
        """Resize the window."""
        self._call("resize-window", "-x", str(columns), "-y", str(rows))

    def close(self) -> None:
        """Close the window and end the server."""
        with suppress(subprocess.SubprocessError):
            self._call("kill-server")

    def _call(self, *words: str) -> str:
        done = subprocess.run([*self._tmux, *words], env=self.env, capture_output=True, check=True, timeout=GUARD_S)
        return done.stdout.decode()


def alive(pid: int) -> bool:
    """Whether a process exists and is not a zombie."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, check=False).stdout.strip()
    return bool(state) and not state.startswith(b"Z")


def have(program: str) -> bool:
    """Whether a program is on this machine."""
    return shutil.which(program) is not None


def can_unshare(*options: str) -> bool:
    """Whether this machine allows us to create namespaces."""
    command = ["unshare", *options, "true"]
    return have("unshare") and subprocess.run(command, capture_output=True, check=False).returncode == 0
