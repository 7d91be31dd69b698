"""Real commands run the person's command: when something newly needs the person, once, and without waiting for it."""

import os
import signal
import subprocess

import pytest

from coord.workspace.notify import due
from coord.workspace.notify.record import WAITING, LockFile
from eventlog.local.files import try_lock
from tests.support.in_process import SimulatedMachine
from tests.support.notifying import Notified
from tests.support.processes import COORD, environment, until
from tests.support.repositories import Repo

BLOCK = "coord heartbeat waiting deploy --blocked-on 'the Stripe key'"


@pytest.fixture
def notified(repo: Repo) -> Notified:
    return Notified(repo)


def test_a_new_need_is_told_once_by_the_command_that_made_it(repo: Repo, notified: Notified) -> None:
    (one, session), (two, _) = repo.sessions(2)
    assert notified.none_more(0), "an idle session is no need"
    one.ok(BLOCK)
    told = notified.wait(1)[0]
    assert told["args"] == [told["text"]]
    assert told["what"] == f"{session} is blocked on the Stripe key"
    assert told["text"] == f'repo: {told["what"]} → answer it: coord send {session} Answer "..."'
    assert (told["folder"], told["session"]) == (str(repo.root), session)
    two.ok("coord heartbeat building api; coord claim file a.py")
    one.ok(BLOCK)
    assert notified.none_more(1)
    one.ok("coord heartbeat building deploy")
    one.ok(BLOCK)
    notified.wait(2)


def test_a_refused_command_notifies_too(repo: Repo, notified: Notified) -> None:
    """It has recorded what it noticed: here a death. Meanwhile a journal was damaged."""
    (one, _), (two, session) = repo.sessions(2)
    two.kill()
    with (repo.log / f"{session}.jsonl").open("ab") as journal:
        journal.write(b"garbage\n")
    assert one.run("coord release file not-mine.py").code == 1
    told = notified.wait(1)[0]
    assert "is damaged" in told["text"]
    assert told["urgent"] == "1"


