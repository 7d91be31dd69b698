"""`coord doctor --prove` with the real clients: whether their hooks deny a write, and how it is found if they do not."""

import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.clients.agents import Agent, Make
from tests.support.clients.dialects import Answer, Call
from tests.support.clients.model import Heard
from tests.support.clients.programs import CLAUDE, CODEX, PROGRAMS, Program, found
from tests.support.processes import COORD, GUARD_S
from tests.support.repositories import Repo

pytestmark = pytest.mark.clients
_EACH = pytest.mark.parametrize("program", PROGRAMS, ids=[program.client.word for program in PROGRAMS])
_BARE = (COORD, "doctor", "--json", "--yes", "--prove")


def prove(agent: Agent, repo: Repo, *calls: Callable[[str], Call]) -> dict[str, Any]:
    """Run the proof while the model makes these calls, each with the canary's path from the root, and then stops."""
    process = subprocess.Popen(
        [*_BARE, agent.program.client.word],
        cwd=agent.root,
        env=with_program(agent),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    threading.Thread(target=_answer, args=(agent, repo, calls), daemon=True).start()
    out, err = process.communicate(timeout=GUARD_S)
    (proof,) = json.loads(out)["proofs"]
    assert process.returncode == (0 if proof["result"] == "denied" else 1), err
    return proof | {"canary": None}


def _answer(agent: Agent, repo: Repo, calls: tuple[Callable[[str], Call], ...]) -> None:
    answers = [lambda path, call=call: Answer(calls=(call(path),)) for call in calls]
    while True:
        heard = agent.model.inbox.get()
        assert isinstance(heard, Heard)
        agent.heard.append(heard)
        path = canary(repo)
        heard.reply.put(answers.pop(0)(path) if answers else Answer("I have stopped."))


def canary(repo: Repo) -> str:
    (scratch,) = (repo.folder / ".cache").glob("proof-*")
    return str((scratch / "canary.txt").relative_to(repo.root))
