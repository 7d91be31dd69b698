"""Commands that run inside the test process, with a clock and a process table that the test controls."""

import contextlib
import io
import os

from coord.cli.main import run
from coord.platform.processes import Process
from coord.workspace.system import System
from eventlog.events import Instant, add_time
from projections.rules.liveness import ObserverHost, ProcessStatus
from tests.support.processes import Result
from tests.support.repositories import Repo

NOON: Instant = "2026-11-22T12:00:00.000000Z"
HERE = ObserverHost("machine-1", "boot-1", "pid:[1]")
OURS = tuple(f"{os.sep}{package}{os.sep}" for package in ("coord", "eventlog", "projections"))  # in paths of our code


class Table:
    """A process table made of rows."""

    def __init__(self, *rows: Process) -> None:
        self.rows = {row.pid: row for row in rows}

    def process(self, pid: int) -> Process | None:
        """The row with this pid."""
        return self.rows.get(pid)

    def start_or_status(self, pid: int) -> ProcessStatus:
        """The start ticks of the process with this pid, or `free`: every process is visible."""
        return self.rows[pid].start_ticks if pid in self.rows else "free"


def process(pid: int, parent: int, session: int, *argv: str) -> Process:
    """A row of a process table; its start ticks are ten times its pid."""
    return Process(pid, parent, session, pid * 10, "S", argv)


class SimulatedMachine:
    """A machine with three shells (pids 100, 200, 300), each with a terminal, and a clock that shows `now`."""

    def __init__(self, repo: Repo) -> None:
        self.repo, self.now = repo, NOON
        self.table = Table(process(1, 0, 1, "init"), *(process(pid, 1, pid, "-bash") for pid in (100, 200, 300)))
        self.here = HERE

    def wait(self, seconds: float) -> None:
        """Move the clock; backwards if negative."""
        self.now = add_time(self.now, seconds)

    def system(self, shell: int, env: dict[str, str]) -> System:
        """The system of a command that runs in this shell."""
        own = process(shell + 5, shell, self.table.rows[shell].session, "python3", "/bin/coord")
        self.table.rows[own.pid] = own
        return System(env, str(self.repo.root), lambda: self.now, own.pid, lambda: self.here, lambda: self.table)

    def run(self, shell: int, *argv: str, **env: str) -> Result:
        """Run a command in a shell."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(argv, self.system(shell, env))
        return Result(out.getvalue(), err.getvalue(), code)

    def each_minute(self, *steps: tuple[int, tuple[str, ...]]) -> "SimulatedMachine":
        """Run each of these commands in its shell, one minute apart."""
        for shell, argv in steps:
            self.wait(60)
            self.run(shell, *argv)
        return self

    def start(self, shell: int, *argv: str, **env: str) -> str:
        """Start a session in a shell; its id."""
        result = self.run(shell, "start", "--json", *argv, **env)
        assert result.code == 0, result
        return str(result.json["session"])
