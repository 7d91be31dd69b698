"""Catching up from the checkpoint: events that come late, journals that were rewound, and events that are held back."""

import os

import pytest

import coord.engine.cache.checkpoint
from coord.engine.snapshot import Snapshot
from coord.workspace.paths import find_workspace
from eventlog import history
from eventlog.errors import LogError
from eventlog.events import AnyPayload, ClaimRequested, Event, Instant, SessionHeartbeat, SessionStarted, add_time
from eventlog.local.journal import read_from
from projections.rules.state import State
from tests.support.in_process import NOON, SimulatedMachine
from tests.support.journals import event, lines_of
from tests.support.repositories import Repo

FAR = "far-away"


@pytest.fixture
def machine(repo: Repo) -> SimulatedMachine:
    return SimulatedMachine(repo)


def at(time: Instant, n: int, session: str, payload: AnyPayload) -> Event:
    """Return the n-th event of a session, with this time."""
    made = event(n, session, 0, payload)
    return Event(v=made.v, at=time, session=session, n=n, payload=payload)


def comes(machine: SimulatedMachine, *times: Instant, session: str = FAR, resource: str = "droplet/x") -> None:
    """Add the journal of another machine's session, which starts and then requests a claim at each later time."""
    events = [at(times[0], 1, session, SessionStarted(machine="machine-9", folder="/there"))]
    for n, time in enumerate(times[1:], 2):
        asks = ClaimRequested(resource=resource, mode="exclusive", ttl_s=7200, told="granted")
        events.append(at(time, n, session, asks))
    (machine.repo.log / f"{session}.jsonl").write_bytes(b"".join(lines_of(events)))


def snapshot(machine: SimulatedMachine) -> Snapshot:
    system = machine.system(300, {})
    found = Snapshot(system, find_workspace(system, None))
    found.catch_up()
    return found


def anew(machine: SimulatedMachine) -> State:
    """Return the state without a checkpoint."""
    (machine.repo.folder / ".cache" / coord.engine.cache.checkpoint.NAME).unlink()
    return snapshot(machine).state


def rewritten(machine: SimulatedMachine, session: str) -> None:
    """Replace a journal by a longer one with correct hashes, whose new lines are the latest."""
    path = machine.repo.log / f"{session}.jsonl"
    start = at(NOON, 1, session, SessionStarted(machine="machine-1", folder=str(machine.repo.folder)))
    words = [at(add_time(machine.now, n), n, session, SessionHeartbeat(action="x" * 200)) for n in range(2, 9)]
    path.write_bytes(b"".join(lines_of([start, *words])))
    machine.wait(10)


# --- what comes late --------------------------------------------------------------------------------------------------


def test_a_late_event_is_folded_at_its_place_in_the_order(machine: SimulatedMachine) -> None:
    session = machine.start(100)
    machine.wait(10)
    assert machine.run(100, "claim", "droplet", "x").code == 0
    comes(machine, add_time(NOON, 1), add_time(NOON, 2))
    for _ in range(2):
        assert [claim.session for claim in snapshot(machine).state.claims.values()] == [FAR]
        assert machine.run(100, "heartbeat", "a", "b").code == 0
    assert "droplet/x" in machine.run(100, "inbox").out
    assert [claim.session for claim in anew(machine).claims.values()] == [FAR]
    assert session != FAR


def test_an_event_with_the_latest_time_is_folded(machine: SimulatedMachine) -> None:
    machine.start(100)
    assert machine.run(100, "heartbeat", "a", "b").code == 0
    latest = machine.repo.events()[-1]["at"]
    comes(machine, latest, session="zz-sorts-after")
    assert "zz-sorts-after" in snapshot(machine).state.sessions
    assert machine.run(100, "heartbeat", "a", "b").code == 0


def test_the_present_is_not_before_the_latest_event_or_the_clock(machine: SimulatedMachine) -> None:
    machine.start(100)
    latest = machine.repo.events()[-1]["at"]
    machine.wait(-3600)
    assert snapshot(machine).now == latest
    machine.wait(7200)
    assert snapshot(machine).now == add_time(latest, 3600)


# --- what was rewritten -----------------------------------------------------------------------------------------------


