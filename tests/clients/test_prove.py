"""`coord doctor --prove` with the real clients: whether their hooks deny a write, and how it is seen if they do not."""

import json
import re
import shlex
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from coord.guard.hook_state import client_trace_path
from tests.support.clients.agents import Agent, Make
from tests.support.clients.dialects import Answer, Call
from tests.support.clients.model import Heard
from tests.support.clients.programs import CLAUDE, CODEX, PROGRAMS, Program, found
from tests.support.processes import COORD, GUARD_S
from tests.support.repositories import Repo

pytestmark = pytest.mark.clients
Step: TypeAlias = Callable[[str], Call]  # a call of the model, for the canary's path from the root of the repository

# What the tests tell each client beside the arguments of its record, as a user's settings would.
_TRUST = {
    "codex": ("--dangerously-bypass-hook-trust",),
    "gemini": ("--skip-trust", "-m", "gemini-2.5-flash"),
    "qwen": ("--auth-type", "openai"),
}
_EACH = pytest.mark.parametrize("program", PROGRAMS, ids=[program.client.word for program in PROGRAMS])


def prove(agent: Agent, repo: Repo, *steps: Step, more: tuple[str, ...] | None = None) -> dict[str, Any]:
    """Return the result of the proof while the model makes these calls, and then stops."""
    program = agent.program
    folder = agent.home / "programs"
    folder.mkdir(exist_ok=True)
    more = _TRUST.get(program.client.word, ()) if more is None else more
    script = folder / program.client.command
    script.write_text(f'#!/bin/sh\nexec {shlex.join((found(program),))} "$@" {shlex.join(more)}\n')
    script.chmod(0o755)
    threading.Thread(target=_answer, args=(agent, repo, list(steps)), daemon=True).start()
    done = subprocess.run(
        [COORD, "doctor", "--json", "--yes", "--prove", program.client.word],
        cwd=agent.root,
        env=agent.env | {"PATH": f"{folder}:{agent.env['PATH']}"},
        capture_output=True,
        text=True,
        timeout=2 * GUARD_S,
        check=False,
    )
    (proof,) = json.loads(done.stdout)["proofs"]
    assert done.returncode == (0 if proof["result"] == "denied" else 1), done
    assert list((repo.folder / ".cache").glob("proof-*")) == []
    return dict(proof)


def _answer(agent: Agent, repo: Repo, steps: list[Step]) -> None:
    while True:
        heard = agent.model.inbox.get()
        assert isinstance(heard, Heard)
        agent.heard.append(heard)
        heard.reply.put(Answer(calls=(steps.pop(0)(_canary(repo)),)) if steps else Answer("I have stopped."))


def _canary(repo: Repo) -> str:
    (scratch,) = (repo.folder / ".cache").glob("proof-*")
    return str((scratch / "canary.txt").relative_to(repo.root))


def writes(agent: Agent) -> Step:
    return lambda path: agent.program.write(str(agent.root), path, "canary\n")


@_EACH
def test_a_client_with_hooks_denies_the_write(program: Program, work: Repo, agent: Make) -> None:
    first = agent(program)
    proof = prove(first, work, writes(first))
    assert (proof["result"], proof["by"]) == ("denied", "client"), (proof, [heard.text for heard in first.heard])
    assert "coord-doctor" in first.heard[-1].text
    assert work.events() == []
    assert Path(client_trace_path(str(work.folder / ".cache"), program.client.word)).exists()


@_EACH
def test_a_client_without_hooks_is_not_asked(program: Program, work: Repo, agent: Make) -> None:
    first = agent(program)
    subprocess.run([COORD, "uninstall", "--all"], cwd=work.root, env=first.env, check=True, capture_output=True)
    proof = prove(first, work, writes(first))
    assert (proof["result"], proof["by"]) == ("not_asked", "client"), (proof, [heard.text for heard in first.heard])
    assert proof["do"][0]["command"] == f"coord install {program.client.word}"


@_EACH
def test_a_swallowed_exit_code_is_asked_and_ignored(program: Program, work: Repo, agent: Make) -> None:
    first = agent(program)
    command = re.compile(rf"(hook {program.client.word}\b[\w ]*)\"")
    for path in _settings(first):
        path.write_text(command.sub(r'\1 >/dev/null || true"', path.read_text()))
    proof = prove(first, work, writes(first))
    assert (proof["result"], proof["by"]) == ("ignored", "client"), (proof, [heard.text for heard in first.heard])


def _settings(agent: Agent) -> list[Path]:
    """The files with the hooks."""
    client = agent.program.client
    paths = [agent.home / name[2:] if name[:2] == "~/" else agent.root / name for name in client.settings.values()]
    return [path for path in paths if path.exists()]


@_EACH
def test_a_model_that_does_not_write_proves_nothing(program: Program, work: Repo, agent: Make) -> None:
    proof = prove(agent(program), work)
    assert (proof["result"], proof["hook"]) == ("not_tried", "denied")
    assert "did not try" in proof["not_run"]


def test_a_shell_command_after_the_denial_is_told_apart(work: Repo, agent: Make) -> None:
    first = agent(CODEX)
    proof = prove(first, work, writes(first), lambda path: CODEX.shell(f"echo canary > {path}"))
    assert (proof["result"], proof["by"]) == ("denied", "client")
    assert "then a shell command wrote the file" in proof["evidence"]


def test_untrusted_hooks_of_codex_are_not_asked(work: Repo, agent: Make) -> None:
    first = agent(CODEX)
    proof = prove(first, work, writes(first), more=())
    assert (proof["result"], proof["by"]) == ("not_asked", "client")
    assert "/hooks" in proof["do"][0]["why"]


def test_disabled_hooks_of_claude_are_not_asked(work: Repo, agent: Make) -> None:
    first = agent(CLAUDE)
    (first.home / ".claude").mkdir()
    (first.home / ".claude" / "settings.json").write_text('{"disableAllHooks": true}')
    proof = prove(first, work, writes(first))
    assert (proof["result"], proof["by"]) == ("not_asked", "client")
    assert "no hook of coord ran" in proof["evidence"]
