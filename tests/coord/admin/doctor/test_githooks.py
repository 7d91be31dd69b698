"""`coord doctor` finds git hooks that do not call coord any more, after the changes that other programs make."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.installations import MADE_BY_PRE_COMMIT, Machine
from tests.support.repositories import Repo, git

OTHER = "#!/bin/sh\nexit 0\n"


@pytest.fixture
def machine(repo: Repo) -> Machine:
    return Machine(repo)


def finding(machine: Machine, **env: str) -> dict[str, Any] | None:
    """Return the finding about git's hooks."""
    rows = [row for row in machine.run("doctor --json", **env).json["findings"] if row["check"] == "git's hooks"]
    return rows[0] if rows else None


def said(machine: Machine) -> tuple[str, str, list[str]]:
    """Return the hooks that the finding names, what is wrong with them, and the commands of the steps."""
    row = finding(machine)
    assert row is not None
    assert row["severity"] == "warning"
    names = row["what"].removeprefix("git does not call coord at ").partition(", so ")[0]
    return names, row["evidence"].partition(": ")[2], [step["command"] for step in row["do"]]


def put(path: Path, text: str = OTHER) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def mend(machine: Machine, command: str) -> None:
    machine.repo.shell().ok(command)
    assert finding(machine) is None


def test_untouched_hooks_and_no_hooks_are_fine(machine: Machine) -> None:
    hooks = machine.repo.root / ".git" / "hooks"
    put(hooks / "pre-commit")
    assert finding(machine) is None
    machine.ok("install git")
    assert finding(machine) is None
    assert finding(machine, PATH="/nowhere") is None, "without git there are no commits"
    put(hooks / "pre-commit", MADE_BY_PRE_COMMIT)
    (hooks / "pre-commit.before-coord").rename(hooks / "pre-commit.legacy")
    assert finding(machine) is not None
    machine.ok("install git")
    (hooks / "pre-commit").rename(hooks / "pre-commit.legacy")
    put(hooks / "pre-commit", MADE_BY_PRE_COMMIT)
    assert finding(machine) is None, "pre-commit runs the hook that it found"


def test_uninstalled_hooks_are_not_missed(machine: Machine) -> None:
    machine.ok("install git")
    machine.ok("uninstall git")
    put(machine.repo.root / ".git/hooks/pre-commit")
    assert finding(machine) is None


def test_a_hook_that_another_program_replaced_is_found(machine: Machine) -> None:
    machine.ok("install git")
    put(machine.repo.root / ".git/hooks/pre-commit", MADE_BY_PRE_COMMIT)
    names, wrong, commands = said(machine)
    assert (names, wrong) == ("pre-commit", "pre-commit was written by another program")
    assert commands == ["coord install git", "coord uninstall git"]
    mend(machine, commands[0])
    assert (machine.repo.root / ".git/hooks/pre-commit.before-coord").read_text() == MADE_BY_PRE_COMMIT


def test_edited_removed_and_non_executable_hooks_are_found(machine: Machine) -> None:
    machine.ok("install git")
    hooks = machine.repo.root / ".git/hooks"
    (hooks / "pre-commit").write_text((hooks / "pre-commit").read_text().replace("git-hook", "nothing"))
    (hooks / "post-commit").unlink()
    (hooks / "pre-push").chmod(0o644)
    names, wrong, commands = said(machine)
    assert names == "pre-commit, post-commit and pre-push"
    assert wrong.split("; ") == [
        "pre-commit was edited and does not call coord any more",
        "post-commit does not exist",
        "pre-push is not executable",
    ]
    machine.repo.shell().ok(commands[0])
    assert said(machine)[0] == "pre-commit and post-commit"
    mend(machine, commands[1])
    (hooks / "post-commit").unlink()
    row = finding(machine)
    assert row is not None
    assert row["what"].endswith("so claims outlast the commit of their edits")


@pytest.mark.parametrize("remembered", [True, False])
def test_a_changed_hooks_path_is_found(machine: Machine, remembered: bool) -> None:
    """Husky does this: it generates its folder again whenever packages are installed."""
    machine.ok("install git")
    husky = machine.repo.root / ".husky" / "_"
    put(husky / ".gitignore", "*")
    put(husky / "pre-commit")
    git(machine.repo, "config", "core.hooksPath", ".husky/_")
    row = finding(machine)
    assert row is not None
    old = machine.repo.root / ".git/hooks"
    assert row["evidence"].startswith(f"git looks in {husky} (core.hooksPath), but coord's hooks are in {old}: ")
    names, wrong, commands = said(machine)
    assert names == "pre-commit, post-commit and pre-push"
    assert wrong.startswith("pre-commit was written by another program; post-commit does not exist")
    mend(machine, commands[0])
    put(husky / "pre-commit")
    if not remembered:
        (machine.home / ".local/state/coord/installed.json").unlink()
    assert said(machine)[0] == "pre-commit"
    assert row["do"][0]["command"] == "coord install git"


def test_the_step_names_the_scope_of_the_hooks_folder(machine: Machine) -> None:
    machine.ok("install git")
    git(machine.repo, "config", "core.hooksPath", ".githooks")
    assert said(machine)[2][0] == "coord install git --project"
    git(machine.repo, "config", "core.hooksPath", str(machine.home / "hooks"))
    mend(machine, said(machine)[2][0])
    assert (machine.home / "hooks/pre-commit").exists()


def test_a_worktree_has_the_same_finding(machine: Machine) -> None:
    other = machine.repo.root.parent / "other"
    git(machine.repo, "commit", "-q", "--allow-empty", "-m", "first")
    git(machine.repo, "worktree", "add", "-q", str(other))
    machine.ok("install git")
    for name in ("pre-commit", "post-commit", "pre-push"):
        put(machine.repo.root / ".git/hooks" / name)
    assert said(machine)[0] == "pre-commit, post-commit and pre-push"
    machine.repo.shell(other).ok("coord doctor --json | grep 'git does not call coord' >/dev/null")


def test_a_refusal_of_the_installer_is_shown(machine: Machine) -> None:
    hook = machine.repo.root / ".git/hooks/pre-commit"
    put(hook)
    machine.ok("install git")
    put(hook, "#!/bin/sh\n# another one\n")
    row = finding(machine)
    assert row is not None
    assert row["what"].startswith("git does not call coord any more, so ")
    assert "another program replaced coord's" in row["evidence"]
    assert [step["command"] for step in row["do"]] == ["coord install git", "coord uninstall git"]
    hook.with_name("pre-commit.before-coord").unlink()
    mend(machine, "coord install git")


def test_overwritten_hooks_are_not_missed_after_an_uninstall(machine: Machine) -> None:
    machine.ok("install git")
    for path in [*(machine.repo.root / ".git" / "hooks").iterdir()]:
        put(path)
    assert finding(machine) is not None
    machine.ok("uninstall git")
    assert finding(machine) is None
