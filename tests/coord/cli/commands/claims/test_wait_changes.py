"""Changes while a session waits for a claim: another session dies, or the grant passes to another session."""

from collections.abc import Callable
from typing import Any

import pytest

import coord.cli.commands.claims._wait as waiting_command
from eventlog.events import VERSION, AnyPayload, Event, SessionHeartbeat, SessionStarted, add_time
from eventlog.local.writer import JournalWriter
from tests.support.in_process import HERE, SimulatedMachine
from tests.support.journals import position_of
from tests.support.repositories import Repo


def test_a_waiting_command_records_a_death_and_gets_the_claim(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = SimulatedMachine(repo)
    first = machine.start(100)
    machine.start(200)
    machine.run(100, "claim", "droplet", "x")

    def dies(folder: str, look: Callable[[], Any], *words: Any) -> Any:
        assert look()[0] is None
        del machine.table.rows[100]
        return look()[0]

    monkeypatch.setattr(waiting_command, "wait_for", dies)
    result = machine.run(200, "claim", "droplet", "x", "--wait", "10m", "--json")
    assert (result.code, result.json["outcome"]) == (0, "granted")
    assert [death["event"]["session"] for death in repo.of_type("session.presumed_dead")] == [first]


def test_a_grant_that_passed_to_another_is_not_accepted(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = SimulatedMachine(repo)
    machine.start(100)
    second, third = machine.start(200), machine.start(300)
    machine.run(100, "claim", "droplet", "x")

    def says(session: str, second: float, payload: AnyPayload) -> None:
        end = JournalWriter(str(repo.log), session, position_of(repo.log, session))
        end.append(Event(v=VERSION, at=add_time(machine.now, second), session=session, n=end.n, payload=payload))
        end.close()

    def passes(folder: str, look: Callable[[], Any], *words: Any) -> Any:
        machine.run(100, "release", "droplet", "x")
        says(third, 1, SessionStarted(machine=HERE.machine, folder=str(repo.folder), continues=second))
        says(second, 2, SessionHeartbeat())  # it lives again, without the claim
        machine.wait(3)
        return look()[0]

    monkeypatch.setattr(waiting_command, "wait_for", passes)
    assert machine.run(200, "claim", "droplet", "x", "--wait", "10m").code == 1
    assert repo.of_type("claim.accepted") == []
    (claim,) = machine.run(100, "claims", "--json").json["claims"]
    assert claim["session"] == third
