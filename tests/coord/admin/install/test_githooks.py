"""`coord install git` puts its hooks beside those that are there, which go on as before; uninstall leaves no trace."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from coord.admin.install.githooks import GUARD_MARKER, HOOK_PURPOSES, hook_script
from tests.support.installations import MADE_BY_PRE_COMMIT
from tests.support.processes import Shell
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow

_OF_GIT = r"/home/(shell-|said)|/\.git/(objects|logs|refs|index|coord|COMMIT_EDITMSG|ORIG_HEAD)|COORDINATION"
Tree = dict[str, tuple[int, object]]

SAYS = 'echo "$(basename "$0")|$(dirname "$0")|$*|$(cat)" >> ~/said\n'
SH = f"#!/bin/sh\n{SAYS}"
SHELLS = {"sh": SH, "bash -e": f"#!/bin/bash -e\n[[ a == a ]]\n{SAYS}", "env bash": f"#!/usr/bin/env bash\n{SAYS}"}
PYTHON = """#!/usr/bin/env python3
import os, pathlib, sys
with open(os.path.expanduser("~/said"), "a") as file:
    file.write(f"python|{os.path.dirname(sys.argv[0])}|{' '.join(sys.argv[1:])}|{sys.stdin.read().strip()}\\n")
"""


class Workspace:
    """A person's home and a repository with a commit, and a shell in it."""

    def __init__(self, repo: Repo) -> None:
        self.repo, self.root, self.shell = repo, repo.root, repo.shell()
        self.hooks = self.root / ".git" / "hooks"
        self.shell.ok("git commit -q --allow-empty -m first && rm -f .git/hooks/*.sample")

    def tree(self) -> Tree:
        """Each file's mode and bytes, each link's target; but for what git does and for what the shells print."""
        found: Tree = {}
        for root in (self.repo.home, self.root):
            for path in sorted(root.rglob("*")):
                if not re.search(_OF_GIT, str(path)):
                    mode = path.lstat().st_mode
                    content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
                    found[str(path)] = (mode, content)
        return found

    def put(self, name: str, text: str, mode: int = 0o755) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    def commits(self, shell: Shell | None = None) -> list[str]:
        """Make a commit; what the hooks said of it."""
        said = self.repo.home / "said"
        said.unlink(missing_ok=True)
        (shell or self.shell).ok("git commit -q --allow-empty -m more")
        return said.read_text().splitlines() if said.exists() else []

    def guards(self) -> bool:
        """Whether a commit of what another holds is held back."""
        other = self.repo.shell()
        other.start("--name other")
        other.ok("coord claim file/held && echo $$ > held")
        self.shell.ok("git add held")
        done = self.shell.run("git commit -qm held")
        self.shell.ok("git reset -q")
        other.ok("coord end && rm held")
        return done.code == 1 and "(other) has file/held" in done.err


@pytest.fixture
def workspace(repo: Repo) -> Workspace:
    return Workspace(repo)


def _there_and_back(workspace: Workspace, options: str = "") -> None:
    """Install, install again, uninstall: as before."""
    before = workspace.tree()
    assert "--dry-run" in workspace.shell.ok(f"coord install git {options} --dry-run")
    assert workspace.tree() == before
    workspace.shell.ok(f"coord install git {options}")
    there = workspace.tree()
    assert there != before
    assert workspace.guards()
    assert "Nothing to change" in workspace.shell.ok(f"coord install git {options}")
    assert workspace.tree() == there
    workspace.shell.ok(f"coord uninstall git {options}")
    assert workspace.tree() == before
    assert not workspace.guards()
    assert "Nothing to change" in workspace.shell.ok(f"coord uninstall git {options}")


def test_install_and_uninstall_without_other_hooks(workspace: Workspace) -> None:
    _there_and_back(workspace)


