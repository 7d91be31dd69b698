"""Attack 16 on the import: a folder of the shell version with arbitrary content (promises 2 and 7).

Files are damaged, renamed, and replaced by folders, links and pipes; values have any type. The import always ends with
every file either imported once or reported as unusable; imported events are read back as written; local events do not
change; no link is followed, and nothing outside the shared folder changes.
"""

import json
import os
import re
import shutil
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest

from coord.admin.shell_import.events import parse_file
from coord.admin.shell_import.recovery import TEMPLATES, FileKind, Unusable
from coord.platform.git.repository import recorded_path
from tests.support.attacks import FIRST_SEED, Tally
from tests.support.byte_damage import mangled, tree
from tests.support.in_process import SimulatedMachine
from tests.support.repositories import Repo
from tests.support.shell_folders import sample

pytestmark = pytest.mark.slow

KINDS: dict[str, FileKind] = {
    "sessions": "session",
    "heartbeats": "heartbeat",
    "claims": "claim",
    "messages": "message",
}
SECRET = "what-a-link-leads-to"
NAMES = (
    "\n", "\x1b[2J", "...", " ", "\udcff", "x" * 200, "\u202e", "2026-99-99_99-99-99-x", "9999-12-31_23-59-59-x", "-",
    "0001-01-01_00-00-00-x", "2026-03-07_09-30-00-", "2026-03-07_09-30-00-..", "droplet-", "%s", "\\",
)  # fmt: skip
TIMES = (
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-03-07T09:30:00", "2026-03-07", "2026-W10-6",
    "24:00", "2026-03-07T09:30:00.999999999Z", "1969-12-31T23:59:59Z", "2026-03-07T09:30:00+00:00:01",
    " 2026-03-07T09:30:00Z\n",
)  # fmt: skip
TEXTS = (
    "",
    "all",
    "broadcast",
    "../..",
    "\x1b[31m",
    "\u2028",
    "\ud800",
    "x" * 5000,
    "session-1",
    "a/b",
    "\0",
    "*",
    "**/",
)
NUMBERS = (0, -1, 1.5, 1e308, -(2**53), 2**53 + 1, 10**400)


def any_value(chance: Random, depth: int = 0) -> Any:
    """A value of any type."""
    match chance.randrange(8 if depth < 3 else 6):
        case 0 | 1:
            return chance.choice(TEXTS)
        case 2:
            return chance.choice(TIMES)
        case 3:
            return chance.choice(NUMBERS)
        case 4:
            return chance.choice((None, True, False, float("nan"), float("inf")))
        case 5 | 6:
            return [any_value(chance, depth + 1) for _ in range(chance.randrange(3))]
        case _:
            return {chance.choice(TEXTS): any_value(chance, depth + 1) for _ in range(chance.randrange(3))}


def file_with_any_values(kind: FileKind, chance: Random) -> bytes:
    """A file with the right keys and values of any type."""
    fields = {key: any_value(chance) for key in TEMPLATES[kind] if chance.random() < 0.9}
    when = {"session": "started_at", "claim": "claimed_at"}.get(kind, "timestamp")
    fields[when] = chance.choice((*TIMES, fields.get(when)))
    return json.dumps(fields, indent=chance.choice((None, 2))).encode()


def damage(path: Path, kind: FileKind, secret: Path, chance: Random) -> None:
    """Damage, rename or replace one file."""
    data = path.read_bytes()
    match chance.randrange(12):
        case 0 | 1 | 2 | 3 | 4:
            path.write_bytes(mangled(data, chance))
            return
        case 5 | 6 | 7:
            path.write_bytes(file_with_any_values(kind, chance))
            return
        case 8:
            path.rename(path.with_name(chance.choice(NAMES) + chance.choice((path.suffix, path.suffix, "", ".jso"))))
            return
    path.unlink()
    match chance.randrange(4):
        case 0:
            path.symlink_to(secret)
        case 1:
            os.mkfifo(path)
        case 2:
            path.mkdir()
        case _:
            path.parent.rmdir() if not any(path.parent.iterdir()) else path.write_bytes(b"[" * 100_000)


