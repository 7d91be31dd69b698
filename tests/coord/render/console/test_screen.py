"""The full-screen terminal: cutting and wrapping by width, and keys and drawing through a real pseudo-terminal."""

import os
import pty
import sys
import termios
import threading

import pytest

from coord.render.console import screen as terminal
from coord.render.console.screen import Terminal, TextView, cells, cut_to_width, is_usable, wrapped

TEXTS = [
    "",
    "plain",
    "🟢 ACTIVE SESSIONS",
    "⚠️  NEEDED",
    "日本語のテキスト",
    "e\u0301a\u0300 accents",
    "a" * 100,
    "🔒" * 40,
]


@pytest.mark.parametrize("text", TEXTS)
def test_cut_text_fits_for_any_characters(text: str) -> None:
    for columns in range(120):
        shown = cut_to_width(text, columns)
        assert cells(shown) <= columns
        assert shown == text or columns == 0 or shown.endswith("…")
        assert (shown == text) == (cells(text) <= columns)


@pytest.mark.parametrize("text", [*TEXTS, "  - a line of several words, 日本語 and 🔒🔒 among them, and so on"])
def test_wrapped_text_fits_and_loses_nothing(text: str) -> None:
    for columns in range(2, 120):
        rows = wrapped(text, columns)
        assert all(cells(row) <= columns for row in rows), (columns, rows)
        assert "".join(rows).replace(" ", "") == text.replace(" ", "")


def test_wide_characters_take_two_cells_and_accents_none() -> None:
    assert [cells(text) for text in ("a", "日", "🔒", "⚠️", "e\u0301", "…")] == [1, 2, 2, 2, 1, 1]


def test_view_cuts_lines_only_if_the_text_does_not_fit() -> None:
    text = "\n".join(f"{number} " + "word" + " word" * 9 for number in range(10))
    view = TextView()
    assert view.rows(text, 200, 20) == text.split("\n")
    assert view.more == ""
    rows = view.rows(text, 20, 4)
    assert [row[0] for row in rows] == list("0123")
    assert all(row.endswith("…") for row in rows)
    assert "↓ 6 more" in view.more
    view.press("end", 4)
    assert [row[0] for row in view.rows(text, 20, 4)] == list("6789")
    view.press("down", 4)
    assert [row[0] for row in view.rows(text, 20, 4)] == list("6789")
    assert "↑ 6" in view.more
    view.press("w", 4)
    view.press("home", 4)
    assert "…" not in "".join(view.rows(text, 20, 4))


@pytest.mark.parametrize("env", [{}, {"TERM": "dumb"}, {"TERM": ""}])
def test_dumb_terminal_is_not_usable(env: dict[str, str]) -> None:
    assert not is_usable(env)


class Window:
    """A pseudo-terminal whose program is this test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ours, theirs = pty.openpty()
        self.files = [open(theirs, mode, closefd=False) for mode in ("r", "w")]  # noqa: SIM115
        self.patch = monkeypatch

    def opened(self, **env: str) -> Terminal:
        """Return the program's terminal. Call it within a test: pytest replaces stdin and stdout before each test."""
        self.patch.setattr(sys, "stdin", self.files[0])
        self.patch.setattr(sys, "stdout", self.files[1])
        return Terminal(env)

    def reads(self, last: bytes) -> bytes:
        """Return what was drawn, up to these bytes."""
        drawn = b""
        while last not in drawn:
            drawn += os.read(self.ours, 100000)
        return drawn

    def attributes(self) -> list[object]:
        return list(termios.tcgetattr(self.files[0].fileno()))


@pytest.fixture
def window(monkeypatch: pytest.MonkeyPatch) -> Window:
    return Window(monkeypatch)


KEYS = {
    b"q": ["q"],
    b"\x1b[C\x1b[D": ["right", "left"],
    b"\x1bOA": ["up"],
    b"\x1b[5~\x1b[6~": ["page up", "page down"],
    b"\x1b": ["escape"],
    b"\x03": ["interrupt"],
    b"\x1b[200~x": ["", "x"],
    "é".encode(): ["é"],
    b" \r": ["space", "enter"],
}


@pytest.mark.parametrize("typed", KEYS)
def test_keys_have_names(typed: bytes, window: Window) -> None:
    with window.opened() as screen:
        os.write(window.ours, typed)
        assert [screen.wait(10) for _ in KEYS[typed]] == KEYS[typed]


def test_key_sequence_that_arrives_in_parts_is_one_key(window: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "_PART_S", 10)
    with window.opened() as screen:
        os.write(window.ours, b"\x1b[")
        threading.Timer(0.05, os.write, (window.ours, b"C")).start()
        assert screen.wait(10) == "right"


def test_terminal_modes_are_restored(window: Window) -> None:
    before = window.attributes()
    within: list[list[object]] = []

    def fail() -> None:
        with window.opened():
            within.append(window.attributes())
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert within[0] != before
    assert window.attributes() == before


def test_readable_pipe_ends_the_wait_and_is_drained(window: Window) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"!")
    with window.opened() as screen:
        assert screen.wait(10, reading) == ""
        os.set_blocking(reading, False)
        with pytest.raises(BlockingIOError):
            os.read(reading, 1)


def test_only_changed_lines_are_drawn(window: Window) -> None:
    with window.opened(NO_COLOR="1") as screen:
        screen.show(["one", "two"], "footer")
        window.reads(b"footer")
        screen.show(["one", "TWO"], "footer")
        drawn = window.reads(b"TWO")
        assert b"one" not in drawn
        assert b"\x1b[7m" not in drawn
