"""Git's answer about a file: changed, clean, ignored, or unknown because git does not look at it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from coord.platform.git import file_states as module
from coord.platform.git.file_states import FileState, file_states
from tests.support.processes import Shell
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow


@pytest.fixture
def shell(bare_repo: Repo) -> Shell:
    made = bare_repo.shell()
    made.ok("mkdir src far; for f in src/a.py far/b.py c.py; do echo x > $f; done; echo '*.log' > .gitignore")
    made.ok("git add -A; git commit -qm first")
    return made


@pytest.fixture
def state(bare_repo: Repo) -> Callable[[str], FileState | None]:
    return lambda name: file_states(str(bare_repo.root), [name]).get(name)


State = Callable[[str], FileState | None]


def test_files_are_changed_clean_or_ignored(shell: Shell, state: State) -> None:
    shell.ok("echo y > src/a.py; echo y > new.py; echo y > x.log; git rm -q --cached far/b.py")
    assert {name: state(name) for name in ("src/a.py", "new.py", "far/b.py", "c.py", "x.log", "none.py")} == {
        "src/a.py": "changed", "new.py": "changed", "far/b.py": "changed", "c.py": "clean", "x.log": "ignored",
        "none.py": "clean",
    }  # fmt: skip


@pytest.mark.parametrize("flags", [["skip-worktree"], ["assume-unchanged"], ["skip-worktree", "assume-unchanged"]])
def test_a_file_that_git_does_not_look_at_is_unknown(shell: Shell, state: State, flags: list[str]) -> None:
    for flag in flags:
        shell.ok(f"git update-index --{flag} c.py")
    assert state("c.py") == "unknown"
    shell.ok("echo y > c.py")
    assert state("c.py") == "unknown"
    for flag in flags:
        shell.ok(f"git update-index --no-{flag} c.py")
    assert state("c.py") == "changed"


def test_a_file_outside_a_sparse_checkout_is_never_clean(shell: Shell, state: State) -> None:
    shell.ok("git sparse-checkout set src")
    assert state("far/b.py") == "unknown"
    shell.ok("mkdir -p far; echo y > far/b.py")
    assert state("far/b.py") in ("changed", "unknown")
    assert state("src/a.py") == "clean"


@pytest.mark.parametrize("kind", ["submodule", "nested"])
def test_a_file_is_looked_up_in_the_innermost_repository(shell: Shell, state: State, kind: str) -> None:
    shell.ok("git clone -q . ../other")
    if kind == "submodule":
        shell.ok("git -c protocol.file.allow=always submodule --quiet add ../other sub; git commit -qm sub")
    else:
        shell.ok("git clone -q ../other sub")
    assert state("sub/c.py") == "clean"
    shell.ok("echo y > sub/c.py")
    assert state("sub/c.py") == "changed"
    shell.ok("git -C sub commit -qam second")
    assert state("sub/c.py") == "clean"


def test_any_number_of_files_is_asked_about(shell: Shell, bare_repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_NAMES", 2)
    names = ["src/a.py", "far/b.py", "c.py", "d.py", "e.py"]
    shell.ok("echo y > e.py")
    assert file_states(str(bare_repo.root), names) == dict.fromkeys(names[:4], "clean") | {"e.py": "changed"}


def test_a_name_is_never_a_pattern(shell: Shell, state: State) -> None:
    shell.ok("echo y > src/a.py; touch '*.py' ':(top)c.py'")
    assert state("src/*.py") == "clean"
    assert state("*.py") == "changed"
    assert state(":(top)c.py") == "changed"


def test_without_an_answer_of_git_a_file_is_missing(bare_repo: Repo, tmp_path: Path) -> None:
    (bare_repo.root / ".git" / "HEAD").unlink()
    assert file_states(str(bare_repo.root), ["c.py"]) == {}
    assert file_states(str(tmp_path), ["c.py"]) == {"c.py": "ignored"}, "there is no repository"
    assert file_states(str(tmp_path / "gone"), ["c.py"]) == {"c.py": "ignored"}
