"""Histories of claims that agents on several machines record, and what must be true of them.

1. What a session was told that it holds is linearizable on all machines together: claims, renewals, handovers and
   accepted waits, against the model of a single process (`tests.support.model.one_process`). A release, and a claim
   that is broken, can travel after the answer, so the model may do them late, or never if nothing depends on them.
2. A refusal may be out of date only because of a release or a break on another machine: see the journals.
3. Nothing acknowledged is lost, all machines have the same journals, and no claim that was agreed on is lost.
"""

import json
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from eventlog.events import to_micros
from tests.faults.test_linearizable import answer_of
from tests.support.machines import Machine, exchange, pause
from tests.support.model.linearizability import SECOND, Op
from tests.support.model.one_process import judged
from tests.support.processes import Result

RESOURCES = ("file/a/", "file/a/b", "deploy/x")
WAITED = "deploy/w"  # the only resource that sessions wait for: a wait that fails does not disturb the others
KINDS = ("claim",) * 5 + ("renew", "release", "release", "handoff", "break", "wait", "wait", "claims")
TTL_S = 3600
SLACK = 1000  # microseconds
ENDS = ("claim.released", "claim.broken", "claim.handed_over")


@dataclass(frozen=True)
class Refusal:
    """A refused claim: when it was called, and the claims in its way."""

    machine: str
    called: int  # microseconds of the clock
    obstacles: tuple[str, ...]


class Recorder:
    """Runs commands of the agents of all machines at the same time, and records their calls and answers."""

    def __init__(self, made: Sequence[Machine], chance: random.Random, commands: int) -> None:
        self.ops: list[Op] = []
        self.refusals: list[Refusal] = []
        self.acknowledged: set[str] = set()  # ids of events
        self.offline = 0
        self.failed: list[str] = []
        self._made, self._late, self._lock = made, list[Op](), threading.Lock()
        self._threads = [
            threading.Thread(target=self._work, args=(machine, agent, random.Random(chance.random()), commands))
            for machine in made
            for agent in machine.agents
        ]

    @property
    def unknown(self) -> int:
        """The number of operations with an unknown outcome."""
        return len(self._late)

    def run(self) -> None:
        """Run all commands."""
        for thread in self._threads:
            thread.start()
        for thread in self._threads:
            thread.join()
        end, wall = time.monotonic_ns(), time.time_ns() // 1000 + SLACK
        self.ops += [replace(op, answered=end, latest=wall) for op in self._late]

    def _work(self, machine: Machine, agent: str, chance: random.Random, commands: int) -> None:
        for _ in range(commands):
            pause(chance, 0.1)
            op, words = self._chosen(machine.sessions[agent], chance)
            op = replace(op, called=time.monotonic_ns(), earliest=time.time_ns() // 1000 - SLACK)
            result = machine.run(agent, *words, "--json")
            op = replace(op, answered=time.monotonic_ns(), latest=time.time_ns() // 1000 + SLACK)
            with self._lock:
                self._record(machine, op, result)

    def _chosen(self, session: str, chance: random.Random) -> tuple[Op, list[str]]:
        what = chance.choice(KINDS)
        resource = chance.choice(RESOURCES) if what != "wait" else WAITED
        op = Op(session, what, resource, 0, 0, 0, 0, ttl=TTL_S * SECOND)
        words = [what, resource]
        if what == "wait":
            words = ["claim", resource, "--wait", chance.choice(("1s", "3s"))]
        if what == "release" and chance.random() < 0.4:
            op, words[1] = replace(op, resource=WAITED), WAITED
        if what == "claim" and chance.random() < 0.2:
            op, words = replace(op, mode="shared"), [*words, "--shared"]
        if what in ("claim", "wait", "renew"):
            words += ["--ttl", f"{TTL_S // 60}m"]
        if what == "handoff":
            machine = chance.choice(self._made)
            op = replace(op, to=chance.choice(list(machine.sessions.values())))
            words.append(op.to)
        if what == "break":
            words += ["--reason", "it was silent"]
        return op, ["claims"] if what == "claims" else words

    def _record(self, machine: Machine, op: Op, result: Result) -> None:
        """Record an operation that changed something, or may have changed something."""
        told: Any = json.loads(result.out) if result.out.startswith("{") else {}
        waited = op.what == "wait"
        op = replace(op, what="claim") if waited else op
        if result.code == 4 or (waited and result.code == 1 and not told):
            self._late.append(op)  # the outcome is unknown: it may still be published
        elif result.code == 0 and op.what in ("claim", "renew", "handoff"):
            answer = answer_of(op.what, {"code": 0, "out": result.out})
            assert answer is not None
            self.acknowledged.update(answer.claims)
            at = answer.until - op.ttl if waited else answer.at  # a wait is granted before it is told
            self.ops.append(replace(op, answer=replace(answer, at=at, seen=())))
        elif result.code == 0 and op.what in ("release", "break"):
            self.ops.append(op)
        elif result.code == 1 and told and op.what == "claim" and not waited:
            found = tuple(row["claim"] for row in told["obstacles"] if row["kind"] == "claim")
            if len(found) == len(told["obstacles"]):
                self.refusals.append(Refusal(machine.root.name, op.earliest, found))
        elif result.code == 1 and "Nothing was changed, because another machine" in result.err:
            self.offline += 1
        elif result.code not in (0, 1, 3):  # 3: a session that is not known there yet
            self.failed.append(f"{op}: {result}")


def assert_right(made: Sequence[Machine], recorder: Recorder) -> None:
    """Let the machines exchange, and check what is written at the top of this module."""
    exchange(list(made))
    assert not recorder.failed, recorder.failed
    wrong = judged(recorder.ops, steady=False)
    assert not wrong, f"{wrong}\n" + "\n".join(map(str, sorted(recorder.ops, key=lambda op: op.called)))
    logs = [machine.journals() for machine in made]
    assert all(log == logs[0] for log in logs), "the machines have different journals"
    events = made[0].events()
    lost = recorder.acknowledged - {f"{event['session']}/{event['n']}" for event in events}
    assert not lost, f"acknowledged and lost: {lost}"
    report = made[0].run("", "report", "--json")
    assert report.code == 0, report
    assert report.json["lost"] == [], "a claim that was agreed on was lost"
    _assert_refusals_are_right(made, recorder.refusals, events)


def _assert_refusals_are_right(
    made: Sequence[Machine], refusals: Sequence[Refusal], events: Sequence[dict[str, Any]]
) -> None:
    machine_of = {session: machine.root.name for machine in made for session in machine.sessions.values()}
    ids = {f"{event['session']}/{event['n']}" for event in events}
    ends: dict[str, list[tuple[int, str, str]]] = {}
    for event in events:
        if event["event"]["type"] in ENDS:
            end = to_micros(event["at"]), machine_of[event["session"]], event["event"]["type"]
            ends.setdefault(event["event"]["claim"], []).append(end)
    for refusal in refusals:
        assert set(refusal.obstacles) <= ids, f"{refusal} names a claim that does not exist"
        known = [
            claim
            for claim in refusal.obstacles
            if any(
                at < refusal.called and (machine == refusal.machine or what == "claim.handed_over")
                for at, machine, what in ends.get(claim, ())
            )
        ]
        assert len(known) < len(refusal.obstacles), f"{refusal}: the claims had ended before, and that was known"
