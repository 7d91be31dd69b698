"""Hold the lock that every writing command on a machine takes, and defer signals meanwhile."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from coord.engine.snapshot import Snapshot
from coord.workspace.anchors import describe_pid
from coord.workspace.config import Config
from coord.workspace.paths import Workspace
from coord.workspace.system import System
from eventlog.local.lock import locked


@contextmanager
def under_lock(system: System, workspace: Workspace, config: Config) -> Iterator[None]:
    """Hold the lock of the log. Raises LogError if it is not free in time, CoordError (4) if the log was removed."""

    def describe(pid: int) -> str:
        process = system.processes.process(pid)
        return describe_pid(pid, process.state if process else "")

    if not os.path.isdir(workspace.log):
        Snapshot(system, workspace).catch_up()  # raises an error if the log was in use and is missing
        os.makedirs(workspace.log, exist_ok=True)
    with ExitStack() as outer, locked(workspace.log, config.lock_wait_seconds, describe):
        outer.enter_context(_signals_deferred())  # until the lock is free again
        yield


@contextmanager
def _signals_deferred() -> Iterator[None]:
    """Defer the signals that would end the process, so that no line is left half written."""
    if os.name != "posix":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
