"""Attack 16: random bytes and texts in every input (promise 7).

For the seconds of the attack, journals, settings, checkpoints and locks in the folder of a session are changed at
random, and commands with random arguments run on them. Each command ends by itself with a code from 0 to 4 and no
traceback, its output has no escape sequences, and nothing outside the folder changes, not even the time of a file.
"""

import random
import re
import time
from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2b

import pytest

from coord.engine.cache import checkpoint
from eventlog.codec import NO_HASH, DamagedLine, decode_event, decode_line
from eventlog.scanning import Position, scan
from tests.support.attacks import FIRST_SEED, Tally
from tests.support.byte_damage import mangled, tree
from tests.support.in_process import SimulatedMachine
from tests.support.journals import line_of
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow

WORDS = (
    "status", "claims", "board", "log", "inbox", "report", "why", "whoami", "verify", "doctor", "diff", "timeline",
    "claim", "release", "renew", "break", "handoff", "send", "reply", "ack", "heartbeat", "end", "start", "archive",
    "board --write", "claim file", "claim droplet", "log --type", "log --since", "log --session", "report --since",
    "status --at", "claims --at", "timeline --since", "claim --ttl", "claim --note", "send broadcast",
    "heartbeat --eta",
    "heartbeat --progress", "start --name", "end --summary", "whoami --session", "replay --at", "import", "init",
)  # fmt: skip
TEXTS = (
    "", "-", "--", "--json", "-h", "0", "-1", "9" * 400, "1e999", "nan", "inf", "all", ".", "..", "/", "//", "../../x",
    "file/../../x", "file/**", "[", "\x1b[2J", "\x00", "\udcff", "\u202e", "a/b", "droplet/x", "*", "**/*" * 30,
    "~root",
    "x" * 5000, "2026-11-22", "25:61", "-5h", "99999999999d", "9999-12-31T23:59:59Z", "{}", "%s%n", "{0}", "\n", "1/1",
)  # fmt: skip


@pytest.mark.machine
@pytest.mark.attack(16)
def test_any_line_with_a_right_hash_is_read_or_damaged(repo: Repo, tally: Tally) -> None:
    machine = SimulatedMachine(repo)
    session = machine.start(100)
    machine.run(100, "claim", "droplet", "x", "--note", "why")
    machine.run(100, "send", "broadcast", "Hello", "there")
    data = (repo.log / f"{session}.jsonl").read_bytes()
    bodies = [line[:-44] for line in data.splitlines()]
    cache = repo.folder / ".cache"
    saved = (cache / "checkpoint").read_bytes()
    chance = tally.chance(f"lines {FIRST_SEED}")
    until = time.monotonic() + tally.count / 4
    while time.monotonic() < until:
        state = chance.getstate()
        line = line_of(mangled(chance.choice(bodies), chance))
        try:
            with suppress(DamagedLine):
                assert decode_line(line, NO_HASH).session is not None
            with suppress(DamagedLine):
                decode_event(mangled(line, chance))
            events, position = scan(session, mangled(data, chance), Position())
            assert position.n == (events[-1].n if events else 0)
            assert position.lines >= len({event.n for event in events}) - 8 * len(position.damage)
            payload = mangled(saved[16:], chance)
            digest = blake2b(payload, digest_size=16).digest()
            (cache / "checkpoint").write_bytes(digest + payload if chance.random() < 0.5 else mangled(saved, chance))
            checkpoint.load(str(cache))
        except Exception as error:
            raise AssertionError(
                f"seed 'lines {FIRST_SEED}', after {tally.done}: {line[:300]!r}, {hash(state)}"
            ) from error
        tally.did("lines")


def planted(repo: Repo, session: str, chance: random.Random) -> Callable[[], None]:
    """Change one file of the folder; a function that restores it."""
    choices = (
        f"log/{session}.jsonl",
        "config.toml",
        ".cache/checkpoint",
        ".cache/guard",
        "log/.lock",
        "STATUS_BOARD.md",
    )
    path = repo.folder / chance.choice(choices)
    before = path.read_bytes()
    path.write_bytes(mangled(before, chance))

    def back() -> None:
        path.write_bytes(before)

    return back


@pytest.mark.machine
@pytest.mark.attack(16)
def test_any_command_with_any_input_ends_without_a_traceback(repo: Repo, tally: Tally) -> None:
    until, seed = time.monotonic() + tally.count / 2, FIRST_SEED
    session = SimulatedMachine(repo).start(100)  # this writes the mark in git's folder
    before = tree(repo.root.parent, repo.folder)
    while time.monotonic() < until:
        seed += 1
        chance = tally.chance(seed)
        machine = SimulatedMachine(repo)
        if seed % 20 == 1:
            for path in repo.folder.rglob("*.jsonl"):
                path.unlink()
            (repo.folder / ".cache/checkpoint").unlink(missing_ok=True)
            session = machine.start(100)
            machine.run(100, "claim", "droplet", "x")
            machine.start(200)
        back = (
            planted(repo, session, chance)
            if chance.random() < 0.5 and (repo.folder / ".cache/checkpoint").exists()
            else None
        )
        for _ in range(3):
            words = [*chance.choice(WORDS).split(), *(chance.choice(TEXTS) for _ in range(chance.randint(0, 3)))]
            try:
                result = machine.run(chance.choice((100, 200, 300)), *words)
            except BaseException as error:
                raise AssertionError(f"seed {seed}: {words} raised {error!r}") from error
            assert result.code in range(5), (seed, words, result)
            assert "Traceback" not in result.both, (seed, words, result)
            if "--json" not in words:
                assert not re.search("[\x00\x1b\u202e]", result.both), (seed, words, result)
            tally.did("commands")
        if back:
            with suppress(OSError):
                back()
        assert tree(repo.root.parent, repo.folder) == before, seed
