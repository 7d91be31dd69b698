"""Attack 14: two machines with different clocks work offline and exchange journals; and folders are cloned.

Each machine has its own folder, in which commands run with the identity and clock of that machine. Between commands,
journals are copied between the folders: in any order, repeatedly, cut at any byte, sometimes an old copy over a newer
one. In some runs a folder is copied as a whole, with its cache, and both copies are used: on the same machine or on
another one.

Promises 1, 4 and 5: no acknowledged event is lost, no live session is recorded as dead, and no journal has two writers.
After all journals have been exchanged, all folders give the same state, and each session that lost a claim is told.
"""

import json
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from coord.engine.snapshot import Snapshot
from coord.workspace.paths import find_workspace
from eventlog.events import Event, SessionPresumedDead, add_time
from eventlog.order import merge
from eventlog.scanning import Position, scan
from projections.rules.fold import as_of, fold
from projections.rules.liveness import ObserverHost
from projections.rules.state import State
from tests.support.attacks import Tally
from tests.support.histories import judged
from tests.support.in_process import SimulatedMachine
from tests.support.model.ledger import assert_losses_are_told
from tests.support.processes import Result
from tests.support.repositories import Repo
from tests.support.simulated_waits import name_sessions, simulate_waits
from tests.support.state_bytes import image

pytestmark = pytest.mark.slow

SHELLS = (100, 200)
RESOURCES = ("droplet/x", "droplet/y", "deploy/prod")
APART_S = (0, 0.5, 3, 45, 59, 61, 300, 3600, 5 * 3600)  # the difference of the two clocks, in either direction


