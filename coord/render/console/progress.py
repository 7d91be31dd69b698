"""A bar for what takes long: on a terminal only, on standard error, and only once it has taken a moment."""

import sys
import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
_QUIET_S = 0.5  # what is done by then shows no bar
_CHUNK = 2000
_LONG = 50_000  # so many events take longer than that, and were read before: their bar is shown at once


class ProgressBar:
    """How much of something is done. `close` takes the bar away again."""

    def __init__(self, label: str, total: int, quiet_s: float = _QUIET_S) -> None:
        self.label, self.total, self.done, self._shown = label, total, 0, 0
        self._begin = time.monotonic()
        self._bar: object = None
        self._wanted, self._quiet_s = sys.stderr.isatty(), quiet_s

    def step(self, count: int = 1) -> None:
        """So much more is done."""
        self.done += count
        if not self._wanted or time.monotonic() - self._begin < self._quiet_s:
            return
        import click  # a third of a command; loaded only where a bar is shown

        if self._bar is None:
            self._bar = click.progressbar(length=self.total, label=self.label, file=sys.stderr, show_eta=False)
        self._bar.update(self.done - self._shown)  # type: ignore[attr-defined]
        self._shown = self.done

    def reach(self, done: int) -> None:
        """So much is done in all."""
        self.step(done - self.done)

    def close(self) -> None:
        """Done, or given up: the line of the bar is empty again."""
        if self._bar is not None:
            sys.stderr.write("\r\x1b[2K\x1b[?25h")
            sys.stderr.flush()


def chunks(label: str, items: Sequence[T], size: int = _CHUNK) -> Iterator[Sequence[T]]:
    """The items in pieces of that size, with a bar that moves from piece to piece."""
    bar = ProgressBar(label, len(items), 0 if len(items) > _LONG else _QUIET_S)
    try:
        for start in range(0, len(items), size):
            piece = items[start : start + size]
            yield piece
            bar.step(len(piece))
    finally:
        bar.close()
