"""Hooks never run git while they hold the lock: git may be slow or hang, and a hook that cannot get the lock in time
allows the write.
"""

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Collection
from pathlib import Path

import pytest

from coord.guard.entry import ALLOWED, DENIED
from coord.hooks import edits
from coord.platform.git.file_states import FileState, file_states
from tests.support.agents import Agents
from tests.support.processes import COORD, environment, until
from tests.support.repositories import Repo

CLAUDE, CODEX = 100, 200


@pytest.fixture
def agents(repo: Repo) -> Agents:
    made = Agents(repo)
    made.shell(CLAUDE, "echo x > a.py; git add -A; git commit -qm first", hooks=False)
    made.starts(CLAUDE)
    made.starts(CODEX)
    return made


def is_free(log: Path) -> bool:
    """Whether no process holds the lock of a log."""
    with open(log / ".lock", "a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def stops(agents: Agents) -> None:
    agents.hook(CLAUDE, "stop")


def stops_its_subagent(agents: Agents) -> None:
    agents.writes(CLAUDE, "b.py", agent_id="a1")
    agents.hook(CLAUDE, "agent_stop", agent_id="a1")


def commits(agents: Agents) -> None:
    agents.shell(CLAUDE, "git commit -qam second")


def works_on_after_another_stopped(agents: Agents) -> None:
    agents.machine.wait(25 * 60)
    agents.shell(CODEX, "true")


def wants_to_write_it(agents: Agents) -> None:
    agents.machine.wait(21 * 60)  # so that only git knows whether the edit has ended
    assert agents.asks_to_write(CODEX, "a.py").code == DENIED


def wants_to_patch_two(agents: Agents) -> None:
    root = agents.root.parent / "second"
    second = Repo(root, agents.repo.home)
    agents.shell(CLAUDE, f"git init -q {root}; cd {root}; coord init", hooks=False)
    agents.writes(CLAUDE, str(second.root / "b.py"))
    patch = f"*** Begin Patch\n*** Update File: c.py\n*** Update File: {second.root / 'b.py'}\n*** End Patch\n"
    said = {"tool_name": "apply_patch", "tool_input": {"command": patch}}
    assert agents.hook(CODEX, "before", **said).code == DENIED


def claims_it_by_name(agents: Agents) -> None:
    agents.coord(CODEX, "claim", "file", "a.py")


@pytest.mark.parametrize(
    "act",
    [
        stops,
        stops_its_subagent,
        commits,
        works_on_after_another_stopped,
        wants_to_write_it,
        wants_to_patch_two,
        claims_it_by_name,
    ],
)
def test_git_is_asked_before_the_lock_is_taken(
    agents: Agents, monkeypatch: pytest.MonkeyPatch, act: Callable[[Agents], None]
) -> None:
    agents.writes(CLAUDE, "a.py")
    asked, real = [], file_states

    def dirty(root: str, names: Collection[str], *, ignore_case: bool) -> dict[str, FileState]:
        asked.append(is_free(agents.repo.log))
        return real(root, names, ignore_case=ignore_case)

    monkeypatch.setattr(edits, "file_states", dirty)
    act(agents)
    assert asked
    assert all(asked)


def test_a_change_after_git_was_asked_keeps_the_claim(agents: Agents, monkeypatch: pytest.MonkeyPatch) -> None:
    agents.writes(CLAUDE, "a.py")
    agents.shell(CLAUDE, "git commit -qam second", hooks=False)
    real = file_states

    def dirty(root: str, names: Collection[str], *, ignore_case: bool) -> dict[str, FileState]:
        found = real(root, names, ignore_case=ignore_case)
        (agents.root / "a.py").write_text("new work after git has answered\n")
        return found

    monkeypatch.setattr(edits, "file_states", dirty)
    assert agents.asks_to_write(CODEX, "a.py").code == DENIED
    monkeypatch.setattr(edits, "file_states", real)
    assert agents.asks_to_write(CODEX, "a.py").code == DENIED, "the file has uncommitted work"


def test_a_git_call_that_hangs_delays_no_other_session(repo: Repo, tmp_path: Path) -> None:
    repo.set(lock_wait_seconds=0.1)
    git, fifo, asked = shutil.which("git"), tmp_path / "fifo", tmp_path / "asked"
    os.mkfifo(fifo)
    fake = tmp_path / "bin" / "git"
    fake.parent.mkdir()
    fake.write_text(f'#!/bin/sh\ncase "$*" in *status*) : > {asked}; read line < {fifo} ;; esac\nexec {git} "$@"\n')
    fake.chmod(0o755)
    env = environment(repo.home)

    def hook(event: str, env: dict[str, str], **said: object) -> "subprocess.Popen[bytes]":
        fields = {"hook_event_name": event, "session_id": "c1", "cwd": str(repo.root)} | said
        process = subprocess.Popen([COORD, "hook", "claude"], stdin=subprocess.PIPE, cwd=repo.root, env=env)
        assert process.stdin
        process.stdin.write(json.dumps(fields).encode())
        process.stdin.close()
        return process

    writing = {"tool_name": "Write", "tool_input": {"file_path": str(repo.root / "a.py")}}
    assert hook("PreToolUse", env, **writing).wait() == ALLOWED
    (repo.root / "a.py").write_text("work\n")
    assert hook("PostToolUse", env, **writing).wait() == ALLOWED
    (other, _) = repo.sessions(1)[0]
    stopping = hook("Stop", env | {"PATH": f"{fake.parent}:{env['PATH']}"})
    until(asked.exists, "git to be called")
    assert other.run("coord claim droplet x").code == 0
    end = os.open(fifo, os.O_RDWR)  # both ways, so that opening does not block if git has ended
    os.write(end, b"go on\n")
    assert stopping.wait() == ALLOWED
    os.close(end)
    assert "file/a.py" in other.ok("coord claims")
