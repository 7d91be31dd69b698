"""`coord doctor` finds invalid settings, broken scripts, and a `coord` that agents do not find."""

from pathlib import Path

from coord.admin.doctor import installation
from tests.support.doctor import commands, findings
from tests.support.processes import COORD
from tests.support.repositories import Repo


def test_invalid_settings_are_found(repo: Repo) -> None:
    (repo.folder / "config.toml").write_text("claim_hours = 'many'")
    (row,) = findings(repo, "settings")
    assert row["severity"] == "serious"
    repo.shell().ok(commands(row)[-1])
    assert findings(repo, "settings") == []


def test_missing_and_changed_scripts_are_found(repo: Repo) -> None:
    folder = repo.folder / "scripts"
    (folder / "session-claim.sh").unlink()
    (folder / "session-start.sh").chmod(0o644)
    (folder / "session-status.sh").write_text("#!/bin/sh\necho mine\n")
    rows = {row["what"].split(" ", 2)[2]: row for row in findings(repo, "scripts")}
    assert {what: row["evidence"].partition(": ")[0] for what, row in rows.items()} == {
        "missing or not readable": "scripts/session-claim.sh",
        "not executable": "scripts/session-start.sh",
        "different from those of this version": "scripts/session-status.sh",
    }
    for row in rows.values():
        repo.shell().ok(commands(row)[0])
    assert findings(repo, "scripts") == []
    assert (folder / "session-status.sh.orig").exists()


def test_a_coord_that_is_not_on_path_is_found(repo: Repo) -> None:
    result = repo.shell().run(f"PATH=/usr/bin:/bin {COORD} doctor --json")
    (row,) = [row for row in result.json["findings"] if row["check"] == "installation"]
    assert (row["severity"], row["what"]) == ("warning", "agents and scripts do not find coord")
    assert f"{COORD} is not on PATH" in row["evidence"]
    shell = repo.shell()
    shell.ok(commands(row)[1])
    assert shell.ok("PATH=~/.local/bin:/usr/bin:/bin coord whoami --help"), "the step creates the folder of the link"


def test_another_coord_first_on_path_is_found(repo: Repo) -> None:
    bin_ = repo.home / "bin"
    bin_.mkdir()
    (bin_ / "coord").write_text("#!/bin/sh\necho another\n")
    (bin_ / "coord").chmod(0o755)
    result = repo.shell().run(f"PATH={bin_}:$PATH {COORD} doctor --json")
    (row,) = [row for row in result.json["findings"] if row["check"] == "installation"]
    assert row["evidence"] == f"agents run {bin_}/coord, which is first on PATH; this is {COORD}"
    (bin_ / "coord").unlink()
    (bin_ / "coord").symlink_to(COORD)  # as `uv tool install` does
    result = repo.shell().run(f"PATH={bin_}:$PATH coord doctor --json")
    assert [row for row in result.json["findings"] if row["check"] == "installation"] == []


def test_a_coord_that_only_interactive_shells_find_is_found(tmp_path: Path) -> None:
    only_here = installation.path_problem
    rc, profile = {".bashrc": 'PATH="$HOME/bin:$PATH"'}, {".profile": 'PATH="$HOME/bin:$PATH"'}
    assert "~/.bashrc, which only interactive shells read" in only_here("/home/me/bin", "/home/me", rc)
    assert only_here("/home/me/bin", "/home/me", profile | rc) == ""
    assert only_here("/usr/bin", "/home/me", rc) == ""
    (tmp_path / "pyvenv.cfg").touch()
    assert "virtual environment" in only_here(str(tmp_path / "bin"), "/home/me", {})
    assert only_here(str(tmp_path / "bin"), "/home/me", {".zshenv": f"PATH={tmp_path}/bin:$PATH"}) == ""


def test_a_python_version_that_is_too_old() -> None:
    assert installation.too_old((3, 11)) == ""
    assert installation.too_old((3, 10)) == "it is 3.10; coord needs 3.11 or newer"
    assert installation.too_old((4, 0)) == ""