def damaged_folder(folder: Path, secret: Path, chance: Random) -> set[str]:
    """Write a damaged folder of the shell version; the paths of its files, without hidden ones."""
    shutil.rmtree(folder, ignore_errors=True)
    sample(folder, chance.randrange(1 << 30), chance.randint(1, 3), chance.randint(0, 8))
    for _ in range(chance.randint(1, 8)):
        files = sorted(path for name in KINDS for path in (folder / name).rglob("*") if path.is_file())
        files = [path for path in files if not path.is_symlink()]
        if files:
            path = chance.choice(files)
            damage(path, KINDS[path.relative_to(folder).parts[0]], secret, chance)
    for name in KINDS:
        if (folder / name).exists() and chance.random() < 0.02:
            (folder / name).rename(folder / f"no-{name}")
            (folder / name).symlink_to(folder / f"no-{name}")
    real = [name for name in KINDS if not (folder / name).is_symlink()]
    found = {path.relative_to(folder) for name in real for path in (folder / name).rglob("*")}
    files = [path for path in found if (folder / path).is_symlink() or not (folder / path).is_dir()]
    shown = [path for path in files if not path.name.startswith(".") and path.name != "REGISTRY.json"]
    return {recorded_path(str(path)) for path in shown}


@pytest.mark.machine
@pytest.mark.attack(16)
def test_any_folder_is_imported_once_or_reported_as_unusable(repo: Repo, tally: Tally) -> None:
    until, seed = time.monotonic() + tally.count / 4, FIRST_SEED
    secret = repo.root.parent / "secret"
    secret.write_text(json.dumps({"from": SECRET, "timestamp": "2026-03-07T09:30:00Z", "message": SECRET}))
    old = repo.root.parent / "old" / "COORDINATION"
    while time.monotonic() < until:
        seed += 1
        chance = tally.chance(f"import {seed}")
        repo.reset()
        machine = SimulatedMachine(repo)
        machine.start(100)
        held = machine.run(100, "claim", "droplet/one", "--json").json
        paths = damaged_folder(old, secret, chance)
        before = tree(repo.root.parent, repo.folder)
        try:
            check_import(machine, paths, held, seed)
            check_parsing(chance)
        except BaseException as error:
            error.add_note(f"seed 'import {seed}'")
            raise
        assert tree(repo.root.parent, repo.folder) == before, seed
        tally.did("predecessors brought in")


def check_import(machine: SimulatedMachine, paths: set[str], held: Any, seed: int) -> None:
    """Import the folder twice, and check the results."""
    result = machine.run(100, "import", "../old", "--json")
    assert result.code == 0, (seed, result)
    done = result.json
    events = [event for event in machine.repo.events() if "imported" in event]
    brought = sorted(event["imported"]["path"] for event in events)
    refused = [row["path"] for row in done["unusable"]]
    assert paths <= {*brought, *refused}, (seed, paths - {*brought, *refused})
    assert len({*brought, *refused}) == len(brought) + len(refused), seed
    assert sum(done["new"].values()) == sum(done["read"].values()) == len(brought), seed
    assert SECRET not in json.dumps(events), seed
    again = machine.run(100, "import", "../old")
    assert again.code == 0, (seed, again)
    assert "Nothing new" in again.out, (seed, again)
    for words in (
        "verify",
        "status",
        "log",
        "board",
        "claims",
        "report --since 2020-01-01",
        "timeline --since 2020-01-01",
    ):
        shown = machine.run(100, *words.split())
        assert (shown.code, shown.err) == (0, ""), (seed, words, shown)
        assert not re.search("[\x00\x1b\u202e]", shown.out + again.out), (seed, words, shown)
    ours = [row for row in machine.run(100, "claims", "--json").json["claims"] if not row["imported"]]
    assert [(row["resource"], row["token"]) for row in ours] == [("droplet/one", held["token"])], seed


def check_parsing(chance: Random) -> None:
    """Parse random files: each has a meaning or is unusable."""
    for _ in range(50):
        kind = chance.choice(list(KINDS.values()))
        data = mangled(file_with_any_values(kind, chance), chance)
        try:
            said = parse_file(
                kind, recorded_path(chance.choice(NAMES)) + ".json", recorded_path(chance.choice(NAMES)), data
            )
        except Unusable:
            continue
        assert said.fields or not said.recovered, data
