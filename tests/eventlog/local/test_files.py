"""Files that others may have put into the log folder are opened safely: links are not followed, nothing blocks, and
nothing fills the memory. The lock owner can be read without taking the lock.
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
    """Fail a test that waits for anything."""

    def too_long(*_: object) -> None:
        pytest.fail("the test waits")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.setitimer(signal.ITIMER_REAL, 10 if TREE else GUARD_S)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def open_files() -> int:
    return len(os.listdir("/dev/fd"))


# --- reading files of unknown origin ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["link", "dangling", "folder", "pipe", "device"])
def test_a_non_regular_file_is_not_read(tmp_path: Path, kind: str) -> None:
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


# --- listing journals and the lock owner ------------------------------------------------------------------------------


def test_a_journal_deleted_during_listing_has_no_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_a_journal_that_cannot_be_examined_has_no_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
def test_any_modification_time_fits_in_63_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_ns: int) -> None:
    monkeypatch.setattr(os, "stat", lambda _: SimpleNamespace(st_mtime_ns=at_ns))
    assert 0 <= modified_at_ns(str(tmp_path)) < 1 << 63


def test_a_missing_or_free_lock_has_no_owner(tmp_path: Path) -> None:
    assert lock_owner(str(tmp_path)) is None
    assert not (tmp_path / LOCK_NAME).exists(), "asking does not create it"
    with locked(str(tmp_path), 0):
        pass
    assert lock_owner(str(tmp_path)) is None
    with locked(str(tmp_path), 0):
        assert lock_owner(str(tmp_path)) == os.getpid()


def test_the_lock_owner_is_found_without_waiting(tmp_path: Path) -> None:
    with lock_holder(tmp_path) as child:
        assert lock_owner(str(tmp_path)) == child.pid
        (tmp_path / LOCK_NAME).write_text("nobody")
        assert lock_owner(str(tmp_path)) == 0


@pytest.mark.parametrize("kind", ["link", "folder", "pipe"])
def test_a_non_regular_lock_file_is_an_error(tmp_path: Path, kind: str) -> None:
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


# --- taking the lock --------------------------------------------------------------------------------------------------


def test_failed_attempts_leave_no_file_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_a_pid_completely_replaces_a_longer_one(tmp_path: Path) -> None:
    (tmp_path / LOCK_NAME).write_text("12345678901234567890\n")
    with locked(str(tmp_path), 0):
        assert lock_owner(str(tmp_path)) == os.getpid()
    with locked(str(tmp_path), 0):
        assert lock_owner(str(tmp_path)) == os.getpid()
