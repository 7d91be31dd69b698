"""When the link ends by itself, with a clock and a process table that the test controls."""

import shutil

import pytest

from coord.engine.sync.record import join, leave
from coord.servers.link import lifetime
from coord.servers.link.lifetime import IDLE_S, Lifetime
from coord.workspace.paths import Workspace, find_workspace
from coord.workspace.system import System
from tests.support.in_process import SimulatedMachine
from tests.support.repositories import Repo


@pytest.fixture
def machine(repo: Repo) -> SimulatedMachine:
    """Its first shell has a session."""
    made = SimulatedMachine(repo)
    made.start(100)
    return made


def started(machine: SimulatedMachine) -> tuple[Lifetime, System, Workspace]:
    system = machine.system(300, {})
    workspace = find_workspace(system, None)
    return Lifetime(system, workspace, join(system, workspace, "git origin")), system, workspace


def test_it_ends_ten_minutes_after_the_last_session(machine: SimulatedMachine) -> None:
    life, _, _ = started(machine)
    for _ in range(5):
        machine.wait(3600)
        assert life.reason_to_end() == ""
    assert machine.run(100, "end").code == 0
    machine.wait(IDLE_S - 1)
    assert life.reason_to_end() == ""
    machine.wait(1)
    assert "no session" in life.reason_to_end()


def test_a_session_whose_process_is_gone_is_not_live(machine: SimulatedMachine) -> None:
    life, _, _ = started(machine)
    assert life.reason_to_end() == ""
    del machine.table.rows[100]
    machine.wait(IDLE_S)
    assert "no session" in life.reason_to_end()


def test_a_new_session_keeps_it(machine: SimulatedMachine) -> None:
    life, _, _ = started(machine)
    machine.run(100, "end")
    machine.wait(IDLE_S - 1)
    machine.start(200)
    assert life.reason_to_end() == ""
    machine.wait(IDLE_S)
    assert life.reason_to_end() == ""


def test_a_clock_that_is_set_back_keeps_it(machine: SimulatedMachine) -> None:
    life, _, _ = started(machine)
    machine.run(100, "end")
    machine.wait(-86400)
    assert life.reason_to_end() == ""
    machine.wait(IDLE_S)
    assert "no session" in life.reason_to_end()


def test_it_ends_when_the_remote_is_left_or_another(machine: SimulatedMachine) -> None:
    life, system, workspace = started(machine)
    join(system, workspace, "git other")
    assert "joined" in life.reason_to_end()
    leave(workspace)
    assert "joined" in life.reason_to_end()


@pytest.mark.parametrize("name", ["log", ".cache"])
def test_it_ends_when_its_files_are_made_again(machine: SimulatedMachine, name: str) -> None:
    life, system, workspace = started(machine)
    (machine.repo.folder / ".cache").mkdir(exist_ok=True)
    (machine.repo.folder / ".cache" / "link.lock").touch()
    assert life.reason_to_end() == ""
    kept = machine.repo.folder / f"{name}.kept"
    (machine.repo.folder / name).rename(kept)  # kept, so that the new folder has another inode
    (machine.repo.folder / name).mkdir()
    join(system, workspace, "git origin")
    assert "removed" in life.reason_to_end()
    shutil.rmtree(kept)


def test_it_ends_when_another_version_is_installed(machine: SimulatedMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    life, _, _ = started(machine)
    monkeypatch.setattr(lifetime, "files_version", lambda _folders: "another")
    assert "version" in life.reason_to_end()
