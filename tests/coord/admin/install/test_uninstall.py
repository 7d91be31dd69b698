"""`coord uninstall` restores every byte that `coord install` changed, and removes nothing else."""

import json
from pathlib import Path

import pytest

from tests.support.in_process import process
from tests.support.installations import BEFORE, EVERY_WAY, LOCAL, OWN_SETTINGS, OWN_TOML, Machine, put_all
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow

CONFIG = ".codex/config.toml"


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("way", EVERY_WAY)
def test_uninstall_restores_the_bytes_after_two_installs(machine: Machine, way: str, before: str) -> None:
    put_all(machine, BEFORE[before])
    tree = machine.tree()
    dry = machine.ok(f"install {way} --dry-run")
    assert machine.tree() == tree, "a dry run writes nothing"
    out = machine.ok(f"install {way}")
    assert out.partition("✅")[0].strip() == dry.partition("Nothing was written")[0].strip() != ""
    installed = machine.tree()
    assert installed != tree
    assert "✅ Nothing to change." in machine.ok(f"install {way}")
    assert machine.tree() == installed
    scope = " --project" if "--project" in way else ""
    words = way.split()
    client = f" --client {words[2]}" if "--client" in words else ""
    machine.ok(f"uninstall {words[0]}{scope}{client}")
    assert machine.tree() == tree
    assert "✅ Nothing to change." in machine.ok(f"uninstall {words[0]}{scope}{client}")


@pytest.mark.parametrize("before", BEFORE)
def test_all_targets_can_be_installed_and_uninstalled(machine: Machine, before: str) -> None:
    put_all(machine, BEFORE[before])
    tree = machine.tree()
    for way in EVERY_WAY:
        machine.ok(f"install {way}")
    machine.ok("install claude --plugin", str(machine.home / "plugin"))
    dry = machine.ok("uninstall --all --dry-run")
    assert all(name in dry for name in (LOCAL, ".codex/hooks.json", "coord.rules", ".mcp.json", "plugin.json"))
    machine.ok("uninstall --all")
    assert machine.tree() == tree


def test_uninstalling_everything_names_your_own_settings(machine: Machine) -> None:
    assert "your own settings" not in machine.ok("uninstall --all")
    path = machine.put("~/.config/coord/config.toml", b"notify = ['x']\n")
    for option in ("", "--log", "--dry-run"):
        assert f"Kept: {path}, your own settings. To delete them: rm {path}" in machine.ok(f"uninstall --all {option}")
    assert path.exists()


def test_each_scope_can_be_uninstalled_by_itself(machine: Machine) -> None:
    for scope in ("local", "project", "user"):
        machine.ok(f"install claude --{scope}")
    out = machine.ok("uninstall claude")
    assert "Still installed in" in out
    assert "coord uninstall claude --project" in out
    assert not (machine.repo.root / LOCAL).exists()
    assert not (machine.home / ".claude/settings.json").exists()
    assert machine.settings(".claude/settings.json")["hooks"]
    machine.ok("uninstall claude --project")
    assert not (machine.repo.root / ".claude").exists()


def test_changes_by_a_person_in_between_stay(machine: Machine) -> None:
    machine.ok("install claude --instructions")
    settings = machine.settings(LOCAL)
    settings["model"] = "opus"
    settings["hooks"]["Stop"][0]["hooks"].append({"type": "command", "command": "say done"})
    settings["permissions"]["allow"].append("Bash(make:*)")
    machine.put(LOCAL, json.dumps(settings).encode())
    with (machine.repo.root / "CLAUDE.md").open("a") as file:
        file.write("Be kind.\n")
    machine.ok("uninstall claude")
    assert machine.settings(LOCAL) == {
        "hooks": {"Stop": [{"hooks": [{"type": "command", "command": "say done"}]}]},
        "permissions": {"allow": ["Bash(make:*)"]},
        "model": "opus",
    }
    assert (machine.repo.root / "CLAUDE.md").read_text() == "Be kind.\n"


def test_a_table_that_codex_adds_after_ours_stays(machine: Machine) -> None:
    path = machine.put(f"~/{CONFIG}", OWN_TOML)
    machine.ok("install mcp --client codex")
    theirs = '\n# trusted\n[projects."/x"]\ntrust_level = "trusted"\n'
    path.write_text(path.read_text() + theirs)
    machine.ok("uninstall mcp --client codex")
    assert path.read_text() == OWN_TOML.decode() + theirs


def test_a_rule_that_was_there_before_stays(machine: Machine) -> None:
    before = b'{"permissions": {"allow": ["Bash(coord claim:*)"]}}'
    path = machine.put(LOCAL, before)
    machine.ok("install claude")
    assert machine.settings(LOCAL)["permissions"]["allow"].count("Bash(coord claim:*)") == 1
    machine.ok("uninstall claude")
    assert path.read_bytes() == before


