"""A bar is shown on a terminal only, once something takes a moment, and leaves nothing behind."""

import io
import sys

import pytest

from coord.render.console.progress import ProgressBar, chunks


class Screen(io.StringIO):
    """A terminal to write to."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("screen", [True, False])
def test_a_bar_is_for_terminals(screen: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    out = Screen() if screen else io.StringIO()
    monkeypatch.setattr(sys, "stderr", out)
    bar = ProgressBar("replaying", 10, quiet_s=0)
    bar.step(5)
    assert ("replaying" in out.getvalue()) == screen
    assert ("50%" in out.getvalue()) == screen
    bar.close()
    assert not screen or out.getvalue().endswith("\r\x1b[2K\x1b[?25h")


def test_what_is_quick_shows_none(monkeypatch: pytest.MonkeyPatch) -> None:
    out = Screen()
    monkeypatch.setattr(sys, "stderr", out)
    bar = ProgressBar("replaying", 10, quiet_s=1e9)
    bar.step(10)
    bar.close()
    assert out.getvalue() == ""


@pytest.mark.parametrize("count", [0, 1, 1999, 2000, 2001, 70000])
def test_the_pieces_are_the_whole(count: int) -> None:
    assert [item for piece in chunks("x", range(count)) for item in piece] == list(range(count))
