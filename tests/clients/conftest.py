"""Fixtures: a repository with a commit, and a function that creates agents in it."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from coord.guard.hook_state import FAILURES, folder_of
from tests.support.clients.agents import Agent, Make
from tests.support.clients.installing import install
from tests.support.clients.looking import waiters
from tests.support.clients.programs import FOLDER, Program, found
from tests.support.clients.repositories import with_first_commit
from tests.support.repositories import Repo


@pytest.fixture
def work(repo: Repo) -> Repo:
    """A repository with a first commit, initialised for coord."""
    return with_first_commit(repo)


@pytest.fixture
def agent(work: Repo, tmp_path: Path) -> Iterator[Make]:
    """A function that creates agents, which are ended after the test."""
    made: list[Agent] = []

    def make(program: Program, root: Path | None = None, home: Path | None = None) -> Agent:
        if not found(program):
            pytest.skip(f"{program.client.title} is neither in the folder {FOLDER} nor on the PATH")
        home = home or tmp_path / f"{program.client.word}-{len(made)}"
        home.mkdir(exist_ok=True)
        made.append(Agent(program, root or work.root, home))
        install(made[-1])
        return made[-1]

    yield make
    for each in made:
        each.close()
    for pid in waiters(work):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    failures = Path(folder_of(str(work.folder / ".cache")), FAILURES)
    assert not failures.exists(), f"a hook failed and let its agent continue: {failures.read_text()}"
