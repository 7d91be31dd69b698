"""A wrong clock: order and safety hold, ends by time are delayed, and every command reports it."""

from tests.support.in_process import SimulatedMachine
from tests.support.repositories import Repo

HOUR = 3600


def test_with_a_clock_an_hour_behind_everything_works(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    first = machine.start(100)
    machine.start(200)
    assert machine.run(100, "claim", "droplet", "x", "--ttl", "30m").code == 0
    machine.wait(-HOUR)
    for command in (
        ("heartbeat", "a", "b"),
        ("claim", "droplet", "y"),
        ("claims",),
        ("send", "broadcast", "Hello"),
        ("inbox",),
        ("renew", "droplet", "y"),
        ("release", "droplet", "y"),
        ("start",),
    ):
        result = machine.run(200, *command)
        assert result.code == 0, (command, result)
        assert "clock is 1 h behind" in result.err, command
        assert result.err.count("clock is") == 1, command
    for command in (("status",), ("board",)):
        assert "clock is 1 h behind" in machine.run(200, *command).both, command
    taken = machine.run(200, "claim", "droplet", "x")
    assert taken.code == 1
    assert first in taken.out
    times = [event["at"] for event in repo.events()]
    assert times == sorted(times)
    assert len(set(times)) == len(times)


def test_a_claim_expires_only_when_the_clock_has_caught_up(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    machine.start(100)
    machine.start(200)
    machine.run(100, "claim", "droplet", "x", "--ttl", "30m")
    machine.wait(-HOUR)
    machine.wait(45 * 60)
    assert machine.run(200, "claim", "droplet", "x").code == 1
    machine.wait(46 * 60)
    caught_up = machine.run(200, "claim", "droplet", "x")
    assert (caught_up.code, caught_up.err) == (0, "")


def test_a_clock_that_jumps_ahead_and_back_loses_nothing(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    machine.start(100)
    machine.wait(365 * 24 * HOUR)
    assert machine.run(100, "heartbeat", "a", "b").code == 0
    machine.wait(-365 * 24 * HOUR)
    result = machine.run(100, "claim", "droplet", "x")
    assert result.code == 0, result
    assert "behind the log" in result.err
    assert "droplet/x" in machine.run(100, "claims").out
