"""The progress bar is shown only on a terminal and only for long work, and it erases itself."""

import io
import sys

import pytest

from coord.render.console.progress import ProgressBar, chunks


class TerminalOutput(io.StringIO):
    """Output that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("terminal", [True, False])
def test_bar_is_shown_only_on_a_terminal(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    out = TerminalOutput() if terminal else io.StringIO()
    monkeypatch.setattr(sys, "stderr", out)
    monkeypatch.setenv("TERM", "xterm")
    bar = ProgressBar("replaying [bold]", 10, quiet_s=0)
    bar.step(5)
    assert ("replaying [bold]" in out.getvalue()) == terminal
    assert ("50%" in out.getvalue()) == terminal
    bar.close()
    assert not terminal or out.getvalue().endswith("\x1b[2K")


def test_a_bar_without_a_total_shows_how_much_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    out = TerminalOutput()
    monkeypatch.setattr(sys, "stderr", out)
    monkeypatch.setenv("TERM", "xterm")
    bar = ProgressBar("receiving", 0, quiet_s=0)
    bar.step(4321)
    assert "4321" in out.getvalue()
    assert "%" not in out.getvalue()
    bar.close()


def test_quick_work_shows_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    out = TerminalOutput()
    monkeypatch.setattr(sys, "stderr", out)
    monkeypatch.setenv("TERM", "xterm")
    bar = ProgressBar("replaying", 10, quiet_s=1e9)
    bar.step(10)
    bar.close()
    assert out.getvalue() == ""


@pytest.mark.parametrize("count", [0, 1, 1999, 2000, 2001, 70000])
def test_chunks_contain_every_item_once(count: int) -> None:
    assert [item for chunk in chunks("x", range(count)) for item in chunk] == list(range(count))
