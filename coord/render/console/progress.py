"""A progress bar on standard error, shown only on a terminal and only once the work has taken half a second."""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.progress import Progress

T = TypeVar("T")
_QUIET_S = 0.5  # no bar is shown before this
_DRAW_EVERY_S = 0.1
_CHUNK = 2000
_LONG = 50_000  # more events than this take longer than _QUIET_S: their bar is shown at once


class ProgressBar:
    """A bar that shows how much of `total` is done, or only how much, if `total` is 0; `close` erases it."""

    def __init__(self, label: str, total: int, quiet_s: float = _QUIET_S) -> None:
        self.label, self.total, self.done = label, total, 0
        self._next_draw = time.monotonic() + quiet_s
        self._bar: Progress | None = None

    def step(self, count: int = 1) -> None:
        """Add `count` to what is done."""
        self.done += count
        if time.monotonic() < self._next_draw or not _is_terminal():
            return
        self._next_draw = time.monotonic() + _DRAW_EVERY_S
        if self._bar is None:
            self._bar = _start_bar(self.label, self.total)
        self._bar.update(self._bar.task_ids[0], completed=self.done, refresh=True)

    def reach(self, done: int) -> None:
        """Set how much is done in total."""
        self.step(done - self.done)

    def close(self) -> None:
        """Erase the bar."""
        if self._bar is not None:
            self._bar.stop()


def _is_terminal() -> bool:
    from coord.platform.terminal import is_drawable  # every command has progress bars, and few take long enough

    return is_drawable(sys.stderr, os.environ)


def _start_bar(label: str, total: int) -> "Progress":
    """Show a bar of Rich. Loading it takes longer than a command, so only work that takes long pays for it."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    done = TaskProgressColumn() if total else TextColumn("{task.completed:.0f}")
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), done)
    console = Console(file=sys.stderr, markup=False, highlight=False, emoji=False, legacy_windows=False)
    bar = Progress(*columns, console=console, auto_refresh=False, transient=True)
    bar.add_task(label, total=total or None)
    bar.start()
    return bar


def chunks(label: str, items: Sequence[T], size: int = _CHUNK) -> Iterator[Sequence[T]]:
    """Yield the items in chunks of `size`, with a progress bar that advances after each chunk."""
    bar = ProgressBar(label, len(items), 0 if len(items) > _LONG else _QUIET_S)
    try:
        for start in range(0, len(items), size):
            chunk = items[start : start + size]
            yield chunk
            bar.step(len(chunk))
    finally:
        bar.close()
