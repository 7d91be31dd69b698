"""`coord install` writes all changes or refuses, and never breaks a file, a link or a mode."""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.installations import LOCAL, Machine

pytestmark = pytest.mark.slow

CONFIG = ".codex/config.toml"


@pytest.mark.parametrize("way", ["claude", "gemini --project", "mcp --project", "mcp --client codex"])
@pytest.mark.parametrize("data", [b'{"a": 1,', b"[model\n", b'{"hooks": 7, "mcpServers": []}', b"\xff\xfe{}"])
def test_an_invalid_file_is_refused_in_one_line(machine: Machine, way: str, data: bytes) -> None:
    for name in (LOCAL, ".gemini/settings.json", ".mcp.json", f"~/{CONFIG}"):
        machine.put(name, data)
    tree = machine.tree()
    result = machine.run(f"install {way}")
    assert (result.code, result.out) == (1, "")
    assert result.err.count("\n") == 1
    assert "It was not changed" in result.err
    assert machine.tree() == tree


def test_one_unreadable_file_does_not_stop_the_rest(machine: Machine) -> None:
    machine.ok("install claude")
    machine.ok("install codex")
    machine.put(LOCAL, b"{")
    out = machine.ok("uninstall --all")
    assert "settings.local.json: line 1, column 2: " in out
    assert not (machine.home / ".codex").exists()
    machine.put(LOCAL, b"{}")
    machine.ok("uninstall --all")
    assert not (machine.home / ".local").exists(), "the record is kept until the uninstall succeeds"


def test_a_read_only_file_is_refused_even_for_root(machine: Machine) -> None:
    path = machine.put(LOCAL, b"{}")
    path.chmod(0o444)
    tree = machine.tree()
    result = machine.run("install claude")
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert "is read-only" in result.err
    assert machine.tree() == tree


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_something_other_than_a_file_is_refused(machine: Machine, make: Callable[[Path], None]) -> None:
    (machine.repo.root / ".claude").mkdir()
    make(machine.repo.root / LOCAL)
    result = machine.run("install claude")
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert "cannot read" in result.err


def test_the_target_of_a_link_changes_and_the_link_stays(machine: Machine) -> None:
    target = machine.put("~/dotfiles/claude.json", b'{"a": 1}')
    target.chmod(0o600)
    (machine.repo.root / ".claude").mkdir()
    (machine.repo.root / LOCAL).symlink_to(target)
    tree = machine.tree()
    assert f"{LOCAL} -> {target}" in machine.ok("install claude")
    assert (machine.repo.root / LOCAL).is_symlink()
    assert json.loads(target.read_text())["hooks"]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600, "the mode of the file stays"
    machine.ok("uninstall claude")
    assert machine.tree() == tree


def test_a_dangling_link_works_and_a_circular_one_is_refused(machine: Machine) -> None:
    (machine.repo.root / ".claude").mkdir()
    link = machine.repo.root / LOCAL
    link.symlink_to(machine.home / "dotfiles" / "new.json")
    tree = machine.tree()
    machine.ok("install claude")
    assert (machine.home / "dotfiles" / "new.json").is_file()
    machine.ok("uninstall claude")
    assert machine.tree() == tree
    link.unlink()
    link.symlink_to(link)
    assert machine.run("install claude").code == 1


def test_a_file_that_changes_before_the_write_is_left_alone(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    path = machine.put(LOCAL, b"{}")
    from coord.admin.install.changeset import Changeset

    apply = Changeset.apply

    def late(draft: Changeset) -> None:
        path.write_bytes(b'{"theirs": 1}')
        apply(draft)

    monkeypatch.setattr(Changeset, "apply", late)
    result = machine.run("install claude")
    assert result.code == 1
    assert "another program has just changed" in result.err
    assert path.read_bytes() == b'{"theirs": 1}'
