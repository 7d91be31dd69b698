"""Attack 21: random schedules of processes of the same conversations, which write, are killed, resumed, and cleared.

The rules, after every step: of the running processes at most one may write a file (promise 3); each running process has
a session of its own, which holds what it was granted; and each message that was sent to it arrives (promise 1).
"""

import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from coord.guard.entry import ALLOWED, DENIED
from tests.support.agents import Agents
from tests.support.attacks import Tally
from tests.support.in_process import process
from tests.support.processes import COORD, Shell
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow

FILES = ("a.py", "b.py", "src/c.py")
CLIENTS = {  # of each client: the variables with the conversation, and the names of its hook events and its tool
    "claude": ("CLAUDECODE=1 CLAUDE_CODE_SESSION_ID={}", "Write", "file_path"),
    "gemini": ("GEMINI_CLI=1 GEMINI_SESSION_ID={}", "write_file", "file_path"),
}
STEPS = (
    *("write",) * 8,
    *("resume",) * 3,
    *("prompt", "kill", "clear", "message", "command"),
)


class Processes(Protocol):
    """The processes of a client, by a number each."""

    def begin(self, number: int, inside: int | None) -> None:
        """Start a process, below another one if `inside` is not None."""

    def kill(self, number: int) -> None:
        """End a process without a hook."""

    def hook(self, number: int, conversation: str, event: str, **said: Any) -> tuple[int, str]:
        """Run a hook below a process: the exit code, and what the agent is shown."""

    def coord(self, number: int, conversation: str, *words: str) -> tuple[int, str]:
        """Run a command below a process: the exit code and the output."""


class Simulated:
    """Processes in a table, with hooks that run inside the test."""

    def __init__(self, repo: Repo, word: str) -> None:
        self.agents = Agents(repo, {})
        self.word = word

    def begin(self, number: int, inside: int | None) -> None:
        pid = 1000 + 10 * number
        above = 1 if inside is None else 1000 + 10 * inside
        self.agents.clients = {**self.agents.clients, pid: self.word}
        self.agents.machine.table.rows[pid] = process(pid, above, pid, self.word)

    def kill(self, number: int) -> None:
        del self.agents.machine.table.rows[1000 + 10 * number]

    def hook(self, number: int, conversation: str, event: str, **said: Any) -> tuple[int, str]:
        self.agents.machine.wait(1)
        self.agents.conversations[1000 + 10 * number] = conversation
        answer = self.agents.hook(1000 + 10 * number, event, **said)
        return answer.code, answer.context + answer.err

    def coord(self, number: int, conversation: str, *words: str) -> tuple[int, str]:
        variables, _, _ = CLIENTS[self.word]
        env = dict(word.split("=") for word in variables.format(conversation).split())
        done = self.agents.machine.run(1000 + 10 * number, *words, **env)
        return done.code, done.out


class Real:
    """Real processes, which are shells with the name of the client's program. Hooks are processes too."""

    def __init__(self, repo: Repo, word: str) -> None:
        self.repo, self.word = repo, word
        self.program = repo.home / word
        self.program.symlink_to(shutil.which("bash") or "/bin/bash")
        self.shells: dict[int, Shell] = {}

    def begin(self, number: int, inside: int | None) -> None:
        self.shells[number] = self.repo.shell(None, str(self.program), "--norc", "--noprofile")

    def kill(self, number: int) -> None:
        self.shells[number].kill()

    def hook(self, number: int, conversation: str, event: str, **said: Any) -> tuple[int, str]:
        from coord.clients.client import client_named

        client = client_named(self.word)
        assert client
        name = next(name for name, hook_event in client.hook_events.items() if hook_event == event)
        fields = {"session_id": conversation, "cwd": str(self.repo.root), "hook_event_name": name} | said
        file = self.repo.home / f"hook-{number}.json"
        file.write_text(json.dumps(fields))
        done = self.shells[number].run(f"{COORD} hook {self.word} <'{file}'")
        return done.code, done.both

    def coord(self, number: int, conversation: str, *words: str) -> tuple[int, str]:
        variables, _, _ = CLIENTS[self.word]
        quoted = " ".join(f"'{word}'" for word in words)
        done = self.shells[number].run(f"{variables.format(conversation)} {COORD} {quoted}")
        return done.code, done.out


