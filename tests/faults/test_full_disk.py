"""Attack 6: the disk is really full, at any point of any command, and then has room again. Promises 1 and 2.

A small file system of its own stands in the place of the shared folder. Three sessions write to it at the same time
while ballast leaves only so many pages free, or so many files to be made: it runs out in a line, in a new journal, in
the checkpoint, in the board, at the lock, at a folder. What fails says so in one line and is not in the log; what was
acknowledged is there; whoever only looks can look. Once the ballast is gone everyone goes on, and the log holds exactly
what was acknowledged, each once.

Where a file may only grow to a size, the end comes at any byte, not only between pages; that needs no mount.
"""

import json
import re
import resource
import shlex
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.attacks import Tally
from tests.coord.inside import Inside
from tests.processes import Repo, Result, can_unshare

WAYS = (("--mount",), ("--mount", "--map-root-user"))
WAY = next((way for way in WAYS if can_unshare(*way)), ())
KINDS = "heartbeat claim claim send send send start release renew inbox inbox board".split()
LOOKS = ("status", "claims", "board", "log", "inbox --peek", "verify", "whoami", "report")
FULL = ("No space left on device", "only part of the line", "File too large", "the disk took no more")
USUAL = re.compile(
    r"log/[^/]+\.jsonl|log/\.lock|\.cache/checkpoint|STATUS_BOARD\.md|QUICK_START\.md|config\.toml|\.gitignore|"
    r"scripts/[^/]+\.sh|ballast/\d+"
)
SHELLS, ROUNDS = 3, 12
ENOUGH = 5  # commands that failed, of one time
PARTS = 2  # of the times, so that two processors can share them


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


Sessions = Callable[[dict[int, str]], dict[int, Result]]
"""Types a command for each of some sessions, and gives what they answered."""


def step(run: Sessions, scripts: list[Script], commands: dict[int, Command], seed: object) -> None:
    """Some sessions type a command each."""
    results = run({number: command.words for number, command in commands.items()})
    for number, command in commands.items():
        scripts[number].told(command, results[number], seed)


def all_go_on(run: Sessions, scripts: list[Script], seed: object) -> None:
    """Each session types its next command."""
    step(run, scripts, {script.number: script.next() for script in scripts}, seed)


def begin(run: Sessions, chance: Random, seed: object) -> list[Script]:
    """Sessions that have done a little."""
    scripts = [Script(number, Random(chance.random())) for number in range(SHELLS)]
    hello = [Command("start", f"who-{number}", f"start --name who-{number} --json") for number in range(SHELLS)]
    step(run, scripts, dict(enumerate(hello)), seed)
    for _ in range(2):
        all_go_on(run, scripts, seed)
    assert not any(script.failed for script in scripts), seed
    return scripts


def settle(run: Sessions, scripts: list[Script], seed: object) -> int:
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


def left_over(repo: Repo) -> list[str]:
    """What lies in the folder and has no business there."""
    found = sorted(str(path.relative_to(repo.folder)) for path in repo.folder.rglob("*") if not path.is_dir())
    return [name for name in found if not USUAL.fullmatch(name)]


# --- a file system that is full ---------------------------------------------------------------------------------------


class Disk:
    """A small file system over the shared folder, which only the shells that are made here see."""

    def __init__(self, repo: Repo) -> None:
        self._shell = repo.shell(None, "unshare", *WAY, "bash", "--norc", "--noprofile")
        into = ["nsenter", f"--target={self._shell.pid}", "--mount"]
        into += ["--user", "--preserve-credentials"] if "--map-root-user" in WAY else []
        self.shells = [repo.shell(None, *into, "bash", "--norc", "--noprofile") for _ in range(SHELLS)]
        for shell in self.shells:
            shell.ok(f"cd {shlex.quote(str(repo.root))}")
        self.repo = Repo(Path(f"/proc/{self._shell.pid}/root{repo.root}"), repo.home)  # as they see it
        self._shell.ok("cp -a COORDINATION ../kept")

    @contextmanager
    def mounted(self, options: str) -> Iterator[None]:
        """The file system, with nothing on it but what `coord init` makes."""
        self._shell.ok("rm -rf .git && git init -q")  # nobody has ever written here
        self._shell.ok(f"mount -t tmpfs -o {options} tmpfs COORDINATION && cp -a ../kept/. COORDINATION")
        try:
            yield
        finally:
            self._shell.ok("umount COORDINATION")

    def fill(self, pages: int) -> None:
        """Leave so many pages free."""
        self._shell.run("mkdir COORDINATION/ballast; cat /dev/zero >COORDINATION/ballast/0")
        self._shell.ok(f"truncate -s -{pages * 4096} COORDINATION/ballast/0")

    def fill_names(self, names: int) -> None:
        """Leave so many files to be made."""
        self._shell.run(
            "mkdir COORDINATION/ballast; for i in {1000..9999}; do : >COORDINATION/ballast/$i || break; done"
        )
        self._shell.ok("rm -f " + " ".join(f"COORDINATION/ballast/{1000 + number}" for number in range(names)))

    def empty(self) -> None:
        """Give room again."""
        self._shell.ok("rm -r COORDINATION/ballast")

    def run(self, words: dict[int, str]) -> dict[int, Result]:
        """Commands of some sessions, all at once."""
        for number, some in words.items():
            self.shells[number].begin(f"coord {some}")
        return {number: self.shells[number].finish() for number in words}


