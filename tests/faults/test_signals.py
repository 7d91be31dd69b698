"""Ctrl-C and SIGTERM at chosen points: an event is written completely or not at all, and no request is left behind."""

import signal

import pytest

from tests.support.processes import Shell
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow

NUMBERS = [pytest.param(signal.SIGINT, id="SIGINT"), pytest.param(signal.SIGTERM, id="SIGTERM")]

POINTS = {  # for each point, a patch that sends the signal there
    "while it catches up": "wrap(os, 'scandir')\n",
    "as the lock is taken": "import fcntl\nwrap(fcntl, 'flock')\n",
    "before the line is written": "wrap(os, 'write')\n",
    "before the line is durable": "wrap(os, 'fdatasync')\n",
    "before the board is in its place": "wrap(os, 'replace')\n",
}
PATCH = """
import os, signal
def send():
    os.kill(os.getpid(), signal.{name})
def wrap(module, name):
    real = getattr(module, name)
    def patched(*words, **more):
        setattr(module, name, real)
        send()
        return real(*words, **more)
    setattr(module, name, patched)
"""


def interrupted(repo: Repo, shell: Shell, command: str, number: signal.Signals, point: str) -> tuple[int, str, str]:
    """Run a command that sends itself a signal at a point."""
    folder = repo.home / "patch"
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(PATCH.format(name=number.name) + POINTS[point])
    result = shell.run(f"env PYTHONPATH={folder} coord {command}")
    return result.code, result.out, result.err


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("point", POINTS)
def test_after_a_signal_the_log_agrees_with_the_answer(repo: Repo, point: str, number: signal.Signals) -> None:
    shell, session = repo.sessions(1)[0]
    other, _ = repo.sessions(1)[0]
    code, out, err = interrupted(repo, shell, "claim droplet x", number, point)
    assert code in (0, 128 + number)
    assert "Traceback" not in err
    status = other.run("coord status")
    assert (status.code, status.err) == (0, "")
    assert "damaged" not in status.out
    assert list(repo.log.glob("*.torn")) == []
    assert list(repo.folder.rglob("*.tmp")) == []
    held = "droplet/x" in status.out
    if code == 0:
        assert held
        assert "Claimed" in out
    again = shell.run("coord claim droplet x --json")
    assert (again.code, again.json["session"], again.err) == (0, session, "")
    assert again.json["outcome"] == ("renewed" if held else "granted")


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("point", POINTS)
def test_an_interrupted_wait_leaves_no_request(repo: Repo, point: str, number: signal.Signals) -> None:
    (one, _), (two, _) = repo.sessions(2)
    one.ok("coord claim droplet x")
    code, out, err = interrupted(repo, two, "claim droplet x --wait 10m", number, point)
    assert code == 128 + number
    assert out == ""
    assert "Traceback" not in err
    assert one.json("coord status")["waiting"] == []
    one.ok("coord release droplet x")
    assert one.json("coord claims")["claims"] == []


@pytest.mark.parametrize("point", POINTS)
def test_messages_that_were_not_shown_stay_unread(repo: Repo, point: str) -> None:
    (one, _), (two, second) = repo.sessions(2)
    one.ok(f"coord send {second} Hello 'Are you there?'")
    _, out, err = interrupted(repo, two, "inbox", signal.SIGINT, point)
    assert "Traceback" not in err
    unread = "Are you there?" in two.ok("coord inbox")
    assert unread or "Are you there?" in out
