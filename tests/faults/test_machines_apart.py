"""Attacks 25 and 26: machines that work apart and come together again, and machines with a wrong clock.

Promises 1, 3 and 4 on several machines: provisional claims that other machines took are lost and told, all machines
then have the same state, and no live claim of another machine is taken for expired.
"""

import random
from pathlib import Path

import pytest

from tests.support.attacks import Tally
from tests.support.in_process import Table, process
from tests.support.joined_machines import SHELLS, JoinedMachine, World, world

pytestmark = pytest.mark.slow

TASKS = tuple(f"task/{number}" for number in range(6))
LEADS_S = (600, -600, 86_400, -86_400)


def work_for_an_hour(both: World, chance: random.Random, tally: Tally) -> None:
    """Let the sessions of all machines work without the remote, each some minutes apart."""
    passed = 0.0
    while passed < 3600:
        seconds = chance.uniform(30, 300)
        both.wait(seconds)
        passed += seconds
        machine, shell, task = chance.choice(both.machines), chance.choice(SHELLS), chance.choice(TASKS)
        words = chance.choice(
            (
                ("claim", task, "--offline", "--ttl", chance.choice(("10m", "2h"))),
                ("claim", task, "--offline", "--ttl", "4h"),
                ("release", task),
                ("renew", task, "--ttl", "2h", "--offline"),
                ("heartbeat", "building", task, "BUILD", "40%"),
                ("send", "broadcast", "Progress", f"{task} is half done"),
            )
        )
        result = machine.run(shell, *words)
        assert result.code in (0, 1), (words, result)
        tally.did("commands apart")


def losses(machine: JoinedMachine) -> set[tuple[str, str]]:
    """The sessions that lost a claim, with its resource, as the report shows them."""
    return {(item["session"], item["what"]) for item in machine.ok(100, "report", "--json").json["lost"]}


@pytest.mark.attack(25)
def test_an_hour_apart_ends_in_one_state_and_losses_are_told(tmp_path: Path, tally: Tally) -> None:
    lost = 0
    for seed in tally.seeds:
        base = tmp_path / str(seed)
        base.mkdir()
        with world(base) as both:
            first, second = both.add("a"), both.add("b")
            both.exchange()
            for machine in both.machines:
                machine.cut()
            work_for_an_hour(both, tally.chance(seed), tally)
            for machine in both.machines:
                machine.heal()
            both.exchange()
            assert first.journals() == second.journals(), f"seed {seed}"
            assert first.state(both.now) == second.state(both.now), f"seed {seed}"
            found = losses(first)
            assert found == losses(second), f"seed {seed}"
            for machine in both.machines:
                for shell, session in machine.sessions.items():
                    told = machine.run(shell, "inbox").out
                    for _, resource in (one for one in found if one[0] == session):
                        assert f"You lost {resource}" in told, f"seed {seed}: {told}"
                        lost += 1
        tally.did("hours")
    tally.did("lost claims that were told", lost)
    assert lost, "too little happened"


@pytest.mark.attack(25)
@pytest.mark.parametrize("happens", ["nothing", "reboot"])
def test_what_is_queued_survives_a_reboot(tmp_path: Path, tally: Tally, happens: str) -> None:
    with world(tmp_path) as both:
        first, second = both.add("a"), both.add("b")
        first.cut()
        first.ok(100, "claim", "task/1", "--offline")
        first.ok(100, "send", "broadcast", "Queued", "while the remote was away")
        if happens == "reboot":
            first.reboot()
            first.table = Table(process(1, 0, 1, "init"), process(900, 1, 900, "-bash"))
            first.start(900, "--name", "later")
        both.wait(60)
        first.heal()
        for _ in range(2):
            first.ok(900 if happens == "reboot" else 100, "sync")
            second.ok(100, "sync")
        assert first.journals() == second.journals()
        assert "while the remote was away" in second.ok(100, "inbox").out
        tally.did("queues")


@pytest.mark.attack(26)
@pytest.mark.parametrize("lead_s", LEADS_S)
@pytest.mark.parametrize("wrong_holds", [True, False], ids=["its claim", "its request"])
def test_a_wrong_clock_takes_no_live_claim_for_expired(
    tmp_path: Path, tally: Tally, lead_s: float, wrong_holds: bool
) -> None:
    with world(tmp_path) as both:
        wrong, right = both.add("w", lead_s), both.add("r")
        holder, other = (wrong, right) if wrong_holds else (right, wrong)
        claimed = holder.run(100, "claim", "task/1", "--ttl", "30m")
        if claimed.code:
            assert "This machine's clock is" in claimed.both
            return
        for _ in range(5):
            both.wait(300)  # the claim is renewed before its end, by the holder's clock
            holder.ok(100, "renew", "task/1", "--ttl", "30m")
            result = other.run(200, "claim", "task/1", "--ttl", "10m")
            assert result.code == 1, result
            assert holder.ok(100, "claims", "--json").json["claims"][0]["session"] == holder.sessions[100]
        tally.did("claims defended")


@pytest.mark.attack(26)
@pytest.mark.parametrize("lead_s", [0, *LEADS_S])
def test_an_unseen_renewal_is_not_taken_for_an_expiry(tmp_path: Path, tally: Tally, lead_s: float) -> None:
    """The holder renews before its claim ends. The other machine asks at the same time, and must see the renewal."""
    with world(tmp_path) as both:
        wrong, right = both.add("w", lead_s), both.add("r")
        right.ok(100, "claim", "task/1", "--ttl", "10m")
        wrong.run(200, "sync")
        both.wait(530)  # a clock that is ahead can shift the log by up to 60 s
        right.ok(100, "renew", "task/1", "--ttl", "10m")
        both.wait(90)
        result = wrong.run(200, "claim", "task/1")
        assert result.code == 1, result
        tally.did("claims defended")
