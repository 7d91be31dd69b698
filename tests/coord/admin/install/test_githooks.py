"""`coord install git` adds its hooks, existing hooks still run, and uninstall restores what was there before."""

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


class Scene:
    """A home folder, a repository with one commit, and a shell in it."""

    def __init__(self, repo: Repo) -> None:
        self.repo, self.root, self.shell = repo, repo.root, repo.shell()
        self.hooks = self.root / ".git" / "hooks"
        self.shell.ok("git commit -q --allow-empty -m first && rm -f .git/hooks/*.sample")

    def tree(self) -> Tree:
        """Return the mode and bytes of each file and the target of each link, without git's files and shell output."""
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
        """Make a commit and return what the hooks printed."""
        said = self.repo.home / "said"
        said.unlink(missing_ok=True)
        (shell or self.shell).ok("git commit -q --allow-empty -m more")
        return said.read_text().splitlines() if said.exists() else []

    def guards(self) -> bool:
        """Return whether a commit of a file that another session holds is refused."""
        other = self.repo.shell()
        other.start("--name other")
        other.ok("coord claim file/held && echo $$ > held")
        self.shell.ok("git add held")
        done = self.shell.run("git commit -qm held")
        self.shell.ok("git reset -q")
        other.ok("coord end && rm held")
        return done.code == 1 and " has file/held" in done.err


@pytest.fixture
def scene(repo: Repo) -> Scene:
    return Scene(repo)


def _there_and_back(scene: Scene, options: str = "") -> None:
    """Install, install again and uninstall; the files must be as before."""
    before = scene.tree()
    assert "--dry-run" in scene.shell.ok(f"coord install git {options} --dry-run")
    assert scene.tree() == before
    scene.shell.ok(f"coord install git {options}")
    there = scene.tree()
    assert there != before
    assert scene.guards()
    assert "Nothing to change" in scene.shell.ok(f"coord install git {options}")
    assert scene.tree() == there
    scene.shell.ok(f"coord uninstall git {options}")
    assert scene.tree() == before
    assert not scene.guards()
    assert "Nothing to change" in scene.shell.ok(f"coord uninstall git {options}")


def test_install_and_uninstall_without_other_hooks(scene: Scene) -> None:
    _there_and_back(scene)


def test_install_creates_the_hooks_folder(scene: Scene) -> None:
    scene.hooks.rmdir()
    _there_and_back(scene)


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
def test_an_existing_hook_still_runs(scene: Scene, text: str, mode: int) -> None:
    for name in HOOK_PURPOSES:
        scene.put(f".git/hooks/{name}", text, mode)
    _there_and_back(scene)


def test_a_hook_that_is_a_link_stays_a_link(scene: Scene) -> None:
    script = scene.put("scripts/check.sh", SH)
    (scene.hooks / "pre-commit").symlink_to("../../scripts/check.sh")
    _there_and_back(scene)
    scene.shell.ok("coord install git")
    assert script.read_text() == SH
    assert scene.commits() == ["pre-commit|.git/hooks||"]


def test_a_dangling_link_is_refused(scene: Scene) -> None:
    (scene.hooks / "pre-commit").symlink_to("gone")
    before = scene.tree()
    assert "a link to a file that does not exist" in scene.shell.run("coord install git").err
    assert scene.tree() == before


@pytest.mark.parametrize("text", SHELLS.values(), ids=SHELLS)
def test_a_shell_script_runs_under_its_old_name(scene: Scene, text: str) -> None:
    for name in ("pre-commit", "post-commit"):
        scene.put(f".git/hooks/{name}", text)
    expected = scene.commits()
    assert expected == ["pre-commit|.git/hooks||", "post-commit|.git/hooks||"]
    scene.shell.ok("coord install git")
    assert scene.commits() == expected


def test_a_program_in_another_language_still_runs(scene: Scene) -> None:
    scene.put(".git/hooks/pre-commit", PYTHON)
    expected = scene.commits()
    assert expected == ["python|.git/hooks||"]
    scene.shell.ok("coord install git")
    assert scene.commits() == expected


