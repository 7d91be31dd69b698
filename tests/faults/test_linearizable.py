"""Attack 12: histories recorded from real processes are linearizable (promise 3).

Several processes claim, wait, renew, release, hand over, break and list at the same time. Some are killed and started
again, and some clocks are wrong. A single process could have given the same answers
(`tests.support.model.one_process`).
"""

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

from eventlog.events import to_micros
from tests.faults.claimants import Plan, micros
from tests.support.attacks import Tally
from tests.support.model.leases import Mortal
from tests.support.model.linearizability import SECOND, Answer, Op, Seen
from tests.support.model.one_process import judged
from tests.support.processes import environment
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow

TREE = Path(__file__).parents[2]
PARTS = 4
INSTALLED = 25  # one history in this many uses the installed command, which takes a hundred times as long
RESOURCES = ("file/a/", "file/a/b", "deploy/x")
KINDS = ("claim",) * 6 + ("renew", "renew", "release", "release", "release", "handoff", "break", "claims")
SLACK = 2000  # microseconds by which times may be ahead of the clock: one per event, and the drift in a second


def step(chance: random.Random, resources: tuple[str, ...], sessions: int, quick: bool) -> Plan:
    """One command: its arguments, and how it is run."""
    what, resource = chance.choice(KINDS), chance.choice(resources)
    words: list[str | int] = [what] if what == "claims" else [what, resource]
    if what == "claim":
        words += ["--shared"] if chance.random() < 0.3 else []
        if chance.random() < 0.4:
            words += ["--wait", chance.choice(("20s", "1m", "3m")) if quick else "1s"]
    if what in ("claim", "renew"):
        words += ["--ttl", chance.choice(("1m", "1m", "2m", "10m"))]
    if what == "handoff":
        words.append(chance.randrange(sessions))
    if what == "break":
        words += ["--reason", "it was silent"]
    dies = 0
    if chance.random() < 0.06:
        dies = round(10 ** chance.uniform(1.5, 3.6)) if quick else chance.randint(20, 200)
    fenced = resource if what == "renew" and chance.random() < 0.4 else ""
    return {"words": words, "pause": chance.choice((0, 0, 0, 0.01, 0.03)), "dies": dies, "fenced": fenced, "ahead": 0}


def plan_of(chance: random.Random, quick: bool) -> Plan:
    """The commands of several processes. More than one process may act for a session."""
    sessions = chance.randint(2, 4)
    resources = tuple(chance.sample(RESOURCES, chance.randint(1, 3)))
    workers = []
    clocks = chance.choice(("right", "right", "right", "apart", "stepping")) if quick else "right"
    mortal = quick and chance.random() < 0.3  # each session depends on the process of its worker
    many = chance.randint(3, 5)
    sessions = many if mortal else sessions
    for number in range(many):
        most = chance.randint(4, 8) if quick else 4
        steps = [step(chance, resources, sessions, quick) for _ in range(most)]
        apart = chance.choice((0, 45, -300))
        for one in steps:
            if clocks != "right":
                one["ahead"] = apart if clocks == "apart" else chance.choice((0, -70, 70, -1000))
        workers.append({"session": number % sessions, "steps": steps})
    pace = chance.choice((400, 800, 1600)) if quick else 1
    kind = {"installed": not quick, "clocks": clocks, "mortal": mortal}
    return {"sessions": sessions, "workers": workers, "pace": pace} | kind


def ops_of(plan: Plan) -> list[Op]:
    """The recorded operations."""
    most = max(one["ahead"] for worker in plan["workers"] for one in worker["steps"])
    return [op_of(plan, call, answer, most) for call, answer in pairs(plan["noted"])]


def pairs(noted: list[Plan]) -> Iterator[tuple[Plan, Plan]]:
    return zip(noted[::2], noted[1::2], strict=True)


