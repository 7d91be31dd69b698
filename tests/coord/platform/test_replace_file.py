"""Files are replaced completely or not at all, never through a symbolic link. And the version of the fold's code."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import projections
from coord.engine.cache.checkpoint import SavedFold, load, save
from coord.platform.code_version import code_folders, code_version, files_version
from coord.platform.replace_file import replace_file
from projections.rules.state import State


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / ".cache"


def test_a_reader_of_the_old_file_still_sees_all_of_it(cache: Path, tmp_path: Path) -> None:
    path = tmp_path / "board"
    path.write_bytes(b"old")
    with path.open("rb") as file:
        replace_file(str(path), b"new", within=str(cache))
        assert (file.read(), path.read_bytes()) == (b"old", b"new")
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("left", ["file", "link"])
def test_the_rest_of_a_killed_process_is_replaced(cache: Path, tmp_path: Path, left: str) -> None:
    cache.mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"not ours")
    if left == "file":
        (cache / "board.tmp").write_bytes(b"half")
    else:
        (cache / "board.tmp").symlink_to(elsewhere)
    replace_file(str(tmp_path / "board"), b"new", within=str(cache))
    assert (tmp_path / "board").read_bytes() == b"new"
    assert elsewhere.read_bytes() == b"not ours"


@pytest.mark.parametrize("kind", ["link", "hard link"])
def test_a_temporary_file_of_someone_else_is_not_written_to(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    cache.mkdir()
    elsewhere, temporary = tmp_path / "elsewhere", cache / "board.tmp"
    elsewhere.write_bytes(b"not ours")
    real = os.unlink

    def unlink(path: str) -> None:
        if temporary.exists():
            real(path)
        elif kind == "link":
            temporary.symlink_to(elsewhere)
        else:
            temporary.hardlink_to(elsewhere)

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", unlink)
        with pytest.raises(OSError, match="exists"):
            replace_file(str(tmp_path / "board"), b"new", within=str(cache))
    assert elsewhere.read_bytes() == b"not ours"
    assert not (tmp_path / "board").exists()


def test_a_cache_folder_that_is_a_symbolic_link_is_not_used(cache: Path, tmp_path: Path) -> None:
    real = tmp_path / "real"
    save(str(real), {}, ["told"], SavedFold({}, State()))
    cache.symlink_to(real)
    before = {path: path.read_bytes() for path in real.iterdir()}
    with pytest.raises(OSError, match="symbolic link"):
        replace_file(str(tmp_path / "board"), b"new", within=str(cache))
    save(str(cache), {}, [], SavedFold({}, State()))
    assert {path: path.read_bytes() for path in real.iterdir()} == before
    assert (load(str(real))[0].told, load(str(cache))[0].told) == (["told"], [])


FOLDERS = ("eventlog/local", "projections/rules", "projections/postings", "coord/engine", "coord/engine/cache")


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("change", ["size", "time", "another file"])
def test_a_changed_fold_has_another_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str, folder: str
) -> None:
    package, _, name = folder.partition("/")
    copy = tmp_path / package
    module = sys.modules[package]
    shutil.copytree(module.__path__[0], copy)
    monkeypatch.setattr(module, "__path__", [str(copy)])
    before, loaded = files_version(), code_version()
    path = next((copy / name).glob("[a-z]*.py"))
    status = path.stat()
    if change == "size":
        path.write_bytes(path.read_bytes() + b"\n")
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    elif change == "time":
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000))
    else:
        (copy / name / "new.py").touch()
    assert files_version() != before
    assert code_version() == loaded  # this process keeps the code that it has loaded


def test_the_version_covers_all_code_that_decides_what_is_saved() -> None:
    script = """if True:
        import sys
        from coord.engine.cache import checkpoint, ended, older_checkpoints
        import coord.engine.snapshot, projections.postings.collect
        for name, module in sys.modules.items():
            if name.startswith(("eventlog.", "projections.", "coord.engine.cache")):
                print(module.__file__)
    """
    loaded = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()
    folders = {os.path.realpath(folder) for folder in code_folders()}
    assert len(loaded) > 20
    empty = os.path.realpath(projections.__path__[0])  # the package itself contains no code
    assert {os.path.dirname(os.path.realpath(path)) for path in loaded} - {empty} <= folders
