"""`coord install` makes git ignore private settings, and lets Codex write the log from a worktree."""

import tomllib

import pytest

from tests.support.installations import LOCAL, OWN_TOML, Machine
from tests.support.repositories import git

pytestmark = pytest.mark.slow

CONFIG = ".codex/config.toml"


def test_git_ignores_personal_settings(machine: Machine) -> None:
    before = git(machine.repo, "status", "--short", "-uall")
    machine.ok("install claude")
    assert git(machine.repo, "status", "--short", "-uall") == before
    machine.ok("install claude --project")
    assert ".claude/settings.json" in git(machine.repo, "status", "--short", "-uall")


def test_codex_in_a_worktree_can_write_the_log(machine: Machine) -> None:
    repo = machine.repo
    git(repo, "commit", "-q", "--allow-empty", "-m", "first")
    tree = machine.tree()
    other = repo.root.parent / "other"
    git(repo, "worktree", "add", "-q", str(other))
    machine.ok("install claude --root", str(other))
    assert (other / LOCAL).is_file()
    assert not (repo.root / LOCAL).exists()
    assert git(repo, "-C", str(other), "status", "--short") == ""
    path = machine.put(f"~/{CONFIG}", OWN_TOML)
    machine.ok("install codex --root", str(other))
    roots = tomllib.loads(path.read_text())["sandbox_workspace_write"]["writable_roots"]
    assert roots == [str(repo.folder)]
    assert path.read_bytes().startswith(OWN_TOML)
    machine.ok("uninstall codex --root", str(other))
    assert path.read_bytes() == OWN_TOML
    path.unlink()
    path.parent.rmdir()
    machine.ok("uninstall claude --root", str(other))
    assert not (other / ".claude").exists()
    git(repo, "worktree", "remove", str(other))
    git(repo, "branch", "-D", "other")
    assert {path for path in machine.tree() if "/.git/" not in path} == {p for p in tree if "/.git/" not in p}


def test_codex_in_a_nested_repository_can_write_the_outer_log(machine: Machine) -> None:
    inner = machine.repo.root / "inner"
    git(machine.repo, "init", "-q", str(inner))
    path = machine.put(f"~/{CONFIG}", OWN_TOML)
    machine.ok("install codex --root", str(inner))
    assert tomllib.loads(path.read_text())["sandbox_workspace_write"]["writable_roots"] == [str(machine.repo.folder)]
    machine.ok("uninstall codex --root", str(inner))
    assert path.read_bytes() == OWN_TOML


def test_existing_sandbox_settings_are_not_edited(machine: Machine) -> None:
    git(machine.repo, "commit", "-q", "--allow-empty", "-m", "first")
    git(machine.repo, "worktree", "add", "-q", str(machine.repo.root.parent / "other"))
    text = b'[sandbox_workspace_write]\nwritable_roots = ["/x"]\n'
    path = machine.put(f"~/{CONFIG}", text)
    out = machine.ok("install codex")
    assert f'writable_roots = ["/x", "{machine.repo.folder}"]' in out
    assert path.read_bytes() == text
