"""Attack 10: random commands of random sessions and subagents, and after each a model that knows only the files.

The commands run inside the test, on real files, with a clock that is wrong at times, shells that die, and checkpoints
that go. The reference model reads all journals anew each time. It must say the same of who holds what, who waits, what
the command answered and what everyone has to read. This holds the promises that what was acknowledged is not lost, that
a claim is never given twice whatever the clock does, that a checkpoint changes no answer, that only the dead are taken
for dead, and that whoever writes records every death before.
"""

import contextlib
import io
import json
import shutil
from random import Random
from typing import Any

import pytest

from coord.cli.commands.claims.claim import _poll_grant, request_claim
from coord.engine.run import Run
from coord.errors import CoordError
from coord.hooks.edits import GitAnswers
from eventlog.events import Mode, to_micros
from projections.rules.fold import as_of
from projections.rules.state import State
from tests.support.attacks import Tally
from tests.support.in_process import NOON, Inside, process
from tests.support.model.agreement import assert_agree
from tests.support.model.reference_model import Model, Session, ask_of, conflict
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow

RESOURCES = ("file/a/", "file/a/b", "port/1")  # the first covers the second
COMMANDS = 12
PARTS = 2  # of the examples, so that two processors can share them
STEPS_S = (0, 0, 0.5, 1, 30, 60, 61, 120, -30)
WORDS = "claim claim claim claim wait wait wait wait renew release release handoff break send inbox start"
KINDS = (*WORDS.split() * 2, "end")
ON_ONE = ("renew", "release", "handoff", "break")


