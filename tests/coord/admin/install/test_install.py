"""`coord install` writes what it shows, `coord uninstall` leaves the bytes as they were, and nothing else changes."""

import json
import os
import re
import stat
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from coord.admin.install.formats.permission_rules import ALLOWED_COMMANDS, ASK_FIRST_COMMANDS
from coord.admin.install.formats.toml_tables import with_table
from coord.cli.commands.integrations._targets import TARGETS
from coord.cli.registry import COMMANDS_BY_NAME
from coord.clients.registry import CLIENTS, Client
from tests.support.in_process import process
from tests.support.installations import LOCAL, Machine
from tests.support.processes import BIN, COORD, environment
from tests.support.repositories import Repo, git

pytestmark = pytest.mark.slow

CLAUDE, CODEX, GEMINI = CLIENTS
CONFIG = ".codex/config.toml"


@pytest.fixture
def machine(repo: Repo) -> Machine:
    return Machine(repo)


# --- there and back ---

EVERY_WAY = [
    "claude", "claude --user", "claude --project", "claude --instructions --wake", "claude --no-allow",
    "codex", "codex --project --instructions", "codex --no-allow", "gemini", "gemini --project --instructions",
    "mcp", "mcp --user", "mcp --project", "mcp --client codex", "mcp --client codex --project", "mcp --client gemini",
]  # fmt: skip
_OWN = {"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "say done"}]}], "PreToolUse": []}, "ü": "\u2028"}
_TOML = b'# mine\nmodel = "o3" # the best\n\n[mcp_servers.other]\ncommand = "x"\n'
BEFORE: dict[str, tuple[bytes, bytes, bytes] | None] = {
    "nothing": None,
    "empty files": (b"", b"", b""),
    "empty settings": (b"{}\n", b"\n", b"\n"),
    "two spaces": (json.dumps(_OWN, indent=2).encode() + b"\n", _TOML, b"# Us\n\nBe kind.\n"),
    "four spaces, no line end": (json.dumps(_OWN, indent=4, ensure_ascii=False).encode(), _TOML[:-1], b"Be kind."),
    "tabs": (json.dumps(_OWN, indent="\t").encode() + b"\n\n", _TOML + b"\n\n", b"Be kind.\n\n\n"),
    "compact": (json.dumps(_OWN, separators=(",", ":")).encode(), b"a=1", b" "),
    "CRLF": (json.dumps(_OWN, indent=2).replace("\n", "\r\n").encode() + b"\r\n", _TOML.replace(b"\n", b"\r\n"),
             b"Be kind.\r\n"),
}  # fmt: skip


def put_all(machine: Machine, files: tuple[bytes, bytes, bytes] | None) -> None:
    settings, toml, text = files or (b"", b"", b"")
    for client in CLIENTS if files else ():
        for name in {*client.settings.values(), *client.servers.values(), *client.instructions}:
            data = text if name.endswith(".md") else toml if name.endswith(".toml") else settings
            machine.put(name, data)


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("way", EVERY_WAY)
def test_installed_again_and_uninstalled_the_bytes_are_as_before(machine: Machine, way: str, before: str) -> None:
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
def test_everything_at_once_and_all_of_it_away(machine: Machine, before: str) -> None:
    put_all(machine, BEFORE[before])
    tree = machine.tree()
    for way in EVERY_WAY:
        machine.ok(f"install {way}")
    machine.ok("install claude --plugin", str(machine.home / "plugin"))
    dry = machine.ok("uninstall --all --dry-run")
    assert all(name in dry for name in (LOCAL, ".codex/hooks.json", "coord.rules", ".mcp.json", "plugin.json"))
    machine.ok("uninstall --all")
    assert machine.tree() == tree


def test_each_scope_can_go_by_itself(machine: Machine) -> None:
    for scope in ("local", "project", "user"):
        machine.ok(f"install claude --{scope}")
    out = machine.ok("uninstall claude")
    assert "Still installed:" in out
    assert "coord uninstall claude --project" in out
    assert not (machine.repo.root / LOCAL).exists()
    assert not (machine.home / ".claude/settings.json").exists()
    assert machine.settings(".claude/settings.json")["hooks"]
    machine.ok("uninstall claude --project")
    assert not (machine.repo.root / ".claude").exists()


def test_what_a_person_changed_in_between_stays(machine: Machine) -> None:
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


def test_a_table_that_codex_adds_behind_ours_stays(machine: Machine) -> None:
    path = machine.put(f"~/{CONFIG}", _TOML)
    machine.ok("install mcp --client codex")
    theirs = '\n# trusted\n[projects."/x"]\ntrust_level = "trusted"\n'
    path.write_text(path.read_text() + theirs)
    machine.ok("uninstall mcp --client codex")
    assert path.read_text() == _TOML.decode() + theirs


def test_a_rule_that_was_there_before_stays(machine: Machine) -> None:
    before = b'{"permissions": {"allow": ["Bash(coord claim:*)"]}}'
    path = machine.put(LOCAL, before)
    machine.ok("install claude")
    assert machine.settings(LOCAL)["permissions"]["allow"].count("Bash(coord claim:*)") == 1
    machine.ok("uninstall claude")
    assert path.read_bytes() == before


def test_the_record_may_be_lost(machine: Machine) -> None:
    before = json.dumps(_OWN["hooks"]).encode()
    path = machine.put(LOCAL, b'{"own": ' + before + b"}")
    machine.ok("install claude --instructions")
    (machine.home / ".local/state/coord/installed.json").write_text("{")
    machine.ok("uninstall claude")
    assert path.read_bytes() == b'{"own": ' + before + b"}"
    assert not (machine.repo.root / "CLAUDE.md").exists()


def test_an_unwritable_home_is_told_and_the_rest_is_done(machine: Machine) -> None:
    machine.put("~/.local", b"a file")
    result = machine.run("install claude")
    assert result.code == 0
    assert "`coord uninstall --all` will not know of this" in result.out
    machine.ok("uninstall claude")
    assert list((machine.repo.root / ".claude").iterdir()) == [], "that it made the folder was not remembered"


# --- what stands there ---


def test_the_hooks_of_claude(machine: Machine) -> None:
    machine.ok("install claude --wake")
    hooks = machine.settings(LOCAL)["hooks"]
    assert list(hooks) == list(CLAUDE.hook_events)
    assert hooks["PreToolUse"] == [
        {
            "matcher": "Write|Edit|MultiEdit|NotebookEdit|Bash|AskUserQuestion|ExitPlanMode",
            "hooks": [{"type": "command", "command": "coord hook claude", "timeout": 5}],
        }
    ]
    wait = {"type": "command", "command": "coord hook claude --wake", "asyncRewake": True, "timeout": 86_400}
    assert hooks["Stop"] == [
        {"hooks": [{"type": "command", "command": "coord hook claude", "timeout": 10}]},
        {"hooks": [wait]},
    ]


def test_the_hooks_of_gemini_count_in_milliseconds(machine: Machine) -> None:
    machine.ok("install gemini")
    hooks = machine.settings("~/.gemini/settings.json")["hooks"]
    assert hooks["BeforeTool"][0]["matcher"] == "write_file|replace|run_shell_command|ask_user"
    assert hooks["BeforeTool"][0]["hooks"][0]["timeout"] == 5000
    assert hooks["Notification"] == [
        {
            "matcher": "ToolPermission",
            "hooks": [{"type": "command", "command": "coord hook gemini", "timeout": 10_000}],
        }
    ]


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.word)
def test_a_teams_hooks_are_nothing_for_those_without_coord(machine: Machine, client: Client) -> None:
    machine.ok(f"install {client.word} --project")
    hooks = machine.settings(client.settings["project"])["hooks"]
    commands = {hook["command"] for entries in hooks.values() for entry in entries for hook in entry["hooks"]}
    assert commands == {f"command -v coord >/dev/null 2>&1 || exit 0; coord hook {client.word}"}
    done = subprocess.run(["/bin/sh", "-c", *commands], env={"PATH": "/nowhere"}, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_coord_that_is_not_on_the_path_is_named_by_its_path(machine: Machine) -> None:
    out = machine.ok("install claude", PATH="/usr/bin:/bin")
    assert f"{COORD} hook claude" in out
    assert "`coord` does not run this program" in out
    team = machine.ok("install claude --project --dry-run", PATH="/usr/bin:/bin")
    assert COORD not in team, "a path of this machine is nothing for a team"
    machine.ok("install claude")
    assert COORD not in (machine.repo.root / LOCAL).read_text(), "it is replaced"
    machine.ok("uninstall claude")
    assert not (machine.repo.root / LOCAL).exists()


def test_every_command_is_either_safe_or_asked_for() -> None:
    assert sorted(ALLOWED_COMMANDS + tuple(name for name in ASK_FIRST_COMMANDS if name in COMMANDS_BY_NAME)) == sorted(
        COMMANDS_BY_NAME
    )
    assert set(ALLOWED_COMMANDS).isdisjoint(ASK_FIRST_COMMANDS)


def test_the_rules_of_each_client(machine: Machine) -> None:
    for client in CLIENTS:
        machine.ok(f"install {client.word}")
    rules = machine.settings(LOCAL)["permissions"]["allow"]
    assert rules == [f"Bash(coord {command}:*)" for command in ALLOWED_COMMANDS]
    codex = (machine.home / ".codex/rules/coord.rules").read_text()
    assert '\nprefix_rule(pattern=["coord", ["start", "heartbeat", ' in codex
    gemini = tomllib.loads((machine.home / ".gemini/policies/coord.toml").read_text())
    assert gemini["rule"][0]["commandPrefix"] == [f"coord {command}" for command in ALLOWED_COMMANDS]
    for client in CLIENTS:
        out = machine.ok(f"install {client.word} --no-allow")
        assert "Its agents ask you before they run a command of coord" in out
    assert "permissions" not in machine.settings(LOCAL)
    assert not (machine.home / ".codex/rules").exists()
    assert f"{LOCAL} (removed): the hooks of Claude Code\n" in machine.ok("uninstall claude")


def test_a_file_of_rules_that_is_not_ours_is_left_alone(machine: Machine) -> None:
    machine.put("~/.codex/rules/coord.rules", b"mine")
    tree = machine.tree()
    result = machine.run("install codex")
    assert result.code == 1
    assert "is not coord's" in result.err
    assert machine.tree() == tree
    machine.ok("uninstall codex")
    assert machine.tree() == tree


# --- files that are in the way ---


@pytest.mark.parametrize("way", ["claude", "gemini --project", "mcp --project", "mcp --client codex"])
@pytest.mark.parametrize("data", [b'{"a": 1,', b"[model\n", b'{"hooks": 7, "mcpServers": []}', b"\xff\xfe{}"])
def test_what_cannot_be_understood_is_refused_in_one_line(machine: Machine, way: str, data: bytes) -> None:
    for name in (LOCAL, ".gemini/settings.json", ".mcp.json", f"~/{CONFIG}"):
        machine.put(name, data)
    tree = machine.tree()
    result = machine.run(f"install {way}")
    assert (result.code, result.out) == (1, "")
    assert result.err.count("\n") == 1
    assert "It is as it was" in result.err
    assert machine.tree() == tree


def test_one_unreadable_file_does_not_stop_the_rest(machine: Machine) -> None:
    machine.ok("install claude")
    machine.ok("install codex")
    machine.put(LOCAL, b"{")
    out = machine.ok("uninstall --all")
    assert "settings.local.json cannot be changed: line 1" in out
    assert not (machine.home / ".codex").exists()
    machine.put(LOCAL, b"{}")
    machine.ok("uninstall --all")
    assert not (machine.home / ".local").exists(), "it was remembered until it could be done"


def test_a_read_only_file_is_refused_also_to_root(machine: Machine) -> None:
    path = machine.put(LOCAL, b"{}")
    path.chmod(0o444)
    tree = machine.tree()
    result = machine.run("install claude")
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert "is read-only" in result.err
    assert machine.tree() == tree


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_what_is_no_file_is_refused(machine: Machine, make: Callable[[Path], None]) -> None:
    (machine.repo.root / ".claude").mkdir()
    make(machine.repo.root / LOCAL)
    result = machine.run("install claude")
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert "cannot read" in result.err


def test_of_a_link_the_target_is_changed_and_the_link_stays(machine: Machine) -> None:
    target = machine.put("~/dotfiles/claude.json", b'{"a": 1}')
    target.chmod(0o600)
    (machine.repo.root / ".claude").mkdir()
    (machine.repo.root / LOCAL).symlink_to(target)
    tree = machine.tree()
    assert f"{LOCAL} -> {target}" in machine.ok("install claude")
    assert (machine.repo.root / LOCAL).is_symlink()
    assert json.loads(target.read_text())["hooks"]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600, "its mode stays"
    machine.ok("uninstall claude")
    assert machine.tree() == tree


def test_a_link_that_leads_nowhere_yet_and_one_in_a_circle(machine: Machine) -> None:
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


def test_a_file_that_changes_meanwhile_is_left_alone(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    path = machine.put(LOCAL, b"{}")
    from coord.admin.install.changeset import Changeset

    apply = Changeset.apply

    def late(draft: Changeset) -> None:
        path.write_bytes(b'{"theirs": 1}')
        apply(draft)

    monkeypatch.setattr(Changeset, "apply", late)
    result = machine.run("install claude")
    assert result.code == 1
    assert "was changed meanwhile" in result.err
    assert path.read_bytes() == b'{"theirs": 1}'


# --- places ---


def test_git_does_not_see_what_only_this_person_sees(machine: Machine) -> None:
    before = git(machine.repo, "status", "--short", "-uall")
    machine.ok("install claude")
    assert git(machine.repo, "status", "--short", "-uall") == before
    machine.ok("install claude --project")
    assert ".claude/settings.json" in git(machine.repo, "status", "--short", "-uall")


def test_in_a_worktree_its_own_settings_and_the_log_for_codex(machine: Machine) -> None:
    repo = machine.repo
    git(repo, "commit", "-q", "--allow-empty", "-m", "first")
    tree = machine.tree()
    other = repo.root.parent / "other"
    git(repo, "worktree", "add", "-q", str(other))
    machine.ok("install claude --root", str(other))
    assert (other / LOCAL).is_file()
    assert not (repo.root / LOCAL).exists()
    assert git(repo, "-C", str(other), "status", "--short") == ""
    path = machine.put(f"~/{CONFIG}", _TOML)
    machine.ok("install codex --root", str(other))
    roots = tomllib.loads(path.read_text())["sandbox_workspace_write"]["writable_roots"]
    assert roots == [str(repo.folder)]
    assert path.read_bytes().startswith(_TOML)
    machine.ok("uninstall codex --root", str(other))
    assert path.read_bytes() == _TOML
    path.unlink()
    path.parent.rmdir()
    machine.ok("uninstall claude --root", str(other))
    assert not (other / ".claude").exists()
    git(repo, "worktree", "remove", str(other))
    git(repo, "branch", "-D", "other")
    assert {path for path in machine.tree() if "/.git/" not in path} == {p for p in tree if "/.git/" not in p}


def test_a_sandbox_that_has_settings_already_is_explained(machine: Machine) -> None:
    git(machine.repo, "commit", "-q", "--allow-empty", "-m", "first")
    git(machine.repo, "worktree", "add", "-q", str(machine.repo.root.parent / "other"))
    text = b'[sandbox_workspace_write]\nwritable_roots = ["/x"]\n'
    path = machine.put(f"~/{CONFIG}", text)
    out = machine.ok("install codex")
    assert f'writable_roots = ["/x", "{machine.repo.folder}"]' in out
    assert path.read_bytes() == text


def test_all_knows_of_other_repositories(machine: Machine, tmp_path: Path) -> None:
    other = tmp_path / "second"
    other.mkdir()
    machine.ok("install claude --project --root", str(other))
    machine.ok("install claude --instructions --root", str(other))
    machine.ok("uninstall --all")
    assert list(other.iterdir()) == []
    assert not (machine.home / ".local").exists()


def test_the_hook_as_people_once_wrote_it_by_hand_is_replaced(machine: Machine) -> None:
    own = {"matcher": "Write", "hooks": [{"type": "command", "command": "coord hook", "timeout": 5}]}
    machine.put(LOCAL, json.dumps({"hooks": {"PreToolUse": [own]}}).encode())
    machine.ok("install claude")
    assert len(machine.settings(LOCAL)["hooks"]["PreToolUse"]) == 1
    assert '"coord hook"' not in (machine.repo.root / LOCAL).read_text()


def test_a_home_that_a_variable_moves(machine: Machine, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    machine.ok("install codex", CODEX_HOME=str(moved))
    machine.ok("install claude --user", CLAUDE_CONFIG_DIR=str(moved))
    machine.ok("install mcp --user", CLAUDE_CONFIG_DIR=str(moved))
    machine.ok("install gemini", GEMINI_CLI_HOME=str(moved))
    names = {str(path.relative_to(moved)) for path in moved.rglob("*") if path.is_file()}
    assert names == {
        "hooks.json", "rules/coord.rules", "settings.json", ".claude.json",
        ".gemini/settings.json", ".gemini/policies/coord.toml",
    }  # fmt: skip


def test_outside_git_and_before_init(machine: Machine, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    assert "coord init" in machine.ok("install claude --root", str(plain))
    assert (plain / LOCAL).is_file()


# --- MCP ---


def test_the_server_in_each_client(machine: Machine) -> None:
    server = {"command": "coord", "args": ["mcp"]}
    for way in ("mcp", "mcp --user", "mcp --project", "mcp --client codex", "mcp --client gemini"):
        machine.ok(f"install {way}")
    user = machine.settings("~/.claude.json")
    assert user == {
        "projects": {str(machine.repo.root): {"mcpServers": {"coord": server}}},
        "mcpServers": {"coord": server},
    }
    assert machine.settings(".mcp.json") == {"mcpServers": {"coord": server}}
    assert machine.settings("~/.gemini/settings.json") == {"mcpServers": {"coord": server}}
    assert tomllib.loads((machine.home / CONFIG).read_text()) == {"mcp_servers": {"coord": server}}


@pytest.mark.parametrize(
    ("way", "name", "data"),
    [
        ("mcp --project", ".mcp.json", b'{"mcpServers": {"coord": {"command": "other"}}}'),
        ("mcp --client codex", f"~/{CONFIG}", b'[mcp_servers.coord]\ncommand = "other"\n'),
    ],
)
def test_another_server_of_that_name_is_refused(machine: Machine, way: str, name: str, data: bytes) -> None:
    path = machine.put(name, data)
    result = machine.run(f"install {way}")
    assert result.code == 1
    assert "another MCP server that is called coord" in result.err
    machine.ok("uninstall mcp --project")
    assert path.read_bytes() == data


def test_a_file_to_which_no_table_can_be_added_is_refused(machine: Machine) -> None:
    data = b'mcp_servers = {other = {command = "x"}}\n'
    path = machine.put(f"~/{CONFIG}", data)
    result = machine.run("install mcp --client codex")
    assert result.code == 1
    assert "the table [mcp_servers.coord] cannot be added" in result.err
    assert path.read_bytes() == data


def test_any_text_is_written_into_a_table_so_that_it_is_read_again() -> None:
    value = "".join(map(chr, range(0x20, 0x100))) + '\n\t"\u2028'
    assert tomllib.loads(with_table("", "ours", {"key": [value]})) == {"ours": {"key": [value]}}


def test_secrets_in_the_home_are_not_shown(machine: Machine) -> None:
    path = machine.put("~/.claude.json", b'{\n  "account": "A",\n  "primaryApiKey": "sk-secret"\n}\n')
    out = machine.ok("install mcp --user")
    assert "sk-secret" not in out
    assert '-  "primaryApiKey": …\n+  "primaryApiKey": …,' in out
    path.write_bytes(b'{"primaryApiKey": "sk-' + b"s" * 200 + b'"}')
    assert "s" * 120 not in machine.ok("install mcp --user")


# --- instructions ---


def test_the_block_goes_where_the_client_reads_it(machine: Machine) -> None:
    machine.put("AGENTS.md", b"Be kind.\n")
    machine.ok("install claude --instructions")
    assert not (machine.repo.root / "CLAUDE.md").exists(), "it would hide AGENTS.md"
    text = (machine.repo.root / "AGENTS.md").read_text()
    assert text.startswith("Be kind.\n\n<!-- coord:begin -->\n")
    assert len(text.split("<!-- coord:begin -->")[1].split("\n")) < 27
    machine.ok("install codex --instructions")
    assert (machine.repo.root / "AGENTS.md").read_text() == text
    machine.ok("uninstall claude")
    assert (machine.repo.root / "AGENTS.md").read_text() == text, "Codex reads it too"
    machine.ok("uninstall codex")
    assert (machine.repo.root / "AGENTS.md").read_text() == "Be kind.\n"


def test_a_claude_md_that_takes_in_agents_md(machine: Machine) -> None:
    machine.put("AGENTS.md", b"Be kind.\n")
    machine.put("CLAUDE.md", b"@AGENTS.md\n")
    machine.ok("install claude --instructions")
    assert (machine.repo.root / "CLAUDE.md").read_text() == "@AGENTS.md\n"
    assert "coord:begin" in (machine.repo.root / "AGENTS.md").read_text()


def test_a_repository_cannot_lead_the_block_into_the_home(machine: Machine) -> None:
    target = machine.put("~/.bashrc", b"# mine\n")
    (machine.repo.root / "CLAUDE.md").symlink_to(target)
    tree = machine.tree()
    result = machine.run("install claude --instructions")
    assert result.code == 1
    assert "leads out of" in result.err
    assert machine.tree() == tree


def test_a_link_between_the_files_of_instructions(machine: Machine) -> None:
    machine.put("AGENTS.md", b"Be kind.\n")
    (machine.repo.root / "CLAUDE.md").symlink_to("AGENTS.md")
    tree = machine.tree()
    machine.ok("install claude --instructions")
    machine.ok("install codex --instructions")
    assert (machine.repo.root / "AGENTS.md").read_text().count("coord:begin") == 1
    machine.ok("uninstall claude")
    machine.ok("uninstall codex")
    assert machine.tree() == tree


def test_an_older_block_is_replaced(machine: Machine) -> None:
    machine.put("CLAUDE.md", b"# Us\n\n<!-- coord:begin -->\nold\n<!-- coord:end -->\nmore\n")
    machine.ok("install claude --instructions")
    text = (machine.repo.root / "CLAUDE.md").read_text()
    assert "\nold\n" not in text
    assert text.startswith("# Us\nmore\n\n<!-- coord:begin -->")


# --- a plugin ---


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


# --- usage ---


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("install emacs", "'emacs' is not a target. Choose one of claude, codex, gemini"),
        ("install claude --user --local", "exclude each other"),
        ("install codex --local", "Codex has no --local settings; it has --project and --user"),
        ("install codex --wake", "codex queue"),
        ("install gemini --wake", "Nothing is known that wakes it"),
        ("install codex --plugin x", "--plugin is not for Codex"),
        ("install mcp --wake", "--wake is only for a client (claude, codex, gemini), not for mcp"),
        ("install git --instructions", "--instructions is only for a client"),
        ("install claude --client codex", "--client is for mcp"),
        ("install mcp --client emacs", "--client is one of claude, codex, gemini"),
        ("uninstall", "name what to uninstall"),
        ("uninstall claude --all", "name what to uninstall"),
        ("uninstall claude --log", "only with --all"),
    ],
)
def test_what_cannot_be_meant(machine: Machine, line: str, why: str) -> None:
    tree = machine.tree()
    result = machine.run(line)
    assert result.code == 2
    assert why in result.err
    assert machine.tree() == tree


def test_without_a_home_the_user_has_no_settings(machine: Machine) -> None:
    result = machine.run("install codex", HOME="")
    assert result.code == 2
    assert "HOME is not set" in result.err
    machine.ok("install claude", HOME="")


def test_as_json(machine: Machine) -> None:
    data = machine.run("install claude --json").json
    assert data["changes"][1]["says"] == [f"Git ignores /{LOCAL}, which is yours alone."]
    assert not data["dry_run"]
    assert [Path(row["file"]).name for row in data["changes"]] == ["settings.local.json", "exclude"]
    assert data["changes"][0]["diff"].startswith("--- /dev/null\n+++ ")
    assert "Restart" in data["todo"][0]
    assert machine.run("uninstall --all --dry-run --json").json["dry_run"] is True


def test_each_target_has_a_title_and_scopes() -> None:
    assert {"claude", "codex", "gemini", "mcp"} <= set(TARGETS)
    assert all(target.title for target in TARGETS.values())


# --- what a person sees ---


def test_at_the_end_stands_in_words_what_was_installed(machine: Machine) -> None:
    out = machine.ok("install claude")
    words = out.partition("✅")[2]
    assert "Installed for Claude Code: 2 files.\n   .claude/settings.local.json (new):\n" in words
    assert "Claude Code runs `coord hook claude`: when a session starts, when you send a prompt, before each" in words
    assert ".git/info/exclude (changed):\n      Git ignores /.claude/settings.local.json" in words
    assert len(out.splitlines()) < 80
    assert "Installed for Codex (the MCP server): 1 file." in machine.ok("install mcp --client codex")
    assert "Installed for Claude Code (the MCP server): 1 file." in machine.ok("install mcp")


@pytest.mark.parametrize("way", ["claude", "claude --user", "codex", "codex --project", "gemini"])
@pytest.mark.parametrize("before", BEFORE)
def test_what_grants_permission_is_never_cut(machine: Machine, way: str, before: str) -> None:
    put_all(machine, BEFORE[before])
    diff, _, words = machine.ok(f"install {way} --dry-run").partition("Nothing was written")
    said = (
        " ".join(words.split()).partition("may run these commands of coord without asking you: ")[2].partition(".")[0]
    )
    assert tuple(said.split(", ")) == ALLOWED_COMMANDS
    shown = "".join(line for line in diff.splitlines() if line.startswith("+"))
    assert all(re.search(rf'"(Bash\()?(coord )?{command}(:\*\))?"', shown) for command in ALLOWED_COMMANDS)


def test_a_file_of_one_line_is_shown_by_all_that_is_added(machine: Machine) -> None:
    own = {"hooks": {}, "env": {"TOKEN": "sk-secret"}, "permissions": {"allow": ["Bash(ls)"]}, "x": "y" * 500}
    machine.put("~/.claude/settings.json", json.dumps(own).encode())
    machine.put(LOCAL, json.dumps(own).encode())
    home = machine.ok("install claude --user").partition("✅")[0]
    assert "sk-secret" not in home
    assert "y" * 9 not in home
    for diff in (home, machine.ok("install claude").partition("✅")[0]):
        (added,) = (line for line in diff.splitlines() if line.startswith("+") and "hook claude" in line)
        assert added.count('"command": "coord hook claude"') == len(CLAUDE.hook_events)
        assert ", ".join(f'"Bash(coord {command}:*)"' for command in ALLOWED_COMMANDS) in added


def test_what_stands_around_a_change_keeps_its_place_and_is_cut(machine: Machine) -> None:
    path = machine.repo.root / ".git/info/exclude"
    path.write_text(f"-minus\n    # {'x' * 300}end\n")
    out = machine.ok("install claude")
    assert "\n -minus\n     # xxx" in out, "it is no removed line"
    assert " … " in out
    assert "xend\n+" in out


def test_a_file_that_is_ours_alone_is_short_also_the_second_time(machine: Machine) -> None:
    machine.ok("install claude --wake")
    text = (machine.repo.root / LOCAL).read_text()
    assert len(text.splitlines()) < 70
    machine.ok("install claude")
    machine.ok("install claude --wake")
    assert (machine.repo.root / LOCAL).read_text() == text


# --- the log ---


def test_all_keeps_the_log_unless_told(machine: Machine) -> None:
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


def test_live_sessions_are_named_and_a_dry_run_tells_of_them(machine: Machine) -> None:
    pids = range(100, 700, 100)
    machine.inside.table.rows |= {pid: process(pid, 1, pid, "-bash") for pid in pids}
    sessions = [machine.inside.start(pid, "--name", f"s{pid}") for pid in pids]
    machine.ok("install claude")
    result = machine.run("uninstall --all --log")
    assert (result.code, result.out, result.err.count("\n")) == (1, "", 1)
    assert "nothing was removed: 6 sessions are live here: " in result.err
    assert all(f"{session} (s{pid})" in result.err for session, pid in list(zip(sessions, pids, strict=True))[:5])
    assert "and 1 more (coord status). End them first, each with `coord end` in its shell, or from here: " in result.err
    dry = machine.ok("uninstall --all --log --dry-run")
    assert f"Now it would be refused: 6 sessions are live here: {sessions[0]} (s100)" in dry
    assert f"{LOCAL} (removed)" in dry
    assert (machine.repo.root / LOCAL).is_file()


def test_all_is_told_by_repository_and_what_stays_too(machine: Machine, tmp_path: Path) -> None:
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
        "      AGENTS.md (the rest stays): the text for agents",
        "      .codex/hooks.json (removed): the hooks of Codex",
        "      .codex/rules/coord.rules (removed): the rules of Codex on what runs without asking",
        f"   {other}:",
        f"      {LOCAL} (removed): the hooks of Claude Code, and the rules on what runs without asking",
        "   Yours, in all repositories:",
        "      ~/.gemini/settings.json (removed): the MCP server of Gemini CLI",
        f"   Kept: {machine.repo.folder}, with its log. To delete it, run there: coord uninstall --all --log",
        f"   Kept: {other}/COORDINATION, with its log. To delete it, run there: coord uninstall --all --log",
    ]


def test_with_the_log_goes_the_line_that_hid_it(bare_repo: Repo) -> None:
    machine = Machine(bare_repo)
    tree = machine.tree()
    machine.ok("init --private")
    machine.ok("uninstall --all --log")
    assert machine.tree() == tree