def op_of(plan: Plan, call: Plan, answer: Plan, most_ahead: float) -> Op:
    words, options = call["words"], dict(zip(call["words"], call["words"][1:], strict=False))
    if plan["installed"]:
        times = call["called"] // 1000 + plan["clock"] - SLACK, answer["answered"] // 1000 + plan["clock"] + SLACK
    else:
        times = (
            micros(plan, call["called"], call["ahead"]),
            micros(plan, answer["answered"], max(0, most_ahead)) + SLACK,
        )
    return Op(
        call["session"],
        words[0],
        "" if words[0] == "claims" else words[1],
        call["called"],
        answer["answered"],
        *times,
        answer=answer_of(words[0], answer),
        mode="shared" if "--shared" in words else "exclusive",
        ttl=length(options.get("--ttl", "0s")),
        wait=length(options.get("--wait", "0s")),
        to=words[2] if words[0] == "handoff" else "",
        token=int(options.get("--token", 0)),
    )


def length(text: str) -> int:
    return int(text[:-1]) * {"s": 1, "m": 60}[text[-1]] * SECOND


def answer_of(what: str, told: Plan) -> Answer | None:
    """The answer; None if the command was killed before it answered."""
    if told["code"] < 0:
        return None
    assert told["code"] in (0, 1), told
    if what != "claim" and told["code"] == 1:
        return Answer("refused")
    data: dict[str, Any] = json.loads(told["out"])
    if what == "claims":
        return Answer("done", seen=tuple(row_of(row) for row in data["claims"]))
    if what == "claim":
        seen = tuple(obstacle_of(found) for found in data["obstacles"])
        until, at = (to_micros(data["until"]) if data["until"] else 0), to_micros(data["at"])
        return Answer(data["outcome"], (data["claim"],), at, until, data["token"] or 0, seen)
    if what == "renew":
        return Answer("done", (data["claim"],), 0, to_micros(data["until"]), data["token"])
    return Answer("done", tuple(data["holders" if what == "break" else "claims"]))


def row_of(row: dict[str, Any]) -> Seen:
    until = to_micros(row["ends_at"])
    return Seen(
        row["id"], row["session"], row["resource"], until, False, row["mode"], row["token"], accepted=row["accepted"]
    )


def obstacle_of(found: dict[str, str]) -> Seen:
    waits = found["kind"] != "claim"
    return Seen(found["claim"], found["session"], found["resource"], to_micros(found["until"]), waits)


@contextmanager
def players(repo: Repo) -> Iterator[Any]:
    """A function that runs a plan with real processes."""
    (repo.root / "a").mkdir()
    repo.set(lock_wait_seconds=60)
    argv = [sys.executable, "-m", "tests.faults.claimants", str(repo.root), str(repo.home)]
    with subprocess.Popen(
        argv, cwd=TREE, env=environment(repo.home), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        hear, tell = process.stdout, process.stdin
        assert hear is not None
        assert tell is not None

        def play(plan: Plan, hear: IO[str] = hear, tell: IO[str] = tell) -> Plan:
            plan["clock"] = (time.time_ns() - time.monotonic_ns()) // 1000
            tell.write(json.dumps(plan) + "\n")
            tell.flush()
            played: Plan = json.loads(hear.readline())
            return played

        yield play
        tell.close()


def at_once(history: list[Op]) -> int:
    """The number of operations that overlap another one."""
    return sum(any(a.called < b.answered and b.called < a.answered for b in history if b is not a) for a in history)


@pytest.mark.machine
@pytest.mark.attack(12)
@pytest.mark.parametrize("part", range(PARTS))
def test_histories_of_real_processes_are_linearizable(repo: Repo, tally: Tally, part: int) -> None:
    said = set()
    with players(repo) as play:
        for seed in tally.seeds[part::PARTS]:
            played = play(plan_of(tally.chance(seed), quick=bool(seed % INSTALLED)))
            history = ops_of(played)
            mortal = tuple(Mortal(*one) for one in played["ended"])
            wrong = judged(history, steady=played["clocks"] == "right", mortal=mortal)
            assert not wrong, f"seed {seed}: {wrong}\n" + "\n".join(map(str, sorted(history, key=lambda op: op.called)))
            said |= {op.answer.said for op in history if op.answer}
            tally.did("histories")
            tally.did("operations", len(history))
            tally.did("of them at the same time as others", at_once(history))
            tally.did("of them killed", sum(op.answer is None for op in history))
    assert said == {"granted", "renewed", "refused", "timed_out", "done"}, "too little happened"
    assert tally.done["of them killed"]
    assert tally.done["of them at the same time as others"] > tally.done["operations"] // 2
