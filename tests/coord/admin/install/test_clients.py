"""What `coord install` writes into the settings, permission rules and instructions of each client."""

import json
import subprocess
import tomllib
from pathlib import Path

import pytest

from coord.admin.install.formats.hook_entries import commands_in
from coord.admin.install.formats.javascript_plugin import commands_in_module
from coord.admin.install.formats.json_edit import parse
from coord.admin.install.formats.permission_rules import ALLOWED_COMMANDS, ASK_FIRST_COMMANDS
from coord.cli.commands.integrations._targets import TARGETS
from coord.cli.registry import COMMANDS_BY_NAME
from coord.clients.client import WORDS, Client
from coord.clients.registry import CLIENTS
from tests.support.installations import LOCAL, Machine
from tests.support.processes import COORD

pytestmark = pytest.mark.slow

CLAUDE, *_ = CLIENTS


def test_the_hooks_of_claude(machine: Machine) -> None:
    machine.ok("install claude --wake")
    hooks = machine.settings(LOCAL)["hooks"]
    assert list(hooks) == list(CLAUDE.hook_events)
    assert hooks["PreToolUse"] == [
        {
            "matcher": "Write|Edit|MultiEdit|NotebookEdit|Bash|Monitor|PowerShell|AskUserQuestion|ExitPlanMode",
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
def test_the_teams_hooks_do_nothing_without_coord(machine: Machine, client: Client) -> None:
    machine.ok(f"install {client.word} --project")
    text = (machine.repo.root / client.settings["project"]).read_text()
    commands = commands_in_module(text) if client.module else commands_in(client, parse(text, client.comments))
    command = f"command -v coord >/dev/null 2>&1 || exit 0; coord hook {client.word}"
    events = list(client.hook_events) if client.named_events else [""]
    assert set(commands) == {f"{command} {event}".rstrip() for event in events}
    for each in set(commands):
        done = subprocess.run(["/bin/sh", "-c", each], env={"PATH": "/nowhere"}, capture_output=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_the_summary_says_what_is_only_documented_and_what_runs(machine: Machine) -> None:
    outputs = {client.word: " ".join(machine.ok(f"install {client.word}").split()) for client in CLIENTS}
    for client in CLIENTS:
        assert ("only from its documentation" in outputs[client.word]) == (not client.observed)
    assert "before each write, shell command or question to you, after" in outputs["claude"]
    assert "before each write or shell command, after" in outputs["cursor"]
    assert "before each write, after" in outputs["antigravity"]


def test_a_coord_that_is_not_on_path_is_called_by_its_path(machine: Machine) -> None:
    out = machine.ok("install claude", PATH="/usr/bin:/bin")
    assert f"{COORD} hook claude" in out
    assert "`coord` does not start this program" in out
    team = machine.ok("install claude --project --dry-run", PATH="/usr/bin:/bin")
    assert COORD not in team, "a path of this machine must not be in the team's settings"
    machine.ok("install claude")
    assert COORD not in (machine.repo.root / LOCAL).read_text(), "the path is replaced"
    machine.ok("uninstall claude")
    assert not (machine.repo.root / LOCAL).exists()


def test_every_command_is_either_safe_or_asks_first() -> None:
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
        assert ("Its agents ask you before they run a coord command" in out) == bool(client.allow)
    assert "permissions" not in machine.settings(LOCAL)
    assert not (machine.home / ".codex/rules").exists()
    assert f"{LOCAL} (removed): the hooks of Claude Code\n" in machine.ok("uninstall claude")


def test_a_file_of_rules_that_is_not_ours_is_left_alone(machine: Machine) -> None:
    machine.put("~/.codex/rules/coord.rules", b"mine")
    tree = machine.tree()
    result = machine.run("install codex")
    assert result.code == 1
    assert "was not made by coord" in result.err
    assert machine.tree() == tree
    machine.ok("uninstall codex")
    assert machine.tree() == tree


def test_a_hook_that_was_written_by_hand_is_replaced(machine: Machine) -> None:
    own = {"matcher": "Write", "hooks": [{"type": "command", "command": "coord hook", "timeout": 5}]}
    machine.put(LOCAL, json.dumps({"hooks": {"PreToolUse": [own]}}).encode())
    machine.ok("install claude")
    assert len(machine.settings(LOCAL)["hooks"]["PreToolUse"]) == 1
    assert '"coord hook"' not in (machine.repo.root / LOCAL).read_text()


def test_a_variable_can_move_the_clients_folder(machine: Machine, tmp_path: Path) -> None:
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


def test_install_works_outside_git_and_before_init(machine: Machine, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    assert "coord init" in machine.ok("install claude --root", str(plain))
    assert (plain / LOCAL).is_file()


def test_the_instructions_go_where_the_client_reads_them(machine: Machine) -> None:
    machine.put("AGENTS.md", b"Be kind.\n")
    machine.ok("install claude --instructions")
    assert not (machine.repo.root / "CLAUDE.md").exists(), "a new CLAUDE.md would hide AGENTS.md"
    text = (machine.repo.root / "AGENTS.md").read_text()
    assert text.startswith("Be kind.\n\n<!-- coord:begin -->\n")
    assert len(text.split("<!-- coord:begin -->")[1].split("\n")) < 27
    machine.ok("install codex --instructions")
    assert (machine.repo.root / "AGENTS.md").read_text() == text
    machine.ok("uninstall claude")
    assert (machine.repo.root / "AGENTS.md").read_text() == text, "Codex reads it too"
    machine.ok("uninstall codex")
    assert (machine.repo.root / "AGENTS.md").read_text() == "Be kind.\n"


def test_a_claude_md_that_includes_agents_md(machine: Machine) -> None:
    machine.put("AGENTS.md", b"Be kind.\n")
    machine.put("CLAUDE.md", b"@AGENTS.md\n")
    machine.ok("install claude --instructions")
    assert (machine.repo.root / "CLAUDE.md").read_text() == "@AGENTS.md\n"
    assert "coord:begin" in (machine.repo.root / "AGENTS.md").read_text()


def test_a_link_out_of_the_repository_is_refused(machine: Machine) -> None:
    target = machine.put("~/.bashrc", b"# mine\n")
    (machine.repo.root / "CLAUDE.md").symlink_to(target)
    tree = machine.tree()
    result = machine.run("install claude --instructions")
    assert result.code == 1
    assert "a link to a file outside" in result.err
    assert machine.tree() == tree


def test_instruction_files_can_be_links_to_each_other(machine: Machine) -> None:
    machine.put("AGENTS.md", b"Be kind.\n")
    (machine.repo.root / "CLAUDE.md").symlink_to("AGENTS.md")
    tree = machine.tree()
    machine.ok("install claude --instructions")
    machine.ok("install codex --instructions")
    assert (machine.repo.root / "AGENTS.md").read_text().count("coord:begin") == 1
    machine.ok("uninstall claude")
    machine.ok("uninstall codex")
    assert machine.tree() == tree


def test_older_instructions_are_replaced(machine: Machine) -> None:
    machine.put("CLAUDE.md", b"# Us\n\n<!-- coord:begin -->\nold\n<!-- coord:end -->\nmore\n")
    machine.ok("install claude --instructions")
    text = (machine.repo.root / "CLAUDE.md").read_text()
    assert "\nold\n" not in text
    assert text.startswith("# Us\nmore\n\n<!-- coord:begin -->")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("install emacs", "'emacs' is not a target. Choose one of claude, codex, gemini"),
        ("install claude --user --local", "cannot be used together"),
        ("install codex --local", "Codex has no --local settings; it has --project and --user"),
        ("install codex --wake", "codex queue"),
        ("install gemini --wake", "There is no known way to wake it"),
        ("install codex --plugin x", "--plugin does not work with Codex"),
        ("install mcp --wake", f"--wake is only for a client ({', '.join(WORDS)}), not for mcp"),
        ("install git --instructions", "--instructions is only for a client"),
        ("install claude --client codex", "--client is for mcp"),
        ("install mcp --client emacs", "--client must be one of claude, codex, gemini"),
        ("uninstall", "name what to uninstall"),
        ("uninstall claude --all", "name what to uninstall"),
        ("uninstall claude --log", "only with --all"),
    ],
)
def test_options_that_do_not_fit_are_refused(machine: Machine, line: str, why: str) -> None:
    tree = machine.tree()
    result = machine.run(line)
    assert result.code == 2
    assert why in result.err
    assert machine.tree() == tree


def test_without_a_home_user_settings_are_refused(machine: Machine) -> None:
    result = machine.run("install codex", HOME="")
    assert result.code == 2
    assert "HOME is not set" in result.err
    machine.ok("install claude", HOME="")


def test_each_target_has_a_title_and_scopes() -> None:
    assert {"claude", "codex", "gemini", "mcp"} <= set(TARGETS)
    assert all(target.title for target in TARGETS.values())
