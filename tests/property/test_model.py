"""Attack 10: random commands of random sessions and subagents, each compared with the reference model.

The commands run inside the test on real files. The clock is sometimes wrong, shells die, and checkpoints are deleted.
After each command, the reference model reads all journals from the beginning. It must agree on who holds what, who
waits, what the command answered, and what is unread. This tests the promises that acknowledged events are not lost,
that a claim is never granted twice, whatever the clock does, that a checkpoint changes no answer, that only dead
sessions are recorded as dead, and that each command that writes first records every death.
"""

import contextlib
import io
import json
import shutil
from random import Random
from typing import Any

import pytest

from coord.cli.commands.claims._request import ClaimTerms, request_claims
from coord.cli.commands.claims._wait import poll_grant
from coord.engine.run import Run
from coord.errors import CoordError
from coord.hooks.edits import GitAnswers
from eventlog.events import Mode, to_micros
from projections.rules.fold import as_of
from projections.rules.state import State
from tests.support.attacks import Tally
from tests.support.in_process import NOON, SimulatedMachine, process
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
    """One example: a machine, the actors on it, and the requests that wait for an answer."""

    def __init__(self, repo: Repo, chance: Random) -> None:
        repo.reset()
        self.inside, self.chance, self.repo = SimulatedMachine(repo), chance, repo
        self.inside.now = NOON
        self.actors: list[tuple[int, dict[str, str]]] = [(100, {}), (200, {})]
        self.actors += [(300, {"CODEX_THREAD_ID": name, "CODEX_SESSION_ID": "root"}) for name in ("root", "one", "two")]
        self.killed: set[int] = set()
        self.pending: list[tuple[int, Any]] = []  # the actor, and the answer that told it to wait
        self.done: list[str] = []
        for number, (shell, env) in enumerate(self.actors[:3]):
            assert self.inside.run(shell, "start", "--name", f"who-{number}", **env).code == 0

    def step(self) -> None:
        """Change something around the commands, run one command, and compare."""
        self.inside.wait(self.chance.choice(STEPS_S))
        if self.chance.random() < 0.2:
            shutil.rmtree(self.repo.folder / ".cache", ignore_errors=True)
        if self.chance.random() < 0.06:
            self.kill(self.chance.choice((0, 1)))
        who = self.chance.randrange(len(self.actors))
        kind = "look" if self.pending and self.chance.random() < 0.4 else self.chance.choice(KINDS)
        before = self.repo.events()
        who, resource = self.choose_target(before, kind, who)
        self.done.append(f"{self.inside.now} {who} {kind}")
        if kind == "look":
            return self.poll(before)
        code, answer = self.start_waiting(who) if kind == "wait" else self.type_command(who, kind, resource)
        self.done[-1] += f" -> {code} {answer}"
        return self.compare_answer(before, who, code, answer)

    def kill(self, number: int) -> None:
        """Kill a shell, and start another in its place."""
        shell, env = self.actors[number]
        self.inside.table.rows = {pid: row for pid, row in self.inside.table.rows.items() if row.session != shell}
        self.killed.add(shell)
        self.pending = [(who, asked) for who, asked in self.pending if who != number]
        self.actors[number] = (shell + 1000, env)
        self.inside.table.rows[shell + 1000] = process(shell + 1000, 1, shell + 1000, "-bash")
        self.done.append(f"shell {shell} is killed")

    def choose_target(self, before: list[dict[str, Any]], kind: str, who: int) -> tuple[int, str]:
        """Choose the actor and the resource: for commands on a claim mostly an existing claim and its holder."""
        model = replay(before)
        if kind not in ON_ONE or not model.held or self.chance.random() < 0.2:
            return who, self.chance.choice(RESOURCES)
        aimed = self.chance.choice(model.held)
        holders = [i for i in range(len(self.actors)) if self.session_of(model, i) == aimed.session]
        return (who if kind == "break" else self.chance.choice([who, *holders])), aimed.resource

    def type_command(self, who: int, kind: str, resource: str) -> tuple[int, Any]:
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

    def start_waiting(self, who: int) -> tuple[int, Any]:
        """Run `coord claim --wait` up to its first answer; the command itself would now really wait."""
        shell, env = self.actors[who]
        resource, mode = self.chance.choice(RESOURCES), self.chance.choice(("exclusive", "exclusive", "shared"))
        kind: Mode = "shared" if mode == "shared" else "exclusive"
        patience, ttl = self.chance.choice((60, 90, 600)), self.chance.choice((60, 120))
        run = Run(self.inside.system(shell, env), json=True)
        code, answer = outcome_of(
            lambda: (
                run.transact(
                    lambda transaction: request_claims(
                        transaction, run.config, GitAnswers(run.workspace), [resource], ClaimTerms(kind, ttl, patience)
                    )[0]
                ).value
            )
        )
        if answer is None:
            return code, {"words": ["wait"]}
        if answer.outcome == "waiting":
            self.pending.append((who, answer))
        return 0, {"words": ["wait"], "outcome": answer.outcome, "claim": answer.claim, "session": answer.session}

    def poll(self, before: list[dict[str, Any]]) -> None:
        """Let a waiting actor check for its grant."""
        who, asked = self.pending.pop(self.chance.randrange(len(self.pending)))
        shell, env = self.actors[who]
        run = Run(self.inside.system(shell, env), json=True)
        code, answer = outcome_of(lambda: poll_grant(run, asked, set())[0] or "waiting")
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
        self.check_deaths(new)
        self.compare_states()

    def models(self, before: list[dict[str, Any]]) -> tuple[Model, list[dict[str, Any]]]:
        """The model when the command decided, after the deaths it noticed; and the events that it wrote."""
        old, events = {(event["session"], event["n"]) for event in before}, self.repo.events()
        assert [event for event in events if (event["session"], event["n"]) in old] == before, "an event is lost"
        new = [event for event in events if (event["session"], event["n"]) not in old]
        noticed = [event for event in new if event["event"]["type"] in ("session.started", "session.presumed_dead")]
        latest = max((to_micros(event["at"]) + 1 for event in [*before, *noticed]), default=0)
        return replay([*before, *noticed], max(latest, to_micros(self.inside.now))), new

    def compare_answer(self, before: list[dict[str, Any]], who: int, code: int, answer: dict[str, Any]) -> None:
        """Check that the answer is what the model says."""
        model, new = self.models(before)
        word, *rest = answer["words"]
        by = next((event["session"] for event in new if event["event"]["type"] != "session.presumed_dead"), "")
        by = str(answer.get("session") or by)
        asked = [event for event in new if event["event"]["type"] == "claim.requested"]
        agent = {3: "one", 4: "two"}.get(who, "")
        if code == 3:
            named = f"who-{rest[1][4:]}" if word == "handoff" else rest[0] if word == "send" else ""
            assert named.startswith("who-") or self.session_of(model, who) == "", (self.done, "it has a session")
        elif word in ("claim", "wait"):
            (event,) = asked
            made = ask_of("x/1", event["session"], event["event"])
            assert made.agent == agent, self.done
            verdict = model.verdict(made, word == "wait")
            assert (answer["outcome"], code) == (verdict, int(verdict == "refused")), (self.done, verdict)
        elif word in ON_ONE:
            me = by or self.session_of(model, who)
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
        self.check_deaths(new)
        self.compare_states()

    def check_deaths(self, new: list[dict[str, Any]]) -> None:
        """Rule 9: a command that writes first records each death. Only a session that writes is live again."""
        writers = {event["session"] for event in new}
        assert len(writers) <= 1, (self.done, "one command, one journal")
        model = replay(self.repo.events()) if new else Model()
        for name, session in model.sessions.items():
            lives = session.status != "live" or name in writers or not self.is_killed(session)
            assert lives, (self.done, f"the death of {name} was not recorded")

    def session_of(self, model: Model, who: int) -> str:
        """The live session that is anchored to this actor's shell."""
        shell = self.actors[who][0]
        live = [(name, session) for name, session in model.sessions.items() if session.status == "live"]
        return next((name for name, session in live if (session.anchor or {}).get("pid") == shell), "")

    def is_killed(self, session: Session) -> bool:
        """Whether the shell that a session is anchored to is dead."""
        return (session.anchor or {}).get("pid") in self.killed

    def compare_states(self) -> None:
        """Check that the state of a new reader equals the model."""
        snapshot = Run(self.inside.system(100 if 100 not in self.killed else self.actors[0][0], {})).read_state()
        state: State = as_of(snapshot.state, snapshot.now)
        model = replay(self.repo.events(), to_micros(state.reached))  # at most 1 µs after the latest event, if not now
        assert_agree(state, model, self.done)
        for one in model.held:
            assert not any(conflict(one, other) for other in model.held), self.done
        for session in model.sessions.values():
            assert session.status != "dead" or self.is_killed(session), (self.done, "it lives")


