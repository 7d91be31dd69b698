"""A full-screen terminal: rows that are drawn in place, and keys.

The one place that knows escape sequences. It keeps these rules:

- The terminal is given back as it was found, whatever ends us, short of `kill -9`.
- A row never takes more than one line of the window: text is cut by the cells that it takes, and where a terminal
  counts these otherwise than we do, it does not wrap, so that the rows below stay where they are.
- Nothing asks again and again: `wait` sleeps until a key, a signal, a change of the window's size, one of the files
  that the caller names, or the time given.

It uses no `curses`: what is needed of it are a dozen sequences that every terminal of today knows, and those that know
none say so (`TERM=dumb`) and get text. On Windows there is no such terminal; the callers print text there as well.
"""

import os
import re
import select
import signal
import sys
import unicodedata
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import FrameType
from typing import Any

_KEY = re.compile(rb"\x1b\[[0-9;?]*[@-~]|\x1bO.|\x1b|[\x00-\x7f]|[\xc0-\xff][\x80-\xbf]*|.", re.DOTALL)
_UNFINISHED = re.compile(rb"\x1b(O|\[[0-9;?]*)?\Z")
_NAMES = {
    b"\x1b[A": "up", b"\x1b[B": "down", b"\x1b[C": "right", b"\x1b[D": "left",
    b"\x1bOA": "up", b"\x1bOB": "down", b"\x1bOC": "right", b"\x1bOD": "left",
    b"\x1b[5~": "page up", b"\x1b[6~": "page down", b"\x1b[H": "home", b"\x1b[F": "end", b"\x1bOH": "home",
    b"\x1bOF": "end", b"\x1b[1~": "home", b"\x1b[4~": "end", b"\x1b[7~": "home", b"\x1b[8~": "end",
    b"\x1b": "escape", b" ": "space", b"\r": "enter", b"\n": "enter", b"\x03": "interrupt", b"\x1a": "suspend",
}  # fmt: skip
_ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l"  # the other screen, no cursor, no wrapping
_EMPTY = "\x1b[0m\x1b[2J"
_LEAVE = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l"
_PART_S = 0.05  # how long the rest of a key's sequence may take: an escape alone is a key as well
_NARROW = 24  # columns; a margin would leave no room below
QUIT: dict[str, tuple[int, ...]] = {
    "q": (), "Q": (), "escape": (), "interrupt": (signal.SIGINT,), "hangup": (getattr(signal, "SIGHUP", 1),)
}  # fmt: skip
"""The keys that end a view, each with the signal that it stands for; `hangup` is a terminal that is gone."""


def cells(text: str) -> int:
    """How many cells of a terminal a text takes."""
    return len(text) if text.isascii() else sum(map(_width, text))


def _width(letter: str) -> int:
    if letter < "\u0300":
        return 1
    if letter == "\ufe0f":
        return 1  # the sign before it is shown as a picture, and wide
    if unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def _fitting(text: str, columns: int) -> int:
    """How many characters of a text fit into so many cells."""
    if text.isascii():
        return min(len(text), max(0, columns))
    for count, letter in enumerate(text):
        columns -= _width(letter)
        if columns < 0:
            return count
    return len(text)


def cut_to_width(text: str, columns: int) -> str:
    """A text that takes at most so many cells; an ellipsis says that there is more."""
    if _fitting(text, columns) == len(text):
        return text
    return text[: _fitting(text, columns - 1)] + "…" if columns > 0 else ""


def wrapped(text: str, columns: int) -> list[str]:
    """A line in rows of at most so many cells, broken between words; the later rows are set in a little further."""
    rows, row = [], ""
    margin = " " * (len(text) - len(text.lstrip(" ")) + 2) if columns >= _NARROW else ""
    for word in re.findall(r" *[^ ]+", text):
        if row.strip() and cells(row) + cells(word) > columns:
            rows.append(row)
            row = margin + word.lstrip(" ")
        else:
            row += word
        while (count := _fitting(row, columns)) < len(row):
            rows.append(row[: max(count, 1)])
            row = margin + row[max(count, 1) :]
    return [*rows, row]


class TextView:
    """The part of a text that a window shows. Where all of the text fits, every line is whole; otherwise each takes one
    row, unless `whole` is wanted, and the rows from `top` on are shown. `above` and `below` are not.
    """

    def __init__(self) -> None:
        self.top, self.above, self.below, self.whole, self.is_cut = 0, 0, 0, False, False

    def rows(self, text: str, columns: int, height: int) -> list[str]:
        """The rows for a window of this size."""
        lines = text.split("\n")
        found = [row for line in lines for row in wrapped(line, columns)]
        self.is_cut = len(found) > height and not self.whole
        if self.is_cut:
            found = [cut_to_width(line, columns) for line in lines]
        self.above = self.top = max(0, min(self.top, len(found) - height))
        self.below = max(0, len(found) - self.top - height)
        return found[self.top : self.top + height]

    def press(self, key: str, height: int) -> None:
        """Move as a key says; `rows` holds it within the text."""
        page = max(1, height - 2)  # two rows are seen on both pages
        moves = {"up": -1, "k": -1, "down": 1, "j": 1, "page up": -page, "page down": page, "space": page}
        self.top += {**moves, "home": -self.top, "end": self.top + self.below}.get(key, 0)
        self.whole ^= key == "w"

    @property
    def more(self) -> str:
        """What is not shown, in words."""
        parts = [f"↑ {self.above}" if self.above else "", f"↓ {self.below} more" if self.below else ""]
        return " · ".join(part for part in (*parts, "w whole lines" if self.is_cut else "") if part)


