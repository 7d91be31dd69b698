"""`coord doctor` looks at an installation from the agent's side."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from coord.clients import CLIENTS, Client
from coord.traces import FAILURES, fail, folder_of, leave
from tests.coord.test_install import LOCAL, Machine, git
from tests.processes import Repo, environment

NAMES = ("hooks", "hooks that ran", "hooks that failed", "sandbox", "worktrees' hooks")


@pytest.fixture
def machine(repo: Repo) -> Machine:
    return Machine(repo)


def findings(machine: Machine, **env: str) -> dict[str, dict[str, Any]]:
    """What the checks of the clients find, by the check's name."""
    result = machine.run("doctor --json", **env)
    return {row["check"]: row for row in result.json["findings"] if row["check"] in NAMES}


def fired(machine: Machine, client: Client) -> None:
    leave(str(Path(folder_of(str(machine.repo.folder / ".cache"))) / f"fired-{client.word}"))


def test_nothing_is_installed(machine: Machine) -> None:
    assert findings(machine) == {}
    assert set(NAMES) <= set(machine.run("doctor --json").json["checks"])


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.word)
def test_hooks_that_never_ran(machine: Machine, client: Client) -> None:
    machine.ok(f"install {client.word}")
    row = findings(machine)["hooks that ran"]
    assert row["severity"] == "note", "it may just have been installed"
    assert row["what"] == f"the hooks of {client.title} never ran here"
    assert row["do"][0]["why"] == client.todo
    fired(machine, client)
    assert findings(machine) == {}


def test_hooks_that_never_ran_though_the_client_was_here(machine: Machine) -> None:
    machine.ok("install codex")
    machine.inside.start(100, "--client", "codex")
    row = findings(machine)["hooks that ran"]
    assert row["severity"] == "warning"
    assert "/hooks" in row["do"][0]["why"]


def test_hooks_that_call_a_program_that_is_not_there(machine: Machine) -> None:
    machine.ok("install claude")
    machine.ok("install claude --project")
    fired(machine, CLIENTS[0])
    assert findings(machine) == {}
    row = findings(machine, PATH="/nowhere")["hooks"]
    assert (row["severity"], row["evidence"].rpartition(": ")[2]) == ("warning", "coord")
    assert LOCAL in row["evidence"], "a team's hooks are nothing where there is no coord, and that is meant"
    text = (machine.repo.root / LOCAL).read_text()
    (machine.repo.root / LOCAL).write_text(text.replace("coord hook", "'/gone/my tools/coord' hook"))
    row = findings(machine)["hooks"]
    assert row["evidence"].endswith(": /gone/my tools/coord")
    assert row["do"][0]["command"] == "coord install claude --local"
    machine.ok("install claude --local")
    assert findings(machine) == {}


def test_failures_of_hooks_are_shown_the_newest_ones(machine: Machine) -> None:
    cache = str(machine.repo.folder / ".cache")
    for number in range(5):
        fail(cache, f"12:00 claude after: number {number}\x1b[2J")
    row = findings(machine)["hooks that failed"]
    assert row["what"] == "5 hooks failed, and the agent went on without"
    assert row["evidence"].count("number") == 3
    assert "number 4\\x1b[2J" in row["evidence"]
    (Path(folder_of(cache)) / FAILURES).unlink()
    assert findings(machine) == {}


def with_worktree(machine: Machine) -> Path:
    other = machine.repo.root.parent / "other"
    git(machine.repo, "commit", "-q", "--allow-empty", "-m", "first")
    git(machine.repo, "worktree", "add", "-q", str(other))
    return other


def test_a_log_that_a_sandbox_cannot_write(machine: Machine) -> None:
    machine.ok("install codex")
    fired(machine, CLIENTS[1])
    with_worktree(machine)
    row = findings(machine)["sandbox"]
    assert row["severity"] == "warning"
    assert str(machine.repo.folder) in row["evidence"]
    machine.ok("install codex")
    assert findings(machine) == {}
    config = machine.home / ".codex" / "config.toml"
    config.write_text('sandbox_mode = "danger-full-access"\n')
    assert findings(machine) == {}
    config.write_text("[[[")
    assert "sandbox" in findings(machine)


def test_a_worktree_that_does_not_see_the_hooks(machine: Machine) -> None:
    machine.ok("install claude")
    fired(machine, CLIENTS[0])
    other = with_worktree(machine)
    row = findings(machine)["worktrees' hooks"]
    assert (row["severity"], row["evidence"]) == ("note", str(other))
    inside = machine.inside.world(100, machine.env).at(str(other))
    from coord.checks.clients import blind_worktrees
    from coord.checks.patient import Patient

    assert [symptom.severity for symptom in blind_worktrees(Patient(inside, None))] == ["warning"]
    assert row["do"][0]["command"] == "coord install claude --user"
    machine.ok("install claude --user")
    assert findings(machine) == {}


def test_settings_that_cannot_be_read_are_no_trouble(machine: Machine) -> None:
    machine.ok("install claude")
    fired(machine, CLIENTS[0])
    for data in (b"{", b"\xff", b'{"hooks": {"Stop": 1, "PreToolUse": [1, {"hooks": [2, {"command": 3}]}]}}'):
        machine.put(LOCAL, data)
        assert findings(machine) == {}


def test_the_real_command_finds_it_too(machine: Machine) -> None:
    env = environment(machine.home)
    subprocess.run(["coord", "install", "claude"], cwd=machine.repo.root, env=env, check=True, capture_output=True)
    done = subprocess.run(
        ["coord", "doctor", "--json"], cwd=machine.repo.root, env=env, check=False, capture_output=True
    )
    assert "hooks that ran" in {row["check"] for row in json.loads(done.stdout)["findings"]}
