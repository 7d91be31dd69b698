"""`coord doctor` finds faults of journals, checkpoint, clock and lock. Each step that it suggests works."""

import os
import shutil
import signal
from pathlib import Path

import pytest

import coord.engine.cache.checkpoint
from eventlog.codec import MAX_LINE, NO_HASH, encode_line, line_hash
from eventlog.events import VERSION, Event, SessionStarted, add_time
from eventlog.local.files import ARCHIVE_FOLDER
from tests.support.doctor import commands, findings, simulated, write_journal
from tests.support.in_process import NOON, SimulatedMachine
from tests.support.locks import hold_lock, is_free
from tests.support.processes import until
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow


def test_a_damaged_journal_is_found(repo: Repo) -> None:
    path = write_journal(repo)
    path.write_bytes(path.read_bytes().replace(b"building", b"bullding"))
    (row,) = findings(repo, "damage")
    assert row["what"] == f"log/{path.name} is damaged"
    assert row["evidence"].startswith("line 2, byte ")
    assert row["severity"] == "serious"
    assert commands(row)[0].startswith("cp -a "), "the first step makes a copy"


@pytest.mark.parametrize(
    "data", [b"", b"stray", b"junk\n", b"x" * (MAX_LINE + 1)], ids=["empty", "tear", "line", "long"]
)
def test_a_file_that_is_not_a_journal_can_be_moved_out(repo: Repo, data: bytes) -> None:
    shell, stray = repo.shell(), repo.log / "stray.jsonl"
    shell.start()
    stray.write_bytes(data)
    shell.ok("coord heartbeat building api")
    (row,) = findings(repo, "damage")
    assert row["what"].startswith("log/stray.jsonl ")
    assert row["severity"] == ("serious" if len(data) > 5 or data.endswith(b"\n") else "note")
    assert commands(row)[-1] == f"mv {stray} ~/"
    shell.ok(commands(row)[-1])
    shell.ok("coord heartbeat building api")
    assert shell.run("coord doctor").code == 0
    assert shell.run("coord verify").code == 0


def test_an_unreadable_journal_is_found(repo: Repo) -> None:
    (repo.log / "strange.jsonl").mkdir()
    (row,) = findings(repo, "damage")
    assert row["evidence"] == "it is not a regular file"


@pytest.mark.parametrize("change", ["cut back", "gone"])
def test_a_rewound_journal_is_found(repo: Repo, change: str) -> None:
    path = write_journal(repo)
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0]) if change == "cut back" else path.unlink()
    (row,) = findings(repo, "rewinds")
    assert row["what"] == f"log/{path.name} was rewound"
    assert "3 lines were read before" in row["evidence"]
    assert commands(row)[0].startswith("cp -a ")


def test_a_journal_in_two_places_is_found(repo: Repo) -> None:
    path = write_journal(repo)
    (repo.log / ARCHIVE_FOLDER).mkdir()
    shutil.copy(path, repo.log / ARCHIVE_FOLDER)
    (row,) = findings(repo, "two places")
    assert commands(row)[0].startswith("cmp ")
    for command in commands(row):
        repo.shell().ok(command)
    assert findings(repo, "two places") == []


@pytest.mark.parametrize("fault", ["damaged", "different"])
def test_a_bad_checkpoint_is_found_and_can_be_deleted(repo: Repo, fault: str) -> None:
    write_journal(repo)
    cache = repo.folder / ".cache"
    if fault == "damaged":
        (cache / "checkpoint").write_bytes(b"nonsense")
    else:
        saved, folded = coord.engine.cache.checkpoint.load(str(cache))
        assert folded is not None
        folded.state.events = 99
        coord.engine.cache.checkpoint.save(str(cache), saved.seen, [], folded)
    (row,) = findings(repo, "checkpoint")
    assert row["severity"] == ("warning" if fault == "damaged" else "serious")
    repo.shell().ok(commands(row)[0])
    assert findings(repo, "checkpoint") == []


def test_events_of_a_newer_version_are_found(repo: Repo) -> None:
    path = write_journal(repo)
    last = repo.events()[-1]
    body = (
        f'{{"v":2,"at":"{last["at"][:-7]}999999Z","session":"{path.stem}","n":4,"event":{{"type":"spell.cast"}}'
    ).encode()
    data = path.read_bytes()
    path.write_bytes(data + body + b',"hash":"' + line_hash(data[-35:-3], body) + b'"}\n')
    (row,) = findings(repo, "newer events")
    assert row["evidence"] == "1 event spell.cast"
    assert commands(row)[0].startswith("git pull && uv tool install "), "the same way as in the README"


def test_leftovers_of_a_crash_are_a_note(repo: Repo) -> None:
    path = write_journal(repo)
    path.write_bytes(path.read_bytes() + b'{"v":1')
    shell = repo.shell()
    shell.ok(f"coord heartbeat a b --session {path.stem}")
    Path(f"{path}.sealed").touch()
    rows = findings(repo, "leftovers")
    assert [row["severity"] for row in rows] == ["note", "note"]
    assert f"{path.stem}-1.torn" in rows[0]["evidence"]
    assert f"{path.name}.sealed" in rows[1]["evidence"]


def test_a_clock_behind_the_log_is_found(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    machine.start(100)
    assert simulated(machine, "clocks") == []
    machine.wait(-7200)
    (finding,) = simulated(machine, "clocks")
    assert "2 h behind the log" in finding.evidence
    assert finding.do[0].command == "date -u"


def test_another_machines_clock_that_is_ahead_is_found(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    line, _ = encode_line(
        Event(v=VERSION, at=add_time(NOON, 7200), session="from-afar", n=1, payload=SessionStarted(machine="south")),
        NO_HASH,
    )
    (repo.log / "from-afar.jsonl").write_bytes(line)
    (finding,) = simulated(machine, "clocks")
    assert finding.what == "log/from-afar.jsonl comes from a machine whose clock is ahead"


@pytest.mark.parametrize("stopped", [True, False])
def test_a_process_that_keeps_the_lock_is_found(repo: Repo, stopped: bool) -> None:
    shell = repo.shell()
    shell.start()
    pid = hold_lock(shell, repo.log / ".lock")
    if stopped:
        os.kill(pid, signal.SIGSTOP)
    (row,) = findings(repo, "lock")
    assert row["severity"] == ("serious" if stopped else "warning")
    assert f"process {pid}" in row["evidence"]
    expected = f"kill -CONT {pid}" if stopped else f"ps -o pid,ppid,stat,lstart,args -p {pid}"
    assert commands(row)[0] == expected, "the safest step comes first"
    os.kill(pid, signal.SIGKILL)
    until(lambda: is_free(repo.log / ".lock"), "the lock's end")
    assert findings(repo, "lock") == []


def test_a_lock_that_is_not_a_file_is_found(repo: Repo) -> None:
    write_journal(repo)
    (repo.log / ".lock").unlink()
    (repo.log / ".lock").mkdir()
    (row,) = findings(repo, "lock")
    assert row["severity"] == "serious"