def test_install_creates_the_hooks_folder(workspace: Workspace) -> None:
    workspace.hooks.rmdir()
    _there_and_back(workspace)


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        (SH, 0o755),
        (SH, 0o600),
        (PYTHON, 0o775),
        (PYTHON, 0o644),
        ("echo no interpreter named\n", 0o700),
        ("", 0o755),
        ("#!/bin/sh\r\nexit 0\r\n", 0o644),
    ],
)
def test_an_existing_hook_still_runs(workspace: Workspace, text: str, mode: int) -> None:
    for name in HOOK_PURPOSES:
        workspace.put(f".git/hooks/{name}", text, mode)
    _there_and_back(workspace)


def test_a_hook_that_is_a_link_stays_a_link(workspace: Workspace) -> None:
    script = workspace.put("scripts/check.sh", SH)
    (workspace.hooks / "pre-commit").symlink_to("../../scripts/check.sh")
    _there_and_back(workspace)
    workspace.shell.ok("coord install git")
    assert script.read_text() == SH
    assert workspace.commits() == ["pre-commit|.git/hooks||"]


def test_a_dangling_link_is_refused(workspace: Workspace) -> None:
    (workspace.hooks / "pre-commit").symlink_to("gone")
    before = workspace.tree()
    assert "a link to a file that does not exist" in workspace.shell.run("coord install git").err
    assert workspace.tree() == before


@pytest.mark.parametrize("text", SHELLS.values(), ids=SHELLS)
def test_a_shell_script_runs_under_its_old_name(workspace: Workspace, text: str) -> None:
    for name in ("pre-commit", "post-commit"):
        workspace.put(f".git/hooks/{name}", text)
    expected = workspace.commits()
    assert expected == ["pre-commit|.git/hooks||", "post-commit|.git/hooks||"]
    workspace.shell.ok("coord install git")
    assert workspace.commits() == expected


def test_a_program_in_another_language_still_runs(workspace: Workspace) -> None:
    workspace.put(".git/hooks/pre-commit", PYTHON)
    expected = workspace.commits()
    assert expected == ["python|.git/hooks||"]
    workspace.shell.ok("coord install git")
    assert workspace.commits() == expected


@pytest.mark.parametrize("text", [SH, PYTHON], ids=["sh", "python"])
def test_a_push_passes_its_input_to_both_hooks(workspace: Workspace, text: str) -> None:
    workspace.put(".git/hooks/pre-push", text)
    remote = workspace.root.parent / "remote.git"
    workspace.shell.ok(f"git init -q --bare {remote} && git remote add origin {remote} && coord install git")
    workspace.shell.ok("git push -q origin main")
    head = workspace.shell.ok("git rev-parse main").strip()
    (said,) = (workspace.repo.home / "said").read_text().splitlines()
    assert said.split("|")[2:] == [f"origin {remote}", f"refs/heads/main {head} refs/heads/main {'0' * 40}"]


@pytest.mark.parametrize("code", [0, 1, 3])
@pytest.mark.parametrize("first", ["#!/bin/sh", "#!/bin/bash", "#!/usr/bin/env -S sh"])
def test_the_exit_code_of_the_other_hook_counts(workspace: Workspace, code: int, first: str) -> None:
    workspace.put(".git/hooks/pre-commit", f"{first}\nexit {code}\n")
    before = workspace.shell.run("git commit -q --allow-empty -m more").code
    workspace.shell.ok("coord install git")
    assert workspace.shell.run("git commit -q --allow-empty -m more").code == before == (1 if code else 0)


def test_a_hook_that_is_not_executable_is_not_run(workspace: Workspace) -> None:
    workspace.put(".git/hooks/pre-commit", SH, 0o644)
    workspace.shell.ok("coord install git")
    assert workspace.commits() == []


def test_all_worktrees_have_the_hooks(workspace: Workspace) -> None:
    side = workspace.root.parent / "side"
    workspace.shell.ok(f"git worktree add -q {side}")
    there = workspace.repo.shell(side)
    there.ok("coord install git")
    assert workspace.guards()
    there.ok("coord uninstall git")
    assert not any(workspace.hooks.iterdir())


