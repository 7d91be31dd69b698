"""A copy of the program and its tests, for trying mutants."""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.operations import mutated
from tests.mutants.table import Mutant

ROOT = Path(__file__).resolve().parents[2]
_PARTS = ("eventlog", "projections", "coord", "tests", "docs", "pyproject.toml", "README.md")
_TEMPLATE = ("scripts", "QUICK_START.md", "config.toml", ".gitignore")
_OLD = 1_000_000_000  # time of changed files: each mutant has its own, so that no stale bytecode is used
_LONGEST_S = 120.0
_REWRITING = "ignore::pytest.PytestAssertRewriteWarning"  # about modules that the server imported
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
"""  # imports what all runs need once, and forks for each run
_COMMAND = """#!{python}
import sys
sys.path.insert(0, {tree!r})
from coord.__main__ import main
sys.exit(main())
"""


@dataclass(frozen=True)
class Outcome:
    """How the tests ended: pytest's exit code (None: they did not end), and what they printed."""

    code: int | None
    out: str

    @property
    def noticed(self) -> bool:
        """Whether a test failed. Tests that cannot be collected or do not end do not count."""
        return self.code == 1


class Tree:
    """A copy of the program and its tests, with a command `coord` that runs the copy."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._server: subprocess.Popen[str] | None = None
        self._tried = 0
        root.mkdir(parents=True)
        for name in _PARTS:
            _copy(ROOT / name, root / name)
        (root / "COORDINATION").mkdir()
        for name in _TEMPLATE:
            _copy(ROOT / "COORDINATION" / name, root / "COORDINATION" / name)
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
        """End the server process."""
        if self._server:
            self._server.communicate()

    @contextmanager
    def changed(self, mutant: Mutant) -> Iterator[None]:
        """Apply a mutant to the copy for a while. Raises NotOneFunction."""
        path, source = mutated(ROOT, mutant.function, mutant.operation)
        file, self._tried = self.root / path, self._tried + 1
        before, status = file.read_bytes(), file.stat()
        try:
            file.write_text(source, encoding="utf-8")
            os.utime(file, (_OLD + self._tried, _OLD + self._tried))
            yield
        finally:
            file.write_bytes(before)
            os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))

    def attempt(self, mutant: Mutant) -> Outcome:
        """Run the tests of a mutant with the mutant applied."""
        with self.changed(mutant):
            return self.run(tuple(f"tests/{test}" for test in mutant.tests), "-x", longest_s=_LONGEST_S)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "pictures"))
    else:
        shutil.copy2(source, target)
