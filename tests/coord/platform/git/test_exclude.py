"""The live files of a shared folder in `info/exclude`: they are added once, and only while git may not track them."""

import os
import subprocess
from pathlib import Path

import pytest

from coord.platform.git.exclude import (
    hide_live_files,
    hides_live_files,
    include_folder,
    is_tracked_on_purpose,
    track_live_files,
)
from coord.platform.git.repository import Repository, find_repository
from tests.support.repositories import Repo

ODD_NAMES = ["part", "a b", " lead", "tail ", "a*b", "what?", "[x]", "back\\slash", "new\nline", "!no", "#no", "\udcff"]


@pytest.fixture
def repository(bare_repo: Repo) -> Repository:
    found = find_repository(str(bare_repo.root))
    assert found
    return found


@pytest.fixture
def exclude(bare_repo: Repo) -> Path:
    return bare_repo.root / ".git" / "info" / "exclude"


@pytest.mark.parametrize("before", [None, b"", b"a", b"a\n", b"a\r\nb\r\n", b"\xff\xfe\n", b"/COORDINATION/log/\n"])
def test_live_files_are_added_once_and_removed_again(
    repository: Repository, bare_repo: Repo, exclude: Path, before: bytes | None
) -> None:
    exclude.unlink()
    if before is not None:
        exclude.write_bytes(before)
    for _ in range(2):
        hide_live_files(repository, str(bare_repo.folder))
        assert hides_live_files(repository, str(bare_repo.folder))
    assert exclude.read_bytes().startswith(before or b"")
    assert exclude.read_bytes().count(b"/COORDINATION/log/\n") == 1
    include_folder(repository, str(bare_repo.folder))
    left = exclude.read_bytes() if exclude.exists() else b""
    assert left.strip() == (before or b"").replace(b"/COORDINATION/log/\n", b"").strip()


@pytest.mark.parametrize("name", ODD_NAMES)
def test_git_ignores_exactly_the_live_files_of_any_folder(repository: Repository, bare_repo: Repo, name: str) -> None:
    folder = bare_repo.root / name / "COORDINATION"
    (folder / "log" / "ended").mkdir(parents=True)
    (folder / ".cache").mkdir()
    other = bare_repo.root / f"{name}x" / "COORDINATION" / "log"
    other.mkdir(parents=True)
    for path in (folder / "log/a", folder / "log/ended/b", folder / ".cache/c", folder / "STATUS_BOARD.md"):
        path.touch()
    seen = [other / "a", folder / "config.toml", folder / "sub" / "log" / "a"]
    for path in seen:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    hide_live_files(repository, str(folder))
    shown = subprocess.run(
        ["git", "status", "--porcelain", "-z", "-uall"], cwd=bare_repo.root, capture_output=True, check=True
    ).stdout
    names = {os.fsdecode(row[3:]) for row in shown.split(b"\0") if row}
    assert names == {os.path.relpath(path, bare_repo.root) for path in seen}


def test_a_private_folder_needs_no_more_patterns(repository: Repository, bare_repo: Repo, exclude: Path) -> None:
    exclude.write_text("/COORDINATION/\n")
    hide_live_files(repository, str(bare_repo.folder))
    assert exclude.read_text() == "/COORDINATION/\n"


def test_a_folder_that_git_tracks_on_purpose_is_left_alone(
    repository: Repository, bare_repo: Repo, exclude: Path
) -> None:
    folder = str(bare_repo.folder)
    hide_live_files(repository, folder)
    track_live_files(repository, folder)
    assert b"\n/COORDINATION" not in exclude.read_bytes()
    assert is_tracked_on_purpose(repository, folder)
    kept = exclude.read_bytes()
    hide_live_files(repository, folder)
    assert exclude.read_bytes() == kept, "also on a branch without the folder's files"
    include_folder(repository, folder)
    assert not is_tracked_on_purpose(repository, folder)


def test_in_a_clone_the_folders_attributes_show_the_purpose(repository: Repository, bare_repo: Repo) -> None:
    bare_repo.folder.mkdir()
    (bare_repo.folder / ".gitattributes").write_text("*.md text\n")
    assert not is_tracked_on_purpose(repository, str(bare_repo.folder))
    (bare_repo.folder / ".gitattributes").write_text("/log/**/*.jsonl -text -merge\n")
    assert is_tracked_on_purpose(repository, str(bare_repo.folder))


def test_a_link_in_place_of_the_list_is_read_not_written(
    repository: Repository, bare_repo: Repo, exclude: Path, tmp_path: Path
) -> None:
    exclude.unlink()
    (tmp_path / "mine").write_text("*.pyc\n")
    exclude.symlink_to(tmp_path / "mine")
    with pytest.raises(OSError, match="symbolic links"):
        hide_live_files(repository, str(bare_repo.folder))
    assert (tmp_path / "mine").read_text() == "*.pyc\n"
    (tmp_path / "mine").write_text("/COORDINATION/\n")
    assert hides_live_files(repository, str(bare_repo.folder))


def test_a_folder_in_a_bare_repository_needs_no_pattern(bare_repo: Repo) -> None:
    bare = bare_repo.root.parent / "bare.git"
    subprocess.run(["git", "init", "-q", "--bare", bare], check=True)
    repository = Repository(str(bare_repo.root), str(bare), str(bare), str(bare))
    before = (bare / "info" / "exclude").read_bytes()
    hide_live_files(repository, str(bare / "COORDINATION"))
    assert (bare / "info" / "exclude").read_bytes() == before