def is_usable(env: Mapping[str, str]) -> bool:
    """Whether we are on a terminal, for reading and writing, that can be drawn on."""
    if os.name != "posix" or env.get("TERM", "dumb") in ("dumb", ""):
        return False
    return sys.stdin.isatty() and sys.stdout.isatty()


class Terminal:
    """The terminal of this process, ours within a `with`."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._in, self._out = sys.stdin.fileno(), sys.stdout.fileno()
        self._plain = bool(env.get("NO_COLOR"))
        self._encoding = sys.stdout.encoding or "utf-8"
        self._keys: deque[str] = deque()
        self._pending = b""
        self._shown: list[str] = []
        self._woken, self._wake = os.pipe()
        self._anew = True  # whether the window has to be drawn from nothing
        self._lost = False  # whether the terminal may be as others use it

    def __enter__(self) -> "Terminal":
        import termios

        sys.stdout.flush()
        for end in (self._woken, self._wake):
            os.set_blocking(end, False)
        self._found: list[Any] = termios.tcgetattr(self._in)
        self._handlers = {number: signal.signal(number, self._changed) for number in (signal.SIGWINCH, signal.SIGCONT)}
        self._wakeup = signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        self._take()
        return self

    def __exit__(self, *_: object) -> None:
        self._give_back()
        signal.set_wakeup_fd(self._wakeup)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        os.close(self._woken)
        os.close(self._wake)

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows of the window."""
        try:
            size = os.get_terminal_size(self._out)
        except OSError:
            return 80, 24
        return size.columns or 80, size.lines or 24  # some terminals do not say

    def show(self, rows: Sequence[str], foot: str) -> None:
        """Draw the window: the rows, and the foot in its last line. Only what is not there yet is written."""
        columns, height = self.size
        body = [cut_to_width(row, columns) for row in rows[: height - 1]]
        lines = [*body, *[""] * (height - 1 - len(body)), self._marked(cut_to_width(foot, columns), columns)]
        if self._lost:
            self._take()
        parts = [_EMPTY] if self._anew else []
        if self._anew:
            self._anew, self._shown = False, []
        for number, text in enumerate(lines):
            if number >= len(self._shown) or self._shown[number] != text:
                parts.append(f"\x1b[{number + 1};1H\x1b[2K{text}")
        self._shown = lines
        if parts:
            self._write("".join(parts))

    def wait(self, seconds: float, *files: int) -> str:
        """Sleep until something happens, at most so long. The key that was pressed, if it was one. What is to be read
        of `files`, which are pipes, is taken from them.
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
        found, self._pending = _KEY.findall(self._pending), b""
        self._keys.extend(
            _NAMES.get(key) or (key.decode(errors="replace") if key[:1] != b"\x1b" else "") for key in found
        )
        return None

    def _suspend(self) -> None:
        """Give the terminal back and stop, as Ctrl-Z asks; whoever continues us finds it drawn again."""
        self._give_back()
        self._lost = True
        os.kill(0, signal.SIGTSTP)

    def _changed(self, number: int, _frame: FrameType | None) -> None:
        """The window has another size, or we were stopped and go on: what stands there is not what we drew."""
        self._anew, self._lost = True, self._lost or number == signal.SIGCONT

    def _take(self) -> None:
        import termios
        import tty

        self._anew, self._lost = True, False
        ours = list(self._found)
        ours[tty.LFLAG] &= ~(termios.ECHO | termios.ICANON | termios.ISIG | termios.IEXTEN)
        ours[tty.IFLAG] &= ~(termios.ICRNL | termios.IXON)
        ours[tty.CC] = [*self._found[tty.CC]]
        ours[tty.CC][termios.VMIN], ours[tty.CC][termios.VTIME] = 1, 0
        termios.tcsetattr(self._in, termios.TCSANOW, ours)
        self._write(_ENTER)

    def _give_back(self) -> None:
        import termios

        with suppress(OSError):
            self._write(_LEAVE)
        with suppress(termios.error):
            termios.tcsetattr(self._in, termios.TCSANOW, self._found)

    def _marked(self, text: str, columns: int) -> str:
        """The foot, told from the rest: reversed, unless no colours are wanted."""
        return text if self._plain else f"\x1b[7m{text}{' ' * (columns - cells(text))}\x1b[0m"

    def _write(self, text: str) -> None:
        data = text.encode(self._encoding, errors="backslashreplace")
        while data:
            data = data[os.write(self._out, data) :]
