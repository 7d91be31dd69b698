"""`coord doctor` checks the agents' clients: their hooks, sandbox and login shell."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from coord.clients.client import Client
from coord.clients.registry import CLIENTS
from coord.guard.hook_state import FAILURES, folder_of, record_failure, write_trace
from coord.render.format import time_text
from eventlog.events import to_micros
from tests.support.agents import Agents
from tests.support.in_process import NOON
from tests.support.installations import LOCAL, Machine
from tests.support.processes import alive, environment, until
from tests.support.repositories import Repo, git

NAMES = ("hooks", "hooks that ran", "hooks of another client", "hooks that failed", "sandbox", "worktrees' hooks")


@pytest.fixture
def machine(repo: Repo) -> Machine:
    return Machine(repo)


def findings(machine: Machine, **env: str) -> dict[str, dict[str, Any]]:
    """Return the findings about clients, by the name of the check."""
    result = machine.run("doctor --json", **env)
    return {row["check"]: row for row in result.json["findings"] if row["check"] in NAMES}


def fired(machine: Machine, client: Client) -> None:
    write_trace(str(Path(folder_of(str(machine.repo.folder / ".cache"))) / f"fired-{client.word}"))


def test_without_installed_hooks_there_are_no_findings(machine: Machine) -> None:
    assert findings(machine) == {}
    assert set(NAMES) <= set(machine.run("doctor --json").json["checks"])


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.word)
def test_hooks_that_never_ran_are_found(machine: Machine, client: Client) -> None:
    machine.ok(f"install {client.word}")
    row = findings(machine)["hooks that ran"]
    assert row["severity"] == "note", "the hooks may just have been installed"
    assert row["what"] == f"the hooks of {client.title} have never run here"
    assert row["do"][0]["why"] == client.todo
    assert row["do"][1]["command"] == f"coord doctor --prove {client.word}"
    assert not [step for step in row["do"] if "install" in step["command"]], "the hooks are already installed"
    fired(machine, client)
    assert findings(machine) == {}


def test_clients_without_a_session_are_in_one_note(machine: Machine) -> None:
    for word in ("claude", "codex", "gemini"):
        machine.ok(f"install {word}")
    (row,) = [row for row in machine.run("doctor --json").json["findings"] if row["check"] == "hooks that ran"]
    assert (row["severity"], row["what"]) == ("note", "the hooks of 3 clients have never run here")
    assert row["evidence"].endswith(": Claude Code, Codex, Gemini CLI")
    assert [step["command"] for step in row["do"]] == ["", "", "", "coord doctor --prove"]


def test_any_hook_that_ran_is_enough(machine: Machine) -> None:
    """A client that was already running when the hooks were installed sends no start event."""
    machine.ok("install claude")
    Agents(machine.repo).asks_to_write(100, "a.txt")
    assert findings(machine) == {}


def test_a_client_that_runs_the_hooks_of_another_is_named(machine: Machine) -> None:
    machine.ok("install claude")
    said = {"session_id": "c1", "cwd": str(machine.repo.root), "hook_event_name": "SessionStart", "timestamp": "now"}
    env = environment(machine.home, COPILOT_PROJECT_DIR=str(machine.repo.root))
    subprocess.run(
        ["coord", "hook", "claude"], cwd=machine.repo.root, env=env, input=json.dumps(said).encode(), check=True
    )
    found = findings(machine)
    row = found["hooks of another client"]
    assert (row["severity"], row["do"][0]["command"]) == ("warning", "coord install copilot")
    assert row["what"] == "GitHub Copilot CLI runs the hooks of Claude Code here"
    assert "hooks that ran" in found, "Claude Code itself has run none"
    (started,) = machine.repo.of_type("session.started")
    assert started["event"]["client"] == "copilot"
    machine.ok("install copilot")
    assert findings(machine)["hooks of another client"]["severity"] == "note"


def test_hooks_that_did_not_run_in_a_session_are_a_warning(machine: Machine) -> None:
    machine.ok("install codex")
    machine.inside.start(100, "--client", "codex")
    row = findings(machine)["hooks that ran"]
    assert row["severity"] == "warning"
    assert "/hooks" in row["do"][0]["why"]
    assert (
        row["evidence"]
        == "it had sessions here that did not run them, so its agents are not guarded and get no messages"
    )


def test_hooks_that_call_a_missing_program_are_found(machine: Machine) -> None:
    machine.ok("install claude")
    machine.ok("install claude --project")
    fired(machine, CLIENTS[0])
    assert findings(machine) == {}
    row = findings(machine, PATH="/nowhere")["hooks"]
    assert (row["severity"], row["evidence"].rpartition(": ")[2]) == ("warning", "coord")
    assert LOCAL in row["evidence"], "a team's hooks do nothing without coord, so they are not reported"
    text = (machine.repo.root / LOCAL).read_text()
    (machine.repo.root / LOCAL).write_text(text.replace("coord hook", "'/gone/my tools/coord' hook"))
    row = findings(machine)["hooks"]
    assert row["evidence"].endswith(": /gone/my tools/coord")
    assert row["do"][0]["command"] == "coord install claude --local"
    machine.ok("install claude --local")
    assert findings(machine) == {}


def test_the_newest_failures_of_hooks_are_shown(machine: Machine) -> None:
    cache = str(machine.repo.folder / ".cache")
    for number in range(5):
        record_failure(cache, f"12:00 claude after: number {number}\x1b[2J")
    row = findings(machine)["hooks that failed"]
    assert row["what"] == "hooks failed 5 times, and agents continued without being guarded"
    assert row["evidence"].count("number") == 3
    assert row["evidence"].startswith("2 other kinds before · ")
    assert "number 4\\x1b[2J" in row["evidence"]
    (Path(folder_of(cache)) / FAILURES).unlink()
    assert findings(machine) == {}


def test_a_failure_is_shown_with_its_time_and_client(machine: Machine) -> None:
    env = environment(machine.home, TZ="UTC")
    for _ in range(2):
        subprocess.run(["coord", "hook", "claude"], cwd=machine.repo.root, env=env, input=b"no json", check=True)
    cache = str(machine.repo.folder / ".cache")
    for text in (
        "codex PreToolUse CoordError: it is locked",
        "git pre-push OSError: it is full",
        "old Stop KeyError: 3",
    ):
        record_failure(cache, f"{to_micros(NOON)} {text}")
    evidence = findings(machine)["hooks that failed"]["evidence"]
    at = time_text(NOON, NOON)
    assert evidence == (
        f"1 other kind before · Codex at PreToolUse: it is locked ({at}) · "
        f"git at pre-push: OSError: it is full ({at}) · old at Stop: KeyError: 3 ({at})"
    )
    (Path(folder_of(cache)) / FAILURES).write_text(f"{to_micros(NOON)} codex Stop OSError: it is full\n")
    subprocess.run(["coord", "hook", "claude"], cwd=machine.repo.root, env=env, input=b"no json", check=True)
    subprocess.run(["coord", "hook", "claude"], cwd=machine.repo.root, env=env, input=b"\xff", check=True)
    first, _, second = findings(machine)["hooks that failed"]["evidence"].partition(" · ")
    assert first == f"Codex at Stop: OSError: it is full ({at})"
    assert second.startswith("Claude Code sent invalid JSON (2 times, last "), (
        "equal failures are counted, not repeated"
    )


# --- the shell that Codex takes ---------------------------------------------------------------------------------------


def login(machine: Machine, **env: str) -> dict[str, Any] | None:
    """Return the finding about the login shell."""
    rows = [row for row in machine.run("doctor --json", **env).json["findings"] if row["check"] == "login shell"]
    return rows[0] if rows else None


def program(machine: Machine, name: str, text: str) -> str:
    path = machine.put(f"~/programs/{name}", f"#!/bin/sh\n{text}\n".encode())
    path.chmod(0o755)
    return str(path)


def test_a_login_shell_that_does_not_find_coord_is_found(machine: Machine) -> None:
    profile = machine.put("~/.bash_profile", b"PATH=/nowhere\n")
    assert login(machine) is None, "no client that uses a login shell is installed"
    machine.ok("install claude")
    assert login(machine) is None
    machine.ok("install codex")
    row = login(machine)
    assert row is not None
    assert (row["severity"], row["what"]) == ("warning", "Codex may not find coord, so `coord` fails for its agents")
    assert "bash -lc 'command -v coord' finds nothing; here it is " in row["evidence"]
    assert login(machine, PATH="/usr/bin:/bin") is None, (
        "another check reports that this shell does not find coord either"
    )
    env = environment(machine.home)
    for step in row["do"]:
        subprocess.run(["bash", "-c", step["command"]], env=env, check=True)
    assert ".bash_profile" in row["do"][-2]["command"], "the startup file that bash reads"
    assert profile.read_text().startswith("PATH=/nowhere\n")
    assert login(machine) is None


def test_the_login_shell_gets_only_the_login_environment(machine: Machine) -> None:
    machine.ok("install codex")
    zsh = program(machine, "zsh", 'env > ~/seen; echo "$@" >> ~/seen; exit 1')
    row = login(machine, SHELL=zsh, TERM="dumb", PYTHONPATH="/x", VIRTUAL_ENV="/y")
    seen = (machine.home / "seen").read_text().splitlines()
    assert {line.partition("=")[0] for line in seen[:-1]} <= {"HOME", "SHELL", "TERM", "PWD", "SHLVL", "_", "OLDPWD"}
    assert {f"HOME={machine.home}", f"SHELL={zsh}", "TERM=dumb"} <= set(seen)
    assert seen[-1] == "-lc command -v coord"
    assert row is not None
    assert row["do"][-2]["command"].endswith(" >> ~/.zprofile")
    assert login(machine, SHELL=program(machine, "zsh", "exit 0")) is None
    machine.put("~/.profile", b"PATH=/nowhere\n")
    row = login(machine, SHELL=program(machine, "fish", "exit 0"))
    assert row is not None, "bash is used instead of a shell that is neither bash nor zsh"
    assert row["do"][-2]["command"].endswith(" >> ~/.profile")


def test_a_login_shell_that_takes_too_long_is_killed(machine: Machine) -> None:
    machine.ok("install codex")
    shell = program(machine, "bash", "echo $$ > ~/pid; sleep 600 & echo $! >> ~/pid; wait")
    assert login(machine, SHELL=shell) is None, "what it would find is unknown"
    pids = [int(pid) for pid in (machine.home / "pid").read_text().split()]
    assert len(pids) == 2
    until(lambda: not any(alive(pid) for pid in pids), "their end")


def with_worktree(machine: Machine) -> Path:
    other = machine.repo.root.parent / "other"
    git(machine.repo, "commit", "-q", "--allow-empty", "-m", "first")
    git(machine.repo, "worktree", "add", "-q", str(other))
    return other


def test_a_log_that_the_sandbox_cannot_write_is_found(machine: Machine) -> None:
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


def test_a_worktree_without_the_hooks_is_found(machine: Machine) -> None:
    machine.ok("install claude")
    fired(machine, CLIENTS[0])
    other = with_worktree(machine)
    row = findings(machine)["worktrees' hooks"]
    assert (row["severity"], row["evidence"]) == ("note", str(other))
    inside = machine.inside.system(100, machine.env).at(str(other))
    from coord.admin.doctor.clients import worktrees_without_hooks
    from coord.admin.doctor.subject import Subject

    assert [finding.severity for finding in worktrees_without_hooks(Subject(inside, None))] == ["warning"]
    assert row["do"][0]["command"] == "coord install claude --user"
    machine.ok("install claude --user")
    assert findings(machine) == {}


def test_unreadable_settings_do_not_stop_the_checks(machine: Machine) -> None:
    machine.ok("install claude")
    fired(machine, CLIENTS[0])
    for data in (b"{", b"\xff", b'{"hooks": {"Stop": 1, "PreToolUse": [1, {"hooks": [2, {"command": 3}]}]}}'):
        machine.put(LOCAL, data)
        assert findings(machine) == {}


def test_the_real_command_has_the_same_findings(machine: Machine) -> None:
    env = environment(machine.home)
    subprocess.run(["coord", "install", "claude"], cwd=machine.repo.root, env=env, check=True, capture_output=True)
    done = subprocess.run(
        ["coord", "doctor", "--json"], cwd=machine.repo.root, env=env, check=False, capture_output=True
    )
    assert "hooks that ran" in {row["check"] for row in json.loads(done.stdout)["findings"]}
