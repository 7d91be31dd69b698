"""`coord watch` and notifications: none while a person sees the watch, and those that become due as time passes."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest

from coord.cli.commands.board._attention import Attention
from coord.engine.board import board_of
from coord.engine.run import Run
from coord.workspace.notify import due
from coord.workspace.notify.record import WATCHED, LockFile, is_watched
from coord.workspace.system import System, wall_clock
from eventlog.local.files import try_lock
from tests.support.notifying import Notified
from tests.support.processes import Shell, Terminal, until
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow

BLOCK = "coord heartbeat waiting deploy --blocked-on"
FOCUS, NO_FOCUS = ("1b", "5b", "49"), ("1b", "5b", "4f")  # what a terminal reports


class Watching:
    """A session, a person's command, and a window with `coord watch`."""

    def __init__(self, repo: Repo, **settings: float) -> None:
        self.repo, self.notified = repo, Notified(repo)
        self.cache = str(repo.folder / ".cache")
        self.one: Shell
        (self.one, self.session), _ = repo.sessions(2)
        repo.set(**settings)
        self.window: Terminal = repo.terminal()
        self.window.begin(f"echo $BASHPID > {repo.home}/pid; coord watch")
        self.window.sees("ACTIVE SESSIONS", "q quits")
        until(lambda: is_watched(self.cache), "the mark of the watch")

    def report(self, bytes_: tuple[str, ...], watched: bool) -> None:
        """Report a change of the focus, as a terminal does, and wait until the watch has noted it."""
        self.window._call("send-keys", "-H", *bytes_)
        until(lambda: is_watched(self.cache) == watched, f"the mark {watched}")

    @property
    def pid(self) -> int:
        shell = (self.repo.home / "pid").read_text().strip()
        found = subprocess.run(["ps", "-o", "pid=", "--ppid", shell], capture_output=True, check=True, text=True)
        return int(found.stdout.split()[0])


def test_what_a_visible_watch_shows_is_not_told(repo: Repo) -> None:
    watching = Watching(repo)
    watching.one.ok(f"{BLOCK} 'the key'")
    watching.window.sees("is blocked on the key")
    assert watching.notified.none_more(0)
    watching.window.quit()
    until(lambda: not is_watched(watching.cache), "the end of the mark")
    watching.one.ok(f"{BLOCK} 'the key' --eta 5m")
    assert watching.notified.none_more(0), "the person has seen it"
    watching.one.ok(f"{BLOCK} 'another key'")
    watching.notified.wait(1)


def test_a_watch_without_the_focus_is_not_visible(repo: Repo) -> None:
    watching = Watching(repo)
    watching.report(NO_FOCUS, False)
    watching.one.ok(f"{BLOCK} 'the key'")
    watching.notified.wait(1)
    watching.report(FOCUS, True)
    watching.one.ok(f"{BLOCK} 'another key'")
    watching.window.sees("another key")
    assert watching.notified.none_more(1)


@pytest.mark.parametrize("how", ["killed", "suspended"])
def test_a_watch_that_cannot_show_anything_is_not_visible(repo: Repo, how: str) -> None:
    watching = Watching(repo)
    if how == "killed":
        os.kill(watching.pid, signal.SIGKILL)
    else:
        watching.window.press("C-z")
    until(lambda: not is_watched(watching.cache), "the end of the mark")
    watching.one.ok(f"{BLOCK} 'the key'")
    watching.notified.wait(1)
    if how == "suspended":
        watching.window.begin("fg")
        until(lambda: is_watched(watching.cache), "the mark of the watch")


def test_a_watch_tells_what_becomes_due_without_a_command(repo: Repo) -> None:
    watching = Watching(repo, silent_minutes=0.05)
    watching.report(NO_FOCUS, False)
    watching.one.ok("coord claim file a.py; coord heartbeat building a")
    told = watching.notified.wait(1)[0]
    assert (told["kind"], told["session"]) == ("silent", watching.session)
    watching.window.sees("is silent and holds file/a.py")
    assert watching.notified.none_more(1)