@pytest.mark.parametrize("text", [SH, PYTHON], ids=["sh", "python"])
def test_a_push_passes_its_input_to_both_hooks(scene: Scene, text: str) -> None:
    scene.put(".git/hooks/pre-push", text)
    remote = scene.root.parent / "remote.git"
    scene.shell.ok(f"git init -q --bare {remote} && git remote add origin {remote} && coord install git")
    scene.shell.ok("git push -q origin main")
    head = scene.shell.ok("git rev-parse main").strip()
    (said,) = (scene.repo.home / "said").read_text().splitlines()
    assert said.split("|")[2:] == [f"origin {remote}", f"refs/heads/main {head} refs/heads/main {'0' * 40}"]


@pytest.mark.parametrize("code", [0, 1, 3])
@pytest.mark.parametrize("first", ["#!/bin/sh", "#!/bin/bash", "#!/usr/bin/env -S sh"])
def test_the_exit_code_of_the_other_hook_counts(scene: Scene, code: int, first: str) -> None:
    scene.put(".git/hooks/pre-commit", f"{first}\nexit {code}\n")
    before = scene.shell.run("git commit -q --allow-empty -m more").code
    scene.shell.ok("coord install git")
    assert scene.shell.run("git commit -q --allow-empty -m more").code == before == (1 if code else 0)


def test_a_hook_that_is_not_executable_is_not_run(scene: Scene) -> None:
    scene.put(".git/hooks/pre-commit", SH, 0o644)
    scene.shell.ok("coord install git")
    assert scene.commits() == []


def test_all_worktrees_have_the_hooks(scene: Scene) -> None:
    side = scene.root.parent / "side"
    scene.shell.ok(f"git worktree add -q {side}")
    there = scene.repo.shell(side)
    there.ok("coord install git")
    assert scene.guards()
    there.ok("coord uninstall git")
    assert not any(scene.hooks.iterdir())


def test_uninstall_all_works_from_another_folder(scene: Scene) -> None:
    scene.put(".git/hooks/pre-commit", SH)
    before = scene.tree()
    scene.shell.ok("coord install git")
    scene.shell.ok("cd / && coord uninstall --all")
    assert scene.tree() == before


def test_outside_git_install_is_refused(scene: Scene) -> None:
    outside = scene.repo.home / "outside"
    outside.mkdir()
    refused = scene.repo.shell(outside).run("coord install git")
    assert refused.code == 1
    assert "is not in a git repository" in refused.err


# --- core.hooksPath ---------------------------------------------------------------------------------------------------


def test_the_teams_hooks_change_only_with_project(scene: Scene) -> None:
    scene.put(".githooks/pre-commit", SH)
    scene.shell.ok("git config core.hooksPath .githooks")
    before = scene.tree()
    refused = scene.shell.run("coord install git")
    assert refused.code == 1
    assert "which your team shares" in refused.err
    assert "coord install git --project" in refused.err
    assert scene.tree() == before
    _there_and_back(scene, "--project")
    scene.shell.ok("coord install git --project")
    text = (scene.root / ".githooks" / "pre-commit").read_text()
    assert str(scene.root) not in text
    assert "command -v /" not in text, "a path of this user must not be in the team's hooks"
    assert scene.commits() == ["pre-commit|.githooks||"]
    assert "coord uninstall git --project" in scene.shell.ok("coord uninstall git")
    scene.shell.ok("coord uninstall --all")
    assert scene.tree() == before


def test_hooks_of_all_repositories_change_only_with_user(scene: Scene) -> None:
    scene.shell.ok("mkdir ~/hooks && git config --global core.hooksPath ~/hooks")
    before = scene.tree()
    refused = scene.shell.run("coord install git")
    assert refused.code == 1
    assert "which all your repositories use" in refused.err
    assert scene.tree() == before
    _there_and_back(scene, "--user")


def test_a_hooks_folder_linked_into_the_worktree_is_shared(scene: Scene) -> None:
    scene.put(".githooks/pre-commit", SH)
    scene.hooks.rmdir()
    scene.hooks.symlink_to("../.githooks")
    assert "which your team shares" in scene.shell.run("coord install git").err
    scene.shell.ok("coord install git --project")
    there = scene.tree()
    scene.shell.ok("coord uninstall git")
    assert scene.tree() == there


def test_a_scope_other_than_that_of_the_hooks_is_refused(scene: Scene) -> None:
    for scope in ("--user", "--project"):
        refused = scene.shell.run(f"coord install git {scope}")
        assert refused.code == 2
        assert "only you use" in refused.err
    assert not any(scene.hooks.iterdir())
    scene.shell.ok("coord install git --local")


