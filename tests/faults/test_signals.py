"""Ctrl-C and SIGTERM at chosen moments: what was begun is whole or was never there, and nobody waits in vain."""

import signal

import pytest

from tests.support.processes import Shell
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow

NUMBERS = [pytest.param(signal.SIGINT, id="SIGINT"), pytest.param(signal.SIGTERM, id="SIGTERM")]

MOMENTS = {  # where the signal comes, as a patch of the running command
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


def struck(repo: Repo, shell: Shell, command: str, number: signal.Signals, moment: str) -> tuple[int, str, str]:
    """Run a command that sends itself a signal at a moment."""
    folder = repo.home / "patch"
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(PATCH.format(name=number.name) + MOMENTS[moment])
    result = shell.run(f"env PYTHONPATH={folder} coord {command}")
    return result.code, result.out, result.err


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("moment", MOMENTS)
def test_whenever_a_signal_comes_the_log_agrees_with_the_answer(
    repo: Repo, moment: str, number: signal.Signals
) -> None:
    shell, session = repo.sessions(1)[0]
    other, _ = repo.sessions(1)[0]
    code, out, err = struck(repo, shell, "claim droplet x", number, moment)
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
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_wait_interrupted_while_asking_leaves_no_request(repo: Repo, moment: str, number: signal.Signals) -> None:
    (one, _), (two, _) = repo.sessions(2)
    one.ok("coord claim droplet x")
    code, out, err = struck(repo, two, "claim droplet x --wait 10m", number, moment)
    assert code == 128 + number
    assert out == ""
    assert "Traceback" not in err
    assert one.json("coord status")["waiting"] == []
    one.ok("coord release droplet x")
    assert one.json("coord claims")["claims"] == []


@pytest.mark.parametrize("moment", MOMENTS)
def test_mail_that_was_not_shown_is_not_marked_as_read(repo: Repo, moment: str) -> None:
    (one, _), (two, second) = repo.sessions(2)
    one.ok(f"coord send {second} Hello 'Are you there?'")
    _, out, err = struck(repo, two, "inbox", signal.SIGINT, moment)
    assert "Traceback" not in err
    unread = "Are you there?" in two.ok("coord inbox")
    assert unread or "Are you there?" in out
