"""A full-screen terminal: it draws rows in place and reads keys. Rich can do neither.

It keeps these rules:

- The terminal's modes are restored however the process ends, except by `kill -9`.
- A row takes exactly one line of the window. Text is cut by its width in cells, and wrapping is off, so that the rows
  below stay in place on a terminal that counts the cells of a character differently.
- `wait` does not poll: it sleeps until a key, a signal, a new window size, input on one of the given files, or the
  timeout.

It does not use `curses` either: it needs about a dozen sequences, which all current terminals support. A terminal
without them (`TERM=dumb`), and Windows, get plain text from the callers.
"""

import os
import re
import select
import signal
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import FrameType
from typing import Any

from rich.cells import cell_len

from coord.platform.terminal import is_drawable
from coord.render.console.layout import cut, cut_rows, paint, wrapped_rows
from coord.render.styled import Pieces, Section

_KEY = re.compile(rb"\x1b\[[0-9;?]*[@-~]|\x1bO.|\x1b|[\x00-\x7f]|[\xc0-\xff][\x80-\xbf]*|.", re.DOTALL)
_UNFINISHED = re.compile(rb"\x1b(O|\[[0-9;?]*)?\Z")
_NAMES = {
    b"\x1b[A": "up", b"\x1b[B": "down", b"\x1b[C": "right", b"\x1b[D": "left",
    b"\x1bOA": "up", b"\x1bOB": "down", b"\x1bOC": "right", b"\x1bOD": "left",
    b"\x1b[5~": "page up", b"\x1b[6~": "page down", b"\x1b[H": "home", b"\x1b[F": "end", b"\x1bOH": "home",
    b"\x1bOF": "end", b"\x1b[1~": "home", b"\x1b[4~": "end", b"\x1b[7~": "home", b"\x1b[8~": "end",
    b"\x1b[I": "focus", b"\x1b[O": "no focus",
    b"\x1b": "escape", b" ": "space", b"\r": "enter", b"\n": "enter", b"\x03": "interrupt", b"\x1a": "suspend",
}  # fmt: skip
_ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l"  # alternate screen, no cursor, no wrapping
_EMPTY = "\x1b[0m\x1b[2J"
_LEAVE = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l"
_REPORT_FOCUS, _REPORT_NO_FOCUS = "\x1b[?1004h", "\x1b[?1004l"
_PART_S = 0.05  # how long to wait for the rest of a key's sequence; a lone escape is a key too
QUIT: dict[str, tuple[int, ...]] = {
    "q": (), "Q": (), "escape": (), "interrupt": (signal.SIGINT,), "hangup": (getattr(signal, "SIGHUP", 1),)
}  # fmt: skip
"""The keys that end a view, with the signal that each stands for. `hangup` means that the terminal is gone."""


class SectionView:
    """The part of some sections that a window shows, from row `top`; `above` and `below` count the hidden rows.

    Rows are wrapped if everything then fits, or if `whole` is set. Otherwise each is cut to one row of the window.
    """

    def __init__(self) -> None:
        self.top, self.above, self.below, self.whole = 0, 0, 0, False

    def rows(self, sections: Sequence[Section], columns: int, height: int) -> list[Pieces]:
        """Return the rows to show in a window of this size."""
        rows = wrapped_rows(sections, columns)
        if len(rows) > height and not self.whole:
            rows = cut_rows(sections, columns)
        self.above = self.top = max(0, min(self.top, len(rows) - height))
        self.below = max(0, len(rows) - self.top - height)
        return rows[self.top : self.top + height]

    def press(self, key: str, height: int) -> None:
        """Scroll, or toggle `whole`, as the key asks; `rows` then keeps the position within the text."""
        page = max(1, height - 2)  # two rows of overlap
        moves = {"up": -1, "k": -1, "down": 1, "j": 1, "page up": -page, "page down": page, "space": page}
        self.top += {**moves, "home": -self.top, "end": self.top + self.below}.get(key, 0)
        self.whole ^= key == "w"

    @property
    def more(self) -> str:
        """A hint at what is not shown."""
        parts = [f"↑ {self.above}" if self.above else "", f"↓ {self.below} more" if self.below else ""]
        return " · ".join(part for part in parts if part)


def is_usable(env: Mapping[str, str]) -> bool:
    """Return whether standard input and output are a terminal that can draw in place."""
    return os.name == "posix" and sys.stdin.isatty() and is_drawable(sys.stdout, env)


