"""The log is removed, cut or replaced while a command waits, follows or serves: one clear line and exit code 4, no
traceback, and nothing is written to what is left.
"""

import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from coord.errors import NO_LOG
from tests.support.mcp_connections import connected
from tests.support.processes import Shell, until
from tests.support.repositories import Repo

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")]


def without_log(repo: Repo) -> None:
    shutil.rmtree(repo.log)


def without_folder(repo: Repo) -> None:
    shutil.rmtree(repo.folder)


def cleaned(repo: Repo) -> None:
    repo.shell().ok("git clean -fdxq")


def made_again(repo: Repo) -> None:
    """Put a new folder, made by `coord init`, in the place of the old one, which is not seen missing in between."""
    shell = repo.shell()
    shell.ok(f"mkdir {repo.home}/new && (cd {repo.home}/new && git init -q && coord init)")
    repo.folder.rename(repo.home / "old")
    (repo.home / "new" / "COORDINATION").rename(repo.folder)
    shell.ok("coord start")


def without_journals(repo: Repo) -> None:
    for path in repo.log.glob("*.jsonl"):
        path.unlink()


def emptied(repo: Repo) -> None:
    for path in repo.log.glob("*.jsonl"):
        path.write_bytes(b"")


REMOVALS: list[Callable[[Repo], None]] = [
    without_log,
    without_folder,
    cleaned,
    made_again,
    without_journals,
    emptied,
]
WAITING = ("claim droplet x --wait 10m", "inbox --wait 10m")


def waiter(repo: Repo, command: str) -> Shell:
    """Begin a command that waits, in the second of two sessions; the first holds what it asks for."""
    (holder, _), (shell, _) = repo.sessions(2)
    holder.ok("coord claim droplet x")
    shell.ok("coord inbox")
    shell.begin(f"coord {command}")
    until(lambda: watches(shell), "the wait")
    return shell


def watches(shell: Shell) -> bool:
    """Whether a command of the shell watches a folder."""
    for command in Path(f"/proc/{shell.pid}/task/{shell.pid}/children").read_text().split():
        with suppress(OSError):
            if any(os.readlink(fd) == "anon_inode:inotify" for fd in Path(f"/proc/{command}/fd").iterdir()):
                return True
    return False


@pytest.mark.parametrize("remove", REMOVALS, ids=lambda remove: remove.__name__)
@pytest.mark.parametrize("command", WAITING)
def test_a_wait_ends_with_one_clear_line(repo: Repo, command: str, remove: Callable[[Repo], None]) -> None:
    shell = waiter(repo, command)
    remove(repo)
    result = shell.finish()
    assert (result.code, result.out) == (NO_LOG, ""), result
    *_, last = lines = [line for line in result.err.splitlines() if "note:" not in line]
    assert len(lines) == 1, result.err
    assert last.startswith("coord: ")
    assert "coord start" in last or "coord init" in last or "coord doctor" in last
    if remove in (without_folder, cleaned):
        assert not repo.folder.exists(), "nothing was made again"


@pytest.mark.parametrize("remove", [without_log, without_folder, cleaned], ids=lambda remove: remove.__name__)
def test_following_the_log_ends_when_it_is_removed(repo: Repo, remove: Callable[[Repo], None]) -> None:
    shell, _ = repo.sessions(1)[0]
    follower = repo.shell()
    follower.begin("coord log --follow")
    until(lambda: watches(follower), "the first line")
    remove(repo)
    result = follower.finish()
    assert result.code == NO_LOG, result
    assert result.err.count("\n") == 1
    assert "coord init" in result.err or "coord start" in result.err
    assert shell.run("coord status").code == NO_LOG


@pytest.mark.parametrize("remove", [made_again, without_journals, emptied], ids=lambda remove: remove.__name__)
def test_following_continues_in_a_log_that_was_replaced(repo: Repo, remove: Callable[[Repo], None]) -> None:
    repo.sessions(1)
    follower = repo.shell()
    follower.begin("coord log --follow")
    until(lambda: watches(follower), "the first line")
    remove(repo)
    other = repo.shell()
    session = other.start("--new")
    until(lambda: session in follower.so_far(), "the event in the new log")
    assert "Traceback" not in follower.so_far()


@pytest.mark.parametrize("remove", [without_log, without_folder], ids=lambda remove: remove.__name__)
def test_the_live_board_ends_and_leaves_the_terminal(repo: Repo, remove: Callable[[Repo], None]) -> None:
    repo.sessions(1)
    window = repo.terminal()
    window.begin("coord watch; echo code-$?")
    window.sees("q quits")
    remove(repo)
    assert "Restore it" in " ".join(window.sees(f"code-{NO_LOG}").split())


@pytest.mark.parametrize("remove", REMOVALS, ids=lambda remove: remove.__name__)
def test_a_hook_that_waits_ends_without_an_answer(repo: Repo, remove: Callable[[Repo], None]) -> None:
    shell = repo.shell()
    shell.ok("CLAUDE_CODE_SESSION_ID=c coord start")
    (repo.home / "stop.json").write_text(
        json.dumps({"session_id": "c", "cwd": str(repo.root), "hook_event_name": "Stop"})
    )
    shell.begin(f"coord hook claude --wake <{repo.home}/stop.json")
    until(lambda: list(repo.folder.rglob("waker")), "the wait")
    remove(repo)
    result = shell.finish()
    assert (result.code, result.both) == (0, "")


@pytest.mark.parametrize("remove", REMOVALS, ids=lambda remove: remove.__name__)
def test_the_mcp_server_answers_with_an_error_and_stays(repo: Repo, remove: Callable[[Repo], None]) -> None:
    with connected(repo) as connection:
        connection.call("start")
        remove(repo)
        for _ in range(2):
            text, is_error = connection.call("claim", resource="droplet/x")
            assert is_error, text
            assert "Traceback" not in text
            assert "failed (" not in text
