"""Transactions: the state is read under the lock, each event has its own time, deaths are recorded, and events that
were appended before a refusal are durable.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from coord.engine import machine_lock
from coord.engine.cache import checkpoint
from coord.engine.snapshot import Snapshot
from coord.workspace.paths import find_workspace
from coord.workspace.system import System
from eventlog import history
from eventlog.local import journal, lock
from eventlog.local.writer import JournalWriter
from tests.support.in_process import SimulatedMachine
from tests.support.repositories import Repo

CLAUDE = "CLAUDE_CODE_SESSION_ID"


@pytest.fixture
def machine(repo: Repo) -> SimulatedMachine:
    return SimulatedMachine(repo)


def just_before_the_lock(patch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Call `act` after a command has caught up and before it takes the lock."""
    real = lock.locked

    @contextmanager
    def late(*words: Any) -> Iterator[None]:
        patch.undo()
        act()
        with real(*words):
            yield

    patch.setattr(machine_lock, "locked", late)


def before(patch: pytest.MonkeyPatch, owner: type, name: str, act: Callable[[Any], object]) -> None:
    """Call `act` before each call of a method."""
    real = getattr(owner, name)

    def called(self: Any, *words: Any, **more: Any) -> Any:
        act(self)
        return real(self, *words, **more)

    patch.setattr(owner, name, called)


def snapshot(machine: SimulatedMachine) -> Snapshot:
    system = machine.system(300, {})
    return Snapshot(system, find_workspace(system, None))


