"""Sessions that run random commands on a disk that is sometimes full, and the comparison of the log with their answers.

A command that succeeds is acknowledged: its event must be in the log once. A command that fails says why in one line,
and its event must not be in the log.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.support.processes import Result

KINDS = "heartbeat claim claim send send send start release renew inbox inbox board".split()
FULL = ("No space left on device", "only part of it could be written", "File too large")
SESSIONS = 3


@dataclass(frozen=True)
class Command:
    """A command of a session: its kind, the unique word it is about, and its arguments."""

    kind: str
    word: str
    words: str


@dataclass
class Script:
    """The commands of one session, and what the log must contain according to the answers."""

    number: int
    chance: Random
    turn: int = 0
    failed: list[Command] = field(default_factory=list)
    done: Counter[tuple[str, str]] = field(default_factory=Counter)
    held: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)  # the subjects of the messages that it has read

    def next(self) -> Command:
        """The next command."""
        kind = self.chance.choice(KINDS)
        self.turn += 1
        word = f"{kind}-{self.number}-{self.turn}"
        if kind in ("release", "renew"):
            if not self.held:
                return self.next()
            word = self.chance.choice(self.held)
        text = "x" * self.chance.choice((0, 10, 300, self.chance.randrange(3000)))
        words = {
            "heartbeat": f"heartbeat {word} '{text[:900]}'",
            "claim": f"claim droplet/{word}",
            "send": f"send broadcast {word} '{text}'",
            "start": f"start --new --no-anchor --name {word}",
            "release": f"release {word}",
            "renew": f"renew {word} --ttl 9h",
            "inbox": "inbox",
            "board": "board --write",
        }[kind]
        return Command(kind, word, words + " --json")

    def told(self, command: Command, result: Result, seed: object) -> None:
        """Record an answer: success, or one line that says why it failed."""
        case = (seed, command, result)
        assert "Traceback" not in result.both, case
        lines = [json.loads(line) for line in result.err.splitlines()]
        notes = [line["note"] for line in lines if "note" in line]
        assert all("STATUS_BOARD.md could not be written" in note for note in notes), case
        if result.code:
            (error,) = [line["error"] for line in lines if "error" in line]
            assert (error["code"], result.code, len(lines)) == (4, 4, len(notes) + 1), case
            assert any(reason in error["message"] for reason in FULL), case
            assert "\n" not in error["message"], case
            assert result.out == "" or command.kind == "inbox", case  # the messages were printed, and are still unread
            self.failed.append(command)
            return
        assert len(lines) == len(notes), case
        if command.kind == "inbox":
            subjects = [row["subject"] for row in result.json["messages"]]
            self.shown += subjects
            self.done["inbox", ""] += bool(subjects)
        elif command.kind != "board":
            self.done[command.kind, "" if command.kind in ("release", "renew") else command.word] += 1
        if command.kind == "claim":
            self.held.append(f"droplet/{command.word}")
        elif command.kind == "release":
            self.held.remove(command.word)


def facts_of(events: list[dict[str, Any]]) -> Counter[tuple[str, str]]:
    """What the log contains, in the terms of the scripts."""
    found: Counter[tuple[str, str]] = Counter()
    for event in (event["event"] for event in events):
        match event["type"]:
            case "session.heartbeat":
                found["heartbeat", event["action"]] += 1
            case "claim.requested":
                found["claim", event["resource"].removeprefix("droplet/")] += 1
            case "message.sent":
                found["send", event["subject"]] += 1
            case "session.started":
                found["start", event["name"]] += 1
            case "claim.released":
                found["release", ""] += 1
            case "claim.renewed":
                found["renew", ""] += 1
            case "message.read":
                found["inbox", ""] += 1
    return found


def agree(scripts: list[Script], events: list[dict[str, Any]], claims: Any, seed: object) -> None:
    """Check that the log has exactly the acknowledged events, once each, and that no claim or message is lost."""
    told = sum((script.done for script in scripts), Counter[tuple[str, str]]())
    said = facts_of(events)
    assert said == told, (seed, "only in the log", said - told, "only acknowledged", told - said)
    held = sorted(row["resource"] for row in claims["claims"])
    assert held == sorted(name for script in scripts for name in script.held), seed
    for script in scripts:
        others = [other for other in scripts if other is not script]
        sent = [word for other in others for kind, word in other.done if kind == "send"]
        assert sorted(script.shown) == sorted(sent), (seed, script.number)


Shells = Callable[[dict[int, str]], dict[int, Result]]
"""A function that runs a command for each of some sessions and returns the results."""


def step(run: Shells, scripts: list[Script], commands: dict[int, Command], seed: object) -> None:
    """Run one command for each of some sessions."""
    results = run({number: command.words for number, command in commands.items()})
    for number, command in commands.items():
        scripts[number].told(command, results[number], seed)


def run_next_commands(run: Shells, scripts: list[Script], seed: object) -> None:
    """Run the next command of each session."""
    step(run, scripts, {script.number: script.next() for script in scripts}, seed)


def begin(run: Shells, chance: Random, seed: object) -> list[Script]:
    """Start the sessions and run a few commands."""
    scripts = [Script(number, Random(chance.random())) for number in range(SESSIONS)]
    hello = [Command("start", f"who-{number}", f"start --name who-{number} --json") for number in range(SESSIONS)]
    step(run, scripts, dict(enumerate(hello)), seed)
    for _ in range(2):
        run_next_commands(run, scripts, seed)
    assert not any(script.failed for script in scripts), seed
    return scripts


def settle(run: Shells, scripts: list[Script], seed: object) -> int:
    """With space again, repeat the failed commands and read all messages; the number of commands that had failed."""
    many, failed = 0, dict[int, list[Command]]()
    for script in scripts:
        many += len(script.failed)
        failed[script.number] = [one for one in script.failed if one.kind not in ("release", "renew")]
        script.failed = []
    while any(failed.values()):
        step(run, scripts, {number: rest.pop(0) for number, rest in failed.items() if rest}, seed)
    run_next_commands(run, scripts, seed)
    shown = -1
    while shown != (shown := sum(len(script.shown) for script in scripts)):
        step(run, scripts, {script.number: Command("inbox", "", "inbox --json") for script in scripts}, seed)
    assert not any(script.failed for script in scripts), (seed, scripts)
    return many
