"""A progress bar on standard error, shown only on a terminal and only once the work has taken half a second."""

import sys
import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
_QUIET_S = 0.5  # no bar is shown before this
_CHUNK = 2000
_LONG = 50_000  # more events than this take longer than _QUIET_S: their bar is shown at once


class ProgressBar:
    """A bar that shows how much of `total` is done; `close` erases it."""

    def __init__(self, label: str, total: int, quiet_s: float = _QUIET_S) -> None:
        self.label, self.total, self.done, self._shown = label, total, 0, 0
        self._begin = time.monotonic()
        self._bar: object = None
        self._wanted, self._quiet_s = sys.stderr.isatty(), quiet_s

    def step(self, count: int = 1) -> None:
        """Add `count` to what is done."""
        self.done += count
        if not self._wanted or time.monotonic() - self._begin < self._quiet_s:
            return
        import click  # its import takes a third of a command's time, so only a bar that is shown pays for it

        if self._bar is None:
            self._bar = click.progressbar(length=self.total, label=self.label, file=sys.stderr, show_eta=False)
        self._bar.update(self.done - self._shown)  # type: ignore[attr-defined]
        self._shown = self.done

    def reach(self, done: int) -> None:
        """Set how much is done in total."""
        self.step(done - self.done)

    def close(self) -> None:
        """Erase the bar."""
        if self._bar is not None:
            sys.stderr.write("\r\x1b[2K\x1b[?25h")
            sys.stderr.flush()


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
