"""`coord heartbeat`: where the progress may be, and which times --eta accepts."""

import pytest

from tests.support.in_process import SimulatedMachine
from tests.support.repositories import Repo

FIELDS = ("action", "target", "phase", "progress", "next_action")


@pytest.fixture
def machine(repo: Repo) -> SimulatedMachine:
    made = SimulatedMachine(repo)
    made.start(100)
    return made


@pytest.mark.parametrize(
    ("words", "fields"),
    [
        (("a", "b", "c", "25%", "d"), ("a", "b", "c", "25%", "d")),
        (("a", "b", "25%"), ("a", "b", "", "25%", "")),
        (("a", "b", "25%", "d"), ("a", "b", "", "25%", "d")),
        (("a", "b", "25%", "c", "d"), ("a", "b", "c", "25%", "d")),
        (("a", "25%"), ("a", "", "", "25%", "")),
        (("a", "25%", "b"), ("a", "b", "", "25%", "")),
        (("25%", "a", "b", "c", "d"), ("a", "b", "c", "25%", "d")),
        (("a", "b", "c", "d", "25 %"), ("a", "b", "c", "25 %", "d")),
        (("a", "b", "10%", "25%", "d"), ("a", "b", "10%", "25%", "d")),
        (("a", "b", "c", "half way", "d"), ("a", "b", "c", "half way", "d")),
        (("a", "b", "c", "100% COMPLETE"), ("a", "b", "c", "100% COMPLETE", "")),
        (("a", "b", "20% less"), ("a", "b", "20% less", "", "")),
    ],
)
def test_a_percentage_in_any_place_is_the_progress(
    machine: SimulatedMachine, words: tuple[str, ...], fields: tuple[str, ...]
) -> None:
    said = machine.run(100, "heartbeat", *words, "--json").json
    assert tuple(said[name] for name in FIELDS) == fields


def test_a_percentage_alone_keeps_the_action(machine: SimulatedMachine) -> None:
    machine.run(100, "heartbeat", "building", "x")
    said = machine.run(100, "heartbeat", "60%", "--json").json
    assert (said["action"], said["target"], said["percent"]) == ("building", "x", 60)


@pytest.mark.parametrize(
    ("progress", "percent"), [("25%", 25), ("0%", 0), ("12.5%", 12), ("100% COMPLETE", 100), ("half way", None)]
)
def test_a_percentage_is_also_given_as_a_number(machine: SimulatedMachine, progress: str, percent: int | None) -> None:
    assert machine.run(100, "heartbeat", "a", "b", "c", progress, "--json").json["percent"] == percent


@pytest.mark.parametrize("words", [("250%",), ("a", "b", "101%"), ("a", "b", "c", "1000%"), ("--", "a", "-5%")])
def test_a_progress_out_of_range_is_refused(machine: SimulatedMachine, words: tuple[str, ...]) -> None:
    result = machine.run(100, "heartbeat", *words)
    assert result.code == 2
    assert "Write 0% to 100%" in result.err
    assert machine.repo.of_type("session.heartbeat") == []


@pytest.mark.parametrize(
    ("eta", "instant"),
    [
        ("45m", "2026-11-22T12:45"),
        ("in 20m", "2026-11-22T12:20"),
        ("+1h30m", "2026-11-22T13:30"),
        ("20 minutes", "2026-11-22T12:20"),
        ("17:30", "2026-11-22T17:30"),
        ("17:30 UTC", "2026-11-22T17:30"),
        ("9:00", "2026-11-23T09:00"),
        ("tomorrow 13:00", "2026-11-23T13:00"),
        ("2026-12-01 10:00", "2026-12-01T10:00"),
    ],
)
def test_the_eta_is_stored_as_an_instant(machine: SimulatedMachine, eta: str, instant: str) -> None:
    assert machine.run(100, "heartbeat", "a", "b", "--eta", eta).code == 0
    assert repr(instant)[1:-1] in machine.repo.of_type("session.heartbeat")[0]["event"]["estimated_completion"]


@pytest.mark.parametrize("eta", ["soon", "25:00", "45", "2026-13-01 10:00", "tomorrow", "friday", "in a minute"])
def test_an_eta_that_is_no_time_is_refused_with_the_forms(machine: SimulatedMachine, eta: str) -> None:
    result = machine.run(100, "heartbeat", "a", "b", "--eta", eta)
    assert result.code == 2
    assert "Write it like 45m, 18:00, tomorrow 9:00" in result.err


def test_an_eta_in_the_past_is_refused(machine: SimulatedMachine) -> None:
    assert "in the past" in machine.run(100, "heartbeat", "a", "b", "--eta", "2020-01-01 10:00").err


def test_the_eta_is_shown_as_a_time(machine: SimulatedMachine) -> None:
    assert "done by 12:45 UTC" in machine.run(100, "heartbeat", "a", "b", "--eta", "45m").out
    assert "done by 12:45 UTC" in machine.run(100, "status").out
    assert "done by 2026-11-22 12:45 UTC" in machine.run(100, "log").out