class Machine:
    """One example: a machine, who works on it, and what was asked and not answered yet."""

    def __init__(self, repo: Repo, chance: Random) -> None:
        for folder in (repo.log, repo.folder / ".cache"):
            shutil.rmtree(folder, ignore_errors=True)
        repo.log.mkdir()
        self.inside, self.chance, self.repo = Inside(repo), chance, repo
        self.inside.now = NOON
        self.actors: list[tuple[int, dict[str, str]]] = [(100, {}), (200, {})]
        self.actors += [(300, {"CODEX_THREAD_ID": name, "CODEX_SESSION_ID": "root"}) for name in ("root", "one", "two")]
        self.killed: set[int] = set()
        self.pending: list[tuple[int, Any]] = []  # who asked, and what it was told
        self.done: list[str] = []
        for number, (shell, env) in enumerate(self.actors[:3]):
            assert self.inside.run(shell, "start", "--name", f"who-{number}", **env).code == 0

    def step(self) -> None:
        """Something happens around the commands; then one command; then all is compared."""
        self.inside.wait(self.chance.choice(STEPS_S))
        if self.chance.random() < 0.2:
            shutil.rmtree(self.repo.folder / ".cache", ignore_errors=True)
        if self.chance.random() < 0.06:
            self.kill(self.chance.choice((0, 1)))
        who = self.chance.randrange(len(self.actors))
        kind = "look" if self.pending and self.chance.random() < 0.4 else self.chance.choice(KINDS)
        before = self.repo.events()
        who, resource = self.aim(before, kind, who)
        self.done.append(f"{self.inside.now} {who} {kind}")
        if kind == "look":
            return self.look(before)
        code, answer = self.waits(who) if kind == "wait" else self.types(who, kind, resource)
        self.done[-1] += f" -> {code} {answer}"
        return self.compare(before, who, code, answer)

    def kill(self, number: int) -> None:
        """A shell dies, and another comes in its place."""
        shell, env = self.actors[number]
        self.inside.table.rows = {pid: row for pid, row in self.inside.table.rows.items() if row.session != shell}
        self.killed.add(shell)
        self.pending = [(who, asked) for who, asked in self.pending if who != number]
        self.actors[number] = (shell + 1000, env)
        self.inside.table.rows[shell + 1000] = process(shell + 1000, 1, shell + 1000, "-bash")
        self.done.append(f"shell {shell} is killed")

    def aim(self, before: list[dict[str, Any]], kind: str, who: int) -> tuple[int, str]:
        """Who does it to which resource: what is done to a claim mostly to one that is there, and by its holder."""
        model = replay(before)
        if kind not in ON_ONE or not model.held or self.chance.random() < 0.2:
            return who, self.chance.choice(RESOURCES)
        aimed = self.chance.choice(model.held)
        holders = [i for i in range(len(self.actors)) if self.mine(model, i) == aimed.session]
        return (who if kind == "break" else self.chance.choice([who, *holders])), aimed.resource

    def types(self, who: int, kind: str, resource: str) -> tuple[int, Any]:
        shared = ["--shared"] if self.chance.random() < 0.4 else []
        words = {
            "claim": ["claim", resource, "--ttl", self.chance.choice(("60s", "90s", "10m")), *shared],
            "renew": ["renew", resource, "--ttl", "2m"],
            "release": ["release", resource],
            "handoff": ["handoff", resource, f"who-{self.chance.randrange(3)}"],
            "break": ["break", resource, "--reason", "it must be"],
            "send": ["send", self.chance.choice(("broadcast", "who-0", "who-2")), "a word"],
            "inbox": ["inbox"],
            "end": ["end"],
            "start": ["start"],
        }[kind]
        shell, env = self.actors[who]
        result = self.inside.run(shell, *words, "--json", **env)
        assert "Traceback" not in result.both, result
        self.done[-1] += f" {words}"
        return result.code, {"words": words, **(result.json if result.out else {})}

    def waits(self, who: int) -> tuple[int, Any]:
        """`coord claim --wait` as far as its first answer: the command itself would now wait for real."""
        shell, env = self.actors[who]
        resource, mode = self.chance.choice(RESOURCES), self.chance.choice(("exclusive", "exclusive", "shared"))
        kind: Mode = "shared" if mode == "shared" else "exclusive"
        patience, ttl = self.chance.choice((60, 90, 600)), self.chance.choice((60, 120))
        run = Run(self.inside.system(shell, env), json=True)
        code, answer = heard(
            lambda: (
                run.act(
                    lambda moment: request_claim(
                        moment, run.config, GitAnswers(run.workspace), resource, kind, ttl, patience, ""
                    )
                ).value
            )
        )
        if answer is None:
            return code, {"words": ["wait"]}
        if answer.outcome == "waiting":
            self.pending.append((who, answer))
        return 0, {"words": ["wait"], "outcome": answer.outcome, "claim": answer.claim, "session": answer.session}

    def look(self, before: list[dict[str, Any]]) -> None:
        """Someone who waits looks whether it has come."""
        who, asked = self.pending.pop(self.chance.randrange(len(self.pending)))
        shell, env = self.actors[who]
        run = Run(self.inside.system(shell, env), json=True)
        code, answer = heard(lambda: _poll_grant(run, asked, set())[0] or "waiting")
        first, new = self.models(before)
        alive = first.is_live(asked.session)
        is_held = any((own.id, own.session) == (asked.claim, asked.session) for own in first.held)
        expected = "granted" if is_held else "timed_out"
        if any(wait.id == asked.claim for wait in first.queue):
            expected = "waiting"
            self.pending.append((who, asked))
        said = answer if isinstance(answer, str) else answer.outcome if answer else "over"
        self.done[-1] += f" {asked.claim} -> {code} {said}"
        assert said == expected or (said == "over" and not alive), self.done
        self.buried(new)
        self.same()

    def models(self, before: list[dict[str, Any]]) -> tuple[Model, list[dict[str, Any]]]:
        """What was so when the command decided, which is after what it noticed; and what it wrote then."""
        old, events = {(event["session"], event["n"]) for event in before}, self.repo.events()
        assert [event for event in events if (event["session"], event["n"]) in old] == before, "something is lost"
        new = [event for event in events if (event["session"], event["n"]) not in old]
        noticed = [event for event in new if event["event"]["type"] in ("session.started", "session.presumed_dead")]
        latest = max((to_micros(event["at"]) + 1 for event in [*before, *noticed]), default=0)
        return replay([*before, *noticed], max(latest, to_micros(self.inside.now))), new

    def compare(self, before: list[dict[str, Any]], who: int, code: int, answer: dict[str, Any]) -> None:
        """The answer is what the model would have given."""
        model, new = self.models(before)
        word, *rest = answer["words"]
        by = next((event["session"] for event in new if event["event"]["type"] != "session.presumed_dead"), "")
        by = str(answer.get("session") or by)
        asked = [event for event in new if event["event"]["type"] == "claim.requested"]
        agent = {3: "one", 4: "two"}.get(who, "")
        if code == 3:
            named = f"who-{rest[1][4:]}" if word == "handoff" else rest[0] if word == "send" else ""
            assert named.startswith("who-") or self.mine(model, who) == "", (self.done, "it has a session")
        elif word in ("claim", "wait"):
            (event,) = asked
            made = ask_of("x/1", event["session"], event["event"])
            assert made.agent == agent, self.done
            verdict = model.verdict(made, word == "wait")
            assert (answer["outcome"], code) == (verdict, int(verdict == "refused")), (self.done, verdict)
        elif word in ON_ONE:
            me = by or self.mine(model, who)
            on = [ask for ask in model.held if ask.resource == rest[0]]
            own = [ask for ask in on if ask.of(me, agent)]
            waits = [ask for ask in model.queue if ask.resource == rest[0] and ask.of(me, agent)]
            possible = {"release": own + waits, "break": [ask for ask in on if ask.session != me]}.get(word, own)
            assert code == (0 if possible else 1) or (word, code) == ("handoff", 1), (self.done, possible)
            changed = [event for event in new if event["event"]["type"].startswith("claim.")]
            assert sorted(event["event"]["claim"] for event in changed) == sorted(
                ask.id for ask in (possible if code == 0 else [])
            ), self.done
        else:
            assert code == 0, self.done
        self.buried(new)
        self.same()

    def buried(self, new: list[dict[str, Any]]) -> None:
        """Rule 9: whoever writes has first recorded each death that there is; only who writes itself lives again."""
        writers = {event["session"] for event in new}
        assert len(writers) <= 1, (self.done, "one command, one journal")
        model = replay(self.repo.events()) if new else Model()
        for name, session in model.sessions.items():
            lives = session.status != "live" or name in writers or not self.is_killed(session)
            assert lives, (self.done, f"{name} is dead, and that was not recorded")

    def mine(self, model: Model, who: int) -> str:
        """The live session that is anchored to this actor's shell."""
        shell = self.actors[who][0]
        live = [(name, session) for name, session in model.sessions.items() if session.status == "live"]
        return next((name for name, session in live if (session.anchor or {}).get("pid") == shell), "")

    def is_killed(self, session: Session) -> bool:
        """Whether the shell that a session is anchored to is dead."""
        return (session.anchor or {}).get("pid") in self.killed

    def same(self) -> None:
        """The state that a new reader sees is the model's."""
        snapshot = Run(self.inside.system(100 if 100 not in self.killed else self.actors[0][0], {})).look()
        state: State = as_of(snapshot.state, snapshot.now)
        model = replay(self.repo.events(), to_micros(state.reached))  # at most 1 µs after the latest event, if not now
        assert_agree(state, model, self.done)
        for one in model.held:
            assert not any(conflict(one, other) for other in model.held), self.done
        for session in model.sessions.values():
            assert session.status != "dead" or self.is_killed(session), (self.done, "it lives")


