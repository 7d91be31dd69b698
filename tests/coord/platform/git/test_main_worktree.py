"""The main worktree of a repository: it is found without reading git's settings, and git is asked at most once."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from coord.platform.git import main_worktree
from coord.platform.git.command import run_git
from coord.platform.git.main_worktree import keep_main_worktree, with_main_worktree
from coord.platform.git.repository import MAIN_WORKTREE, Repository, find_repository
from tests.support.processes import Shell, environment
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow

NAMES = ["sub", "c#", "a;b", 'a"b', "a b", "new\nline", "tr\t", "ends\n", "\\x0a", "caf\u00e9", "%s", "-C"]
"""Names of folders. Git quotes some of them in its settings."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The folders in which git was run."""
    folders: list[str] = []

    def spy(folder: str, *words: str, env: dict[str, str]) -> bytes:
        folders.append(folder)
        return run_git(folder, *words, env=env)

    monkeypatch.setattr(main_worktree, "run_git", spy)
    return folders


@pytest.fixture
def git(bare_repo: Repo) -> Callable[..., None]:
    env = environment(bare_repo.home)
    subprocess.run(["git", "config", "--global", "protocol.file.allow", "always"], env=env, check=True)

    def run(*words: str | Path, cwd: Path = bare_repo.root) -> None:
        subprocess.run(["git", *words], cwd=cwd, env=env, check=True, capture_output=True)

    run("commit", "-q", "--allow-empty", "-m", "first")
    return run


def seen_from(folder: Path, repo: Repo) -> Repository:
    found = with_main_worktree(find_repository(str(folder)), environment(repo.home))
    assert found
    return found


@pytest.mark.parametrize("name", [name for name in NAMES if "\n" not in name and name != "-C"])
def test_a_submodule_is_its_own_main_worktree(
    bare_repo: Repo, git: Callable[..., None], asked: list[str], name: str
) -> None:
    git("submodule", "add", bare_repo.root, name)
    assert seen_from(bare_repo.root / name, bare_repo).main == str(bare_repo.root / name)
    assert asked == []


def test_a_submodule_stays_itself_when_git_moves_its_settings(
    bare_repo: Repo, git: Callable[..., None], asked: list[str]
) -> None:
    git("submodule", "add", bare_repo.root, "sub")
    sub = bare_repo.root / "sub"
    git("sparse-checkout", "set", "d", cwd=sub)
    assert "worktree" not in (bare_repo.root / ".git/modules/sub/config").read_text().replace("worktreeConfig", "")
    assert seen_from(sub, bare_repo).main == str(sub)
    assert asked == []
    git("worktree", "add", bare_repo.root.parent / "linked", cwd=sub)
    assert seen_from(bare_repo.root.parent / "linked", bare_repo).main == str(sub)


@pytest.mark.parametrize("name", NAMES)
def test_from_a_linked_worktree_git_is_asked_once(
    bare_repo: Repo, git: Callable[..., None], asked: list[str], name: str
) -> None:
    git("submodule", "add", bare_repo.root, "sub")
    linked = bare_repo.root.parent / name.rstrip("\n")
    git("worktree", "add", linked, "-b", "linked", cwd=bare_repo.root / "sub")
    for _ in range(2):
        assert seen_from(linked, bare_repo).main == str(bare_repo.root / "sub")
    assert len(asked) == 1
    found = find_repository(str(linked))
    assert found
    assert found.main == str(bare_repo.root / "sub"), "a hook needs no git"


def test_a_kept_answer_moves_with_the_repository(bare_repo: Repo, git: Callable[..., None], asked: list[str]) -> None:
    git("submodule", "add", bare_repo.root, "sub")
    git("worktree", "add", bare_repo.root / "linked", cwd=bare_repo.root / "sub")
    assert seen_from(bare_repo.root / "linked", bare_repo).main == str(bare_repo.root / "sub")
    moved = bare_repo.root.rename(bare_repo.root.parent / "moved")
    git("worktree", "repair", moved / "linked", cwd=moved / "sub")
    assert seen_from(moved / "linked", bare_repo).main == str(moved / "sub")
    assert len(asked) == 1


