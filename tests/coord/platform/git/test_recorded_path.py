"""Paths with line feeds, control characters and bytes that are not UTF-8: as events record them, and in hooks."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.guard.entry import ALLOWED, DENIED
from coord.platform.git.repository import path_of_recorded, recorded_path
from eventlog.events import Name
from tests.support.agents import Agents
from tests.support.in_process import SimulatedMachine
from tests.support.processes import environment
from tests.support.repositories import Repo, bare, install

CLAUDE, CODEX = 100, 200
NAMES = ["new\nline", "ends\n", "carriage\r", "tab\t", "next\x85", "separator\u2028", "\udcff", "back\\slash", "\\x0a"]


@pytest.fixture(params=NAMES)
def odd_repo(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Repo]:
    """An initialised repository below a folder with an odd name."""
    for made in bare(tmp_path / request.param):
        yield install(made)


@given(st.binary(min_size=1, max_size=40).filter(lambda data: b"\0" not in data and b"\\" not in data))
def test_a_recorded_path_is_a_valid_name_and_can_be_undone(data: bytes) -> None:
    path = os.fsdecode(data)
    recorded = recorded_path(path)
    assert msgspec.convert(recorded, Name) == recorded
    assert path_of_recorded(recorded) == path


@given(st.text(min_size=1, max_size=40).filter(lambda text: "\0" not in text))
def test_undoing_a_recorded_path_never_fails(text: str) -> None:
    assert isinstance(path_of_recorded(text), str)


def test_a_path_that_exists_as_recorded_is_taken_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "\\x0a"
    folder.mkdir()
    assert path_of_recorded(recorded_path(str(folder))) == str(folder)


@pytest.mark.slow
def test_files_are_guarded_whatever_the_path_contains(odd_repo: Repo) -> None:
    agents = Agents(odd_repo)
    (agents.root / "a.py").write_text("x\n")
    agents.shell(CLAUDE, "git add -A; git commit -qm first", hooks=False)
    agents.starts(CLAUDE)
    agents.starts(CODEX)
    assert agents.writes(CLAUDE, "a.py").code == ALLOWED
    agents.hook(CLAUDE, "stop")
    assert agents.writes(CODEX, "a.py").code == DENIED
    agents.machine.wait(25 * 60)
    assert agents.writes(CODEX, "a.py").code == DENIED, "git knows that it is not committed"
    agents.shell(CLAUDE, "git commit -qam second")
    assert agents.writes(CODEX, "a.py").code == ALLOWED


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_linked_worktree_is_found_whatever_its_path_is(repo: Repo, name: str) -> None:
    if name in ("ends\n", "carriage\r"):
        pytest.skip("git itself does not find such a worktree")
    agents = Agents(repo)
    linked = repo.root.parent / name
    env = environment(repo.home)
    subprocess.run(["git", "commit", "-q", "--allow-empty", "-m", "first"], cwd=repo.root, env=env, check=True)
    subprocess.run(["git", "worktree", "add", "-q", linked, "-b", "x"], cwd=repo.root, env=env, check=True)
    for pid in (CLAUDE, CODEX):
        agents.starts(pid, cwd=str(linked))
    assert agents.writes(CLAUDE, "a.py", cwd=linked).code == ALLOWED
    assert agents.writes(CODEX, "a.py", cwd=linked).code == DENIED
    assert len(repo.bytes()) == 2


@pytest.mark.parametrize("name", NAMES)
def test_a_removed_log_is_reported_whatever_its_path_is(bare_repo: Repo, name: str) -> None:
    part = Repo(bare_repo.root / name, bare_repo.home)
    machine = SimulatedMachine(part)
    assert machine.run(CLAUDE, "init", "--here").code == 0
    machine.start(CLAUDE)
    shutil.rmtree(part.folder)
    assert "is gone, as after" in machine.run(CLAUDE, "status").err
    assert machine.run(CLAUDE, "init", "--here").code == 0
    machine.start(CODEX)
