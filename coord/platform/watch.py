"""Wait for the log to change: until a file event, until a known time, or for 5 s at most.

The 5 s are needed because network folders send no events, and because a process that is killed writes nothing.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING, TypeVar

from eventlog.events import Instant, seconds_between

if TYPE_CHECKING:
    from watchfiles._rust_notify import RustNotify

T = TypeVar("T")
POLL_EVERY_S = 5.0
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
_SHARED = ("nfs", "cifs", "smb", "9p", "fuse", "virtiofs", "vboxsf", "prl_fs", "afs", "ceph", "glusterfs", "lustre")
_STEP_MS = 10  # how often the watcher reports events


class Interrupted(Exception):
    """A signal has ended the wait. The first argument is its number."""


@contextmanager
def collect_signals(caught: list[int]) -> Iterator[None]:
    """Add the numbers of SIGINT, SIGTERM and SIGHUP to `caught` when they arrive, instead of ending the process."""

    def stop(number: int, _frame: FrameType | None) -> None:
        caught.append(number)

    before = {number: signal.signal(number, stop) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def wait_for(
    folder: str, poll: Callable[[], tuple[T | None, Instant]], wall: Callable[[], Instant], caught: list[int]
) -> T:
    """Call `poll` until it returns a result that is not None, and return it. Wait between the calls.

    `poll` also returns the next time at which its result may change without a new event. Raises Interrupted once
    `caught` contains a signal.
    """
    pause = _pauser(folder)
    while True:
        result, due = poll()
        if result is not None:
            return result
        if not caught:
            pause(min(POLL_EVERY_S, max(0.001, seconds_between(wall(), due))), caught)
        if caught:
            raise Interrupted(caught[0])


@contextmanager
def watch_folder(folder: str) -> Iterator[int]:
    """Yield a descriptor that becomes readable when something in the folder changes, for use with `select`.

    If the system sends no events, it never becomes readable. A folder that does not exist yet is tried again every 5 s.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    stopped = threading.Event()
    first = _watcher(folder)

    def watch() -> None:
        watcher = first
        while not stopped.is_set():
            if watcher is None:
                stopped.wait(POLL_EVERY_S)
                watcher = _watcher(folder)
            elif isinstance(watcher.watch(_STEP_MS * 5, _STEP_MS, 0, stopped), set):
                with suppress(BlockingIOError):
                    os.write(writing, b"!")

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield reading
    finally:
        stopped.set()
        thread.join()
        os.close(reading)
        os.close(writing)


def reports_changes(folder: str) -> bool:
    """Return whether the system reports all changes of a folder. It does not for those made by other machines."""
    try:
        with open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape") as file:
            mounts = [line.split(" ")[1:3] for line in file]
    except OSError:
        return True
    path, kind = os.path.realpath(folder), ""
    longest = -1
    for point, type_ in mounts:
        point = point.encode("utf-8", "surrogateescape").decode("unicode_escape", "surrogateescape")
        if len(point) > longest and (path + "/").startswith(point.rstrip("/") + "/"):
            longest, kind = len(point), type_
    return not kind.startswith(_SHARED)


class _SignalFlag:
    def __init__(self, caught: list[int]) -> None:
        self.caught = caught

    def is_set(self) -> bool:
        return bool(self.caught)


def _pauser(folder: str) -> Callable[[float, list[int]], None]:
    watcher = _watcher(folder)
    if watcher is None:
        return _sleep

    def pause(seconds: float, caught: list[int]) -> None:
        watcher.watch(_STEP_MS * 5, _STEP_MS, max(1, int(seconds * 1000)), _SignalFlag(caught))

    return pause


def _watcher(folder: str) -> "RustNotify | None":
    """Return a watcher of a folder, or None if the system has none."""
    try:
        from watchfiles._rust_notify import RustNotify  # the documented direct use: `watch` has one fixed timeout

        return RustNotify([folder], False, False, 0, False, True)
    except (ImportError, OSError, RuntimeError):
        return None


def _sleep(seconds: float, caught: list[int]) -> None:
    deadline = time.monotonic() + seconds
    while not caught and (left := deadline - time.monotonic()) > 0:
        time.sleep(min(left, 0.2))