class Node:
    """One folder on one machine, with the journals of its sessions and the events acknowledged to them."""

    def __init__(self, repo: Repo, here: ObserverHost, ahead_s: float) -> None:
        self.inside = SimulatedMachine(repo)
        self.inside.here = here
        self.inside.wait(ahead_s)
        self.root, self.seen_at, self.log = repo.root, repo.root, repo.log
        self.own: dict[str, bytes] = {}  # the journals of its sessions after its last command
        self.acknowledged: set[str] = set()  # the ids of acknowledged events
        self.held_back = 0  # the number of commands that reported events held back

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Move the folder to the path at which its machine sees it; a clone may use the same path as its original."""
        aside = self.root.with_name("aside")
        if self.seen_at != self.root:
            self.seen_at.rename(aside)
            self.root.rename(self.seen_at)
        yield
        if self.seen_at != self.root:
            self.seen_at.rename(self.root)
            aside.rename(self.seen_at)

    def journals(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.log.glob("*.jsonl")}

    def events(self) -> list[Event]:
        """All events in its log, read without `LogReader`."""
        found = []
        for name, data in self.journals().items():
            events, position = scan(name.removesuffix(".jsonl"), data, Position())
            assert not position.damage, (name, position.damage)
            assert len(events) == data.count(b"\n"), f"a line of {name} does not count"
            found.append(events)
        return merge(found)

    def run(self, shell: int, *argv: str) -> Result:
        """Run a command, and check that it only appends to journals of its own folder."""
        before = self.journals()
        with self.in_place():
            result = self.inside.run(shell, *argv)
        self.held_back += "held back" in result.both
        assert result.code in (0, 1, 2, 3, 130), (argv, result)
        after = self.journals()
        for name, data in before.items():
            if name in self.own:
                assert after[name].startswith(data), f"{argv} removed bytes from {name}"
            else:
                assert after[name] == data, f"{argv} wrote in {name}, which another folder writes"
        self.own |= {name: data for name, data in after.items() if name in self.own or name not in before}
        if result.code == 0 and argv[0] in ("claim", "send"):
            told = json.loads(result.out)
            self.acknowledged.add(told["claim"] if argv[0] == "claim" else told["message"])
        return result


class Scene:
    """The machines of one seed, and random actions on them."""

    def __init__(self, base: Path, chance: random.Random) -> None:
        self.base, self.chance = base, chance
        self.nodes: list[Node] = []
        self.cloned = False
        self.older: set[str] = set()  # journals of which an older copy was delivered
        self.waits: Callable[[], None] = lambda: None
        apart = chance.choice(APART_S) * chance.choice((1, -1))
        for name, ahead in (("north", 0), ("south", apart)):
            repo = self._repo(name)
            repo.log.mkdir(parents=True)
            self.nodes.append(Node(repo, ObserverHost(f"machine-{name}", f"boot-{name}", "pid:[1]"), ahead))

    def _repo(self, name: str) -> Repo:
        return Repo(self.base / name, self.base / f"home-{name}")

    def step(self) -> None:
        kind = self.chance.choice((*("act",) * 6, *("carry",) * 4, "wait"))
        if kind == "act":
            self.act(self.chance.choice(self.nodes))
        elif kind == "carry":
            self.copy_a_journal()
        else:
            seconds = self.chance.choice((0.000001, 1, 30, 61, 90))
            for node in self.nodes:
                node.inside.wait(seconds)

    def act(self, node: Node) -> None:
        shell, resource = self.chance.choice(SHELLS), self.chance.choice(RESOURCES)
        other = self.chance.choice([name.removesuffix(".jsonl") for name in sorted(node.journals())] or ["nobody"])
        words = self.chance.choice(
            (
                *(("claim", resource, "--ttl", self.chance.choice(("60s", "2m", "1h")), "--json"),) * 3,
                *(("claim", resource, "--wait", "2m", "--json"),) * 4,
                ("release", resource),
                ("renew", resource),
                ("heartbeat", "build", "api"),
                ("send", "broadcast", "Hello", "--json"),
                ("send", other, "Hello", "--needs-ack", "--json"),
                ("handoff", resource, other),
                ("break", resource, "--reason", "silent"),
                ("inbox",),
                ("end",),
                ("status",),
            )
        )
        self.waits = lambda: self.while_waiting(node, resource)
        if self.chance.random() < 0.1 and words[0] != "status":  # as any session, even one of another machine
            node.run(shell, *words, "--session", other)
            return
        if node.run(shell, *words).code == 3:
            node.run(shell, "start")

    def while_waiting(self, node: Node, resource: str) -> None:
        """What happens while a command waits for a resource: time passes, and sessions release it."""
        if self.chance.random() < 0.5:
            node.inside.wait(self.chance.choice((1, 60, 120)))
        for shell in SHELLS:
            node.inside.run(shell, "release", resource)

    def copy_a_journal(self) -> None:
        """Copy a journal from the folder that writes it to another, completely or in part."""
        source, target = self.chance.sample(self.nodes, 2)
        if source.own:
            name = self.chance.choice(sorted(source.own))
            there = target.journals().get(name, b"")
            whole = source.own[name]
            size = self.chance.choice((len(whole), self.chance.randint(len(there), len(whole))))
            if self.chance.random() < 0.1:  # an older copy in place of a newer one
                size = self.chance.randint(0, len(whole))
                self.older.add(name)
            (target.log / name).write_bytes(whole[:size])

    def clone(self) -> None:
        """Copy a whole folder, to another path on the same machine or to a new machine."""
        self.cloned = True
        original = self.chance.choice(self.nodes)
        repo = self._repo("copy")
        shutil.copytree(original.inside.repo.folder, repo.folder)
        other = ObserverHost("machine-copy", "boot-copy", "pid:[1]")
        here, moved = self.chance.choice(((original.inside.here, True), (other, True), (other, False)))
        copy = Node(repo, here, 0)
        copy.inside.now = original.inside.now
        if not moved:  # as with an image of a machine: the path is the same
            copy.inside.repo, copy.seen_at = original.inside.repo, original.root
        self.nodes.append(copy)
        known = copy.journals().keys()
        for node in (original, copy, original, copy):
            for shell in SHELLS:
                node.run(shell, "heartbeat", "build", "api")
        for name in sorted(original.own):  # with the explicit id, as a script would
            for node in (original, copy):
                session = name.removesuffix(".jsonl")
                beat = node.run(200, "heartbeat", "test", "api", "--session", session, "--json")
                acting = f"{beat.json['session']}.jsonl" if beat.code == 0 else ""
                assert not acting or (acting in known) == (node is original), f"{acting} goes to the wrong folder"

    def exchange(self) -> None:
        """Copy all journals to all folders, in random order, and set every clock to the latest time."""
        ways = [(s, t, name) for s in self.nodes for t in self.nodes if s is not t for name in sorted(s.own)]
        self.chance.shuffle(ways)
        for source, target, name in ways:
            (target.log / name).write_bytes(source.own[name])
            if self.chance.random() < 0.1:
                target.run(100, "status")
        latest = max([node.inside.now for node in self.nodes] + [event.at for event in self.nodes[0].events()])
        for node in self.nodes:
            node.inside.now = add_time(latest, 1)

    def check(self) -> int:
        """Check that no event is missing, all states are equal, and losses are reported; the number of lost claims."""
        events = self.nodes[0].events()
        there = {event.id for event in events}
        now = self.nodes[0].inside.now
        whole = image(as_of(fold(State(), events), now))
        for node in self.nodes:
            held = node.journals()
            assert node.acknowledged <= there, f"acknowledged and lost: {node.acknowledged - there}"
            for source in self.nodes:
                assert source.own.items() <= held.items()
            assert node.events() == events
            system = node.inside.system(100, {})
            for _ in range(2):
                with node.in_place():
                    snapshot = Snapshot(system, find_workspace(system, None))
                    snapshot.catch_up()
                    shutil.rmtree(snapshot.workspace.cache, ignore_errors=True)
                for finding in snapshot.journal_problems():
                    assert "was rewound" in finding.text, finding
                    assert f"{finding.journal}.jsonl" in self.older, finding
                assert image(as_of(snapshot.state, now)) == whole
        assert not any(isinstance(event.payload, SessionPresumedDead) for event in events), (
            "a live session is recorded as dead"
        )
        assert_losses_are_told(events)
        self._check_inboxes(as_of(fold(State(), events), now))
        return sum(decision.what == "lost" for decision in judged(events)[1])

    def _check_inboxes(self, state: State) -> None:
        for node in self.nodes:
            for name in node.own:
                session = state.sessions[name.removesuffix(".jsonl")]
                if session.live and (lost := {notice.id for notice in session.notices if notice.kind == "lost"}):
                    shown = json.loads(node.run(100, "inbox", "--peek", "--json", "--session", session.id).out)
                    assert lost <= {notice["id"] for notice in shown["notices"]}


@pytest.fixture
def scenes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[random.Random], Scene]:
    """Build the scene of a seed, with predictable session ids and simulated waits, so that a seed repeats exactly."""

    def begin(chance: random.Random) -> Scene:
        scene = Scene(tmp_path / "machines", chance)
        name_sessions(monkeypatch, chance.sample(range(1000), 1000))
        simulate_waits(monkeypatch, lambda: scene.waits())
        return scene

    return begin


@pytest.mark.machine
@pytest.mark.attack(14)
def test_machines_agree_after_exchanging_all_journals(scenes: Callable[[random.Random], Scene], tally: Tally) -> None:
    for seed in tally.seeds:
        chance = tally.chance(seed)
        scene = scenes(chance)
        clone_at = chance.randrange(16) if chance.random() < 0.3 else None
        try:
            for node in scene.nodes:
                for shell in SHELLS:
                    node.run(shell, "start")
            for step in range(16):
                if step == clone_at:
                    scene.clone()
                scene.step()
            scene.exchange()
            lost = scene.check()
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
        tally.did("seeds")
        tally.did("folders cloned", int(scene.cloned))
        tally.did("claims lost", lost)
        tally.did("commands with events held back", sum(node.held_back for node in scene.nodes))
        shutil.rmtree(scene.base)