def fill_and_empty(disk: Disk, seed: int, chance: Random) -> int:
    """One time; how many commands failed."""
    names = seed % 4 == 3
    with disk.mounted("size=400k,nr_inodes=60" if names else "size=400k"):
        scripts = begin(disk.run, chance, seed)
        for gone in chance.sample(("log/.lock", ".cache/checkpoint", "STATUS_BOARD.md"), chance.randrange(4)):
            (disk.repo.folder / gone).unlink(missing_ok=True)
        with suppress(OSError):
            (disk.repo.folder / ".cache").rmdir()
        disk.fill_names(chance.randrange(6)) if names else disk.fill(chance.choice((0, 0, 1, 1, 2, 3, 5, 9)))
        for _ in range(ROUNDS):
            all_go_on(disk.run, scripts, seed)
            if sum(len(script.failed) for script in scripts) >= ENOUGH:
                break
        for look in chance.sample(LOOKS, 4):
            shown = chance.choice(disk.shells).run(f"coord {look}")
            assert (shown.code, shown.err) == (0, ""), (seed, look, shown)
        assert left_over(disk.repo) == [], seed
        disk.empty()
        failed = settle(disk.run, scripts, seed)
        agree(scripts, disk.repo.events(), disk.shells[0].json("coord claims"), seed)
        verified = disk.shells[0].run("coord verify --json")
        assert (verified.code, verified.err) == (0, ""), (seed, verified)
        board = (disk.repo.folder / "STATUS_BOARD.md").read_text()
        assert all(name in board for script in scripts for name in script.held[-1:]), (seed, board)
        assert left_over(disk.repo) == [], seed
    return failed


@pytest.mark.machine
@pytest.mark.skipif(not WAY, reason="no mounts for us here")
@pytest.mark.attack(6)
@pytest.mark.parametrize("part", range(PARTS))
def test_on_a_full_disk_what_was_acknowledged_is_kept_and_with_room_all_goes_on(
    repo: Repo, tally: Tally, part: int
) -> None:
    disk, failed = Disk(repo), 0
    for seed in tally.seeds[part::PARTS]:
        failed += fill_and_empty(disk, seed, tally.chance(seed))
        tally.did("times")
    tally.did("commands that failed", failed)
    assert failed > len(tally.seeds) // PARTS, "the disk was never full"


# --- a file that may not grow -----------------------------------------------------------------------------------------


@contextmanager
def no_file_beyond(size: int) -> Iterator[None]:
    """No file may be written beyond so many bytes by this process."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.attack(6)
def test_where_a_file_may_not_grow_beyond_any_byte_it_is_the_same(repo: Repo, tally: Tally) -> None:
    failed, fresh = 0, repo.home / "fresh"
    shutil.copytree(repo.root, fresh)
    for seed in tally.seeds:
        chance, machine = tally.chance(f"bytes {seed}"), Inside(repo)
        shutil.rmtree(repo.root)
        shutil.copytree(fresh, repo.root)

        def run(words: dict[int, str], machine: Inside = machine) -> dict[int, Result]:
            machine.wait(1)
            return {number: machine.run(100 * (number + 1), *shlex.split(some)) for number, some in words.items()}

        scripts = begin(run, chance, seed)
        size = chance.choice([path.stat().st_size for path in repo.log.glob("*.jsonl")]) + chance.randrange(3000)
        with no_file_beyond(size):
            for _ in range(ROUNDS):
                all_go_on(run, scripts, seed)
        assert left_over(repo) == [], seed
        failed += settle(run, scripts, seed)
        agree(scripts, repo.events(), machine.run(100, "claims", "--json").json, seed)
        assert machine.run(100, "verify").code == 0, seed
        tally.did("limits on a file's size")
    tally.did("commands that failed", failed)
    assert failed > tally.count
