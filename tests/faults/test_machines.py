"""Attacks 22 and 23: several machines agree on claims through a remote, while links are killed and servers stop.

Promise 3 on all machines together: what a session was told that it holds, no other session holds. Promise 1: nothing
acknowledged is lost. A refusal can be out of date, because a release travels after its answer; so refusals are not
compared with those of a single process.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.test_linearizable import answer_of
from tests.support.attacks import Tally
from tests.support.machines import Machine, bare_repository, exchange, machines, pause
from tests.support.model.linearizability import SECOND, Op
from tests.support.model.one_process import judged

pytestmark = [pytest.mark.slow, pytest.mark.machine]

RESOURCES = ("file/a/", "file/a/b", "deploy/x")
SLACK = 1000  # microseconds


class Recorder:
    """Runs commands of the agents of all machines at the same time, and records their calls and answers."""

    def __init__(self, made: list[Machine], chance: random.Random, commands: int) -> None:
        self.ops: list[Op] = []
        self.acknowledged: list[str] = []
        self.unknown = 0
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._work, args=(machine, agent, random.Random(chance.random()), commands))
            for machine in made
            for agent in machine.agents
        ]

    def run(self) -> None:
        for thread in self._threads:
            thread.start()
        for thread in self._threads:
            thread.join()

    def _work(self, machine: Machine, agent: str, chance: random.Random, commands: int) -> None:
        for _ in range(commands):
            pause(chance, 0.1)
            what = chance.choice(("claim", "claim", "claim", "claim", "renew", "release", "release"))
            resource = chance.choice(RESOURCES)
            options = ["--shared"] if what == "claim" and chance.random() < 0.2 else []
            options += ["--ttl", "1h"] if what in ("claim", "renew") else []
            called, wall = time.monotonic_ns(), time.time_ns() // 1000
            result = machine.run(agent, what, resource, *options, "--json")
            answered, until = time.monotonic_ns(), time.time_ns() // 1000
            with self._lock:
                self._record(
                    machine.sessions[agent],
                    what,
                    resource,
                    result.code,
                    result.out,
                    "--shared" in options,
                    (called, answered, wall - SLACK, until + SLACK),
                )

    def _record(
        self,
        session: str,
        what: str,
        resource: str,
        code: int,
        out: str,
        shared: bool,
        times: tuple[int, int, int, int],
    ) -> None:
        op = Op(session, what, resource, *times, mode="shared" if shared else "exclusive", ttl=3600 * SECOND)
        if code == 0 and what in ("claim", "renew"):
            answer = answer_of(what, {"code": code, "out": out})
            self.acknowledged += answer.claims if answer else ()
            self.ops.append(replace(op, answer=answer))
        elif code == 0 or code not in (1, 3):  # a release counts when it arrives; other codes: the outcome is unknown
            self.ops.append(op)
            self.unknown += code != 0


@contextmanager
def disturbed(
    made: list[Machine], chance: random.Random, more: Callable[[random.Random], None] | None
) -> Iterator[Counter[str]]:
    """Kill links at random, and do `more` harm, until the block ends."""
    done, stop = Counter[str](), threading.Event()

    def harm() -> None:
        while not stop.wait(chance.uniform(0.3, 1.5)):
            if more and chance.random() < 0.4:
                more(chance)
                done["servers"] += 1
            else:
                done["links"] += chance.choice(made).kill_link()

    thread = threading.Thread(target=harm)
    thread.start()
    try:
        yield done
    finally:
        stop.set()
        thread.join()


def check_history(
    base: Path, remote: str, chance: random.Random, tally: Tally, more: Callable[[random.Random], None] | None = None
) -> None:
    with machines(base, "abc", remote, agents=4, sync_seconds=1) as made:
        recorder = Recorder(made, chance, 5)
        with disturbed(made, chance, more) as done:
            recorder.run()
        exchange(made)
        wrong = judged(recorder.ops, steady=False)
        assert not wrong, f"{wrong}\n" + "\n".join(map(str, sorted(recorder.ops, key=lambda op: op.called)))
        logs = [machine.journals() for machine in made]
        assert logs[0] == logs[1] == logs[2], "the machines have different journals"
        there = {f"{event['session']}/{event['n']}" for event in made[0].events()}
        assert set(recorder.acknowledged) <= there, "acknowledged and lost"
        lost = made[0].run("", "report", "--json")
        assert lost.code == 0, lost
        assert lost.json["lost"] == [], "a claim that was agreed on was lost"
        tally.did("histories")
        tally.did("operations", len(recorder.ops))
        tally.did("links killed", done["links"])
        tally.did("outcomes unknown", recorder.unknown)


@pytest.mark.attack(22)
def test_histories_over_git_are_linearizable(tmp_path: Path, tally: Tally) -> None:
    for seed in tally.seeds:
        base = tmp_path / str(seed)
        base.mkdir()
        try:
            check_history(base, bare_repository(base / "remote.git"), tally.chance(seed), tally)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error


def race(base: Path, remote: str, count: int) -> None:
    """Let two machines claim the same resources, and check that each has one winner."""
    with machines(base, "ab", remote, agents=1) as made:
        won: dict[str, list[str]] = {machine.root.name: [] for machine in made}

        def work(machine: Machine) -> None:
            for number in range(count):
                if machine.run(machine.agents[0], "claim", f"task/{number}").code == 0:
                    won[machine.root.name].append(f"task/{number}")

        threads = [threading.Thread(target=work, args=(machine,)) for machine in made]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        winners = Counter(task for tasks in won.values() for task in tasks)
        assert winners == Counter({f"task/{number}": 1 for number in range(count)})
        exchange(made)
        assert made[0].journals() == made[1].journals()


@pytest.mark.attack(24)
def test_each_of_many_raced_claims_has_one_winner(tmp_path: Path, tally: Tally) -> None:
    race(tmp_path, bare_repository(tmp_path / "remote.git"), len(tally.seeds))
    tally.did("claims", len(tally.seeds))