class Terminal:
    """The terminal of this process, taken over within a `with` block.

    With `reports_focus`, `wait` returns "focus" and "no focus" when the window gets and loses the focus, if the
    terminal reports this.
    """

    def __init__(self, env: Mapping[str, str], *, reports_focus: bool = False) -> None:
        self._in, self._out = sys.stdin.fileno(), sys.stdout.fileno()
        self._plain = bool(env.get("NO_COLOR"))
        self._enter = _ENTER + (_REPORT_FOCUS if reports_focus else "")
        self._leave = (_REPORT_NO_FOCUS if reports_focus else "") + _LEAVE
        self.before_suspend: Callable[[], object] = lambda: None
        self._encoding = sys.stdout.encoding or "utf-8"
        self._keys: deque[str] = deque()
        self._pending = b""
        self._shown: list[str] = []
        self._woken, self._wake = os.pipe()
        self._redraw = True  # whether the whole window must be drawn again
        self._lost = False  # whether another program may have changed the terminal's modes

    def __enter__(self) -> "Terminal":
        import termios

        sys.stdout.flush()
        for end in (self._woken, self._wake):
            os.set_blocking(end, False)
        self._original: list[Any] = termios.tcgetattr(self._in)
        self._handlers = {number: signal.signal(number, self._changed) for number in (signal.SIGWINCH, signal.SIGCONT)}
        self._wakeup = signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        self._take_over()
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()
        signal.set_wakeup_fd(self._wakeup)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        os.close(self._woken)
        os.close(self._wake)

    @property
    def size(self) -> tuple[int, int]:
        """The columns and rows of the window."""
        try:
            size = os.get_terminal_size(self._out)
        except OSError:
            return 80, 24
        return size.columns or 80, size.lines or 24  # some terminals report 0

    def show(self, rows: Sequence[Pieces], footer: str) -> None:
        """Draw the rows, and the footer in the last line. Only lines that changed are written."""
        columns, height = self.size
        foot = [(footer + " " * (columns - cell_len(footer)), "footer")]
        shown = [*rows[: height - 1], *[[]] * (height - 1 - len(rows)), foot]
        lines = [paint(cut(row, columns), colours=not self._plain) for row in shown]
        if self._lost:
            self._take_over()
        parts = [_EMPTY] if self._redraw else []
        if self._redraw:
            self._redraw, self._shown = False, []
        for number, text in enumerate(lines):
            if number >= len(self._shown) or self._shown[number] != text:
                parts.append(f"\x1b[{number + 1};1H\x1b[2K{text}")
        self._shown = lines
        if parts:
            self._write("".join(parts))

    def ring(self, sequence: str) -> None:
        """Write a sequence that changes nothing in the window, such as `coord.render.console.bell.notification`."""
        self._write(sequence)

    def wait(self, seconds: float, *files: int) -> str:
        """Sleep until a key, a signal, input on one of the pipes `files`, or the timeout. Return the key, or "".

        Pending input of the pipes is read and dropped.
        """
        if not self._keys:
            ready = select.select([self._in, self._woken, *files], [], [], max(0.0, seconds))[0]
            for file in ready:
                if file == self._in:
                    self._read()
                else:
                    os.read(file, 4096)
        key = self._keys.popleft() if self._keys else ""
        if key == "suspend":
            self._suspend()
            return ""
        return key

    def _read(self) -> None:
        try:
            data = os.read(self._in, 4096)
        except OSError:
            data = b""
        if not data:
            self._keys.append("hangup")
            return None
        self._pending += data
        if _UNFINISHED.search(self._pending) and select.select([self._in], [], [], _PART_S)[0]:
            return self._read()
        keys, self._pending = _KEY.findall(self._pending), b""
        self._keys.extend(
            _NAMES.get(key) or (key.decode(errors="replace") if key[:1] != b"\x1b" else "") for key in keys
        )
        return None

    def _suspend(self) -> None:
        """Restore the terminal and stop the process, as Ctrl-Z does. After it continues, the window is drawn again."""
        self.before_suspend()
        self._restore()
        self._lost = True
        os.kill(0, signal.SIGTSTP)

    def _changed(self, number: int, _frame: FrameType | None) -> None:
        """Handle a new window size, or continuing after a stop: the window no longer shows what was drawn."""
        self._redraw, self._lost = True, self._lost or number == signal.SIGCONT

    def _take_over(self) -> None:
        import termios
        import tty

        self._redraw, self._lost = True, False
        modes = list(self._original)
        modes[tty.LFLAG] &= ~(termios.ECHO | termios.ICANON | termios.ISIG | termios.IEXTEN)
        modes[tty.IFLAG] &= ~(termios.ICRNL | termios.IXON)
        modes[tty.CC] = [*self._original[tty.CC]]
        modes[tty.CC][termios.VMIN], modes[tty.CC][termios.VTIME] = 1, 0
        termios.tcsetattr(self._in, termios.TCSANOW, modes)
        self._write(self._enter)

    def _restore(self) -> None:
        import termios

        with suppress(OSError):
            self._write(self._leave)
        with suppress(termios.error):
            termios.tcsetattr(self._in, termios.TCSANOW, self._original)

    def _write(self, text: str) -> None:
        data = text.encode(self._encoding, errors="backslashreplace")
        while data:
            data = data[os.write(self._out, data) :]