def test_uninstall_works_without_the_record(machine: Machine) -> None:
    before = json.dumps(OWN_SETTINGS["hooks"]).encode()
    path = machine.put(LOCAL, b'{"own": ' + before + b"}")
    machine.ok("install claude --instructions")
    (machine.home / ".local/state/coord/installed.json").write_text("{")
    machine.ok("uninstall claude")
    assert path.read_bytes() == b'{"own": ' + before + b"}"
    assert not (machine.repo.root / "CLAUDE.md").exists()


def test_an_unwritable_record_is_reported_and_install_works(machine: Machine) -> None:
    machine.put("~/.local", b"a file")
    result = machine.run("install claude")
    assert result.code == 0
    assert "`coord uninstall --all` will not know of this when" in result.out
    machine.ok("uninstall claude")
    assert list((machine.repo.root / ".claude").iterdir()) == [], (
        "the record that coord created the folder was not saved"
    )


def test_uninstall_all_includes_other_repositories(machine: Machine, tmp_path: Path) -> None:
    other = tmp_path / "second"
    other.mkdir()
    machine.ok("install claude --project --root", str(other))
    machine.ok("install claude --instructions --root", str(other))
    machine.ok("uninstall --all")
    assert list(other.iterdir()) == []
    assert not (machine.home / ".local").exists()


@pytest.mark.parametrize("option", ["", "--private", "--track"])
def test_removing_the_log_also_removes_its_exclude_lines(bare_repo: Repo, option: str) -> None:
    machine = Machine(bare_repo)
    tree = machine.tree()
    machine.ok(f"init {option}")
    machine.inside.start(100)
    machine.ok("end")
    machine.ok("uninstall --all --log")
    assert machine.tree() == tree


def test_uninstall_all_keeps_the_log_unless_asked(machine: Machine) -> None:
    session = machine.inside.start(100)
    machine.ok("install claude")
    machine.ok("uninstall --all")
    assert machine.repo.folder.is_dir()
    result = machine.run("uninstall --all --log")
    assert result.code == 1
    assert f"coord end --session {session}" in result.err
    machine.run("end")
    dry = machine.ok("uninstall --all --log --dry-run")
    assert f"It would delete {machine.repo.folder}, with the log of 1 session." in dry
    assert machine.repo.folder.is_dir()
    out = machine.ok("uninstall --all --log")
    removed = f"Deleted: {machine.repo.folder}, with the log of 1 session."
    then = "If it was committed: git rm -r --quiet COORDINATION, and commit that."
    assert out == f"✅ coord is not installed in any client.\n   {removed} {then}\n"
    assert not machine.repo.folder.exists()
    assert not (machine.repo.root / ".git" / "coord").exists()
    assert machine.run("status").code == 4
    assert "is gone" not in machine.run("status").err


def test_live_sessions_prevent_the_removal_of_the_log(machine: Machine) -> None:
    pids = range(100, 700, 100)
    machine.inside.table.rows |= {pid: process(pid, 1, pid, "-bash") for pid in pids}
    for pid in pids:
        machine.inside.start(pid, "--name", f"s{pid}")
    machine.ok("install claude")
    result = machine.run("uninstall --all --log")
    assert (result.code, result.out, result.err.count("\n")) == (1, "", 1)
    assert "nothing was removed: 6 sessions are live here: " in result.err
    assert "s100, s200, s300, s400, s500 and 1 more" in result.err
    assert "and 1 more (coord status). First end each, with `coord end` in its shell, or from here: " in result.err
    dry = machine.ok("uninstall --all --log --dry-run")
    assert "At present this would be refused: 6 sessions are live here: s100, s200" in dry
    assert f"{LOCAL} (removed)" in dry
    assert (machine.repo.root / LOCAL).is_file()


def test_uninstall_all_reports_by_repository(machine: Machine, tmp_path: Path) -> None:
    other = tmp_path / "second"
    other.mkdir()
    machine.ok("init --root", str(other))
    machine.put("AGENTS.md", b"Be kind.\n")
    machine.ok("install codex --project --instructions")
    machine.ok("install mcp --client gemini")
    machine.ok("install claude --root", str(other))
    out = machine.ok("uninstall --all")
    assert out.rpartition("\n\n")[2].splitlines() == [
        "✅ Uninstalled: 5 files.",
        f"   {machine.repo.root}:",
        "      AGENTS.md (changed): removed the text for agents",
        "      .codex/hooks.json (removed): the hooks of Codex",
        "      .codex/rules/coord.rules (removed): the rules of Codex on what runs without asking",
        f"   {other}:",
        f"      {LOCAL} (removed): the hooks of Claude Code, and the rules on what runs without asking",
        "   Yours, in all repositories:",
        "      ~/.gemini/settings.json (removed): the MCP server of Gemini CLI",
        f"   Kept: {machine.repo.folder}, with its log. To delete it, run there: coord uninstall --all --log",
        f"   Kept: {other}/COORDINATION, with its log. To delete it, run there: coord uninstall --all --log",
    ]
