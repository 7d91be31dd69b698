"""The outside: clock, environment, working folder, machine and process table enter here and are passed on.

Tests build a World of their own; nothing else in `coord` asks the system for any of these.
"""

import os
import time
from collections.abc import Callable, Mapping
from functools import cached_property

from coord.platform.host import host_identity
from coord.platform.processes import Process, ProcessTable, ancestors, system_process_table
from eventlog.events import Instant, from_micros
from projections.rules.liveness import ObserverHost, death_evidence
from projections.rules.state import Session


class System:
    """What a command knows of the outside. Everything that costs a system call is asked once, when needed."""

    def __init__(
        self,
        env: Mapping[str, str],
        cwd: str,
        wall: Callable[[], Instant],
        pid: int,
        here: Callable[[], ObserverHost] | None = None,
        processes: Callable[[], ProcessTable] = system_process_table,
    ) -> None:
        self.env, self.cwd, self.wall, self.pid = env, cwd, wall, pid
        self._here, self._processes = here or this_host, processes

    @cached_property
    def here(self) -> ObserverHost:
        """The machine, its boot and the pid namespace."""
        return self._here()

    @cached_property
    def processes(self) -> ProcessTable:
        """The process table."""
        return self._processes()

    @property
    def ancestry(self) -> list[Process]:
        """This process and its ancestors, nearest first, as they are now: one who waits may outlive them."""
        own = self.processes.process(self.pid)
        return [own, *ancestors(self.processes, self.pid)] if own else []

    def at(self, folder: str) -> "System":
        """The same outside, seen from another folder."""
        return System(self.env, folder, self.wall, self.pid, self._here, self._processes)

    def death_evidence(self, session: Session) -> str:
        """The evidence that a session's anchor is gone; empty if it is there, or nobody can know."""
        return death_evidence(session.anchor, self.here, self.processes.start_or_status)


def real_system() -> System:
    """The world as it is. A folder that was removed under us is an empty `cwd`."""
    try:
        cwd = os.getcwd()
    except OSError:
        cwd = ""
    return System(os.environ, cwd, wall_clock, os.getpid())


def wall_clock() -> Instant:
    """This machine's clock."""
    return from_micros(time.time_ns() // 1000)


def this_host() -> ObserverHost:
    """Where we run."""
    return ObserverHost(*host_identity())
