"""The process table: the one place that looks at it. Read-only, and honest about what it cannot see.

Linux has it in /proc; elsewhere psutil is asked. Where neither can tell (Windows, a hidden process), the answer is
"unknown", and a session without a certain anchor is never presumed dead.
"""

import os
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from coord.platform.host import ON_LINUX, START_TICKS, psutil_ticks, read_stat, state_of
from projections.rules.liveness import ProcessStatus

if TYPE_CHECKING:
    import psutil


class Process(Struct, frozen=True):
    """A process as far as identity needs it. `start_ticks` tells it from a later one with the same pid."""

    pid: int
    parent: int
    session: int  # the pid of the leader of its process session; 0 if that is not in our pid namespace
    start_ticks: int
    state: str
    argv: tuple[str, ...]

    @property
    def command(self) -> str:
        """The bare name of the program: `bash` for `-bash` and for `/bin/bash`."""
        return os.path.basename(self.argv[0].lstrip("-")) if self.argv and self.argv[0] else ""


class ProcessTable(Protocol):
    """What identity and liveness ask of a machine."""

    def process(self, pid: int) -> Process | None:
        """The process with this pid, or None if there is none or it may not be looked at."""

    def start_or_status(self, pid: int) -> ProcessStatus:
        """What stands at this pid."""


def ancestors(table: ProcessTable, pid: int) -> list[Process]:
    """The processes above `pid`, nearest first, as far up as can be seen."""
    chain: list[Process] = []
    process = table.process(pid)
    while process and process.parent > 0 and len(chain) < 200:
        process = table.process(process.parent)
        if process:
            chain.append(process)
    return chain


def pid_exists(pid: int) -> bool:
    """Whether some process has this pid, even one that may not be looked at."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        pass  # there, but not ours; or a number that no process has, in a journal that someone made up
    return True


class _Table:
    def process(self, pid: int) -> Process | None:
        raise NotImplementedError

    def start_or_status(self, pid: int) -> ProcessStatus:
        """Free only if the kernel says so: a process can be there and hidden."""
        process = self.process(pid)
        if process is None:
            return "unknown" if pid_exists(pid) else "free"
        return "zombie" if process.state in "ZX" else process.start_ticks


class ProcTable(_Table):
    """Linux: `/proc`. Start ticks are clock ticks since boot."""

    def process(self, pid: int) -> Process | None:
        """See `ProcessTable.process`."""
        try:
            name, fields = read_stat(pid)
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                argv = file.read().split(b"\0")[:-1]
        except OSError:
            return None
        names = argv[:8] or [name]
        return Process(
            pid=pid,
            parent=int(fields[1]),
            session=int(fields[3]),
            start_ticks=int(fields[START_TICKS]),
            state=state_of(fields),
            argv=tuple(name.decode(errors="replace")[:300] for name in names),
        )


class PsutilTable(_Table):
    """Where there is no /proc: psutil. Start ticks are microseconds."""

    def process(self, pid: int) -> Process | None:
        """See `ProcessTable.process`."""
        import psutil

        letters = {psutil.STATUS_ZOMBIE: "Z", psutil.STATUS_DEAD: "X", psutil.STATUS_STOPPED: "T"}
        try:
            found = psutil.Process(pid)
            with found.oneshot():
                return Process(
                    pid=pid,
                    parent=found.ppid(),
                    session=os.getsid(pid),
                    start_ticks=psutil_ticks(found),
                    state=letters.get(found.status(), "S"),
                    argv=_argv(found),
                )
        except (psutil.Error, OSError, ValueError):
            return None


def _argv(process: "psutil.Process") -> tuple[str, ...]:
    """What a process was started with; of one that is a zombie or another user's, only its name is known."""
    import psutil

    try:
        words = process.cmdline()
    except psutil.Error:
        words = []
    return tuple(word[:300] for word in words[:8] or [process.name()])


class NoProcessTable:
    """A machine whose processes cannot be looked at."""

    def process(self, pid: int) -> Process | None:
        """Nothing is known."""
        return None

    def start_or_status(self, pid: int) -> ProcessStatus:
        """Nothing is known."""
        return "unknown"


def system_process_table() -> ProcessTable:
    """The table of the machine that we run on."""
    if os.name != "posix":
        return NoProcessTable()
    if ON_LINUX:
        return ProcTable() if _own_proc() else NoProcessTable()  # a /proc of another pid namespace would tell lies
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
