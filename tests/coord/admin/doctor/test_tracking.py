"""`coord doctor` finds what lets git take the live log away: tracked files, patterns, branches, and git's own list."""

import os

import pytest

from tests.support.doctor import commands, findings
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("live", [True, False])
def test_a_log_that_git_tracks_is_found(repo: Repo, live: bool) -> None:
    shell = repo.shell()
    shell.ok("coord init --track; coord start; git add -A; git commit -qm all")
    if not live:
        shell.ok("coord end")
    (row,) = findings(repo, "tracked")
    assert row["severity"] == ("warning" if live else "note")
    if live:
        assert commands(row)[0].startswith("cp -a ")
        shell.ok(f"{commands(row)[1]} && {commands(row)[2]}")
        assert findings(repo, "tracked") == findings(repo, "ignored") == findings(repo, "git's own list") == []
        assert list(repo.log.glob("*.jsonl"))
        assert "COORDINATION/log" not in shell.ok("git commit -qm untracked; git add -A; git status --porcelain")


def test_a_log_that_git_does_not_ignore_is_found(repo: Repo) -> None:
    exclude = repo.root / ".git" / "info" / "exclude"
    assert findings(repo, "ignored") == []
    (repo.folder / ".gitignore").unlink()
    assert findings(repo, "ignored") == [], "git's own list has it too"
    exclude.unlink()
    (row,) = findings(repo, "ignored")
    assert "COORDINATION/log/, COORDINATION/.cache/, COORDINATION/STATUS_BOARD.md" in row["evidence"]
    repo.shell().ok(commands(row)[0])
    assert findings(repo, "ignored") == []


@pytest.mark.parametrize(
    ("file", "pattern", "names"),
    [
        ("COORDINATION/.gitignore", "!/log/", "COORDINATION/log/"),
        (".gitignore", "!COORDINATION/**", "COORDINATION/log/"),
        (".git/info/exclude", "!STATUS_BOARD.md", "COORDINATION/STATUS_BOARD.md"),
    ],
)
def test_a_pattern_that_includes_the_log_again_is_found(repo: Repo, file: str, pattern: str, names: str) -> None:
    (repo.folder / ".gitignore").unlink()
    shell = repo.shell()
    shell.ok(f"echo '{pattern}' >> {file}")
    (row,) = findings(repo, "ignored")
    assert names in row["evidence"]
    assert pattern in row["evidence"]
    shell.ok(f"sed -i '$d' {file}")
    assert findings(repo, "ignored") == []


def test_a_log_that_only_a_file_in_the_tree_protects_is_found(repo: Repo) -> None:
    exclude = repo.root / ".git" / "info" / "exclude"
    assert findings(repo, "git's own list") == []
    exclude.write_text("*.pyc\n")
    (row,) = findings(repo, "git's own list")
    assert str(exclude) in row["evidence"]
    repo.shell().ok(commands(row)[0])
    assert findings(repo, "git's own list") == []
    assert exclude.read_text().startswith("*.pyc\n")
    exclude.rename(exclude.with_name("kept"))
    os.symlink("kept", exclude)
    assert findings(repo, "git's own list") == []
    (repo.root / ".git" / "info" / "kept").write_text("")
    (row,) = findings(repo, "git's own list")
    repo.shell().ok("; ".join(commands(row)))
    assert findings(repo, "git's own list") == []
    assert (repo.root / ".git" / "info" / "kept").read_text() == ""


def test_a_branch_that_tracks_the_log_is_found(repo: Repo) -> None:
    shell = repo.shell()
    shell.ok("git add -A; git commit -qm first; git checkout -qb archive; coord start; git add -f COORDINATION/log")
    shell.ok("git commit -qm log; git rm -rq --cached COORDINATION/log; git checkout -q main; coord start --new")
    (row,) = findings(repo, "tracking branches")
    assert "archive" in row["evidence"]
    shell.ok(f"{commands(row)[0]}; cd ../archive; {commands(row)[1]}; cd ../repo")
    assert findings(repo, "tracking branches") == []


def test_without_git_or_with_private_nothing_is_found(bare_repo: Repo) -> None:
    bare_repo.shell().ok("coord init --private; coord start")
    for check in ("tracked", "tracking branches", "ignored", "git's own list"):
        assert findings(bare_repo, check) == []