def test_uninstall_all_works_from_another_folder(workspace: Workspace) -> None:
    workspace.put(".git/hooks/pre-commit", SH)
    before = workspace.tree()
    workspace.shell.ok("coord install git")
    workspace.shell.ok("cd / && coord uninstall --all")
    assert workspace.tree() == before


def test_outside_git_install_is_refused(workspace: Workspace) -> None:
    outside = workspace.repo.home / "outside"
    outside.mkdir()
    refused = workspace.repo.shell(outside).run("coord install git")
    assert refused.code == 1
    assert "is not in a git repository" in refused.err


# --- core.hooksPath ---------------------------------------------------------------------------------------------------


def test_the_teams_hooks_change_only_with_project(workspace: Workspace) -> None:
    workspace.put(".githooks/pre-commit", SH)
    workspace.shell.ok("git config core.hooksPath .githooks")
    before = workspace.tree()
    refused = workspace.shell.run("coord install git")
    assert refused.code == 1
    assert "which your team shares" in refused.err
    assert "coord install git --project" in refused.err
    assert workspace.tree() == before
    _there_and_back(workspace, "--project")
    workspace.shell.ok("coord install git --project")
    text = (workspace.root / ".githooks" / "pre-commit").read_text()
    assert str(workspace.root) not in text
    assert "command -v /" not in text, "a path of this person's is nothing for the team"
    assert workspace.commits() == ["pre-commit|.githooks||"]
    assert "coord uninstall git --project" in workspace.shell.ok("coord uninstall git")
    workspace.shell.ok("coord uninstall --all")
    assert workspace.tree() == before


def test_hooks_of_all_repositories_change_only_with_user(workspace: Workspace) -> None:
    workspace.shell.ok("mkdir ~/hooks && git config --global core.hooksPath ~/hooks")
    before = workspace.tree()
    refused = workspace.shell.run("coord install git")
    assert refused.code == 1
    assert "which all your repositories use" in refused.err
    assert workspace.tree() == before
    _there_and_back(workspace, "--user")


def test_a_hooks_folder_linked_into_the_worktree_is_shared(workspace: Workspace) -> None:
    workspace.put(".githooks/pre-commit", SH)
    workspace.hooks.rmdir()
    workspace.hooks.symlink_to("../.githooks")
    assert "which your team shares" in workspace.shell.run("coord install git").err
    workspace.shell.ok("coord install git --project")
    there = workspace.tree()
    workspace.shell.ok("coord uninstall git")
    assert workspace.tree() == there


def test_a_scope_other_than_that_of_the_hooks_is_refused(workspace: Workspace) -> None:
    for scope in ("--user", "--project"):
        refused = workspace.shell.run(f"coord install git {scope}")
        assert refused.code == 2
        assert "only you use" in refused.err
    assert not any(workspace.hooks.iterdir())
    workspace.shell.ok("coord install git --local")


def test_generated_hooks_that_git_ignores_are_local(workspace: Workspace) -> None:
    """As husky does it: its hooks ask by which name they are called, and find the team's in the folder above."""
    _husky(workspace)
    workspace.put(".husky/pre-commit", "echo team >> ~/said\n")
    workspace.shell.ok("git config core.hooksPath .husky/_")
    assert workspace.commits() == ["team"]
    _there_and_back(workspace)
    assert "run this again" in workspace.shell.ok("coord install git")
    assert workspace.commits() == ["team"]
    _husky(workspace)  # as after each `npm install`
    assert not workspace.guards()
    workspace.shell.ok("coord install git")
    assert workspace.guards()
    assert workspace.commits() == ["team"]


def _husky(workspace: Workspace) -> None:
    workspace.put(".husky/_/.gitignore", "*", 0o644)
    workspace.put(
        ".husky/_/h", 'n=$(basename "$0")\ns=$(dirname "$(dirname "$0")")/$n\n[ ! -f "$s" ] || sh -e "$s" "$@"\n'
    )
    for name in HOOK_PURPOSES:
        workspace.put(f".husky/_/{name}", '#!/usr/bin/env sh\n. "$(dirname "$0")/h"\n')


