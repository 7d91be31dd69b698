"""What a person sees of an installation: the diffs, the summary and the JSON output."""

import json
import re
from pathlib import Path

import pytest

from coord.admin.install.formats.permission_rules import ALLOWED_COMMANDS
from coord.clients.registry import CLIENTS
from tests.support.installations import BEFORE, LOCAL, Machine, put_all

pytestmark = pytest.mark.slow

CLAUDE, *_ = CLIENTS


def test_secrets_in_the_home_folder_are_not_shown(machine: Machine) -> None:
    path = machine.put("~/.claude.json", b'{\n  "account": "A",\n  "primaryApiKey": "sk-secret"\n}\n')
    out = machine.ok("install mcp --user")
    assert "sk-secret" not in out
    assert '-  "primaryApiKey": …\n+  "primaryApiKey": …,' in out
    path.write_bytes(b'{"primaryApiKey": "sk-' + b"s" * 200 + b'"}')
    assert "s" * 120 not in machine.ok("install mcp --user")


def test_the_json_output(machine: Machine) -> None:
    data = machine.run("install claude --json").json
    assert data["changes"][1]["says"] == [f"Git ignores /{LOCAL}, because these settings are only yours."]
    assert not data["dry_run"]
    assert [Path(row["file"]).name for row in data["changes"]] == ["settings.local.json", "exclude"]
    assert data["changes"][0]["diff"].startswith("--- /dev/null\n+++ ")
    assert "Restart" in data["todo"][0]
    assert machine.run("uninstall --all --dry-run --json").json["dry_run"] is True


def test_the_summary_describes_what_was_installed(machine: Machine) -> None:
    out = machine.ok("install claude")
    words = out.partition("✅")[2]
    assert "Installed for Claude Code: 2 files.\n   .claude/settings.local.json (new):\n" in words
    assert "Claude Code runs `coord hook claude`: when a session starts, when you\n      send a prompt, before" in words
    assert ".git/info/exclude (changed):\n      Git ignores /.claude/settings.local.json" in words
    assert len(out.splitlines()) < 95
    assert "Installed for Codex (the MCP server): 1 file." in machine.ok("install mcp --client codex")
    assert "Installed for Claude Code (the MCP server): 1 file." in machine.ok("install mcp")


def test_the_summary_fits_a_window_of_80_columns(machine: Machine) -> None:
    rows = machine.ok("install claude").partition("✅")[2].partition("   →")[0].splitlines()
    assert len(rows) > 5
    assert max(map(len, rows)) <= 80


@pytest.mark.parametrize("way", ["claude", "claude --user", "codex", "codex --project", "gemini"])
@pytest.mark.parametrize("before", BEFORE)
def test_permission_rules_are_never_shortened(machine: Machine, way: str, before: str) -> None:
    put_all(machine, BEFORE[before])
    diff, _, words = machine.ok(f"install {way} --dry-run").partition("Nothing was written")
    said = " ".join(words.split()).partition("may run these coord commands without asking you: ")[2].partition(".")[0]
    assert tuple(said.split(", ")) == ALLOWED_COMMANDS
    shown = "".join(line for line in diff.splitlines() if line.startswith("+"))
    assert all(re.search(rf'"(Bash\()?(coord )?{command}(:\*\))?"', shown) for command in ALLOWED_COMMANDS)


def test_a_long_module_is_not_printed_line_by_line(machine: Machine) -> None:
    dry = machine.run("install opencode --dry-run --json").json["changes"]
    (diff,) = (row["diff"] for row in dry if row["file"].endswith(".js"))
    count = len(diff.splitlines()) - 3
    assert f"\n+ … {count} lines\n" in machine.ok("install opencode")
    for option in ("--dry-run", ""):
        out = machine.ok(f"uninstall opencode {option}")
        assert f"\n- … {count} lines\n" in out
        assert len(out.splitlines()) < 20


def test_a_long_file_that_changes_is_shown(machine: Machine) -> None:
    path = machine.put(
        LOCAL, b'{\n  "env": {\n' + b",\n".join(b'    "N%d": "x"' % n for n in range(60)) + b"\n  }\n}\n"
    )
    out = machine.ok("install claude")
    assert out.count("hook claude") >= len(CLAUDE.hook_events)
    assert out.partition("✅")[0].count("Bash(coord ") == len(ALLOWED_COMMANDS)
    removed = machine.ok("uninstall claude")
    assert removed.partition("✅")[0].count("Bash(coord ") == len(ALLOWED_COMMANDS)
    assert path.exists()


def test_of_a_file_on_one_line_all_additions_are_shown(machine: Machine) -> None:
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


def test_long_lines_around_a_change_are_shortened(machine: Machine) -> None:
    path = machine.repo.root / ".git/info/exclude"
    path.write_text(f"-minus\n    # {'x' * 300}end\n")
    out = machine.ok("install claude")
    assert "\n -minus\n     # xxx" in out, "the line is shown as unchanged, not as removed"
    assert " … " in out
    assert "xend\n+" in out


def test_a_file_with_only_our_entries_keeps_its_layout(machine: Machine) -> None:
    machine.ok("install claude --wake")
    text = (machine.repo.root / LOCAL).read_text()
    assert len(text.splitlines()) < 70
    machine.ok("install claude")
    machine.ok("install claude --wake")
    assert (machine.repo.root / LOCAL).read_text() == text
