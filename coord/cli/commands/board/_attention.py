"""Whether a person sees `coord watch`, and the notifications that a watch sends because time has passed."""

from contextlib import suppress

from msgspec.structs import replace

from coord.engine.board import note_needs_now
from coord.engine.run import Run
from coord.errors import CoordError
from coord.render.console.bell import notification
from coord.render.console.screen import Terminal
from coord.workspace.notify.decision import NotifyRecord, marked, pick
from coord.workspace.notify.due import compare
from coord.workspace.notify.message import PREFIX, variables
from coord.workspace.notify.record import WAITING, WATCHED, LockFile
from coord.workspace.paths import has_person_config
from eventlog.events import Instant, seconds_between
from projections.views.board import Board

_VISIBLE_S = 600.0  # after a key, if the terminal does not report whether it has the focus


class Attention:
    """Whether a person sees this watch, as far as is known. While it is visible, its mark is in the cache.

    A terminal does not report whether its window is hidden. So a watch counts as visible while its window has the
    keyboard. If the terminal does not report that, the watch counts as visible for ten minutes after a key was pressed.
    In case of doubt the person is notified.
    """

    def __init__(self, run: Run, terminal: Terminal, *, rings: bool = False) -> None:
        self._run, self._lock = run, LockFile(run.workspace.cache, WATCHED, shared=True)
        self._focused: bool | None = None
        self._last_key: Instant = run.system.wall()
        self._terminal, self._rings = terminal, rings
        self._told: NotifyRecord | None = None  # what this watch has rung for
        terminal.before_suspend = self._lock.release

    def note_key(self, key: str) -> None:
        """Note a key, or that the window got or lost the focus."""
        if key in ("focus", "no focus"):
            self._focused = key == "focus"
        elif key:
            self._last_key = self._run.system.wall()
        if self.is_visible:
            self._lock.take()
        else:
            self._lock.release()

    @property
    def is_visible(self) -> bool:
        """Whether the person sees this watch, as far as that can be known."""
        if self._focused is not None:
            return self._focused
        return seconds_between(self._last_key, self._run.system.wall()) < _VISIBLE_S

    def note_board(self, board: Board) -> None:
        """Record what the person sees, or start the notification of what is due. It does not wait for the machine's
        lock: if that is taken, the next board tries again.
        """
        system, workspace = self._run.system, self._run.workspace
        if self._rings:
            self._ring(board)
        if not has_person_config(system.env):
            return
        before, after = compare(workspace, board, shown=self.is_visible)  # other watches count under the lock
        is_due = pick(after, board.needs, board.now)[1] and LockFile(workspace.cache, WAITING).is_free
        if after != before or is_due:
            with suppress(CoordError):
                note_needs_now(system, workspace, replace(self._run.config, lock_wait_seconds=0))

    def _ring(self, board: Board) -> None:
        """Ring for needs that are due, except those that the person sees in the window.

        The person sees the first board, and each board while the window has the focus.
        """
        shown = self._told is None or bool(self._focused)
        complete = len(board.needs) == board.counts.needs
        self._told = marked(self._told or NotifyRecord(), board.needs, complete=complete, shown=shown)
        self._told, due = pick(self._told, board.needs, board.now)
        if due is not None:
            values = variables(due, self._run.workspace.root, board.names)
            title, text = values[f"{PREFIX}TITLE"], values[f"{PREFIX}TEXT"]
            self._terminal.ring(notification(self._run.system.env, title, text))

    def close(self) -> None:
        """Remove the mark."""
        self._lock.release()
