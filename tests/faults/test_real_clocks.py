"""Attack 8 with the installed command (promises 3 and 5): real processes claim one resource at the same time, each with
its own clock, which is off, stands still, runs 3,600 times too fast, or steps each time it is read.

A `sitecustomize` module makes the clock of a single command wrong. As in
`tests.faults.test_wrong_clocks`, only the answers are checked.
"""

from random import Random

import pytest

from tests.support.attacks import Tally
from tests.support.model.answers import Judge
from tests.support.processes import Result, Shell, until
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow

HOOK = """
import os, time
kind, _, amount = os.environ["WRONG_CLOCK"].partition(" ")
right, amount, began, asked = time.time_ns, int(float(amount) * 1e9), time.time_ns(), []
def wrong():
    asked.append(right())
    if kind == "stands":
        return began - amount
    if kind == "runs":
        return began + (asked[-1] - began) * (amount // 10**9)
    return asked[-1] + amount * (len(asked) if kind == "steps" else (-1) ** len(asked) if kind == "jumps" else 1)
time.time_ns = wrong
"""
HOUR, DECADE = 3600, 10 * 365 * 86400
SIZES = ((1,), (HOUR,), (HOUR,), (1, HOUR), (DECADE,), (1, HOUR, DECADE))
RIGHT, STANDS, RUNS, STEPS = "off 0", "stands 60", "runs 3600", "steps 600"
RESOURCE = "droplet/x"
ROUNDS = 4


def under(clock: str, repo: Repo, command: str) -> str:
    """The shell command that runs a command with a wrong clock."""
    hook = repo.home / "hook" / "sitecustomize.py"
    if not hook.exists():
        hook.parent.mkdir()
        hook.write_text(HOOK)
    return f"PYTHONPATH='{hook.parent}' WRONG_CLOCK='{clock}' {command}"


def ask(repo: Repo, shells: list[Shell], clocks: list[str], command: str) -> list[Result]:
    """Run a command in all shells at the same time."""
    for shell, clock in zip(shells, clocks, strict=True):
        shell.begin(under(clock, repo, command))
    return [shell.finish() for shell in shells]


def play(repo: Repo, shells: list[Shell], chance: Random) -> tuple[list[str], int]:
    """Run one seed; the commands and answers, and the number of grants."""
    repo.reset()
    clocks = [RIGHT, STANDS, RUNS, STEPS]
    for size in chance.choice(SIZES):
        clocks += [f"off {size}", f"off -{size}", f"jumps {size}"]
    begun = ask(repo, shells, chance.choices(clocks, k=len(shells)), "coord start --json")
    names = [result.json["session"] for result in begun]
    assert len(set(names)) == len(shells)
    judge, done, granted = Judge(), [], 0
    for _ in range(ROUNDS):
        chosen = chance.choices(clocks, k=len(shells))
        results = ask(repo, shells, chosen, f"coord claim {RESOURCE} --ttl 1m --json")
        done += [f"{name} {clock!r} {result}" for name, clock, result in zip(names, chosen, results, strict=True)]
        assert all(result.code in (0, 1) for result in results), done
        answers = sorted((result.json for result in results), key=lambda said: str(said["at"]))
        for said in answers:  # in the order of the log
            try:
                judge.refused(said) if said["outcome"] == "refused" else judge.granted(said["session"], said)
            except AssertionError as error:
                raise AssertionError(f"{error}\n" + "\n".join(done)) from error
            granted += said["outcome"] == "granted"
        last = [said for said in answers if said["outcome"] != "refused"][-1:]
        if last and chance.random() < 0.5:
            shell, clock = shells[names.index(last[0]["session"])], chance.choice(clocks)
            released = shell.run(under(clock, repo, f"coord release {RESOURCE} --json"))
            done.append(f"{clock!r} {released}")
            assert released.code in (0, 1), done
            if released.code == 0:  # otherwise it has expired by that clock
                judge.holds.clear()
    return done, granted


@pytest.mark.machine
@pytest.mark.attack(8)
@pytest.mark.parametrize("part", [0, 1])
def test_processes_with_wrong_clocks_get_consistent_answers(repo: Repo, tally: Tally, part: int) -> None:
    shells = [repo.shell() for _ in range(4)]
    for seed in tally.seeds[part * 2 :: 4]:
        try:
            done, granted = play(repo, shells, tally.chance(f"real {seed}"))
            times = [event["at"] for event in repo.events()]
            assert len(times) == len(set(times)), done
            assert repo.of_type("session.presumed_dead") == [], done
            shells[0].ok("coord verify")
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
        tally.did("seeds with processes")
        tally.did("grants", granted)


@pytest.mark.attack(8)
def test_a_waiter_whose_clock_stands_still_gets_its_claim(repo: Repo, tally: Tally) -> None:
    (one, _), (two, second) = repo.sessions(2)
    one.ok(f"coord claim {RESOURCE}")
    two.begin(under(STANDS, repo, f"coord claim {RESOURCE} --wait 10m --json"))
    until(lambda: any(event["event"]["told"] == "waiting" for event in repo.of_type("claim.requested")), "the wait")
    one.ok(f"coord release {RESOURCE}")
    granted = two.finish()
    assert (granted.code, granted.json["outcome"]) == (0, "granted"), granted
    assert one.run(f"coord claim {RESOURCE} --json").json["obstacles"][0]["session"] == second
    tally.did("waits by a wrong clock")


@pytest.mark.attack(8)
def test_a_waiter_that_gave_up_blocks_nobody(repo: Repo, tally: Tally) -> None:
    """By the clocks of the others it would still wait, but its process is gone."""
    (one, _), (two, _), (three, third) = repo.sessions(3)
    one.ok(f"coord claim {RESOURCE} --ttl 7d")  # longer than a command takes by the fast clock
    gave_up = two.run(under(RUNS, repo, f"coord claim {RESOURCE} --wait 2m --json"))
    assert (gave_up.code, gave_up.json["outcome"]) == (1, "timed_out"), gave_up
    one.ok(f"coord release {RESOURCE}")
    assert three.run(f"coord claim {RESOURCE} --json").json["outcome"] == "granted"
    assert two.run(f"coord claim {RESOURCE} --json").json["obstacles"][0]["session"] == third
    tally.did("waits by a wrong clock")
