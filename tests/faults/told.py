"""Sessions that do this and that on a disk that fails them at times, and what the log must hold by what they were told.

A command that succeeds is acknowledged: what it did must be in the log, once. One that fails says why in one line, and
what it would have done must not be there.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.support.processes import Result

KINDS = "heartbeat claim claim send send send start release renew inbox inbox board".split()
FULL = ("No space left on device", "the disk took only part", "File too large")
SESSIONS = 3


@dataclass(frozen=True)
class Command:
    """What a session types: of which kind it is, and what it is about, which makes it unlike all others."""

    kind: str
    word: str
    words: str


@dataclass
class Script:
    """What one session does, and what the log must hold by what it was told."""

    number: int
    chance: Random
    turn: int = 0
    failed: list[Command] = field(default_factory=list)
    done: Counter[tuple[str, str]] = field(default_factory=Counter)
    held: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)  # the subjects that it was shown and that are no longer unread

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
        """Take in the answer: a yes, or one line that says why not."""
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
            assert result.out == "" or command.kind == "inbox", case  # shown already, and still unread
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
    """What the log says was done, in the words of the scripts."""
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
    """The log says what was acknowledged, each once, and nothing else; nobody has lost a claim or a message."""
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
"""Types a command for each of some sessions, and gives what they answered."""


def step(run: Shells, scripts: list[Script], commands: dict[int, Command], seed: object) -> None:
    """Some sessions type a command each."""
    results = run({number: command.words for number, command in commands.items()})
    for number, command in commands.items():
        scripts[number].told(command, results[number], seed)


def all_go_on(run: Shells, scripts: list[Script], seed: object) -> None:
    """Each session types its next command."""
    step(run, scripts, {script.number: script.next() for script in scripts}, seed)


def begin(run: Shells, chance: Random, seed: object) -> list[Script]:
    """Sessions that have done a little."""
    scripts = [Script(number, Random(chance.random())) for number in range(SESSIONS)]
    hello = [Command("start", f"who-{number}", f"start --name who-{number} --json") for number in range(SESSIONS)]
    step(run, scripts, dict(enumerate(hello)), seed)
    for _ in range(2):
        all_go_on(run, scripts, seed)
    assert not any(script.failed for script in scripts), seed
    return scripts


def settle(run: Shells, scripts: list[Script], seed: object) -> int:
    """There is room again: what failed is done now and all mail is read. How many commands had failed."""
    many, failed = 0, dict[int, list[Command]]()
    for script in scripts:
        many += len(script.failed)
        failed[script.number] = [one for one in script.failed if one.kind not in ("release", "renew")]
        script.failed = []
    while any(failed.values()):
        step(run, scripts, {number: rest.pop(0) for number, rest in failed.items() if rest}, seed)
    all_go_on(run, scripts, seed)
    shown = -1
    while shown != (shown := sum(len(script.shown) for script in scripts)):
        step(run, scripts, {script.number: Command("inbox", "", "inbox --json") for script in scripts}, seed)
    assert not any(script.failed for script in scripts), (seed, scripts)
    return many