# --- those who make hooks anew ----------------------------------------------------------------------------------------


def _pre_commit_install(workspace: Workspace, name: str = "pre-commit") -> None:
    """As `pre-commit install` does it: a file that is not its own is moved."""
    path = workspace.hooks / name
    if path.exists() and "generated by pre-commit" not in path.read_text():
        path.rename(f"{path}.legacy")
    workspace.put(f".git/hooks/{name}", MADE_BY_PRE_COMMIT.replace("NAME_OF_HOOK", name))


def test_the_hooks_of_pre_commit_still_run(workspace: Workspace) -> None:
    for name in HOOK_PURPOSES:
        _pre_commit_install(workspace, name)
    _there_and_back(workspace)
    workspace.shell.ok("coord install git")
    assert workspace.commits() == ["framework", "framework"]


def test_pre_commit_can_be_installed_afterwards(workspace: Workspace) -> None:
    workspace.put(".git/hooks/pre-commit", SH)
    workspace.shell.ok("coord install git")
    _pre_commit_install(workspace)
    assert workspace.guards()
    assert [said.partition("|")[0] for said in workspace.commits()] == ["pre-commit", "framework"]
    assert "Nothing to change" in workspace.shell.ok("coord install git")
    workspace.shell.ok("coord uninstall git")
    assert (workspace.hooks / "pre-commit.legacy").read_text() == SH
    assert sorted(path.name for path in workspace.hooks.iterdir()) == ["pre-commit", "pre-commit.legacy"]


def test_pre_commit_can_be_installed_again(workspace: Workspace) -> None:
    _pre_commit_install(workspace)
    workspace.shell.ok("coord install git")
    _pre_commit_install(workspace)
    assert workspace.guards()
    assert workspace.commits() == ["framework"]
    workspace.shell.ok("coord uninstall git")
    assert [path.name for path in workspace.hooks.iterdir()] == ["pre-commit"]
    assert workspace.commits() == ["framework"]


def test_a_hook_that_replaced_ours_is_not_overwritten(workspace: Workspace) -> None:
    workspace.put(".git/hooks/pre-commit", SH)
    workspace.shell.ok("coord install git")
    workspace.put(".git/hooks/pre-commit", "#!/bin/sh\nexit 0\n")
    before = workspace.tree()
    refused = workspace.shell.run("coord install git")
    assert refused.code == 1
    assert "another program replaced coord's" in refused.err
    assert workspace.tree() == before
    workspace.put(".git/hooks/pre-commit", SH)
    workspace.shell.ok("coord install git")
    workspace.put(".git/hooks/pre-commit", SH)
    workspace.shell.ok("coord uninstall git")
    assert [path.name for path in workspace.hooks.iterdir()] == ["pre-commit"]


def test_a_hook_of_another_version_is_replaced(workspace: Workspace) -> None:
    workspace.put(".git/hooks/pre-commit", SH)
    workspace.shell.ok("coord install git")
    hook = workspace.hooks / "pre-commit"
    now = hook.read_text()
    hook.write_text(f"#!/bin/sh\n{GUARD_MARKER}\nexit 0\n")
    workspace.shell.ok("coord install git")
    assert hook.read_text() == now


@pytest.mark.parametrize("name", HOOK_PURPOSES)
@pytest.mark.parametrize("before", [None, SH, PYTHON, MADE_BY_PRE_COMMIT])
def test_a_hook_runs_in_any_posix_shell(name: str, before: str | None, tmp_path: Path) -> None:
    text = hook_script(name, ["coord", "'/a place/coord'"], before.encode() if before else None)
    path = tmp_path / name
    path.write_text(text)
    for shell in ("sh", "bash"):
        subprocess.run([shell, "-n", str(path)], check=True)
    assert len(text.splitlines()) <= 12
