"""Acknowledged means durable: if the power fails when a command reports success, everything that was written up to then
is still there afterwards. A simulated disk that keeps only synced data checks this.
"""

import contextlib
import errno
import io
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from coord.admin.shell_import import run as importing
from coord.cli.main import run
from coord.engine import machine_lock
from coord.workspace.paths import Workspace
from eventlog.errors import AppendFailed, JournalClosed, LogError
from eventlog.local import writer as writing
from eventlog.local.files import ARCHIVE_FOLDER, sync_folder
from eventlog.local.lock import LOCK_NAME, locked
from eventlog.local.writer import JournalWriter, archive_journal, sync_names
from tests.support.in_process import SimulatedMachine
from tests.support.journals import SESSION, event, numbers, plain, position_of, writer
from tests.support.power_failure import Disk
from tests.support.repositories import Repo

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it observes fdatasync, which only Linux uses here")
FILE = f"{SESSION}.jsonl"


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    """A simulated disk for a folder that contains an empty log."""
    (tmp_path / "log").mkdir()
    made = Disk(tmp_path, monkeypatch)
    yield made
    made.close()


# --- one journal ------------------------------------------------------------------------------------------------------


def test_an_event_is_durable_after_sync_and_not_before(disk: Disk) -> None:
    end = writer(disk.root / "log")
    for n in (1, 2, 3):
        end.append(event(n))
        assert numbers(disk.survivors()[f"log/{FILE}"]) == list(range(1, n)), "the simulated disk loses unsynced data"
        end.sync()
        assert disk.losses() == []
    end.close()


def test_one_sync_covers_all_events_appended_before_it(disk: Disk) -> None:
    end = writer(disk.root / "log")
    for n in range(1, 6):
        end.append(event(n))
    before = len(disk.syncs)
    end.sync()
    end.close()
    assert disk.losses() == []
    assert disk.syncs[before:] == [f"log/{FILE}"]


def test_a_journals_name_is_durable_before_its_first_line(disk: Disk) -> None:
    end = JournalWriter(str(disk.root / "log"), SESSION, position_of(disk.root / "log"))
    assert disk.survivors() == {f"log/{FILE}": b""}
    end.close()


def test_the_name_of_an_empty_journal_is_made_durable(disk: Disk) -> None:
    (disk.root / "log" / FILE).touch()
    writer(disk.root / "log").close()
    assert disk.survivors() == {f"log/{FILE}": b""}