def test_an_outdated_answer_is_replaced(bare_repo: Repo, git: Callable[..., None], asked: list[str]) -> None:
    git("submodule", "add", bare_repo.root, "sub")
    linked = bare_repo.root.parent / "linked"
    git("worktree", "add", linked, cwd=bare_repo.root / "sub")
    kept = bare_repo.root / ".git/modules/sub" / MAIN_WORKTREE
    for wrong in (b"", b"../../../sub", b"../../..\0", b"../none\0", b"\0", b"\xff\0"):
        kept.write_bytes(wrong)
        assert seen_from(linked, bare_repo).main == str(bare_repo.root / "sub")
        assert kept.read_bytes() == b"../../../sub\0"
    assert len(asked) == 6


def test_a_separate_git_directory_is_linked_to_its_worktree(
    bare_repo: Repo, git: Callable[..., None], asked: list[str]
) -> None:
    main, store, linked = (bare_repo.root.parent / name for name in ("main", "store", "linked"))
    git("init", "-q", f"--separate-git-dir={store}", main)
    git("commit", "-q", "--allow-empty", "-m", "first", cwd=main)
    git("worktree", "add", linked, cwd=main)
    here = seen_from(main, bare_repo)
    assert here.main == str(main)
    assert seen_from(linked, bare_repo).main == str(store), "git itself does not know the main worktree"
    keep_main_worktree(here)
    assert seen_from(linked, bare_repo).main == str(main)


def test_in_a_usual_or_bare_repository_nothing_is_kept(
    bare_repo: Repo, git: Callable[..., None], asked: list[str]
) -> None:
    linked, bare, of_bare = (bare_repo.root.parent / name for name in ("linked", "bare.git", "of-bare"))
    git("worktree", "add", linked)
    git("clone", "--bare", bare_repo.root, bare)
    git("worktree", "add", of_bare, "-b", "of-bare", cwd=bare)
    for folder, main in (
        (bare_repo.root, bare_repo.root),
        (linked, bare_repo.root),
        (of_bare, bare),
    ):
        found = seen_from(folder, bare_repo)
        keep_main_worktree(found)
        assert found.main == str(main)
    assert list(bare_repo.root.parent.rglob(MAIN_WORKTREE)) == []
    assert asked == [str(bare)]
    (bare / "COORDINATION" / "log").mkdir(parents=True)
    seen_from(of_bare, bare_repo)
    assert len(asked) == 1, "a folder that is in use there tells it"


def test_a_folder_that_older_versions_made_is_still_used(bare_repo: Repo, git: Callable[..., None]) -> None:
    main, store = (bare_repo.root.parent / name for name in ("main", "store"))
    git("init", "-q", f"--separate-git-dir={store}", main)
    (store / "COORDINATION" / "log").mkdir(parents=True)
    assert seen_from(main, bare_repo).main == str(store)


def test_a_folder_that_only_leads_to_a_repository_is_not_kept(bare_repo: Repo, git: Callable[..., None]) -> None:
    other = bare_repo.root.parent / "other"
    other.mkdir()
    (other / ".git").write_text("gitdir: ../repo/.git\n")
    here = seen_from(other, bare_repo)
    keep_main_worktree(here)
    assert here.main == str(bare_repo.root)
    assert not (bare_repo.root / ".git" / MAIN_WORKTREE).exists()


def test_a_git_directory_that_is_a_link_is_kept(bare_repo: Repo, git: Callable[..., None]) -> None:
    (bare_repo.root / ".git").rename(bare_repo.root.parent / "store")
    (bare_repo.root / ".git").symlink_to("../store")
    linked = bare_repo.root.parent / "linked"
    git("worktree", "add", linked)
    keep_main_worktree(seen_from(bare_repo.root, bare_repo))
    assert seen_from(linked, bare_repo).main == str(bare_repo.root)


@pytest.mark.parametrize("text", [b"", b"gitdir:", b"gitdir: ", b"x", b"gitdir: \0", b"\xff\xfe"])
def test_a_broken_git_file_is_no_repository(tmp_path: Path, text: bytes) -> None:
    (tmp_path / ".git").write_bytes(text)
    assert find_repository(str(tmp_path)) is None


def test_a_worktree_whose_repository_was_moved_says_so(bare_repo: Repo, git: Callable[..., None], shell: Shell) -> None:
    shell.ok("coord init; git add -A; git commit -qm coord; git worktree add -q ../linked; mv ../repo ../moved")
    shell.ok("cd ../linked")
    for command in ("coord status", "coord init"):
        refused = shell.run(command)
        assert refused.code == 4
        assert "git worktree repair" in refused.err
    assert not bare_repo.root.exists()
    shell.ok("git -C ../moved worktree repair; coord status")


@pytest.fixture
def shell(bare_repo: Repo) -> Shell:
    return bare_repo.shell()
