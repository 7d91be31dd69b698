"""What a page shows of two terminals, played in two real shells, and the comparison of the two.

A page has fenced blocks tagged `console`. A line `one$ command` is typed in terminal one; the lines below it, up to the
next such line, are what it prints. A line `...` stands for any lines that the page leaves out. A command with `# waits`
behind it goes on while others are typed, once it has printed a line; what else it prints stands below a bare `one$`.

A shell here is as a terminal's is, but without the terminal: leader of its own process session, its parent gone, and
without the variables that would tell `coord` who it is. It is an ordinary shell that reads what it is told to run.
"""

import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

_SCRUBBED = ("CLAUDE", "CODEX", "GEMINI", "COORD_", "_COORD", "GIT_", "BASH", "PROMPT_COMMAND", "PS1")
_LAUNCH = "import os; os.fork() and os._exit(0); os.setsid(); os.execvp('bash', ['bash', '--norc', '--noprofile'])"
_PROMPT = re.compile(r"^(\w+)\$(?: (.+))?$")
_WAITS = "# waits"
_LONGEST_S = 30.0
SESSION_ID = re.compile(r"\b[a-z]+-[a-z]+-[a-z0-9]{4}\b(?!\.)")
HOME = "/home/you"  # where a page says that its repository is


class Step(NamedTuple):
    """One command of a page, and what the page says that it prints."""

    terminal: str
    typed: str
    shown: list[str]


class Shell:
    """A shell, told what to run through a pipe."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _LAUNCH],
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._process.wait()  # the launcher; the shell's parent is init from now on
        self._end = b""
        self._pid = int(self.run("echo $$"))

    def run(self, typed: str) -> str:
        """What a command prints; for one that waits, its first line; for no command, what that one prints then."""
        assert self._process.stdin is not None
        if typed:
            end = f"{time.monotonic_ns()}"
            self._process.stdin.write(f"{typed}\necho; echo {end}\n".encode())
            self._process.stdin.flush()
            self._end = f"\n{end}\n".encode()
        if typed.endswith(_WAITS):
            return self._read_until(b"\n").decode() + "\n"
        return self._read_until(self._end).decode()

    def _read_until(self, end: bytes) -> bytes:
        assert self._process.stdout is not None
        data, deadline = b"", time.monotonic() + _LONGEST_S
        while not data.endswith(end):
            ready, _, _ = select.select([self._process.stdout], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"nothing more came in {_LONGEST_S:g} s; so far: {data.decode(errors='replace')}"
            part = os.read(self._process.stdout.fileno(), 1 << 16)
            assert part, f"the shell is gone; it said: {data.decode(errors='replace')}"
            data += part
        return data[: -len(end)]

    def close(self) -> None:
        """End the shell."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGHUP)


@contextmanager
def shells(folder: Path, names: Iterable[str]) -> Iterator[dict[str, Shell]]:
    """A shell for each name."""
    with ExitStack() as stack:
        found = {}
        for name in names:
            found[name] = Shell(folder)
            stack.callback(found[name].close)
        yield found


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_SCRUBBED)}
    beside = os.path.dirname(sys.executable)
    assert shutil.which("coord", path=beside), f"coord is not installed beside {sys.executable}"
    return kept | {
        "PATH": beside + os.pathsep + kept.get("PATH", os.defpath),
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
    }


# --- a page ---------------------------------------------------------------------------------------------------------