def replay(events: list[dict[str, Any]], until: int = 0) -> Model:
    """The model after these events, at a later time. There is one machine, so every event must be true when written."""
    model = Model()
    for event in events:
        model.until(to_micros(event["at"]))
        assert_event_is_true(model, event["session"], event["event"])
        model.hear(event)
    model.until(max(until, model.now))
    return model


def assert_event_is_true(model: Model, by: str, said: dict[str, Any]) -> None:
    """Check that an event is true in the model after all earlier events."""
    kind = said["type"]
    if kind == "claim.requested":
        verdict = model.verdict(ask_of("x/1", by, said), bool(said.get("wait_s")))
        assert said["told"] == verdict.replace("renewed", "granted"), f"told {said['told']}, but it is {verdict}"
    elif kind in ("claim.accepted", "claim.renewed", "claim.released", "claim.handed_over"):
        among = [*model.held, *(model.queue if kind == "claim.released" else ())]
        assert model.own(by, said, among), f"{said} is about a claim of another session"
        assert kind != "claim.handed_over" or model.is_live(said["to"]), f"{said} names a session that is not live"
    elif kind == "claim.broken":
        assert said["claim"] in [claim.id for claim in model.held], said
    elif kind == "session.presumed_dead":
        gone = model.sessions[said["session"]]
        assert (gone.status, gone.anchor) == ("live", said["anchor"]), said


def outcome_of(act: Any) -> tuple[int, Any]:
    """The exit code and the result of a part of a command."""
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
def test_a_few_random_commands_agree_with_the_model(repo: Repo, tally: Tally) -> None:
    play(repo, tally, tally.seeds[:20])  # the quick part of the whole run


@pytest.mark.machine
@pytest.mark.attack(10)
@pytest.mark.parametrize("part", range(PARTS))
def test_many_random_commands_agree_with_the_model(repo: Repo, tally: Tally, part: int) -> None:
    play(repo, tally, tally.seeds[part::PARTS])
