"""Changes of a folder, as the system reports them."""

import select
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from coord.platform.inotify import FolderChanges
from tests.support.processes import GUARD_S


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "above" / "log"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def changes(folder: Path) -> Iterator[FolderChanges]:
    try:
        changes = FolderChanges(str(folder))
    except OSError as error:
        pytest.skip(f"the system reports no changes: {error}")
    yield changes
    changes.close()


def wait(changes: FolderChanges) -> bool:
    """Wait for a report, and return whether it counts."""
    assert select.select([changes.fd], [], [], GUARD_S)[0]
    return changes.drain()


def is_quiet(changes: FolderChanges) -> bool:
    return not select.select([changes.fd], [], [], 0)[0]


def test_a_changed_file_is_reported(folder: Path, changes: FolderChanges) -> None:
    assert is_quiet(changes)
    (folder / "amber.jsonl").write_bytes(b"1")
    assert wait(changes)
    with (folder / "amber.jsonl").open("ab") as file:
        file.write(b"2")
    assert wait(changes)
    assert is_quiet(changes)


def test_a_hidden_file_does_not_count(folder: Path, changes: FolderChanges) -> None:
    (folder / ".lock").write_bytes(b"1")
    assert not wait(changes)


@pytest.mark.parametrize("name", ["log", "above"])
def test_a_folder_that_comes_back_is_followed(folder: Path, changes: FolderChanges, name: str) -> None:
    moved = folder if name == "log" else folder.parent
    shutil.move(moved, moved.with_name("moved"))
    assert wait(changes)
    shutil.move(moved.with_name("moved"), moved)
    assert wait(changes)
    (folder / "amber.jsonl").write_bytes(b"1")
    assert wait(changes)


def test_a_folder_is_followed_from_its_beginning(folder: Path, changes: FolderChanges) -> None:
    shutil.rmtree(folder.parent)
    assert wait(changes)
    folder.mkdir(parents=True)
    assert wait(changes)
    (folder / "amber.jsonl").write_bytes(b"1")
    assert wait(changes)
