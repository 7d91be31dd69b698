"""The system as the code sees it: clock, environment, working directory, host and process table.

A `System` is passed to all code that needs one of these; no other code in `coord` reads them. Tests build their own.
"""

import os
import sys
import time
from collections.abc import Callable, Mapping
from functools import cached_property

from coord.platform.host import host_identity
from coord.platform.processes import Process, ProcessTable, ancestors, system_process_table
from eventlog.events import Anchor, Instant, from_micros
from projections.rules.liveness import ObserverHost, death_evidence, is_alive
from projections.rules.state import Session


class System:
    """The system around a command. The host and the process table are read once, when they are first needed."""

    def __init__(
        self,
        env: Mapping[str, str],
        cwd: str,
        wall: Callable[[], Instant],
        pid: int,
        here: Callable[[], ObserverHost] | None = None,
        processes: Callable[[], ProcessTable] = system_process_table,
        has_terminal: Callable[[], bool] | None = None,
    ) -> None:
        self.env, self.cwd, self.wall, self.pid = env, cwd, wall, pid
        self._here, self._processes = here or this_host, processes
        self.has_terminal = has_terminal or streams_are_terminal

    @cached_property
    def here(self) -> ObserverHost:
        """The machine, its boot and the pid namespace of this process."""
        return self._here()

    @cached_property
    def processes(self) -> ProcessTable:
        """The process table."""
        return self._processes()

    @property
    def ancestry(self) -> list[Process]:
        """This process and its ancestors, nearest first. Read each time, since they can end while a command waits."""
        own = self.processes.process(self.pid)
        return [own, *ancestors(self.processes, self.pid)] if own else []

    def at(self, folder: str) -> "System":
        """Return the same system with another working directory. A relative COORD_ROOT keeps its meaning."""
        root, env = self.env.get("COORD_ROOT", ""), self.env
        if root and self.cwd and not os.path.isabs(os.path.expanduser(root)):
            env = {**env, "COORD_ROOT": os.path.join(self.cwd, root)}
        return System(env, folder, self.wall, self.pid, self._here, self._processes, self.has_terminal)

    def death_evidence(self, session: Session) -> str:
        """Return the evidence that a session's anchor is gone; empty if it is alive or its state is unknown."""
        return self.gone_evidence(session.anchor)

    def gone_evidence(self, process: Anchor | None) -> str:
        """Return the evidence that a process is gone; empty if it is alive or its state is unknown."""
        return death_evidence(process, self.here, self.processes.start_or_status)

    def is_alive(self, process: Anchor | None) -> bool:
        """Return whether a process is certainly alive."""
        return is_alive(process, self.here, self.processes.start_or_status)

    def find_gone(self, processes: Mapping[str, Anchor | None]) -> dict[str, str]:
        """Return the evidence for each of these processes that is gone, by its key. Each process is looked up once."""
        evidence = {process: self.gone_evidence(process) for process in set(processes.values())}
        return {key: text for key, process in processes.items() if (text := evidence[process])}


def real_system() -> System:
    """Return the real system. `cwd` is empty if the current folder was removed."""
    try:
        cwd = os.getcwd()
    except OSError:
        cwd = ""
    return System(os.environ, cwd, wall_clock, os.getpid())


def wall_clock() -> Instant:
    """Return the time of this machine's clock."""
    return from_micros(time.time_ns() // 1000)


def this_host() -> ObserverHost:
    """Return the identity of this machine."""
    return ObserverHost(*host_identity())


def streams_are_terminal() -> bool:
    """Return whether standard input, output and error are all a terminal."""
    try:
        return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))
    except ValueError:  # a stream is closed
        return False
