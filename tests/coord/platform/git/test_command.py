"""Git is run by one module, with errors for what can fail; and lines are added to `info/exclude` and removed again."""

import os
import subprocess
from pathlib import Path

import pytest

from coord.platform.git.command import GitError, run_git
from coord.platform.git.exclude import (
    edit_file,
    exclude_folder,
    include_folder,
    remove_lines,
    with_pattern,
    without_pattern,
)
from coord.platform.git.repository import find_repository
from tests.support.processes import environment
from tests.support.repositories import Repo

CODE = Path(__file__).parents[4] / "coord"


def test_no_other_module_runs_git() -> None:
    found = [path.name for path in CODE.rglob("*.py") if '["git", ' in path.read_text(encoding="utf-8")]
    assert found == ["command.py"]


def test_variables_of_git_do_not_lead_to_another_repository(repo: Repo, tmp_path: Path) -> None:
    env = environment(repo.home, GIT_DIR=str(tmp_path / "other"), GIT_INDEX_FILE="x")
    assert run_git(str(repo.root), "rev-parse", "--show-toplevel", env=env).decode().strip() == str(repo.root)
    with pytest.raises(GitError, match="rev-parse"):
        run_git(str(repo.root), "rev-parse", "--show-toplevel", env=env, in_hook=True)


def test_a_failed_git_has_an_exit_code_a_missing_one_has_none(repo: Repo, tmp_path: Path) -> None:
    env = environment(repo.home)
    with pytest.raises(GitError) as said_no:
        run_git(str(repo.root), "rev-parse", "--quiet", "--verify", "nothing", env=env)
    assert said_no.value.code == 1
    for folder, path in ((repo.root, str(tmp_path)), (tmp_path / "gone", env["PATH"])):
        with pytest.raises(GitError) as no_git:
            run_git(str(folder), "status", env=env | {"PATH": path})
        assert no_git.value.code is None


def test_a_git_that_does_not_answer_in_time_is_an_error(repo: Repo, tmp_path: Path) -> None:
    git = tmp_path / "git"
    os.mkfifo(tmp_path / "fifo")
    git.write_text(f"#!/bin/sh\nread line < {tmp_path / 'fifo'}\n")
    git.chmod(0o755)
    with pytest.raises(GitError, match="TimeoutExpired"):
        run_git(str(repo.root), "status", env={"PATH": str(tmp_path)}, timeout_s=0.05)


def test_git_reads_only_the_given_standard_input(repo: Repo) -> None:
    assert run_git(str(repo.root), "stripspace", env=environment(repo.home)) == b""
    assert run_git(str(repo.root), "stripspace", env=environment(repo.home), data=b"a  \n") == b"a\n"


# --- info/exclude -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [None, b"", b"a", b"a\n", b"a\r\nb\r\n", b"\xff\xfe\n"])
def test_a_folder_is_excluded_once_and_included_again(bare_repo: Repo, before: bytes | None) -> None:
    repository = find_repository(str(bare_repo.root))
    assert repository
    path = bare_repo.root / ".git" / "info" / "exclude"
    path.unlink(missing_ok=True)
    if before is not None:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(before)
    for _ in range(2):
        assert exclude_folder(repository, str(bare_repo.root / "COORDINATION")) == str(path)
    assert path.read_bytes().count(b"/COORDINATION/\n") == 1
    assert path.read_bytes().startswith(before or b"")
    (bare_repo.root / "COORDINATION").mkdir()
    (bare_repo.root / "COORDINATION" / "file").touch()
    status = subprocess.run(["git", "status", "--porcelain"], cwd=bare_repo.root, capture_output=True, check=True)
    assert b"COORDINATION" not in status.stdout
    include_folder(repository, str(bare_repo.root / "COORDINATION"))
    left = path.read_bytes() if path.exists() else b""
    assert left.removesuffix(b"\n") == (before or b"").removesuffix(b"\n")


@pytest.mark.parametrize("text", ["", "a", "a\n", "a\r\n", "a\n\n"])
def test_removing_a_block_restores_the_text(text: str) -> None:
    changed = with_pattern(text, "/x", "# ours")
    assert without_pattern(changed, "/x", "# ours") == text
    assert without_pattern(text, "/x", "# ours") is None
    assert without_pattern(changed, "/y", "# ours") is None


def test_a_symbolic_link_in_place_of_the_list_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("/x/\n")
    (tmp_path / "exclude").symlink_to("target")
    remove_lines(str(tmp_path / "exclude"), lambda line: line == "/x/")
    assert (tmp_path / "target").read_text() == "/x/\n"
    edit_file(str(tmp_path / "target"), lambda text: text)
    assert (tmp_path / "target").read_text() == "/x/\n"