def blocks(page: str) -> Iterator[re.Match[str]]:
    """The console blocks of a page; group 1 is what is inside."""
    return re.finditer(r"^```console\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def steps(block: str) -> Iterator[Step]:
    """The commands of a block."""
    step: Step | None = None
    for line in block.splitlines():
        if prompt := _PROMPT.match(line):
            if step:
                yield step
            step = Step(prompt[1], prompt[2] or "", [])
        else:
            assert step, f"a console block begins with a command, not with: {line}"
            step.shown.append(line)
    if step:
        yield step


class Ids:
    """Which session of this run a session of the page is: a page's ids are typed as those of the run."""

    def __init__(self) -> None:
        self._real: dict[str, str] = {}

    def learn(self, shown: str, printed: str) -> None:
        """Take the ids in two texts that say the same, in their order, as the same."""
        of_page, real = SESSION_ID.findall(shown), SESSION_ID.findall(printed)
        if len(of_page) == len(real):
            for page_id, real_id in zip(of_page, real, strict=True):
                self._real.setdefault(page_id, real_id)

    def translate(self, text: str) -> str:
        """The text with the run's ids."""
        return SESSION_ID.sub(lambda found: self._real.get(found[0], found[0]), text)


def play(folder: Path, page: str, setup: Iterable[tuple[str, str]] = ()) -> list[list[tuple[Step, str]]]:
    """Each block's commands, with what they printed. `setup` is typed first, by terminal."""
    played, ids = [], Ids()
    found = [list(steps(block[1])) for block in blocks(page)]
    names = dict.fromkeys([name for name, _ in setup] + [step.terminal for block in found for step in block])
    with shells(folder, names) as terminals:
        for name, typed in setup:
            terminals[name].run(typed)
        for block in found:
            pairs = []
            for step in block:
                printed = terminals[step.terminal].run(ids.translate(step.typed)).replace(str(folder), HOME)
                ids.learn("\n".join(step.shown), printed)
                pairs.append((step, printed))
            played.append(pairs)
    return played


def wrong(played: list[list[tuple[Step, str]]]) -> str:
    """Where a page and what was printed differ; empty if nowhere."""
    reports = []
    for step, printed in (pair for pairs in played for pair in pairs):
        if found := differences(step.shown, printed):
            reports.append("\n  ".join([f"{step.terminal}$ {step.typed}", *found]))
    return "\n".join(reports)


def rewritten(page: str, played: list[list[tuple[Step, str]]]) -> str:
    """The page with what its commands print now; what it leaves out, it leaves out."""
    ids = Ids()
    parts, done = [], 0
    for block, pairs in zip(blocks(page), played, strict=True):
        lines = []
        for step, printed in pairs:
            ids.learn("\n".join(step.shown), printed)
            lines.append(f"{step.terminal}$ {ids.translate(step.typed)}".rstrip())
            lines += [ids.translate(line) for line in step.shown] if "..." in step.shown else printed.splitlines()
        parts += [page[done : block.start(1)], "\n".join(lines) + "\n"]
        done = block.end(1)
    return "".join([*parts, page[done:]])


# --- comparing ------------------------------------------------------------------------------------------------------

_VARIES = (
    (re.compile(r"\S*(?=/shop\b)"), ""),
    (SESSION_ID, "ID"),
    (re.compile(r"\b\d{4}-\d\d-\d\d\b"), "DATE"),
    (re.compile(r"\b\d\d:\d\d(:\d\d)?( [A-Z]{3,4}\b)?"), "TIME"),
    (re.compile(r"\b\d+ (s|min|h|d)( \d+ (min|h))?\b( ago)?"), "LENGTH"),
    (re.compile(r"\bjust now\b"), "LENGTH"),
    (re.compile(r"\b(\w*sh) \(\d+\)"), r"\1 (PID)"),
)
_ALIKE = 0.6  # of the words of a line: its wording may change a little before the page follows
_SHORT = 4  # words; a line that has no more is the same, or another


def normal(text: str) -> str:
    """A text without what differs from run to run."""
    for pattern, word in _VARIES:
        text = pattern.sub(word, text)
    return text


def differences(shown: list[str], printed: str) -> list[str]:
    """The lines of a page that were not printed, and the lines that were printed and are not on the page."""
    expected = [normal(line) for line in shown if line.strip()]
    found = [normal(line) for line in printed.splitlines() if line.strip()]
    open_ended = "..." in expected
    expected = [line for line in expected if line != "..."]
    missing = [f"not printed: {line}" for line in expected if not _any_alike(line, found)]
    extra = [] if open_ended else [f"not on the page: {line}" for line in found if not _any_alike(line, expected)]
    return missing + extra


def _any_alike(line: str, others: list[str]) -> bool:
    words = set(_words(line))
    for other in map(_words, others):
        common, most = words & set(other), max(len(words), len(set(other)))
        if len(common) >= (_ALIKE * most if most > _SHORT else most):
            return True
    return False


def _words(line: str) -> list[str]:
    return re.findall(r"[^\s,.:;()·—-]+", line) or [line]
