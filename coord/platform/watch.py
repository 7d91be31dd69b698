"""Waiting for the log to change: file events, the next known instant, or one look every 5 s where events do not come.

Network and shared folders bring no events, and a killed process writes nothing; hence the looks.
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
_STEP_MS = 10  # how often the watcher hands over what it saw


class Interrupted(Exception):
    """A signal asked us to stop waiting; its number is the first argument."""


@contextmanager
def collect_signals(caught: list[int]) -> Iterator[None]:
    """Collect Ctrl-C and SIGTERM, by their numbers, instead of being ended by them."""

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
    """Call `look` until it gives a result, and wait in between until something may have changed.

    `look` also gives the next instant at which the answer may change by time alone. Raises Interrupted once a signal is
    `caught`.
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
    """The end of a pipe that can be read once something in a folder changed: for one who waits for other things too.

    Where events do not come, it stays empty. A folder that is not there yet is tried again.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    over = threading.Event()
    first = _watcher(folder)

    def watch() -> None:
        watcher = first
        while not over.is_set():
            if watcher is None:
                over.wait(POLL_EVERY_S)
                watcher = _watcher(folder)
            elif isinstance(watcher.watch(_STEP_MS * 5, _STEP_MS, 0, over), set):
                with suppress(BlockingIOError):
                    os.write(writing, b"!")

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield reading
    finally:
        over.set()
        thread.join()
        os.close(reading)
        os.close(writing)


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
    """What tells of changes in a folder, if anything does."""
    try:
        from watchfiles._rust_notify import RustNotify  # the documented direct use: `watch` has one fixed timeout

        return RustNotify([folder], False, False, 0, False, True)
    except (ImportError, OSError, RuntimeError):
        return None


def _sleep(seconds: float, caught: list[int]) -> None:
    deadline = time.monotonic() + seconds
    while not caught and (left := deadline - time.monotonic()) > 0:
        time.sleep(min(left, 0.2))