def test_new_parent_folders_of_a_journal_are_made_durable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(tmp_path, monkeypatch)
    log = tmp_path / "COORDINATION" / "log"
    log.mkdir(parents=True)
    end = writer(log)
    end.append(event(1))
    end.sync()
    end.close()
    assert disk.losses() == []
    disk.close()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_parent_folder_that_cannot_sync_stops_the_first_event(
    disk: Disk, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    log = str(disk.root / "log")

    def sync(path: str) -> None:
        if path != log:
            raise OSError(number, os.strerror(number))
        sync_folder(path)

    monkeypatch.setattr(writing, "sync_folder", sync)
    with pytest.raises(LogError, match="Nothing was written"):
        writer(disk.root / "log")


def test_a_parent_folder_that_cannot_be_opened_is_skipped(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    log = str(disk.root / "log")

    def sync(path: str) -> None:
        if path != log:
            raise PermissionError(13, "Permission denied")
        sync_folder(path)

    monkeypatch.setattr(writing, "sync_folder", sync)
    writer(disk.root / "log").close()
    assert disk.survivors() == {f"log/{FILE}": b""}


def test_a_completed_line_is_durable_with_the_next_event(disk: Disk) -> None:
    writer(disk.root / "log").close()
    (disk.root / "log" / FILE).write_bytes(b"".join(plain(2))[:-1])
    end = writer(disk.root / "log")
    end.append(event(3))
    end.sync()
    end.close()
    assert disk.survivors()[f"log/{FILE}"] == b"".join(plain(3))


def test_a_tear_is_saved_durably_before_it_is_cut_off(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    (disk.root / "log" / FILE).write_bytes(plain(1)[0] + b"{torn")
    cut, kept = os.ftruncate, list[dict[str, bytes]]()

    def truncate(fd: int, size: int) -> None:
        kept.append(disk.survivors())
        cut(fd, size)

    monkeypatch.setattr(os, "ftruncate", truncate)
    writer(disk.root / "log").close()
    assert [one[f"log/{SESSION}-1.torn"] for one in kept] == [b"{torn"]


def test_an_archived_journal_always_has_a_durable_name(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    end = writer(disk.root / "log")
    end.append(event(1))
    end.sync()
    end.close()
    real, places = os.fsync, list[set[str]]()

    def sync(fd: int) -> None:
        real(fd)
        places.append({name for name, data in disk.survivors().items() if data == plain(1)[0]})

    monkeypatch.setattr(os, "fsync", sync)
    archive_journal(str(disk.root / "log"), SESSION)
    assert disk.survivors() == {f"log/{FILE}": plain(1)[0]}
    sync_names(str(disk.root / "log"))
    assert all(places)
    assert places[-1] == {f"log/{ARCHIVE_FOLDER}/{FILE}"}


# --- commands ---------------------------------------------------------------------------------------------------------

DAY = (
    (100, "start --name one"),
    (200, "start --name two"),
    (100, "claim file/a.py --note mine"),
    (200, "claim file/b.py"),
    (100, "heartbeat build site"),
    (100, "send two Hello"),
    (200, "inbox"),
    (200, "handoff file/b.py one"),
    (100, "renew file/b.py"),
    (100, "release file/b.py"),
    (200, "end --summary done"),
    (100, "archive --before now"),
    (100, "status"),
)


class CheckedOutput(io.StringIO):
    """Standard output that calls a check before each write."""

    def __init__(self, check: Callable[[str], None], words: str) -> None:
        super().__init__()
        self.check, self.words = check, words

    def write(self, text: str) -> int:
        self.check(self.words)
        return super().write(text)


def test_everything_is_durable_at_each_output_and_unlock(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    disk, machine = Disk(repo.root, monkeypatch), SimulatedMachine(repo)
    points, lost = list[str](), list[object]()

    def check(point: str) -> None:
        points.append(point)
        if found := disk.losses():
            lost.append((point, found))

    @contextmanager
    def checked_lock(*values: object) -> Iterator[None]:
        with locked(*values):  # type: ignore[arg-type]
            yield
            check("the lock is released")

    monkeypatch.setattr(machine_lock, "locked", checked_lock)
    for shell, words in DAY:
        with contextlib.redirect_stdout(CheckedOutput(check, words)):
            assert run(words.split(), machine.system(shell, {})) == 0, words
        machine.wait(1)
        assert lost == []
        assert disk.losses() == []
    assert {words for _, words in DAY} <= set(points), "each command wrote output"
    assert points.count("the lock is released") >= len(DAY) - 2
    assert list((repo.log / ARCHIVE_FOLDER).glob("*.jsonl")), "one was archived"
    disk.close()


# --- interrupted processes --------------------------------------------------------------------------------------------


def killed_before_its_sync(machine: SimulatedMachine, shell: int, words: str) -> None:
    """Run a command in a process that is killed after it has written its line and before it syncs it."""
    child = os.fork()
    if not child:
        os.fdatasync = lambda fd: os.kill(os.getpid(), signal.SIGKILL)
        run(words.split(), machine.system(shell, {}))
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def test_unsynced_writes_of_a_killed_process_are_synced_first(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    disk, machine = Disk(repo.root, monkeypatch), SimulatedMachine(repo)
    machine.start(100)
    machine.start(200)
    assert machine.run(100, "claim", "file/a.py").code == 0
    killed_before_its_sync(machine, 100, "release file/a.py")
    assert disk.losses(), "the release is written, and would be lost"
    granted = machine.run(200, "claim", "file/a.py")
    assert granted.code == 0, "a reader sees the release"
    assert disk.losses() == [], "it is released, even after a power failure"
    before = len(disk.syncs)
    machine.run(200, "claim", "file/b.py")
    assert len(disk.syncs) == before + 1, "the data is synced only once"
    disk.close()


def test_a_journal_that_cannot_be_synced_is_sealed(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system reports a failed write only once; the next sync succeeds."""
    writer(disk.root / "log").close()
    (disk.root / "log" / FILE).write_bytes(plain(1)[0])
    (disk.root / "log" / LOCK_NAME).write_text("123\n")
    real, asked = os.fdatasync, list[int]()

    def fails_once(fd: int) -> None:
        if not asked and os.readlink(f"/proc/self/fd/{fd}").endswith(FILE):
            asked.append(fd)
            raise OSError(5, "Input/output error")
        real(fd)

    monkeypatch.setattr(os, "fdatasync", fails_once)
    with locked(str(disk.root / "log"), 0), pytest.raises(JournalClosed, match="could not be made durable"):
        writer(disk.root / "log")


def test_pipes_and_links_in_the_log_do_not_prevent_the_sync(disk: Disk) -> None:
    (disk.root / "log" / LOCK_NAME).write_text("123\n")
    os.mkfifo(disk.root / "log" / "amber.jsonl")
    (disk.root / "log" / "brown.jsonl").symlink_to("/dev/zero")
    (disk.root / "log" / "coral.jsonl").mkdir()
    writer(disk.root / "log").close()
    (disk.root / "log" / FILE).write_bytes(plain(1)[0])
    with locked(str(disk.root / "log"), 0):
        assert disk.survivors()[f"log/{FILE}"] == plain(1)[0]
    assert not list((disk.root / "log").glob("*.sealed")), "none of them is a journal whose sync failed"


def test_a_file_that_cannot_be_opened_does_not_prevent_the_sync(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    (disk.root / "log" / LOCK_NAME).write_text("123\n")
    writer(disk.root / "log").close()
    (disk.root / "log" / FILE).write_bytes(plain(1)[0])
    (disk.root / "log" / "amber.jsonl").touch()
    real = os.open

    def refuses(path: str, *values: int) -> int:
        if path.endswith("amber.jsonl"):
            raise PermissionError(13, "Permission denied")
        return real(path, *values)

    monkeypatch.setattr(os, "open", refuses)
    with locked(str(disk.root / "log"), 0):
        assert disk.survivors()[f"log/{FILE}"] == plain(1)[0]


def test_an_interrupted_import_leaves_only_durable_events(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    real, workspace = os.write, Workspace(str(disk.root), str(disk.root), None)
    takes = iter([True] * 3 + [False] * 3)
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, data) if next(takes) else 0)
    monkeypatch.setattr(importing, "_BATCH_SIZE", 1)
    with pytest.raises(AppendFailed):
        importing._write(workspace, SESSION, [event(n) for n in range(1, 6)])
    assert numbers((disk.root / "log" / FILE).read_bytes()) == [1, 2, 3]
    assert disk.losses() == []