def test_a_rewritten_journal_is_reported_and_folded_again(
    machine: SimulatedMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.start(100)
    second = machine.start(200)
    assert machine.run(200, "claim", "droplet", "x").code == 0
    assert machine.run(100, "heartbeat", "a", "b").code == 0
    rewritten(machine, second)
    whole = (machine.repo.log / f"{second}.jsonl").read_bytes()
    assert snapshot(machine).state.claims == {}
    assert f"{second}.jsonl was rewound" in machine.run(100, "heartbeat", "a", "b").err
    assert f"{second}.jsonl was rewound" in machine.run(100, "status").out
    monkeypatch.setattr(coord.engine.cache.checkpoint, "code_version", lambda: "another")
    for _ in range(2):
        assert f"{second}.jsonl was rewound" in machine.run(100, "status").out, "also for a fold of other code"
        machine.run(100, "heartbeat", "a", "b")
    went_on = machine.run(200, "heartbeat", "c", "d", "--json", COORD_SESSION=second)
    assert went_on.json["session"] != second
    assert (machine.repo.log / f"{second}.jsonl").read_bytes() == whole


def test_a_rewind_stays_recorded_when_late_events_arrive(machine: SimulatedMachine) -> None:
    machine.start(100)
    second = machine.start(200)
    machine.wait(10)
    assert machine.run(100, "heartbeat", "a", "b").code == 0
    rewritten(machine, second)
    assert machine.run(100, "heartbeat", "a", "b").code == 0
    comes(machine, add_time(NOON, 1))
    assert f"{second}.jsonl was rewound" in machine.run(100, "status").out
    assert machine.run(100, "heartbeat", "a", "b").code == 0
    assert f"{second}.jsonl was rewound" in machine.run(100, "status").out


def test_a_removed_journal_stays_reported(machine: SimulatedMachine) -> None:
    machine.start(100)
    second = machine.start(200)
    machine.run(200, "claim", "droplet", "x")
    (machine.repo.log / f"{second}.jsonl").unlink()
    for _ in range(3):
        machine.run(100, "heartbeat", "a", "b")
        assert f"{second}.jsonl was rewound: it is gone; 2 lines were read before" in machine.run(100, "status").out
        (missed,) = (row for row in machine.run(100, "verify", "--json").json["journals"] if not row["whole"])
        assert missed["session"] == second
    assert snapshot(machine).state.claims == {}


# --- what is held back ------------------------------------------------------------------------------------------------


def held_back_again(machine: SimulatedMachine) -> None:
    """Read another machine's journal. Then set our clock back and remove our own journal, so that the end of the other
    journal is too far ahead again.
    """
    first = machine.start(100)
    comes(machine, add_time(NOON, -7200), add_time(NOON, 50))
    assert machine.run(100, "heartbeat", "a", "b").code == 0
    (machine.repo.log / f"{first}.jsonl").unlink()
    machine.wait(-3600)
    machine.start(200)
    assert f"{FAR}.jsonl comes from a machine whose clock is ahead" in machine.run(200, "status").out


def test_an_event_held_back_again_is_not_a_rewind(machine: SimulatedMachine) -> None:
    held_back_again(machine)
    for seconds in (0, 1800, 3600):
        machine.wait(seconds)
        assert machine.run(200, "heartbeat", "a", "b").code == 0
        assert f"{FAR}.jsonl was rewound" not in machine.run(200, "status").out
    assert [claim.session for claim in snapshot(machine).state.claims.values()] == [FAR]


def test_a_journal_cut_while_held_back_is_a_rewind(machine: SimulatedMachine) -> None:
    held_back_again(machine)
    path = machine.repo.log / f"{FAR}.jsonl"
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    machine.wait(7200)
    assert f"{FAR}.jsonl was rewound" in machine.run(200, "status").out


@pytest.mark.parametrize(("ours", "code"), [(False, 0), (True, 4)], ids=["permission", "input/output error"])
def test_an_unreadable_journal_is_ignored_unless_the_disk_fails(
    machine: SimulatedMachine, ours: bool, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.start(100)
    comes(machine, add_time(NOON, 1), add_time(NOON, 2))
    path = str(machine.repo.log / f"{FAR}.jsonl")

    def fails(name: str, size: int, last: bytes, chunk_bytes: int) -> tuple[bytes, bool]:
        if name == path:
            raise LogError("it cannot be read")
        return read_from(name, size, last, chunk_bytes)

    monkeypatch.setattr(history, "read_from", fails)
    monkeypatch.setattr(os, "access", lambda name, _: ours or name != path)
    assert machine.run(100, "claim", "droplet", "mine").code == code
