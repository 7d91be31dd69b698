"""Read the process table. No other module does.

On Linux it reads /proc, elsewhere it uses psutil. If neither works (on Windows, or for a hidden process), the status is
"unknown". A session is presumed dead only if its anchor is known to be gone.
"""

import os
from typing import Protocol

from msgspec import Struct

from coord.platform.host import (
    ON_LINUX,
    START_TICKS,
    arguments_by_psutil,
    arguments_in_proc,
    psutil_ticks,
    read_stat,
    state_of,
)
from projections.rules.liveness import ProcessStatus


class Process(Struct, frozen=True):
    """A process, as far as identity needs it. `start_ticks` distinguishes it from a later one with the same pid."""

    pid: int
    parent: int
    session: int  # the pid of the leader of its process session; 0 if the leader is outside our pid namespace
    start_ticks: int
    state: str
    argv: tuple[str, ...]

    @property
    def command(self) -> str:
        """The program's name without its folder: `bash` for `-bash` and for `/bin/bash`."""
        return os.path.basename(self.argv[0].lstrip("-")) if self.argv and self.argv[0] else ""


class ProcessTable(Protocol):
    """What identity and liveness need to know about a machine's processes."""

    def process(self, pid: int) -> Process | None:
        """Return the process with this pid, or None if there is none or it cannot be read."""

    def start_or_status(self, pid: int) -> ProcessStatus:
        """Return the start ticks of the process with this pid, or why there are none: zombie, free or unknown."""


def ancestors(table: ProcessTable, pid: int) -> list[Process]:
    """Return the ancestors of the process `pid`, nearest first, as far up as they can be read."""
    chain: list[Process] = []
    process = table.process(pid)
    while process and process.parent > 0 and len(chain) < 200:
        process = table.process(process.parent)
        if process:
            chain.append(process)
    return chain


def pid_exists(pid: int) -> bool:
    """Return whether a process with this pid exists, even one that cannot be read."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        pass  # another user's process; or a number too large for a pid, from a forged journal
    return True


class _Table:
    def process(self, pid: int) -> Process | None:
        raise NotImplementedError

    def start_or_status(self, pid: int) -> ProcessStatus:
        """See `ProcessTable.start_or_status`. A pid is free only if the kernel says so: a process can be hidden."""
        process = self.process(pid)
        if process is None:
            return "unknown" if pid_exists(pid) else "free"
        return "zombie" if process.state in "ZX" else process.start_ticks


class ProcTable(_Table):
    """The process table in Linux's `/proc`. Start ticks are clock ticks since the boot."""

    def process(self, pid: int) -> Process | None:
        """See `ProcessTable.process`."""
        try:
            name, fields = read_stat(pid)
        except OSError:
            return None
        return Process(
            pid=pid,
            parent=int(fields[1]),
            session=int(fields[3]),
            start_ticks=int(fields[START_TICKS]),
            state=state_of(fields),
            argv=tuple(arguments_in_proc(pid) or [name.decode(errors="replace")]),
        )

    def start_or_status(self, pid: int) -> ProcessStatus:
        """See `ProcessTable.start_or_status`. Reads one file."""
        try:
            fields = read_stat(pid)[1]
        except OSError:
            return "unknown" if pid_exists(pid) else "free"
        return "zombie" if state_of(fields) in "ZX" else int(fields[START_TICKS])


class PsutilTable(_Table):
    """The process table that psutil reads, for systems without /proc. Start ticks are microseconds."""

    def process(self, pid: int) -> Process | None:
        """See `ProcessTable.process`."""
        import psutil

        letters = {psutil.STATUS_ZOMBIE: "Z", psutil.STATUS_DEAD: "X", psutil.STATUS_STOPPED: "T"}
        try:
            process = psutil.Process(pid)
            with process.oneshot():
                return Process(
                    pid=pid,
                    parent=process.ppid(),
                    session=os.getsid(pid),
                    start_ticks=psutil_ticks(process),
                    state=letters.get(process.status(), "S"),
                    argv=tuple(arguments_by_psutil(pid) or [process.name()]),
                )
        except (psutil.Error, OSError, ValueError):
            return None


class NoProcessTable:
    """The process table of a machine whose processes cannot be read."""

    def process(self, pid: int) -> Process | None:
        """Return None."""
        return None

    def start_or_status(self, pid: int) -> ProcessStatus:
        """Return "unknown"."""
        return "unknown"


def system_process_table() -> ProcessTable:
    """Return the process table of this machine."""
    if os.name != "posix":
        return NoProcessTable()
    if ON_LINUX:
        return ProcTable() if _own_proc() else NoProcessTable()  # /proc can be another pid namespace's
    try:
        import psutil  # noqa: F401
    except ImportError:
        return NoProcessTable()
    return PsutilTable()


def _own_proc() -> bool:
    try:
        return os.readlink("/proc/self") == str(os.getpid())
    except OSError:
        return False
