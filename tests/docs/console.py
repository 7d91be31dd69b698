"""Run the commands that a page shows in real shells, and compare their output with the page.

A page has fenced blocks tagged `console`. A line `one$ command` is typed in terminal one; the lines below it, up to the
next such line, are its output. A line `...` stands for any omitted lines. A command that ends in `# waits` continues in
the background after its first line of output; the rest of its output is shown below a bare `one$`.

The shells have no terminal, but each leads its own process session, its parent is init, and its environment does not
tell `coord` which session it is.
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

_SCRUBBED = ("CLAUDE", "CODEX", "GEMINI", "COORD_", "_COORD", "GIT_", "BASH", "PROMPT_COMMAND", "PS1", "XDG_CONFIG")
_LAUNCH = "import os; os.fork() and os._exit(0); os.setsid(); os.execvp('bash', ['bash', '--norc', '--noprofile'])"
_PROMPT = re.compile(r"^(\w+)\$(?: (.+))?$")
_WAITS = "# waits"
_LONGEST_S = 30.0
SESSION_ID = re.compile(r"\b[a-z]+-[a-z]+-[a-z0-9]{4}\b(?!\.)")
HOME = "/home/you"  # the home folder on the pages


class Step(NamedTuple):
    """One command of a page, and its output on the page."""

    terminal: str
    typed: str
    shown: list[str]


class Shell:
    """A shell that reads commands from a pipe."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _LAUNCH],
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._process.wait()  # waits for the launcher; the shell's parent is init now
        self._end = b""
        self._pid = int(self.run("echo $$"))

    def run(self, typed: str) -> str:
        """Run a command; its output. For one that waits, its first line; without a command, the rest of that output."""
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
    """The session ids of the page, and the ids in this run that correspond to them."""

    def __init__(self) -> None:
        self._real: dict[str, str] = {}

    def learn(self, shown: str, printed: str) -> None:
        """Pair the ids in two texts with the same content, in order."""
        of_page, real = SESSION_ID.findall(shown), SESSION_ID.findall(printed)
        if len(of_page) == len(real):
            for page_id, real_id in zip(of_page, real, strict=True):
                self._real.setdefault(page_id, real_id)

    def translate(self, text: str) -> str:
        """A text of the page, with the ids of this run."""
        return SESSION_ID.sub(lambda found: self._real.get(found[0], found[0]), text)


def play(folder: Path, page: str, setup: Iterable[tuple[str, str]] = ()) -> list[list[tuple[Step, str]]]:
    """Run the commands of a page, block by block, and return them with their output. `setup` is typed first."""
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
    """The differences between a page and the output; empty if there are none."""
    reports = []
    for step, printed in (pair for pairs in played for pair in pairs):
        if found := differences(step.shown, printed):
            reports.append("\n  ".join([f"{step.terminal}$ {step.typed}", *found]))
    return "\n".join(reports)


def rewritten(page: str, played: list[list[tuple[Step, str]]]) -> str:
    """The page with the current output of its commands. Blocks with omitted lines are kept."""
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
_ALIKE = 0.6  # share of equal words: small changes of wording are allowed
_SHORT = 4  # words; lines up to this length must be equal


def normal(text: str) -> str:
    """A text in which everything that differs between runs is replaced."""
    for pattern, word in _VARIES:
        text = pattern.sub(word, text)
    return text


def differences(shown: list[str], printed: str) -> list[str]:
    """The lines on the page that were not printed, and the printed lines that are not on the page."""
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
