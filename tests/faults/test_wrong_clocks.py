"""Attack 8: clocks that are off by a second, an hour or ten years, stand still, run too fast, or step while a command
runs.

Each command has its own clock. The checks use only the answers (who holds what until when) and the times of the events.

- Promise 3: no session is granted a resource that another was told it holds, unless that claim was released or has
expired; times increase in the order of writing, and none is later than a clock's. - Promise 5: no refusal names an
ended claim; a clock never makes a session dead; a session that loses a claim because of another's clock is told; and
when the clock is right again, every claim ends at the time that was told.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import pytest

from coord.workspace.system import System
from eventlog.events import Instant, add_time, from_micros
from tests.support.attacks import Tally
from tests.support.in_process import NOON, SimulatedMachine
from tests.support.model.answers import LAPSE_S, WAIT_S, Judge
from tests.support.processes import Result
from tests.support.repositories import Repo
from tests.support.simulated_waits import name_sessions, simulate_waits

pytestmark = pytest.mark.slow

SECOND, HOUR, DECADE = 1, 3600, 10 * 365 * 86400
PALETTES = ((SECOND,), (SECOND, HOUR), (HOUR,), (HOUR,), (SECOND, HOUR, DECADE), (DECADE,))
SHELLS = (100, 200, 300)
RESOURCES = ("droplet/x", "file/a/", "file/a/b")
COMMANDS = 24
WORDS: tuple[tuple[str, ...], ...] = (
    *(("claim", "", "--ttl", "60s", "--json"),) * 4,
    *(("claim", "", "--ttl", "10m", "--json"),) * 2,
    ("claim", "", "--ttl", "60s", "--wait", "2m", "--json"),
    *(("claim", "", "--ttl", "10m", "--wait", "2m", "--json"),) * 2,
    *(("renew", "", "--ttl", "90s", "--json"),) * 3,
    *(("release", "", "--json"),) * 2,
    ("heartbeat", "a", "b", "--json"),
    ("status", "--json"),
)


@dataclass
class Clock:
    """The clock of one command, with the times it has shown."""

    true: Callable[[], Instant]
    kind: str
    errors: list[float]
    chance: Random
    said: list[Instant] = field(default_factory=list)

    def read(self) -> Instant:
        """Read the clock."""
        if self.kind == "steps":
            said = add_time(self.true(), self.chance.choice(self.errors))
        elif self.kind == "stands" and self.said:
            said = self.said[0]
        elif self.kind == "runs" and self.said:
            said = add_time(self.said[-1], self.chance.choice((0, 0.000001, 2, 70)))
        else:
            said = add_time(self.true(), self.errors[0])
        self.said.append(said)
        return said


class Machine(SimulatedMachine):
    """Three shells in which each command has its own clock."""

    def __init__(self, repo: Repo, chance: Random) -> None:
        super().__init__(repo)
        self.chance, self.judge = chance, Judge()
        self.errors = [sign * size for size in chance.choice(PALETTES) for sign in (1, -1)]
        self.error = 0.0  # the error of the machine's clock until it is set again
        self.latest: Instant = ""
        self.seen, self.lost = 0, 0
        self.done: list[str] = []
        self.clock = self.right()
        self.names = {shell: self.start(shell) for shell in SHELLS}
        self.check_times([NOON])

    def right(self) -> Clock:
        return Clock(lambda: self.now, "right", [0.0], self.chance)

    def system(self, shell: int, env: dict[str, str]) -> System:
        made = super().system(shell, env)
        made.wall = self.clock.read
        return made

    def step(self, deeper: bool = True) -> None:
        """Let time pass, perhaps set the machine's clock, and run one command."""
        self.wait(self.chance.choice((0, 0, 0.5, 5, 30, 61, 130)))
        if self.chance.random() < 0.2:
            self.error = self.chance.choice((0.0, *self.errors))
        kind = self.chance.choice(("off", "off", "off", "steps", "steps", "stands", "runs"))
        errors = [self.error] if kind != "steps" else [0.0, self.error, *self.errors]
        words = self.chance.choice(WORDS)
        if "--wait" in words and not deeper:
            words = WORDS[0]
        resource = self.chance.choice(RESOURCES)
        self.type(self.chance.choice(SHELLS), [resource if word == "" else word for word in words], kind, errors)

    def type(self, shell: int, words: list[str], kind: str, errors: list[float]) -> Result:
        before, self.clock = self.clock, Clock(lambda: self.now, kind, errors, self.chance)
        clock, line = self.clock, len(self.done)
        self.done.append("")
        waits = len(self.judge.waiting)
        result = self.run(shell, *words)
        said = [*dict.fromkeys(clock.said)]
        self.done[line] = f"{self.now} {kind} {said} {self.names[shell]}: {' '.join(words)} -> {result}"
        at = self.check_times(clock.said)
        if result.code == 130:  # it withdrew its waiting request
            self.judge.holds.pop(self.judge.waiting[waits][0], None)
        del self.judge.waiting[waits:]
        self.clock = before
        if words[0] != "status":
            self.check_answer(shell, words, result, at or max(self.latest, *clock.said))
            if kind in ("off", "stands") and "--wait" not in words:
                behind = add_time(clock.said[-1], 1) <= self.latest
                assert ("clock is" in result.err) == behind, "a clock that is behind is reported"
        return result

    def check_answer(self, shell: int, words: list[str], result: Result, at: Instant) -> None:
        session, resource = self.names[shell], words[1]
        assert result.code in (0, 1, 130), result
        said = result.json if result.out else {}
        assert said.get("session", session) == session
        if words[0] == "claim" and said:
            if said["outcome"] in ("granted", "renewed"):
                self.judge.granted(session, said)
                ttl = {"60s": 60, "10m": 600}.get(words[3], 4 * HOUR)
                ends = add_time(from_micros(said["token"]), ttl)
                longer = said["outcome"] == "renewed" or said["claim"] in self.judge.waited
                assert longer or add_time(ends, micros=-9) <= said["until"] <= ends, said
            elif said["outcome"] == "refused":
                self.judge.refused(said)
        elif words[0] in ("renew", "release") and result.code == 1:
            self.judge.not_yours(session, resource, add_time(at, micros=9))
        elif words[0] == "renew":
            self.judge.granted(session, said | {"outcome": "renewed", "at": at})
        elif words[0] == "release":
            for claim in said["claims"]:
                self.judge.holds.pop(claim, None)
                self.judge.waited.pop(claim, None)

    def check_times(self, said: list[Instant]) -> Instant:
        """Check the times of new events, which increase and are not ahead of the clocks; the time of the last one."""
        events = self.repo.events()
        new, before = events[self.seen :], self.latest
        for event in new:
            assert event["event"]["type"] != "session.presumed_dead", f"a clock made it dead: {event}"
            earliest, most = max(before, min(said)), add_time(max(before, *said), micros=9)
            assert earliest <= event["at"] <= most, f"{event} between {earliest} and {most}"
            assert event["at"] > self.latest, f"{event} is not later than {self.latest}"
            self.latest = event["at"]
            if event["event"].get("told") == "waiting":
                name = f"{event['session']}/{event['n']}"
                self.judge.waited[name] = event["event"]["resource"], event["at"]
                self.judge.waiting.append((name, event["session"]))
        assert new == sorted(new, key=lambda event: str(event["at"]))
        self.seen = len(events)
        return new[-1]["at"] if new else ""

    def while_waiting(self) -> None:
        self.check_times(self.clock.said)
        for _ in range(self.chance.randint(0, 3)):
            self.step(deeper=len(self.judge.waiting) < 2)

    def check_inboxes(self) -> None:
        """Check that each session that lost a claim because of a clock finds a notice in its inbox."""
        for hold in self.judge.lost:
            shell = next(shell for shell, name in self.names.items() if name == hold.session)
            inbox = self.type(shell, ["inbox", "--peek", "--json"], "off", [self.error]).json
            assert hold.claim in [notice["id"] for notice in inbox["notices"]], f"nobody told {hold}"
        self.lost += len(self.judge.lost)
        self.judge.lost.clear()

    def check_all_is_free(self) -> None:
        """Check that with a right clock, after all claims have ended, every resource can be claimed."""
        ends = [hold.until for hold in self.judge.holds.values()]
        self.now, self.error = add_time(max([self.latest, *ends]), WAIT_S + LAPSE_S), 0.0
        for resource in RESOURCES[:2]:
            result = self.type(SHELLS[0], ["claim", resource, "--ttl", "4h", "--json"], "off", [0.0])
            assert result.code == 0, f"{resource} is still taken: {result}"
        self.check_inboxes()
        self.clock = self.right()
        assert self.run(SHELLS[0], "verify").code == 0


def play(repo: Repo, monkeypatch: pytest.MonkeyPatch, tally: Tally, seeds: range) -> None:
    for seed in seeds:
        repo.reset()
        name_sessions(monkeypatch, range(1000))
        machine = Machine(repo, tally.chance(seed))
        simulate_waits(monkeypatch, machine.while_waiting)
        try:
            for _ in range(COMMANDS):
                machine.step()
                machine.check_inboxes()
            machine.check_all_is_free()
        except BaseException as error:
            error.add_note(f"seed {seed}:\n" + "\n".join(machine.done))
            raise
        tally.did("seeds")
        tally.did("commands", len(machine.done))
        tally.did("grants that another lost", machine.lost)


@pytest.mark.attack(8)
def test_a_few_scripts_with_wrong_clocks(repo: Repo, monkeypatch: pytest.MonkeyPatch, tally: Tally) -> None:
    play(repo, monkeypatch, tally, tally.seeds[:10])


@pytest.mark.machine
@pytest.mark.attack(8)
def test_many_scripts_with_wrong_clocks(repo: Repo, monkeypatch: pytest.MonkeyPatch, tally: Tally) -> None:
    play(repo, monkeypatch, tally, tally.seeds[10:])
