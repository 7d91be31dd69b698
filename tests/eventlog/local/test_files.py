"""What others may have put into the log's folder is opened with care: no link is followed, nothing blocks, nothing
fills the memory; and who holds the lock can be asked without taking it.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from eventlog.errors import LogError
from eventlog.local import lock
from eventlog.local.files import list_journal_sizes, modified_at_ns, read_regular
from eventlog.local.lock import LOCK_NAME, lock_owner, locked
from tests.support.locks import lock_holder
from tests.support.processes import GUARD_S, TREE


@pytest.fixture(autouse=True)
def at_once() -> Iterator[None]:
    """A test here that waits for something fails."""

    def too_long(*_: object) -> None:
        pytest.fail("it waits")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.setitimer(signal.ITIMER_REAL, 10 if TREE else GUARD_S)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def open_files() -> int:
    return len(os.listdir("/dev/fd"))


# --- reading what others may have put there ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["link", "dangling", "folder", "pipe", "device"])
def test_what_is_no_regular_file_is_not_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "it"
    if kind == "link":
        (tmp_path / "target").write_text("text")
        path.symlink_to(tmp_path / "target")
    elif kind == "dangling":
        path.symlink_to(tmp_path / "nowhere")
    elif kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path = Path("/dev/null")
    before = open_files()
    with pytest.raises(OSError, match=r"regular|directory|symbolic"):
        read_regular(str(path), 100)
    assert open_files() == before


def test_a_file_is_read_up_to_the_limit_and_not_beyond(tmp_path: Path) -> None:
    path = tmp_path / "it"
    path.write_bytes(b"x" * 100)
    assert read_regular(str(path), 100) == b"x" * 100
    with pytest.raises(OSError, match="more than 99 bytes"):
        read_regular(str(path), 99)


def test_a_file_that_grows_is_not_read_beyond_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, real = tmp_path / "it", os.fstat
    path.write_bytes(b"x" * 100)

    def grows(fd: int) -> os.stat_result:
        found = real(fd)
        path.write_bytes(b"x" * 200)
        return found

    monkeypatch.setattr(os, "fstat", grows)
    assert read_regular(str(path), 100) == b"x" * 100


# --- who holds the lock -----------------------------------------------------------------------------------------------


def test_a_journal_that_goes_during_listing_hinders_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.scandir
    for name in ("amber", "brown"):
        (tmp_path / f"{name}.jsonl").write_bytes(b"12345")
    (tmp_path / "notes.txt").touch()
    assert list_journal_sizes(str(tmp_path)) == {"amber": 5, "brown": 5}

    @contextmanager
    def listed(folder: str) -> Iterator[list[os.DirEntry[str]]]:
        with real(folder) as entries:
            found = list(entries)
        (tmp_path / "brown.jsonl").unlink()
        yield found

    monkeypatch.setattr(os, "scandir", listed)
    assert list_journal_sizes(str(tmp_path)) == {"amber": 5, "brown": -1}


def test_a_journal_that_cannot_be_looked_at_hinders_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Entry:
        name, path = "amber.jsonl", str(tmp_path / "amber.jsonl")

        def stat(self, *, follow_symlinks: bool) -> os.stat_result:
            raise OSError(5, "Input/output error")

    @contextmanager
    def listed(_: str) -> Iterator[list[Entry]]:
        yield [Entry()]

    monkeypatch.setattr(os, "scandir", listed)
    assert list_journal_sizes(str(tmp_path)) == {"amber": -1}


@pytest.mark.parametrize("at_ns", [0, -5, 1, (1 << 63) - 1, 1 << 63, 1 << 64, 1 << 70])
def test_any_time_that_a_disk_says_is_a_number_that_can_be_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_ns: int
) -> None:
    monkeypatch.setattr(os, "stat", lambda _: SimpleNamespace(st_mtime_ns=at_ns))
    assert 0 <= modified_at_ns(str(tmp_path)) < 1 << 63


def test_nobody_holds_a_lock_that_is_not_there_or_free(tmp_path: Path) -> None:
    assert lock_owner(str(tmp_path)) is None
    assert not (tmp_path / LOCK_NAME).exists(), "asking makes nothing"
    with locked(str(tmp_path), 0):
        pass
    assert lock_owner(str(tmp_path)) is None
    with locked(str(tmp_path), 0):
        assert lock_owner(str(tmp_path)) == os.getpid()


def test_the_holder_is_known_by_its_pid_without_waiting(tmp_path: Path) -> None:
    with lock_holder(tmp_path) as child:
        assert lock_owner(str(tmp_path)) == child.pid
        (tmp_path / LOCK_NAME).write_text("nobody")
        assert lock_owner(str(tmp_path)) == 0


@pytest.mark.parametrize("kind", ["link", "folder", "pipe"])
def test_what_is_no_regular_file_is_no_lock_that_could_be_held(tmp_path: Path, kind: str) -> None:
    path = tmp_path / LOCK_NAME
    if kind == "link":
        (tmp_path / "target").touch()
        path.symlink_to(tmp_path / "target")
    elif kind == "folder":
        path.mkdir()
    else:
        os.mkfifo(path)
    before = open_files()
    with pytest.raises(LogError, match=r"cannot open the lock|is not a regular file"):
        lock_owner(str(tmp_path))
    assert open_files() == before


# --- taking it --------------------------------------------------------------------------------------------------------


def test_no_file_stays_open_after_tries_that_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = open_files()
    with lock_holder(tmp_path):
        inside = open_files()
        with pytest.raises(LogError):
            locked(str(tmp_path), 0.01).__enter__()
        assert open_files() == inside
    answers = iter([False] * 5 + [True])
    monkeypatch.setattr(lock, "_same_file", lambda fd, path: next(answers))
    with locked(str(tmp_path), 0):
        assert open_files() == before + 1


def test_the_pid_of_a_holder_takes_the_place_of_a_longer_one(tmp_path: Path) -> None:
    (tmp_path / LOCK_NAME).write_text("12345678901234567890\n")
    with locked(str(tmp_path), 0):
        assert lock_owner(str(tmp_path)) == os.getpid()
    with locked(str(tmp_path), 0):
        assert lock_owner(str(tmp_path)) == os.getpid()
