"""`coord watch` in a real terminal: it shows the board live, and restores the terminal at its end."""

import json
import os
import signal
import subprocess

import pytest

from coord.cli.commands.board.watch import _KEYS
from tests.support.processes import Terminal, until
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow


@pytest.fixture
def window(repo: Repo) -> Terminal:
    """A terminal whose modes are recorded at the beginning."""
    made = repo.terminal()
    made.resize(120, 40)
    made.run(f"stty -a > {repo.home}/before")
    return made


def as_before(repo: Repo, window: Terminal) -> bool:
    """Return whether the terminal has its old modes, its cursor, and its old text."""
    window.run(f"stty -a > {repo.home}/after")
    cursor = window._call("display-message", "-p", "#{cursor_flag} #{alternate_on} #{wrap_flag}").split()
    return (repo.home / "before").read_text() == (repo.home / "after").read_text() and cursor == ["1", "0", "1"]


@pytest.fixture
def pid(repo: Repo, window: Terminal) -> int:
    """The process id of a `coord watch` that shows the board."""
    window.begin(f"echo $BASHPID > {repo.home}/pid; coord watch; echo code-$?")
    window.sees("ACTIVE SESSIONS", "q quits")
    shell = int((repo.home / "pid").read_text())
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(shell)], capture_output=True, check=True, text=True)
    return int(found.stdout.split()[0])


def test_changes_of_others_appear_without_a_key(repo: Repo, window: Terminal, pid: int) -> None:
    one, session = repo.sessions(1)[0]
    window.sees(session, "1 session")
    one.ok("coord claim file src/app.py --note 'landing page'")
    window.sees("file/src/app.py  ", "for: landing page")
    one.ok("coord release file src/app.py")
    until(lambda: "file/src/app.py" not in window.screen(), "the end of the claim")


def test_a_death_that_nobody_recorded_appears(repo: Repo, window: Terminal, pid: int) -> None:
    """A killed session writes nothing, so only polling finds it."""
    one, session = repo.sessions(1)[0]
    window.sees(session, "1 session")
    one.kill()
    window.sees("is gone", "0 sessions")


def test_q_restores_the_screen_and_exits_with_0(repo: Repo, window: Terminal, pid: int) -> None:
    window.press("q")
    screen = window.sees("code-0")
    assert "ACTIVE SESSIONS" not in screen
    assert as_before(repo, window)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_restores_the_terminal(repo: Repo, window: Terminal, pid: int, number: int) -> None:
    os.kill(pid, number)
    screen = window.sees(f"code-{128 + number}")
    assert "ACTIVE SESSIONS" not in screen
    assert "Traceback" not in screen
    assert as_before(repo, window)


def test_ctrl_c_ends_it_without_a_message(repo: Repo, window: Terminal, pid: int) -> None:
    window.press("C-c")
    assert "Traceback" not in window.sees("code-130")
    assert as_before(repo, window)


def test_ctrl_z_restores_the_terminal_and_fg_continues(repo: Repo, window: Terminal) -> None:
    window.begin("coord watch")
    window.sees("q quits")
    window.press("C-z")
    window.sees("Stopped")
    assert as_before(repo, window)
    window.begin("fg")
    window.sees("ACTIVE SESSIONS", "q quits")
    window.quit()
    assert as_before(repo, window)


def test_closing_the_terminal_ends_it(repo: Repo, window: Terminal, pid: int) -> None:
    window.close()
    until(lambda: subprocess.run(["ps", "-p", str(pid)], capture_output=True, check=False).returncode, "its end")


def test_the_board_fits_the_window_and_follows_its_size(repo: Repo, window: Terminal, pid: int) -> None:
    (one, _), _ = repo.sessions(2)
    one.ok(f"coord claim file src/app.py --note '{'many words ' * 9}'")
    wide = window.sees("file/src/app.py  ", "2 sessions")
    assert "…" not in wide
    assert _KEYS in wide
    for columns, rows, foot in ((40, 12, "q quits · w wraps"), (20, 5, "more"), (100, 7, "more"), (120, 40, _KEYS)):
        window.resize(columns, rows)
        until(lambda: foot in "".join(window.screen().split("\n")[rows - 1 :]), f"{foot} at the foot")  # noqa: B023
    window.resize(40, 6)
    window.sees(" more · q quits")
    window.press("End")
    window.sees("↑ ", "ACTIVE CLAIMS")
    assert "many words" not in window.screen()
    window.press("w", "End")
    window.sees("many words")


