"""One way to make the code wrong, and a copy of everything in which that is tried."""

import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_PARTS = ("eventlog", "projections", "coord", "tests", "docs", "pyproject.toml", "README.md")
_TEMPLATE = ("scripts", "QUICK_START.md", "config.toml", ".gitignore")
_OLD = 1_000_000_000  # a time for the changed files: each mutant has its own, so that no bytecode of another is taken
_HANGS_S, _LONGEST_S = 15.0, 120.0
_REWRITING = "ignore::pytest.PytestAssertRewriteWarning"  # of what the server imported
_SERVER = """
import json, os, sys
import click, hypothesis.strategies, msgspec, pytest

for line in sys.stdin:
    ask = json.loads(line)
    child = os.fork()
    if child:
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
        continue
    os.setpgid(0, 0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for fd in (1, 2):
        os.dup2(os.open(ask["out"], os.O_WRONLY | os.O_CREAT | os.O_APPEND | (os.O_TRUNC if fd == 1 else 0)), fd)
    code = pytest.main(ask["argv"])
    sys.stdout.flush()
    os._exit(code)
"""  # imports once what all runs of pytest need, and forks for each
_COMMAND = """#!{python}
import sys
sys.path.insert(0, {tree!r})
from coord.__main__ import main
sys.exit(main())
"""


@dataclass(frozen=True)
class Mutant:
    """In `file`, the one place that says `old` says `new`; at least one of the `tests` must fail then."""

    file: str
    old: str
    new: str
    what: str  # in plain words: "no sync after the append"
    tests: tuple[str, ...]  # files or node ids
    hangs: bool = False  # whether tests that never end are how it shows

    @property
    def name(self) -> str:
        """Which one, as a word: the file and what is wrong in it."""
        words = re.sub(r"[^a-z0-9]+", "-", f"{self.file.removesuffix('.py')} {self.what}".lower())
        return words.strip("-")


@dataclass(frozen=True)
class Outcome:
    """How the tests ended: pytest's exit code (None: they did not end), and what they printed."""

    code: int | None
    out: str


class Tree:
    """A copy of the program and its tests, where `coord` is the copy too."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._server: subprocess.Popen[str] | None = None
        root.mkdir(parents=True)
        unwanted = shutil.ignore_patterns("__pycache__", "pictures")
        for name in _PARTS:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, root / name, ignore=unwanted)
            else:
                shutil.copy2(source, root / name)
        (root / "COORDINATION").mkdir()
        for name in _TEMPLATE:
            source = ROOT / "COORDINATION" / name
            copy = shutil.copytree if source.is_dir() else shutil.copy2
            copy(source, root / "COORDINATION" / name)
        command = root / "bin" / "coord"
        command.parent.mkdir()
        command.write_text(_COMMAND.format(python=sys.executable, tree=str(root)))
        command.chmod(0o755)

    def run(self, tests: tuple[str, ...], *options: str, longest_s: float | None = None) -> Outcome:
        """Run tests of the copy, on the copy."""
        out = self.root / "out.txt"
        server = self._server or self._serve()
        assert server.stdin is not None
        assert server.stdout is not None
        argv = ["-n0", "-m", "", "-p", "no:cacheprovider", "--tb=short", "-W", _REWRITING, *options, *tests]
        server.stdin.write(json.dumps({"argv": argv, "out": str(out)}) + "\n")
        server.stdin.flush()
        child = int(server.stdout.readline())
        ended = select.select([server.stdout], [], [], longest_s)[0]
        if not ended:
            os.killpg(child, signal.SIGKILL)
        code = int(server.stdout.readline())
        return Outcome(code if ended else None, out.read_text(encoding="utf-8", errors="replace"))

    def _serve(self) -> "subprocess.Popen[str]":
        env = {name: text for name, text in os.environ.items() if not name.startswith(("PYTEST_", "COORD_"))}
        env |= {"PYTHONPATH": str(self.root), "COORD_TEST_TREE": str(self.root)}
        self._server = subprocess.Popen(
            [sys.executable, "-c", _SERVER],
            cwd=self.root,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self._server

    def close(self) -> None:
        """Run no more."""
        if self._server:
            self._server.communicate()

    @contextmanager
    def changed(self, mutant: Mutant, number: int) -> Iterator[None]:
        """The copy with one place made wrong."""
        path = self.root / mutant.file
        before, status = path.read_text(encoding="utf-8"), path.stat()
        assert before.count(mutant.old) == 1, f"{mutant.file} has not exactly one {mutant.old!r}"
        try:
            path.write_text(before.replace(mutant.old, mutant.new), encoding="utf-8")
            os.utime(path, (_OLD + number, _OLD + number))
            yield
        finally:
            path.write_text(before, encoding="utf-8")
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    def attempt(self, mutant: Mutant, number: int) -> Outcome:
        """How the tests of a mutant end with it."""
        with self.changed(mutant, number):
            return self.run(mutant.tests, "-x", longest_s=_HANGS_S if mutant.hangs else _LONGEST_S)


def killed(mutant: Mutant, outcome: Outcome) -> bool:
    """Whether the tests noticed: they failed, or hung where that is how it shows. That they could not be collected, or
    that there were none, is no proof.
    """
    return outcome.code == 1 or (mutant.hangs and outcome.code is None)


def in_file(file: str, tests: str) -> Callable[..., Mutant]:
    """What makes the mutants of a file: of what is wrong, `old`, `new`, and the names of tests in a folder of tests, as
    `test_lock::test_one`.
    """

    def made(what: str, old: str, new: str, *names: str) -> Mutant:
        parts = (name.partition("::") for name in names)
        return Mutant(file, old, new, what, tuple(f"{tests}/{path}.py{colons}{test}" for path, colons, test in parts))

    return made
