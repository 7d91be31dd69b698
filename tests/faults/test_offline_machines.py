"""Attack 27: two machines work for an hour without their remote, with provisional claims, and then together again.

Promises 1, 3 and 4: after both have exchanged, they have the same journals and the same state, each session that lost a
claim is told, and a claim that was agreed on is never lost to a provisional one. One machine boots in between.
"""

import random
from pathlib import Path

import pytest

from coord.engine.snapshot import Snapshot
from coord.workspace.paths import find_workspace
from eventlog.events import ClaimRequested, Event
from eventlog.scanning import Position, scan
from projections.rules.fold import as_of, fold
from projections.rules.liveness import ObserverHost
from projections.rules.state import State
from tests.support.attacks import Tally
from tests.support.histories import judged
from tests.support.model.ledger import assert_losses_are_told
from tests.support.simulated_machines import Node, Nodes
from tests.support.state_bytes import image

pytestmark = pytest.mark.slow

RESOURCES = ("droplet/x", "droplet/y", "deploy/prod")


def events_of(node: Node) -> list[Event]:
    found = [scan(name.removesuffix(".jsonl"), data, Position())[0] for name, data in node.journals().items()]
    return sorted((event for events in found for event in events), key=lambda event: event.key)


def act(node: Node, chance: random.Random) -> None:
    shell, resource = chance.choice((100, 200)), chance.choice(RESOURCES)
    words = chance.choice(
        (
            *(("claim", resource, "--ttl", chance.choice(("10m", "1h", "4h"))),) * 4,
            ("renew", resource),
            ("release", resource),
            ("heartbeat", "building", "api"),
            ("send", "broadcast", "Hello"),
            ("inbox",),
        )
    )
    result = node.run(shell, *words)
    if result.code == 3:  # its machine has booted again
        result = node.run(shell, "start")
    assert result.code in (0, 1), (node.name, words, result)


def work(nodes: list[Node], chance: random.Random, steps: int) -> None:
    for _ in range(steps):
        seconds = chance.choice((1, 30, 120))
        for node in nodes:
            node.wait(seconds)
        act(chance.choice(nodes), chance)


@pytest.mark.machine
@pytest.mark.attack(27)
def test_machines_agree_after_an_hour_without_the_remote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tally: Tally
) -> None:
    for seed in tally.seeds:
        chance = tally.chance(seed)
        base = tmp_path / str(seed)
        base.mkdir()
        nodes = Nodes(base, "ab", monkeypatch)
        two = nodes.join("a", "b")
        b = two[1]
        for node in two:
            node.set('offline = "provisional"\n')
            node.start(200, "--name", f"other-{node.name}")
        work(two, chance, 6)
        nodes.exchange()
        nodes.go_away()
        work(two, chance, 12)
        if chance.random() < 0.5:
            b.here = ObserverHost(b.here.machine, "boot-after", b.here.pid_namespace)
        work(two, chance, 12)
        nodes.come_back()
        nodes.exchange()
        check(two, f"seed {seed}", tally)


def is_agreed(payload: object) -> bool:
    return isinstance(payload, ClaimRequested) and payload.told == "granted" and not payload.provisional


def check(two: list[Node], where: str, tally: Tally) -> None:
    assert two[0].journals() == two[1].journals(), where
    events = events_of(two[0])
    now = max(node.now for node in two)
    images = []
    for node in two:
        snapshot = Snapshot(node.system(100, {}), find_workspace(node.system(100, {}), None))
        snapshot.catch_up()
        images.append(image(as_of(snapshot.state, max(now, snapshot.state.at))))
    assert images[0] == images[1] == image(as_of(fold(State(), events), max(now, events[-1].at))), where
    assert_losses_are_told(events)
    agreed = {event.id for event in events if is_agreed(event.payload)}
    decisions = judged(events)[1]
    lost = [decision for decision in decisions if decision.what in ("lost", "yielded")]
    assert not [one for one in lost if one.what == "lost" and one.claim in agreed], f"{where}: an agreed claim is lost"
    tally.did("seeds")
    tally.did("provisional claims", sum(getattr(event.payload, "provisional", False) for event in events))
    tally.did("claims lost", len(lost))