# --- the lock ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cached", [True, False])
def test_journals_of_others_are_read_before_the_lock_is_taken(
    machine: SimulatedMachine, cached: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = machine.start(100), machine.start(200)
    saved = (machine.repo.folder / ".cache" / "checkpoint").read_bytes()
    machine.run(200, "claim", "droplet", "theirs")
    if cached:
        (machine.repo.folder / ".cache" / "checkpoint").write_bytes(saved)
        os.utime(machine.repo.log)  # as when git adds journals
    else:
        (machine.repo.folder / ".cache" / "checkpoint").unlink()
    real_lock, real_read, held, read = lock.locked, journal.read_from, list[str](), list[tuple[bool, str]]()

    @contextmanager
    def locked(*words: Any) -> Iterator[None]:
        with real_lock(*words):
            held.append("now")
            yield

    def read_from(path: str, **where: Any) -> Any:
        read.append((bool(held), path))
        return real_read(path, **where)

    monkeypatch.setattr(machine_lock, "locked", locked)
    monkeypatch.setattr(history, "read_from", read_from)
    refused = machine.run(100, "claim", "droplet", "theirs")
    assert (refused.code, second in refused.out) == (1, True), (first, refused)
    assert read
    assert [path for locked, path in read if locked] == []


def test_without_new_journals_the_log_is_read_once(machine: SimulatedMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    for shell in (100, 200):
        machine.start(shell)
    looks: list[str] = []
    before(monkeypatch, history.LogReader, "_list", lambda _: looks.append("look"))
    for shell in (100, 200):
        machine.run(shell, "heartbeat", "a", "b")
    assert len(looks) == 2


def test_events_written_while_waiting_for_the_lock_count(
    machine: SimulatedMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = machine.start(100), machine.start(200)
    just_before_the_lock(monkeypatch, lambda: machine.run(100, "claim", "droplet", "x"))
    refused = machine.run(200, "claim", "droplet", "x")
    assert refused.code == 1
    assert first in refused.out
    (claim,) = machine.run(200, "claims", "--json").json["claims"]
    assert claim["session"] == first


@pytest.mark.parametrize("replay", [True, False], ids=["full replay", "checkpoint"])
def test_only_a_full_replay_is_done_before_the_lock_is_taken(
    machine: SimulatedMachine, monkeypatch: pytest.MonkeyPatch, replay: bool
) -> None:
    machine.start(100)
    if replay:
        (machine.repo.folder / ".cache" / checkpoint.NAME).unlink()
    calls: list[str] = []
    before(monkeypatch, Snapshot, "catch_up", lambda snapshot: calls.append("reads"))
    with monkeypatch.context() as patch:
        just_before_the_lock(patch, lambda: calls.append("locks"))
        assert machine.run(100, "heartbeat", "a", "b").code == 0
    assert calls == ["reads", "locks", "reads"][not replay :]


def test_the_next_command_folds_nothing_again(machine: SimulatedMachine) -> None:
    machine.start(100)
    machine.run(100, "claim", "droplet", "x")
    now = snapshot(machine)
    assert now.fresh
    assert [claim.resource for claim in now.state.claims.values()] == ["droplet/x"]
    assert now.read_new() == []


def test_a_full_replay_is_saved_even_if_nothing_is_appended(machine: SimulatedMachine) -> None:
    machine.start(100)
    (machine.repo.folder / ".cache" / checkpoint.NAME).unlink()
    assert machine.run(100, "renew", "file", "y").code == 1
    assert snapshot(machine).fresh


# --- the time ---------------------------------------------------------------------------------------------------------


def test_each_event_of_a_command_has_its_own_time(machine: SimulatedMachine) -> None:
    machine.start(100)
    for name in "xyz":
        machine.run(100, "claim", "file", f"{name}/", COORD_SESSION=machine.start(200, "--new"))
    machine.wait(5)
    del machine.table.rows[200]  # three deaths at once, and the claim
    asked = machine.now
    assert machine.run(100, "claim", "file", "x/").code == 0
    times = [event["at"] for event in machine.repo.events() if event["at"] >= asked]
    assert len(times) == 4
    assert times == sorted(set(times))
    assert times[0] == asked


def test_a_refusal_does_not_move_time_ahead_of_the_clock(machine: SimulatedMachine) -> None:
    """Without an event, a transaction's time does not count for later commands."""
    machine.start(100)
    machine.run(100, "claim", "file", "x", "--ttl", "2m")
    (machine.repo.folder / ".cache" / checkpoint.NAME).unlink()
    machine.wait(180)
    assert machine.run(100, "renew", "file", "y").code == 1
    machine.wait(-120)
    assert machine.run(100, "renew", "file", "x").code == 0
    machine.wait(1)
    assert machine.run(100, "heartbeat", "a", "b").code == 0


# --- deaths -----------------------------------------------------------------------------------------------------------


def test_a_session_does_not_record_its_own_death(machine: SimulatedMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = machine.start(100), machine.start(200)
    monkeypatch.setattr(System, "gone_evidence", lambda system, process: "its process is gone")
    assert machine.run(100, "heartbeat", "a", "b").code == 0
    deaths = machine.repo.of_type("session.presumed_dead")
    assert [(death["session"], death["event"]["session"]) for death in deaths] == [(first, second)]


def test_events_before_a_refusal_are_durable_and_on_the_board(
    machine: SimulatedMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = machine.start(100), machine.start(200)
    machine.run(100, "claim", "droplet", "x")
    del machine.table.rows[100]
    synced: list[str] = []
    before(monkeypatch, JournalWriter, "sync", lambda writer: synced.append(writer.path))
    assert machine.run(200, "release", "droplet", "nothing").code == 1
    assert [path.rpartition("/")[2] for path in synced] == [f"{second}.jsonl"]
    assert [death["event"]["session"] for death in machine.repo.of_type("session.presumed_dead")] == [first]
    board = (machine.repo.folder / "STATUS_BOARD.md").read_text()
    assert "droplet/x" not in board
    assert snapshot(machine).fresh


def test_a_refusal_without_events_writes_and_syncs_nothing(
    machine: SimulatedMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.start(100)
    before = {path: path.read_bytes() for path in machine.repo.folder.rglob("*") if path.is_file()}
    monkeypatch.setattr(JournalWriter, "sync", lambda writer: pytest.fail("it has nothing to sync"))
    assert machine.run(100, "release", "droplet", "nothing").code == 1
    assert {path: path.read_bytes() for path in machine.repo.folder.rglob("*") if path.is_file()} == before


# --- which session continues ------------------------------------------------------------------------------------------


def test_a_new_anchor_is_not_another_sessions_shell(machine: SimulatedMachine) -> None:
    first, second = machine.start(100), machine.start(200)
    del machine.table.rows[100]
    assert machine.run(200, "heartbeat", "a", "b", COORD_SESSION=first).code == 0
    assert "anchor" not in machine.repo.of_type("session.started")[-1]["event"]
    assert machine.run(200, "whoami", "--json").json["session"] == second


def test_a_line_that_lacks_only_its_newline_counts(machine: SimulatedMachine) -> None:
    machine.start(100)
    second = machine.start(200)
    machine.run(200, "claim", "droplet", "x")
    path = machine.repo.log / f"{second}.jsonl"
    path.write_bytes(path.read_bytes()[:-1])
    (machine.repo.folder / ".cache" / checkpoint.NAME).unlink()
    again = machine.run(200, "claim", "droplet", "x", "--json")
    assert (again.code, again.json["outcome"]) == (0, "renewed")


def test_only_an_ended_session_of_a_conversation_starts_again(machine: SimulatedMachine) -> None:
    session = machine.start(100, **{CLAUDE: "a"})
    other = machine.start(200)
    for shell, env in ((100, {CLAUDE: "a"}), (200, {})):
        assert machine.run(shell, "end", **env).code == 0
    assert machine.run(100, "heartbeat", "a", "b", "--json", **{CLAUDE: "a"}).json["session"] == session
    for words, env in (("heartbeat a b", {}), ("whoami", {}), ("whoami", {"COORD_SESSION": other})):
        refused = machine.run(200, *words.split(), **env)
        assert (refused.code, "has ended" in refused.err) == (3, True), refused
    assert machine.start(200) != other


# --- a board that cannot be written -----------------------------------------------------------------------------------


def test_an_unwritable_board_is_an_error_only_for_coord_board(machine: SimulatedMachine) -> None:
    machine.start(100)
    board = machine.repo.folder / "STATUS_BOARD.md"
    board.unlink()
    (board / "in-the-way").mkdir(parents=True)
    claimed = machine.run(100, "claim", "droplet", "x")
    assert claimed.code == 0
    assert "STATUS_BOARD.md could not be written" in claimed.err
    asked = machine.run(100, "board", "--write")
    assert asked.code == 4
    assert "STATUS_BOARD.md could not be written" in asked.err
