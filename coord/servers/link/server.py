"""Run the link of a folder: bring in what is new at the remote, publish what is new here, and answer commands.

It starts with the first session of a folder that has a remote, and ends ten minutes after the last session of this
machine. It can be killed at any time: what it keeps is on the disk or can be read again.
"""

import os
import select
import signal
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress

from coord.engine.sync.exchange.exchange import Exchange
from coord.engine.sync.exchange.progress import Exchanged
from coord.engine.sync.link.protocol import SOCKET
from coord.engine.sync.record import JoinedRemote, open_remote
from coord.errors import CoordError
from coord.platform.inotify import FolderChanges
from coord.platform.watch import watch_folder
from coord.servers.link.lifetime import Lifetime
from coord.servers.link.requests import Requests, open_socket
from coord.workspace.config import Config
from coord.workspace.paths import Workspace
from coord.workspace.system import System
from eventlog.errors import LogError
from eventlog.events import Instant, seconds_between

_LOOK_EVERY_S = 20.0  # whether it is still needed
_WATCH_S = 30.0
_LEAST_PAUSE_S, _MOST_PAUSE_S = 1.0, 30.0  # between two attempts to reach the remote
_BUSY_S = 15.0  # how long a command may exchange, while no link runs
_AT_ONCE_S = 0.01  # what is written together is published together


class Link:
    """The threads of the link. `tell` is called when something changed."""

    def __init__(
        self,
        system: System,
        workspace: Workspace,
        config: Config,
        joined: JoinedRemote,
        tell: Callable[[], object],
    ) -> None:
        self._system, self._workspace, self._config, self._joined, self._tell = system, workspace, config, joined, tell
        remote = open_remote(joined, system, workspace, config)
        try:
            self.exchange = Exchange(system, workspace, config, remote, from_beginning=True, wait_s=_BUSY_S)
        except LogError:
            remote.close()
            raise
        self._exchanging = threading.Lock()
        self._stop = threading.Event()
        self._since = system.wall()
        self._lifetime = Lifetime(system, workspace, joined)
        self._batch_s = _AT_ONCE_S if joined.kind == "nats" else config.sync_seconds

    def stop(self) -> None:
        """Let the link end."""
        self._stop.set()

    def run(self) -> None:
        """Run until the link is stopped or not needed any more. Raises OSError if it cannot listen."""
        os.makedirs(self._workspace.cache, exist_ok=True)
        requests = Requests(self.exchange, self._exchanging, self._since, self.sync, self.stop)
        with ExitStack() as stack:
            stack.callback(self.exchange.close)
            listening = open_socket(self._workspace.cache)
            stack.callback(self._close_socket, listening)
            threads = [
                threading.Thread(target=requests.serve, args=(listening,), daemon=True),
                threading.Thread(target=self._until_stopped, args=(self._bring_in,), daemon=True),
                threading.Thread(target=self._until_stopped, args=(self._send_out,), daemon=True),
            ]
            for thread in threads:
                thread.start()
            while not self._stop.wait(_LOOK_EVERY_S) and not self._lifetime.reason_to_end():
                pass
            self._stop.set()
            with suppress(LogError, OSError, CoordError):
                if self._exchanging.acquire(timeout=5):
                    self.exchange.publish_new()

    def _close_socket(self, listening: object) -> None:
        listening.close()  # type: ignore[attr-defined] # a socket
        with suppress(OSError):
            os.unlink(os.path.join(self._workspace.cache, SOCKET))

    def _until_stopped(self, work: Callable[[], None]) -> None:
        """Do the work of a thread. After an unforeseen error, the link ends, and the next command starts another."""
        try:
            work()
        finally:
            self._stop.set()

    def sync(self, compact: bool = False) -> Exchanged:
        """Exchange in both directions now."""
        done = Exchanged()
        with self._exchanging:
            self.exchange.catch_up(done)
            self.exchange.publish_new(done)
            if compact:
                self.exchange.compact()
        self._tell()
        return done

    def _bring_in(self) -> None:
        """Bring in what is new at the remote, as soon as it is there."""
        pause, known = 0.0, ""
        while not self._stop.is_set():
            try:
                with self._exchanging:
                    self.exchange.catch_up()
                self._tell()
                pause = 0.0
                while not self._stop.is_set():
                    known = self.exchange.cursor
                    if self.exchange.remote.watch(known, _WATCH_S) and self.exchange.cursor == known:
                        break
            except (LogError, OSError, CoordError):
                pause = min(_MOST_PAUSE_S, max(_LEAST_PAUSE_S, 2 * pause))
                self._count_queued()
                self._tell()
                self._stop.wait(pause)

    def _send_out(self) -> None:
        """Publish what is written here, soon after it is written."""
        pause = 0.0
        with ExitStack() as stack:
            wait = _changes(stack, self._workspace.log)
            while not self._stop.is_set():
                try:
                    with self._exchanging:
                        if self.exchange.cursor or self.exchange.status.checked_at:
                            self.exchange.publish_new()
                    pause = 0.0
                except (LogError, OSError, CoordError):
                    pause = min(_MOST_PAUSE_S, max(_LEAST_PAUSE_S, 2 * pause))
                    self._count_queued()
                    self._tell()
                    self._stop.wait(pause)
                    continue
                wait(_WATCH_S)
                if not os.path.isdir(self._workspace.log):
                    return
                self._stop.wait(self._batch_s)

    def _count_queued(self) -> None:
        with suppress(LogError, OSError), self._exchanging:
            self.exchange.count_queued()


def _changes(stack: ExitStack, log: str) -> Callable[[float], None]:
    """Return a function that waits until something in the log folder may have changed, for a number of seconds."""
    try:
        changes = FolderChanges(log)
        stack.callback(changes.close)

        def wait(limit_s: float) -> None:
            deadline = time.monotonic() + limit_s
            while (left := deadline - time.monotonic()) > 0:
                if select.select([changes.fd], [], [], left)[0] and changes.drain():
                    return
    except OSError:
        fd = stack.enter_context(watch_folder(log))
        os.set_blocking(fd, False)

        def wait(limit_s: float) -> None:
            if select.select([fd], [], [], limit_s)[0]:
                with suppress(BlockingIOError):
                    os.read(fd, 1 << 16)

    return wait


def run_link(
    system: System, workspace: Workspace, config: Config, joined: JoinedRemote, tell: Callable[[Link], object]
) -> Instant:
    """Run the link until it ends, and return when it started. Raises LogError, or OSError."""
    link = Link(system, workspace, config, joined, lambda: tell(link))
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: link.stop())
    began = system.wall()
    link.run()
    return began


def uptime_s(system: System, since: Instant) -> float:
    """Return for how many seconds the link has run."""
    return max(0.0, seconds_between(since, system.wall())) if since else 0.0