class Schedule:
    """One schedule: the running processes with their conversations, and what each of them was granted."""

    def __init__(self, repo: Repo, processes: Processes, word: str, chance: random.Random) -> None:
        self.repo, self.processes, self.word, self.chance = repo, processes, word, chance
        self.talks: dict[int, str] = {}  # the conversation of each running process
        self.known: list[str] = []  # all conversations
        self.held: dict[int, set[str]] = {}  # the files that each running process was granted
        self.sent: dict[int, set[str]] = {}  # the messages that each has not been shown
        self.started = 0
        self.done: list[str] = []

    def run(self, steps: int) -> None:
        self.resume()
        for _ in range(steps):
            step = self.chance.choice(STEPS)
            if not self.talks:
                step = "resume"
            getattr(self, step)()
            self.check()
        for number in list(self.talks):
            while text := self.hook(number, "prompt")[1]:
                self.shown(number, text)
            assert self.sent[number] == set(), (self.done, "each message arrives")

    def check(self) -> None:
        """Each running process has a session of its own, which holds what the process was granted."""
        held: dict[str, set[str]] = {}
        sessions = {number: self.session(number) for number in self.talks}
        assert len(set(sessions.values())) == len(sessions), (self.done, sessions)
        rows = json.loads(self.processes.coord(next(iter(self.talks)), "", "claims", "--json")[1]) if self.talks else {}
        for row in rows.get("claims", ()):
            held.setdefault(row["session"], set()).add(row["resource"].removeprefix("file/"))
        for number, session in sessions.items():
            assert self.held[number] <= held.get(session, set()), (self.done, number, session, held)

    def session(self, number: int) -> str:
        code, out = self.processes.coord(number, self.talks[number], "whoami", "--json")
        assert code == 0, (self.done, out)
        return str(json.loads(out)["session"])

    def hook(self, number: int, event: str, **said: Any) -> tuple[int, str]:
        code, text = self.processes.hook(number, self.talks[number], event, **said)
        self.done.append(f"{number} {self.talks[number]} {event} {said.get('tool_input', '')}: {code}")
        assert code in (ALLOWED, DENIED), (self.done, text)
        return code, text

    def shown(self, number: int, text: str) -> None:
        self.sent[number] -= {subject for subject in self.sent[number] if subject in text}

    # --- the steps

    def resume(self) -> None:
        """A process starts with a known conversation or a new one. Its first hook is its start, a prompt or a write."""
        number, self.started = self.started, self.started + 1
        inside = self.chance.choice([None, None, *self.talks])
        self.processes.begin(number, inside)
        if not self.known or self.chance.random() < 0.2:
            self.known.append(f"talk-{number}")
        self.talks[number] = self.chance.choice(self.known)
        self.held[number], self.sent[number] = set(), set()
        first = self.chance.choice(("start", "start", "prompt", "write"))
        if first == "write":
            self.write(number)
        else:
            self.shown(number, self.hook(number, first, source="resume")[1])

    def write(self, number: int | None = None) -> None:
        number = self.chance.choice(list(self.talks)) if number is None else number
        path = self.chance.choice(FILES)
        _, tool, key = CLIENTS[self.word]
        said = {"tool_name": tool, "tool_input": {key: str(self.repo.root / path)}}
        if self.hook(number, "before", **said)[0] != ALLOWED:
            return
        others = [other for other, files in self.held.items() if path in files and other != number]
        assert others == [], (self.done, f"{others} may write {path} too")
        (self.repo.root / path).parent.mkdir(exist_ok=True)
        (self.repo.root / path).write_text(f"{number} {len(self.done)}\n")
        self.held[number].add(path)
        self.shown(number, self.hook(number, "after", **said)[1])

    def prompt(self) -> None:
        number = self.chance.choice(list(self.talks))
        self.shown(number, self.hook(number, "prompt")[1])

    def command(self) -> None:
        """The agent claims a file by name."""
        number, path = self.chance.choice(list(self.talks)), self.chance.choice(FILES)
        code, _ = self.processes.coord(number, self.talks[number], "claim", "file", path)
        self.done.append(f"{number} claims {path}: {code}")
        others = [other for other, files in self.held.items() if path in files and other != number]
        assert code == 1 or others == [], (self.done, f"{others} may write {path} too")
        self.held[number] |= set() if code else {path}

    def kill(self) -> None:
        number = self.chance.choice(list(self.talks))
        self.done.append(f"{number} is killed")
        self.processes.kill(number)
        del self.talks[number], self.held[number], self.sent[number]

    def clear(self) -> None:
        """A process begins another conversation, and says so or, if it has one at a time, does not always say so."""
        number = self.chance.choice(list(self.talks))
        self.known.append(f"talk-{number}-{len(self.known)}")
        says = self.word != "claude" or self.chance.random() < 0.5
        if says:
            self.hook(number, "end", reason="clear")
        self.talks[number] = self.known[-1]
        self.shown(number, self.hook(number, "start" if says else "prompt", source="clear")[1])

    def message(self) -> None:
        """One process writes to another."""
        by, to = self.chance.choice(list(self.talks)), self.chance.choice(list(self.talks))
        if by == to:
            return
        subject = f"subject-{len(self.done)}-"
        code, _ = self.processes.coord(by, self.talks[by], "send", self.session(to), subject, "body")
        self.done.append(f"{by} writes {subject} to {to}: {code}")
        assert code == 0, self.done
        self.sent[to].add(subject)


@pytest.fixture
def fresh(repo: Repo, tmp_path: Path) -> Iterator[Any]:
    made: list[Repo] = []

    def make() -> Repo:
        again = Repo(tmp_path / f"again-{len(made)}", tmp_path / f"home-{len(made)}")
        shutil.copytree(repo.root, again.root, dirs_exist_ok=True)
        made.append(again)
        return again

    yield make
    for each in made:
        each.close()


@pytest.mark.attack(21)
@pytest.mark.parametrize("word", CLIENTS)
def test_at_most_one_process_of_a_conversation_writes_a_file(fresh: Any, word: str, tally: Tally) -> None:
    for seed in tally.seeds:
        repo, chance = fresh(), tally.chance(f"{word}/{seed}")
        schedule = Schedule(repo, Simulated(repo, word), word, chance)
        schedule.run(25)
        shutil.rmtree(repo.root)
        tally.did("schedules")


@pytest.mark.attack(21)
def test_the_same_with_real_processes(fresh: Any, tally: Tally) -> None:
    for seed in tally.seeds[: max(1, tally.count // 20)]:
        repo = fresh()
        Schedule(repo, Real(repo, "claude"), "claude", tally.chance(f"real/{seed}")).run(12)
        tally.did("schedules with real processes")
