"""Notifications under attack: a command that fails, hangs or is missing, and files of the cache that are deleted,
damaged or foreign. The commands that write to the log succeed in each case, and no need is told twice while it lasts.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from coord.workspace.notify.record import read_notified
from coord.workspace.notify.runner import run_command, start
from tests.support.doctor import findings
from tests.support.notifying import Notified
from tests.support.processes import Shell, alive, environment, until
from tests.support.repositories import Repo

BLOCK = "coord heartbeat waiting deploy --blocked-on"
CHECK = "notifications"


@pytest.fixture
def one(repo: Repo) -> Shell:
    """A shell with a session, beside a second session."""
    return repo.sessions(2)[0][0]


def failure_of(repo: Repo) -> str:
    """The recorded failure, once there is one."""
    path = repo.folder / ".cache" / "notify-failure"
    until(path.exists, "the recorded failure")
    return path.read_text()


# --- the person's command ---------------------------------------------------------------------------------------------


def test_a_command_that_fails_is_shown_by_doctor(repo: Repo, one: Shell) -> None:
    notified = Notified(repo, more="sys.exit('no display')\n")
    one.ok(f"{BLOCK} x")
    assert failure_of(repo).endswith("/tell ended with exit code 1: no display\n")
    found = findings(repo, CHECK)
    assert [(row["severity"], row["what"]) for row in found] == [("warning", "the last notification failed")]
    assert "no display" in found[0]["evidence"]
    assert "The last notification failed" in one.ok("coord notify")
    Notified(repo)
    one.ok("coord notify --test")
    assert findings(repo, CHECK) == []
    assert len(notified.told) == 2


def test_a_later_success_ends_the_finding(repo: Repo, one: Shell) -> None:
    Notified(repo, more="sys.exit(3)\n")
    one.ok(f"{BLOCK} x")
    failure_of(repo)
    working = Notified(repo)
    one.ok(f"{BLOCK} y")
    working.wait(2)
    assert working.none_more(2)
    assert not (repo.folder / ".cache" / "notify-failure").exists()


def test_a_missing_program_is_shown_by_doctor(repo: Repo, one: Shell) -> None:
    Notified(repo).set("/nowhere/tell")
    assert "blocked on x" in one.ok(f"{BLOCK} x")
    assert "cannot run /nowhere/tell: No such file or directory" in failure_of(repo)
    assert "cannot be run: /nowhere/tell" in findings(repo, CHECK)[0]["evidence"]
    tested = one.run("coord notify --test")
    assert (tested.code, "cannot run /nowhere/tell" in tested.out) == (1, True)


@pytest.mark.parametrize("text", ["notify = 3", "notify =", "notify = ['sh', '-c', '{text}']"])
def test_an_unusable_setting_stops_no_command(repo: Repo, one: Shell, text: str) -> None:
    Notified(repo).config.write_text(f"{text}\n")
    one.ok(f"{BLOCK} x")
    assert failure_of(repo)
    assert one.run("coord notify").code in (0, 1)


def test_a_setting_that_others_can_write_runs_nothing(repo: Repo, one: Shell) -> None:
    notified = Notified(repo)
    notified.config.chmod(0o666)
    one.ok(f"{BLOCK} x")
    assert "chmod go-w" in failure_of(repo)
    assert notified.none_more(0)
    assert "chmod go-w" in findings(repo, CHECK)[0]["evidence"]


def test_a_command_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    words = ["bash", "-c", f"sleep 200 & echo $! $$ > {pids}.new; mv {pids}.new {pids}; wait"]
    reason = run_command(words, dict(os.environ), limit_s=2)
    assert reason == "bash did not end within 2 s, and was stopped"
    assert all(ends(pid) for pid in map(int, pids.read_text().split()))


def ends(pid: int) -> bool:
    """Return whether a process that was killed ends within 10 s."""
    deadline = time.monotonic() + 10
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not alive(pid)


def test_a_program_left_running_is_not_waited_for() -> None:
    words = ["bash", "-c", "sleep 600 & echo $! >&2; exit 7"]
    reason = run_command(words, dict(os.environ), limit_s=60)
    os.kill(int(reason.rpartition(" ")[2]), signal.SIGKILL)
    assert reason.startswith("bash ended with exit code 7: ")


@pytest.mark.parametrize("words", [["/"], ["/etc/passwd"], ["/bin/true", "a\0b"], ["/bin/true", "x" * 10_000_000]])
def test_a_command_that_cannot_be_started_is_a_failure(tmp_path: Path, words: list[str]) -> None:
    assert run_command(words, dict(os.environ)).startswith(f"cannot run {words[0]}: ")
    if "/bin/true" in words:
        start(str(tmp_path / "failure"), words, dict(os.environ))
        assert "cannot run" in (tmp_path / "failure").read_text()


# --- the files in the cache -------------------------------------------------------------------------------------------


def deleted(path: Path) -> None:
    path.unlink()


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def of_another_version(path: Path) -> None:
    path.write_text(json.dumps({"told": [1, 2], "sent": "never", "form": 99}))


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def a_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/passwd")


@pytest.mark.parametrize("attack", [deleted, truncated, empty, of_another_version, a_pipe, a_link])
def test_a_record_that_cannot_be_used_tells_needs_once_more(
    repo: Repo, one: Shell, attack: Callable[[Path], None]
) -> None:
    notified = Notified(repo)
    one.ok(f"{BLOCK} x")
    notified.wait(1)
    attack(repo.folder / ".cache" / "notified")
    for _ in range(2):
        one.ok(f"{BLOCK} x --eta 5m")
    notified.wait(2)
    assert notified.none_more(2)
    assert read_notified(str(repo.folder / ".cache")).told


def test_if_the_record_cannot_be_written_nothing_is_sent(repo: Repo, one: Shell) -> None:
    """Otherwise every command would send it again."""
    notified = Notified(repo)
    one.ok("coord heartbeat building x")
    (repo.folder / ".cache" / "notified").mkdir()
    for _ in range(3):
        one.ok(f"{BLOCK} x --eta 5m")
    assert notified.none_more(0)
    assert "Is a directory" in failure_of(repo)
    assert "Is a directory" in findings(repo, CHECK)[0]["evidence"]


def test_no_changed_byte_of_the_record_hides_another_need(repo: Repo, one: Shell) -> None:
    notified = Notified(repo)
    one.ok(f"{BLOCK} x")
    notified.wait(1)
    path = repo.folder / ".cache" / "notified"
    before = path.read_bytes()
    key = json.loads(before)["told"][0]
    for n in range(len(before)):
        path.write_bytes(before[:n] + bytes([before[n] ^ 1]) + before[n + 1 :])
        assert set(read_notified(str(path.parent)).told) <= {key, *changed(key)}


def changed(key: str) -> set[str]:
    """All keys that differ from this one in the lowest bit of one character: those of no other need."""
    return {key[:n] + chr(ord(key[n]) ^ 1) + key[n + 1 :] for n in range(len(key))}


def test_a_kill_between_record_and_sending_sends_nothing_twice(repo: Repo, one: Shell) -> None:
    notified = Notified(repo, after_s=3600)
    one.ok(f"{BLOCK} y")
    until(notified.deliveries, "the process that waits")
    for pid in notified.deliveries():
        os.kill(pid, signal.SIGKILL)
    notified = Notified(repo)
    script = (
        "import os, signal\n"
        "from coord.workspace.notify import runner\n"
        "runner.run_command = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "from coord.cli.main import run\nfrom coord.workspace.system import real_system\n"
        "run(['notify', '--due'], real_system())\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", script], cwd=repo.root, env=environment(repo.home), check=False, capture_output=True
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    one.ok(f"{BLOCK} y --eta 5m")
    assert notified.none_more(0)
    one.ok(f"{BLOCK} z")
    notified.wait(1)


def test_eight_writers_at_once_tell_each_need_once(repo: Repo) -> None:
    notified = Notified(repo)
    sessions = repo.sessions(8)
    for shell, session in sessions:
        other = sessions[0][1] if session != sessions[0][1] else sessions[1][1]
        shell.begin(f"coord send {other} Stop 'from {session}' --urgency high --needs-ack")
    for shell, _ in sessions:
        assert shell.finish().code == 0
    until(lambda: not notified.deliveries(), "the end of the notifications")
    assert sum(1 + int(row["more"]) for row in notified.told) == 8


def test_a_linked_cache_is_never_written_through(repo: Repo, one: Shell, tmp_path: Path) -> None:
    Notified(repo, more="sys.exit(1)\n")
    away = tmp_path / "away"
    away.mkdir()
    (repo.folder / ".cache").rename(tmp_path / "cache")
    (repo.folder / ".cache").symlink_to(away)
    one.ok(f"{BLOCK} x")
    assert list(away.iterdir()) == []


def test_a_prepared_failure_is_shown_as_text(repo: Repo) -> None:
    Notified(repo)
    path = repo.folder / ".cache"
    path.mkdir(exist_ok=True)
    (path / "notify-failure").write_bytes(b"99999999999999999999999 \x1b[31m\xff evil\n" * 9)
    assert "\x1b" not in findings(repo, CHECK)[0]["evidence"]
