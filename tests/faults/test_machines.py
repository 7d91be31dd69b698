"""Attacks 22, 23 and 24: several machines agree on claims through a remote, while links are killed, servers stop and
networks are cut.

Promise 3 on all machines together: what a session was told that it holds, no other session holds. Promise 1: nothing
acknowledged is lost. What is checked is in `tests.support.machine_histories`.
"""

import random
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.support.attacks import LONG, Tally
from tests.support.machine_histories import Recorder, assert_right
from tests.support.machines import GitRemoteOfMachines, Machine, exchange, machines
from tests.support.nats_servers import PROGRAM, Servers, nats_servers

pytestmark = [pytest.mark.slow, pytest.mark.machine]

Harm = Callable[[random.Random, threading.Event], str]
STOPPED_S = 10.0 if LONG else 3.0  # for how long a server is stopped
CUT_S = 2.0  # for how long the network is cut
needs_nats = pytest.mark.skipif(not PROGRAM, reason="nats-server is not installed")


@contextmanager
def disturbed(made: Sequence[Machine], chance: random.Random, more: Harm) -> Iterator[Counter[str]]:
    """Kill links at random, and do `more` harm, until the block ends."""
    done, stop = Counter[str](), threading.Event()

    def harm() -> None:
        while not stop.wait(chance.uniform(0.2, 1.2)):
            if chance.random() < 0.4:
                done[more(chance, stop)] += 1
            else:
                done["links killed"] += chance.choice(made).kill_link()

    thread = threading.Thread(target=harm)
    thread.start()
    try:
        yield done
    finally:
        stop.set()
        thread.join()


def check_history(made: Sequence[Machine], chance: random.Random, tally: Tally, more: Harm) -> None:
    recorder = Recorder(made, chance, commands=6)
    with disturbed(made, chance, more) as done:
        recorder.run()
    assert_right(made, recorder)
    tally.did("histories")
    tally.did("operations", len(recorder.ops) + len(recorder.refusals))
    tally.did("outcomes unknown", recorder.unknown)
    tally.did("claims refused because the remote was away", recorder.offline)
    for what, many in done.items():
        tally.did(what, many)


@contextmanager
def naming(seed: int) -> Iterator[None]:
    """Put the seed into the message of a failure."""
    try:
        yield
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}") from error


@pytest.mark.attack(22)
def test_histories_over_git_are_linearizable(tmp_path: Path, tally: Tally) -> None:
    for seed in tally.seeds:
        base, chance = tmp_path / str(seed), tally.chance(seed)
        remote = GitRemoteOfMachines(base)

        def cut(chance: random.Random, stop: threading.Event, remote: GitRemoteOfMachines = remote) -> str:
            name = chance.choice("abc")
            remote.cut(name)
            stop.wait(chance.uniform(0.1, CUT_S))
            remote.heal(name)
            return "cuts of the network"

        with naming(seed), machines(base, "abc", remote.url, agents=4, sync_seconds=1) as made:
            check_history(made, chance, tally, cut)


def harm_of(servers: Servers, stream: str) -> Harm:
    """Kill the leader, stop a server, or cut the network, and undo it after a while."""

    def harm(chance: random.Random, stop: threading.Event) -> str:
        what, server = chance.choice(("kill", "stop", "cut", "cut")), chance.choice(servers)
        if what == "kill":
            server = servers.leader(stream)
            server.kill()
            stop.wait(chance.uniform(0.1, 2))
            server.start()
            server.wait()
            return "leaders killed"
        if what == "stop":
            server.signal(signal.SIGSTOP)
            stop.wait(STOPPED_S)
            server.signal(signal.SIGCONT)
            return "servers stopped"
        for one in chance.choice((servers, [server])):
            one.proxy.cut()
        stop.wait(chance.uniform(0.1, CUT_S))
        for one in servers:
            one.proxy.heal()
        return "cuts of the network"

    return harm


def url_of(servers: Servers, stream: str, _name: str) -> str:
    """The stream as a machine reaches it."""
    return servers.url(stream)


@needs_nats
@pytest.mark.attack(23)
def test_histories_over_nats_are_linearizable(tmp_path: Path, tally: Tally) -> None:
    with nats_servers(tmp_path / "servers", 3) as servers:
        for seed in tally.seeds:
            chance, stream = tally.chance(seed), f"seed{seed}"
            with (
                naming(seed),
                machines(tmp_path / str(seed), "abc", partial(url_of, servers, stream), agents=4) as made,
            ):
                check_history(made, chance, tally, harm_of(servers, stream))


def race(made: Sequence[Machine], count: int) -> None:
    """Let two machines claim the same resources, and check that each has one winner."""
    won: list[str] = []

    def work(machine: Machine) -> None:
        for number in range(count):
            result = machine.run(machine.agents[0], "claim", f"task/{number}")
            assert result.code in (0, 1), result
            won.extend([f"task/{number}"] * (result.code == 0))

    threads = [threading.Thread(target=work, args=(machine,)) for machine in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(won) == Counter({f"task/{number}": 1 for number in range(count)})
    exchange(list(made))
    assert made[0].journals() == made[1].journals()


@pytest.mark.attack(24)
def test_each_claim_raced_over_git_has_one_winner(tmp_path: Path, tally: Tally) -> None:
    with machines(tmp_path, "ab", GitRemoteOfMachines(tmp_path).url, agents=1) as made:
        race(made, len(tally.seeds))
    tally.did("claims over git", len(tally.seeds))


@needs_nats
@pytest.mark.attack(24)
def test_each_claim_raced_over_nats_has_one_winner(tmp_path: Path, tally: Tally) -> None:
    with (
        nats_servers(tmp_path / "servers", 3) as servers,
        machines(tmp_path, "ab", partial(url_of, servers, "race"), agents=1) as made,
    ):
        race(made, len(tally.seeds))
    tally.did("claims over NATS", len(tally.seeds))
