"""The full-screen terminal: cutting and wrapping by width, and keys and drawing through a real pseudo-terminal."""

import os
import pty
import sys
import termios
import threading
from collections.abc import Sequence

import pytest

from coord.render.console import screen as terminal
from coord.render.console.screen import SectionView, Terminal, is_usable
from coord.render.styled import Row, Section, plain, styled


def lines(texts: Sequence[str]) -> list[Section]:
    """Return one section with a row for each text."""
    return [Section("", [Row(styled(text)) for text in texts])]


def rows(view: SectionView, sections: list[Section], columns: int, height: int) -> list[str]:
    return [plain(row) for row in view.rows(sections, columns, height)]


def test_view_cuts_rows_only_if_the_text_does_not_fit() -> None:
    texts = [f"{number} " + "word" + " word" * 9 for number in range(10)]
    view, text = SectionView(), lines(texts)
    assert rows(view, text, 200, 20) == texts
    assert view.more == ""
    shown = rows(view, text, 20, 4)
    assert [row[0] for row in shown] == list("0123")
    assert all(row.endswith("…") for row in shown)
    assert "↓ 6 more" in view.more
    view.press("end", 4)
    assert [row[0] for row in rows(view, text, 20, 4)] == list("6789")
    view.press("down", 4)
    assert [row[0] for row in rows(view, text, 20, 4)] == list("6789")
    assert "↑ 6" in view.more
    view.press("w", 4)
    view.press("home", 4)
    assert "…" not in "".join(rows(view, text, 20, 4))


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
    b"\x1b[I\x1b[O": ["focus", "no focus"],
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


@pytest.mark.parametrize("asked", [False, True])
def test_reports_of_the_focus_are_turned_on_and_off(window: Window, asked: bool) -> None:
    window.opened()  # connects the streams
    with Terminal({}, reports_focus=asked):
        pass
    drawn = window.reads(b"\x1b[?1049l")
    assert [drawn.count(code) for code in (b"\x1b[?1004h", b"\x1b[?1004l")] == [asked, asked]


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
        screen.show([styled("one"), styled("two")], "footer")
        window.reads(b"footer")
        screen.show([styled("one"), styled("TWO")], "footer")
        drawn = window.reads(b"TWO")
        assert b"one" not in drawn
        assert b"\x1b[7m" not in drawn