def replay(events: list[dict[str, Any]], until: int = 0) -> Model:
    """The model after these events, and at a later moment. There is one machine, so nobody was told what is not so."""
    model = Model()
    for event in events:
        model.until(to_micros(event["at"]))
        assert_true(model, event["session"], event["event"])
        model.hear(event)
    model.until(max(until, model.now))
    return model


def assert_true(model: Model, by: str, said: dict[str, Any]) -> None:
    """What an event says is so, by the model that has heard all events before it."""
    kind = said["type"]
    if kind == "claim.requested":
        verdict = model.verdict(ask_of("x/1", by, said), bool(said.get("wait_s")))
        assert said["told"] == verdict.replace("renewed", "granted"), f"told {said['told']}, but it is {verdict}"
    elif kind in ("claim.accepted", "claim.renewed", "claim.released", "claim.handed_over"):
        among = [*model.held, *(model.queue if kind == "claim.released" else ())]
        assert model.own(by, said, among), f"{said} of what is not its own"
        assert kind != "claim.handed_over" or model.is_live(said["to"]), f"{said} to nobody"
    elif kind == "claim.broken":
        assert said["claim"] in [claim.id for claim in model.held], said
    elif kind == "session.presumed_dead":
        gone = model.sessions[said["session"]]
        assert (gone.status, gone.anchor) == ("live", said["anchor"]), said


def heard(act: Any) -> tuple[int, Any]:
    """What a part of a command gives, or its exit code."""
    with contextlib.redirect_stderr(io.StringIO()):
        try:
            return 0, act()
        except CoordError as error:
            return error.code, None


def play(repo: Repo, tally: Tally, seeds: range) -> None:
    for seed in seeds:
        machine = Machine(repo, tally.chance(seed))
        try:
            for _ in range(COMMANDS):
                machine.step()
        except BaseException as error:
            error.add_note(f"seed {seed}: {json.dumps(machine.done, indent=1, default=str)}")
            raise
        tally.did("examples")


@pytest.mark.attack(10)
def test_a_few_examples_agree_with_the_model(repo: Repo, tally: Tally) -> None:
    play(repo, tally, tally.seeds[:20])  # in the run that must be quick; they are in the whole too


@pytest.mark.machine
@pytest.mark.attack(10)
@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_the_commands_the_model_agrees(repo: Repo, tally: Tally, part: int) -> None:
    play(repo, tally, tally.seeds[part::PARTS])