def test_generated_hooks_that_git_ignores_are_local(scene: Scene) -> None:
    """Husky's hooks use the name that they are called by, and run the team's hooks in the folder above."""
    _husky(scene)
    scene.put(".husky/pre-commit", "echo team >> ~/said\n")
    scene.shell.ok("git config core.hooksPath .husky/_")
    assert scene.commits() == ["team"]
    _there_and_back(scene)
    assert "run this again" in scene.shell.ok("coord install git")
    assert scene.commits() == ["team"]
    _husky(scene)  # each `npm install` does this
    assert not scene.guards()
    scene.shell.ok("coord install git")
    assert scene.guards()
    assert scene.commits() == ["team"]


def _husky(scene: Scene) -> None:
    scene.put(".husky/_/.gitignore", "*", 0o644)
    scene.put(".husky/_/h", 'n=$(basename "$0")\ns=$(dirname "$(dirname "$0")")/$n\n[ ! -f "$s" ] || sh -e "$s" "$@"\n')
    for name in HOOK_PURPOSES:
        scene.put(f".husky/_/{name}", '#!/usr/bin/env sh\n. "$(dirname "$0")/h"\n')


# --- those who make hooks anew ----------------------------------------------------------------------------------------


def _pre_commit_install(scene: Scene, name: str = "pre-commit") -> None:
    """`pre-commit install` moves a hook that it did not make."""
    path = scene.hooks / name
    if path.exists() and "generated by pre-commit" not in path.read_text():
        path.rename(f"{path}.legacy")
    scene.put(f".git/hooks/{name}", MADE_BY_PRE_COMMIT.replace("NAME_OF_HOOK", name))


def test_the_hooks_of_pre_commit_still_run(scene: Scene) -> None:
    for name in HOOK_PURPOSES:
        _pre_commit_install(scene, name)
    _there_and_back(scene)
    scene.shell.ok("coord install git")
    assert scene.commits() == ["framework", "framework"]


def test_pre_commit_can_be_installed_afterwards(scene: Scene) -> None:
    scene.put(".git/hooks/pre-commit", SH)
    scene.shell.ok("coord install git")
    _pre_commit_install(scene)
    assert scene.guards()
    assert [said.partition("|")[0] for said in scene.commits()] == ["pre-commit", "framework"]
    assert "Nothing to change" in scene.shell.ok("coord install git")
    scene.shell.ok("coord uninstall git")
    assert (scene.hooks / "pre-commit.legacy").read_text() == SH
    assert sorted(path.name for path in scene.hooks.iterdir()) == ["pre-commit", "pre-commit.legacy"]


def test_pre_commit_can_be_installed_again(scene: Scene) -> None:
    _pre_commit_install(scene)
    scene.shell.ok("coord install git")
    _pre_commit_install(scene)
    assert scene.guards()
    assert scene.commits() == ["framework"]
    scene.shell.ok("coord uninstall git")
    assert [path.name for path in scene.hooks.iterdir()] == ["pre-commit"]
    assert scene.commits() == ["framework"]


def test_a_hook_that_replaced_ours_is_not_overwritten(scene: Scene) -> None:
    scene.put(".git/hooks/pre-commit", SH)
    scene.shell.ok("coord install git")
    scene.put(".git/hooks/pre-commit", "#!/bin/sh\nexit 0\n")
    before = scene.tree()
    refused = scene.shell.run("coord install git")
    assert refused.code == 1
    assert "another program replaced coord's" in refused.err
    assert scene.tree() == before
    scene.put(".git/hooks/pre-commit", SH)
    scene.shell.ok("coord install git")
    scene.put(".git/hooks/pre-commit", SH)
    scene.shell.ok("coord uninstall git")
    assert [path.name for path in scene.hooks.iterdir()] == ["pre-commit"]


def test_a_hook_of_another_version_is_replaced(scene: Scene) -> None:
    scene.put(".git/hooks/pre-commit", SH)
    scene.shell.ok("coord install git")
    hook = scene.hooks / "pre-commit"
    now = hook.read_text()
    hook.write_text(f"#!/bin/sh\n{GUARD_MARKER}\nexit 0\n")
    scene.shell.ok("coord install git")
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