def test_a_watch_that_nobody_sees_never_looks_seen(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for the mark takes its lock for a moment. A watch has no machine lock, so it does not ask."""
    (one, _), _ = repo.sessions(2)
    Notified(repo)
    one.ok(f"{BLOCK} 'the key'")
    run = Run(System({"HOME": str(repo.home)}, str(repo.root), wall_clock, os.getpid()))
    snapshot = run.read_state()
    board = board_of(run.system, run.config, snapshot, snapshot.now)
    attention = Attention(run, cast(Any, SimpleNamespace()))
    attention.note_key("no focus")
    with try_lock_on(repo) as taken:
        asked: list[str] = []
        monkeypatch.setattr(due, "is_watched", asked.append)
        assert taken
        attention.note_board(board)
    assert asked == [], "it did not get the machine's lock"


@contextmanager
def try_lock_on(repo: Repo) -> Iterator[bool]:
    """Hold the machine's lock."""
    with open(repo.folder / "log" / ".lock", "a+b") as file:
        yield try_lock(file.fileno())


def test_two_watches_share_the_mark(repo: Repo) -> None:
    cache = str(repo.folder / ".cache")
    one, two = (LockFile(cache, WATCHED, shared=True) for _ in range(2))
    assert not is_watched(cache)
    assert (one.take(), two.take()) == (True, True)
    one.release()
    assert is_watched(cache)
    two.release()
    assert not is_watched(cache)
    assert os.stat(f"{cache}/watched").st_mode & 0o077 == 0, "other users cannot hold the lock"


class Ringing:
    """A window with `coord watch --notify`, whose output is recorded."""

    def __init__(self, repo: Repo, env: str = "unset TMUX; export TERM_PROGRAM=iTerm.app") -> None:
        (self.one, self.session), _ = repo.sessions(2)
        self.raw = repo.home / "raw"
        self.window = repo.terminal()
        self.window.run(env)
        self.window._call("pipe-pane", f"cat >> '{self.raw}'")
        self.window.begin("coord watch --notify")
        self.window.sees("ACTIVE SESSIONS", "q quits")

    def report(self, bytes_: tuple[str, ...]) -> None:
        """Report a change of the focus, as a terminal does. A key then shows that it was read."""
        self.window._call("send-keys", "-H", *bytes_)
        self.window._call("send-keys", "w", "w")

    @property
    def rung(self) -> list[bytes]:
        """The notifications so far."""
        return re.findall(rb"\x07\x1b\]9;([^\x1b]*)\x1b\\", self.raw.read_bytes())


def test_a_watch_rings_for_what_newly_needs_the_person(repo: Repo) -> None:
    ringing = Ringing(repo)
    ringing.report(NO_FOCUS)
    ringing.one.ok(f"{BLOCK} 'the key;\x1b]9;evil\x07'")
    until(lambda: len(ringing.rung) == 1, "the notification")
    assert ringing.rung[0].startswith(f"repo: {ringing.session} is blocked on the key,\\x1b]9,evil\\x07 → ".encode())
    ringing.one.ok("coord claim file a.py; coord heartbeat building a --blocked-on 'another key'")
    until(lambda: len(ringing.rung) == 2, "the second notification")
    ringing.one.ok("coord heartbeat building a 20% --blocked-on 'another key'")
    ringing.window.sees("20%")
    assert len(ringing.rung) == 2, "each need once"


def test_a_watch_does_not_ring_for_what_it_shows(repo: Repo) -> None:
    """Needs that exist at its start, and needs that arise while its window has the focus."""
    ((early, _),) = repo.sessions(1)
    early.ok(f"{BLOCK} 'an old key'")
    ringing = Ringing(repo)
    ringing.report(FOCUS)
    ringing.one.ok(f"{BLOCK} 'the key'")
    ringing.window.sees("the key")
    ringing.report(NO_FOCUS)
    ringing.one.ok(f"{BLOCK} 'a third key'")
    until(lambda: ringing.rung, "the notification")
    (text,) = ringing.rung
    assert b"a third key" in text
    assert b"more" not in text


def test_without_the_option_a_watch_is_quiet(repo: Repo) -> None:
    watching = Watching(repo)
    raw = repo.home / "raw"
    watching.window._call("pipe-pane", f"cat >> '{raw}'")
    watching.report(NO_FOCUS, False)
    watching.one.ok(f"{BLOCK} 'the key'")
    watching.window.sees("the key")
    assert b"\x07" not in raw.read_bytes()
