"""Waiting for the log to change: file events, the next known instant, or one look every 5 s where events do not come.

Network and shared folders bring no events, and a killed process writes nothing; hence the looks.
"""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

from eventlog.events import Instant, seconds_between

T = TypeVar("T")
LOOK_EVERY_S = 5.0
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
_STEP_MS = 10  # how often the watcher hands over what it saw


class Interrupted(Exception):
    """A signal asked us to stop waiting; its number is the first argument."""


@contextmanager
def catching(caught: list[int]) -> Iterator[None]:
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
    folder: str, look: Callable[[], tuple[T | None, Instant]], wall: Callable[[], Instant], caught: list[int]
) -> T:
    """Call `look` until it gives a result, and wait in between until something may have changed.

    `look` also gives the next instant at which the answer may change by time alone. Raises Interrupted once a signal is
    `caught`.
    """
    pause = _pauser(folder)
    while True:
        result, due = look()
        if result is not None:
            return result
        if not caught:
            pause(min(LOOK_EVERY_S, max(0.001, seconds_between(wall(), due))), caught)
        if caught:
            raise Interrupted(caught[0])


class _Caught:
    def __init__(self, caught: list[int]) -> None:
        self.caught = caught

    def is_set(self) -> bool:
        return bool(self.caught)


def _pauser(folder: str) -> Callable[[float, list[int]], None]:
    try:
        from watchfiles._rust_notify import RustNotify  # the documented direct use: `watch` has one fixed timeout

        watcher = RustNotify([folder], False, False, 0, False, True)
    except (ImportError, OSError, RuntimeError):
        return _sleep

    def pause(seconds: float, caught: list[int]) -> None:
        watcher.watch(_STEP_MS * 5, _STEP_MS, max(1, int(seconds * 1000)), _Caught(caught))

    return pause


def _sleep(seconds: float, caught: list[int]) -> None:
    deadline = time.monotonic() + seconds
    while not caught and (left := deadline - time.monotonic()) > 0:
        time.sleep(min(left, 0.2))