def test_a_low_window_shows_the_most_important_part(repo: Repo, window: Terminal) -> None:
    (one, _), _ = repo.sessions(2)
    one.ok("coord heartbeat waiting deploy --blocked-on 'the key'")
    window.resize(60, 8)
    window.begin("coord watch")
    rows = window.sees("COORDINATION NEEDED", "q quits").splitlines()
    assert "NEEDED" in rows[0]
    assert "is blocked on the key" in rows[1]
    assert "→ answer it: coord send" in rows[2]
    assert "ACTIVE SESSIONS" in rows[5]


def test_without_a_usable_terminal_the_board_is_printed_once(repo: Repo, window: Terminal) -> None:
    shell = repo.shell()
    once = shell.run("coord watch")
    assert (once.code, "cannot draw" in once.err, "\x1b" in once.out) == (0, True, False)
    assert "ACTIVE SESSIONS" in once.out
    assert shell.ok("coord watch | cat").splitlines()[:2] == once.out.splitlines()[:2]
    for command in ("TERM=dumb coord watch", "coord watch </dev/null"):
        result = window.run(command)
        assert (result.code, "cannot draw" in result.out, "ACTIVE SESSIONS" in result.out) == (0, True, True)


def test_the_option_once_prints_the_board_fitted_to_the_window(repo: Repo, window: Terminal) -> None:
    one, _ = repo.sessions(1)[0]
    one.ok("coord claim file src/app.py --note 'a note that is much longer than the window is wide'")
    window.resize(40, 60)
    until(lambda: window.run("stty size").out.split() == ["60", "40"], "the window's size")
    result = window.run("coord watch --once")
    assert (result.code, "cannot draw" in result.out) == (0, False)
    rows = result.out.splitlines()
    assert all(len(row) <= 40 for row in rows)
    assert "a note that is much longer than the window is wide" in " ".join(row.strip() for row in rows)
    status = one.ok("coord status")
    assert one.ok("coord watch --once").splitlines()[:1] == status.splitlines()[:1]


def test_the_json_is_the_same_as_that_of_status(repo: Repo) -> None:
    one, session = repo.sessions(1)[0]
    found = json.loads(one.ok("coord watch --json"))
    assert found.keys() == one.json("coord status").keys()
    assert [row["id"] for row in found["sessions"]] == [session]


def test_no_color_turns_reverse_video_off(repo: Repo, window: Terminal) -> None:
    window.begin("NO_COLOR=1 coord watch")
    window.sees("q quits")
    assert "7m" not in window._call("capture-pane", "-p", "-e")
    window.quit()
    window.begin("coord watch")
    window.sees("q quits")
    assert "7m" in window._call("capture-pane", "-p", "-e")


def test_an_empty_log_and_a_damaged_one_show_a_board(repo: Repo, window: Terminal, pid: int) -> None:
    """Damage that occurs while it runs is shown."""
    window.sees("none: `coord start` starts one")
    one, session = repo.sessions(1)[0]
    one.ok("coord claim file src/app.py")
    window.sees("file/src/app.py")
    path = repo.log / f"{session}.jsonl"
    with path.open("ab") as journal:
        journal.write(b"garbage\n")
    window.sees("COORDINATION NEEDED", "is damaged at line 3")


def test_a_log_that_is_removed_meanwhile_is_reported(repo: Repo, window: Terminal, pid: int) -> None:
    repo.sessions(1)
    window.sees("1 session")
    repo.log.rename(repo.folder / "elsewhere")
    screen = window.sees("code-4")
    assert "cannot read the log" in screen
    assert as_before(repo, window)
