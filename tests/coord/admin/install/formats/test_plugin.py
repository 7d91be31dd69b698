"""The plugin of Claude Code has the same hooks, and finds the installed coord."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.support.installations import Machine
from tests.support.processes import BIN, environment

pytestmark = pytest.mark.slow


def test_a_plugin_has_the_same_hooks(machine: Machine) -> None:
    folder = machine.home / "plugins" / "coord"
    out = machine.ok("install claude --plugin", str(folder))
    assert f"claude --plugin-dir {folder}" in out
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert names == {
        ".claude-plugin/plugin.json", "hooks/hooks.json", "skills/coord/SKILL.md",
        "commands/status.md", "commands/inbox.md", "bin/coord",
    }  # fmt: skip
    machine.ok("install claude --project")
    assert (
        json.loads((folder / "hooks/hooks.json").read_text())["hooks"]
        == machine.settings(".claude/settings.json")["hooks"]
    )
    assert len((folder / "skills/coord/SKILL.md").read_text().splitlines()) < 60 + 6
    assert "✅ Nothing to change." in machine.ok("install claude --plugin", str(folder))
    machine.ok("uninstall claude --plugin", str(folder))
    assert not (machine.home / "plugins").exists()


def test_the_plugins_coord_finds_the_installed_one_not_itself(machine: Machine, tmp_path: Path) -> None:
    machine.ok("install claude --plugin", str(tmp_path / "plugin"))
    own = tmp_path / "plugin" / "bin"
    (tmp_path / "link").symlink_to(own)
    env = environment(machine.home)
    path = f"{own}:{tmp_path / 'link'}:/usr/bin:/bin"
    done = subprocess.run(["coord", "--version"], env=env | {"PATH": f"{path}:{BIN}"}, capture_output=True, check=False)
    assert done.stdout.startswith(b"coord, version"), done
    done = subprocess.run([own / "coord", "status"], env=env | {"PATH": path}, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (127, b"")
    done = subprocess.run([own / "coord", "hook", "claude"], env=env | {"PATH": path}, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