def test_the_lock_is_free_when_a_delivery_is_started(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    Notified(repo)
    machine, env, free = SimulatedMachine(repo), {"HOME": str(repo.home)}, list[bool]()

    def look(*_: object) -> None:
        with (repo.log / ".lock").open() as file:
            free.append(try_lock(file.fileno()))

    machine.start(100, **env)
    monkeypatch.setattr(due, "start_delivery", look)
    machine.run(100, "heartbeat", "waiting", "x", "--blocked-on", "y", **env)
    assert free == [True]


def test_a_need_that_ends_at_once_is_not_told(repo: Repo) -> None:
    notified = Notified(repo, after_s=60)
    (one, first), (two, second) = repo.sessions(2)
    one.ok(f"coord send {second} Stop 'it is wrong' --urgency high --needs-ack")
    waiting = LockFile(str(repo.folder / ".cache"), WAITING)
    until(lambda: not waiting.is_free, "the process that waits")
    notified.after_s = 0
    notified.set(str(notified.script))
    two.ok(f"coord ack {repo.of_type('message.sent')[0]['session']}/{repo.of_type('message.sent')[0]['n']}")
    one.ok(f"{BLOCK}")
    assert not waiting.is_free, "one process waits for all needs"
    pid = next(pid for pid in notified.deliveries())
    os.kill(pid, signal.SIGKILL)
    until(lambda: waiting.is_free, "its end")
    assert notified.told == [], "nothing is recorded as told before it is sent"
    two.ok("coord heartbeat building x")
    assert notified.wait(1)[0]["session"] == first


def test_without_a_command_nothing_is_read_or_written(repo: Repo) -> None:
    (one, _), _ = repo.sessions(2)
    one.ok(BLOCK)
    assert not (repo.folder / ".cache" / "notified").exists()
    script = (
        "import sys; from coord.cli.main import run; from coord.workspace.system import real_system;"
        "run(['heartbeat', 'waiting', 'x', '--blocked-on', 'y'], real_system());"
        "print([n for n in sys.modules if 'notify' in n or n in ('subprocess', 'tomllib')], file=sys.stderr)"
    )
    result = one.run(f'python -c "{script}"')
    assert result.err.splitlines()[-1] == "[]"


def test_the_folder_of_a_repository_sets_no_command(repo: Repo, notified: Notified) -> None:
    notified.config.unlink()
    (repo.folder / "config.toml").write_text(f"notify = ['{notified.script}']\n")
    shell = repo.shell()
    assert shell.run("coord start").code == 4
    (repo.folder / "config.toml").unlink()
    for place in (repo.root, repo.folder):
        (place / "coord").mkdir()
        (place / "coord" / "config.toml").write_text(f"notify = ['{notified.script}']\n")
        (place / ".config").mkdir()
        (place / "coord").rename(place / ".config" / "coord")
    (one, _), _ = repo.sessions(2)
    one.ok(f"export XDG_CONFIG_HOME=.config; {BLOCK}; cd COORDINATION; {BLOCK} --eta 5m")
    assert notified.none_more(0)


def test_nobody_waits_for_a_command_that_hangs(repo: Repo) -> None:
    """Neither the command, nor who reads the output of a hook, nor who needs the lock."""
    notified = Notified(repo, more="import time\ntime.sleep(600)\n")
    one, session = repo.sessions(1)[0]
    with subprocess.Popen(
        [COORD, "heartbeat", "waiting", "x", "--blocked-on", "y", "--session", session],
        cwd=repo.root,
        env=environment(repo.home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as made:
        made.communicate()  # returns only when nobody has the pipes open any more
        told = notified.wait(1)[0]
        with pytest.raises(ProcessLookupError):
            os.killpg(made.pid, signal.SIGKILL)
    os.kill(told["pid"], 0)  # a client that ends the group of its hook does not end it
    assert told["cwd"] == "/", "a program of the repository cannot be meant by its name"
    one.ok("coord heartbeat building x")
    os.killpg(told["sid"], signal.SIGKILL)


def test_a_command_that_uses_coord_notifies_no_further(repo: Repo) -> None:
    send = [COORD, "send", "all", "x", "y", "--urgency", "high", "--needs-ack"]
    acting = "os.environ | {'COORD_SESSION': os.environ['COORD_NOTIFY_SESSION']}"
    call = f"subprocess.run({send}, cwd=os.environ['COORD_NOTIFY_FOLDER'], env={acting})"
    notified = Notified(repo, more=f"import subprocess\n{call}\n")
    (one, _), _ = repo.sessions(2)
    one.ok(BLOCK)
    until(lambda: repo.of_type("message.sent"), "the message")
    assert notified.none_more(1)


@pytest.fixture
def by_hand(monkeypatch: pytest.MonkeyPatch, repo: Repo) -> SimulatedMachine:
    """A machine with its own clock, on which `coord notify --due` runs only when the test calls it."""
    monkeypatch.setattr(due, "start_delivery", lambda *_: None)
    return SimulatedMachine(repo)


def test_a_burst_is_limited_and_told_with_the_next(repo: Repo, by_hand: SimulatedMachine) -> None:
    env = {"HOME": str(Notified(repo).repo.home)}
    by_hand.start(100, **env)
    sent = []
    for n in range(7):
        by_hand.wait(60 if n < 6 else 3600)
        by_hand.run(100, "heartbeat", "waiting", "x", "--blocked-on", f"question {n}", **env)
        sent.append(by_hand.run(100, "notify", "--due", "--json", **env).json["sent"])
    assert [bool(text) for text in sent] == [True] * 4 + [False] * 2 + [True]
    assert "question 6" in sent[-1]


def test_a_silent_session_is_told_by_the_next_command(repo: Repo, by_hand: SimulatedMachine) -> None:
    notified = Notified(repo)
    env = {"HOME": str(repo.home)}
    holder = by_hand.start(100, **env)
    by_hand.run(100, "claim", "file", "a.py", **env)
    by_hand.run(100, "heartbeat", "building", "a", **env)
    by_hand.start(200, **env)
    assert "Nothing is due" in by_hand.run(200, "notify", "--due", **env).out
    by_hand.wait(16 * 60)
    by_hand.run(200, "notify", "--due", **env)
    assert notified.wait(1)[0]["what"] == f"{holder} is silent and holds file/a.py"
    by_hand.wait(60)
    by_hand.run(200, "notify", "--due", **env)
    assert notified.none_more(1)


def test_what_a_person_types_does_not_notify_the_person(repo: Repo, notified: Notified) -> None:
    back, session = repo.sessions(1)[0]
    window, other = repo.terminal(), repo.terminal()
    window.run(f"coord send {session} Stop 'it is wrong' --urgency high --needs-ack")
    assert notified.none_more(0)
    assert "Nothing is due: 1 need was made by you in a terminal." in back.ok("coord notify --due")
    other.run("coord start")
    other.run(BLOCK)
    assert "Nothing is due: 2 needs were made by you in a terminal." in back.ok("coord notify --due")
    other.run("coord end")
    assert "Nothing is due: 1 need was made by you in a terminal." in back.ok("coord notify --due")
    back.ok(f"coord send {repo.of_type('message.sent')[0]['session']} Why 'tell me' --urgency high --needs-ack")
    assert "Why" in notified.wait(1)[0]["text"]
    assert notified.told[0]["more"] == "0"
