"""`coord verify` finds every changed byte, reports where it is, and reports nothing else."""

import os
import random
import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import Struct

import coord.engine.cache.checkpoint
from coord.admin import verify as verifying
from coord.admin.verify import VerifyResult, verify
from coord.workspace.paths import Workspace, find_workspace
from eventlog.codec import NO_HASH, encode_line
from eventlog.errors import LogError
from eventlog.events import VERSION, AnyPayload, Event, SessionHeartbeat, SessionStarted, add_time
from eventlog.history import LogReader
from eventlog.local.files import ARCHIVE_FOLDER
from tests.support.in_process import NOON, SimulatedMachine
from tests.support.processes import COORD, environment
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow


class Scene:
    """Two sessions with events, and a checkpoint that contains them all."""

    def __init__(self, repo: Repo) -> None:
        self.repo, self.machine = repo, SimulatedMachine(repo)
        self.first, self.second = self.machine.start(100), self.machine.start(200)
        for shell, words in ((200, "claim droplet x"), (200, "heartbeat building api"), (100, "send broadcast Hello")):
            assert self.machine.run(shell, *words.split()).code == 0
        assert self.machine.run(100, "heartbeat", "a", "b").code == 0
        self.journal = repo.log / f"{self.second}.jsonl"

    @property
    def workspace(self) -> Workspace:
        return find_workspace(self.machine.system(300, {}), None)

    def verify(self) -> VerifyResult:
        return verify(self.machine.system(300, {}), self.workspace)

    def run(self, code: int, *options: str) -> str:
        done = self.machine.run(300, "verify", *options)
        assert (done.code, done.err) == (code, ""), done
        return done.out

    def rewrite(self, change: Callable[[bytes], bytes]) -> None:
        self.journal.write_bytes(change(self.journal.read_bytes()))

    def archive(self) -> None:
        (self.repo.log / ARCHIVE_FOLDER).mkdir()
        self.journal = self.journal.rename(self.repo.log / ARCHIVE_FOLDER / self.journal.name)


@pytest.fixture
def scene(repo: Repo) -> Scene:
    return Scene(repo)


def test_the_report_on_an_undamaged_log_is_short(scene: Scene) -> None:
    text = scene.run(0)
    assert text.startswith("✅ 2 journals, 6 events, ")
    assert "every hash is correct" in text
    assert "The checkpoint agrees" in text
    assert text.count("\n") == 2
    data = msgspec.json.decode(scene.run(0, "--json"))
    assert data["whole"] is True
    assert data["checkpoint"] == "same"
    assert [journal["lines"] for journal in data["journals"]] == [3, 3]


def test_a_log_without_events_is_undamaged(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    assert machine.run(100, "verify").code == 0
    shutil.rmtree(repo.log)
    assert machine.run(100, "verify").out.startswith("✅ The log has no events yet")
    assert machine.run(100, "verify", "--json").json["journals"] == []


def test_a_deleted_log_is_not_an_empty_log(scene: Scene) -> None:
    shutil.rmtree(scene.repo.log)
    done = scene.machine.run(300, "verify")
    assert (done.code, done.out) == (4, "")
    assert "It held 2 journals" in done.err


# --- damage -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["log", ARCHIVE_FOLDER])
def test_a_change_of_any_byte_is_found(scene: Scene, where: str) -> None:
    """A change of any byte of a complete line is reported for that line, also in an archived journal."""
    if where == ARCHIVE_FOLDER:
        scene.archive()
    whole = scene.journal.read_bytes()
    begins = [0, *(i + 1 for i, byte in enumerate(whole) if byte == 10)]
    chance = random.Random(7)
    for at in [*chance.sample(range(len(whole) - 1), 60), 0]:
        data = bytearray(whole)
        data[at] ^= chance.choice((1, 2, 4, 32))
        scene.journal.write_bytes(data)
        (found,) = [journal for journal in scene.verify().journals if not journal.whole]
        assert found.session == scene.second
        line = sum(begin <= at for begin in begins)
        if data[at] != 10 and whole[at] != 10:
            assert (found.damage[0].line, found.damage[0].byte) == (line, begins[line - 1])
    scene.journal.write_bytes(whole)
    assert scene.verify().whole


def test_damage_is_reported_with_its_place_and_a_remedy(scene: Scene) -> None:
    scene.rewrite(lambda data: data.replace(b'"target":"api"', b'"target":"apj"'))
    byte = scene.journal.read_bytes().index(b"\n", scene.journal.read_bytes().index(b"\n") + 1) + 1
    text = scene.run(4)
    assert f"COORDINATION/log/{scene.second}.jsonl\n  line 3, byte {byte}: its hash is wrong" in text
    assert "❌ Damaged or unusable: 1 of 2 journals" in text
    assert "✅ 1 journal, 3 events" in text
    assert "coord doctor" in text
    data = msgspec.json.decode(scene.run(4, "--json"))
    (bad,) = [journal for journal in data["journals"] if not journal["whole"]]
    assert bad["damage"] == [{"line": 3, "byte": byte, "reason": "its hash is wrong"}]
    assert data["checkpoint"] == "not compared"


def test_the_text_lists_some_places_and_json_lists_all(scene: Scene) -> None:
    scene.rewrite(lambda data: data + b"nonsense\n" * 300)
    assert scene.run(4).count("\n") < 20
    data = msgspec.json.decode(scene.run(4, "--json"))
    assert sum(len(journal["damage"]) for journal in data["journals"]) == 300


@pytest.mark.parametrize("kind", ["folder", "link", "pipe", "name"])
def test_files_that_are_not_journals_are_reported(scene: Scene, kind: str) -> None:
    path = scene.repo.log / ("Not A Session.jsonl" if kind == "name" else "strange.jsonl")
    if kind == "folder":
        path.mkdir()
    elif kind == "link":
        path.symlink_to(scene.journal)
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.touch()
    text = scene.run(4)
    assert f"COORDINATION/log/{path.name}\n  cannot be used: " in text


# --- rewinds ----------------------------------------------------------------------------------------------------------


def other_end(data: bytes) -> bytes:
    """The same lines, except that the last has other content and a right hash."""
    *first, last = data.splitlines(keepends=True)
    event = msgspec.json.decode(last, type=Event)
    assert isinstance(event.payload, SessionHeartbeat)
    other = msgspec.structs.replace(event, payload=SessionHeartbeat(action="building", target="apj"))
    return b"".join([*first, encode_line(other, first[-1][-35:-3])[0]])


REWINDS = {
    "cut back": (lambda data: b"".join(data.splitlines(keepends=True)[:1]), "3 lines were read before, 1 now"),
    "emptied": (lambda data: b"", "3 lines were read before, 0 now"),
    "rewritten, every hash right": (other_end, "its line 3, which ends at byte"),
}


@pytest.mark.parametrize("name", REWINDS)
def test_lines_that_the_checkpoint_has_must_still_exist(scene: Scene, name: str) -> None:
    change, words = REWINDS[name]
    scene.rewrite(change)
    text = scene.run(4)
    assert "was rewound: " in text
    assert words in text
    assert scene.verify().checkpoint == "not compared"


def test_a_deleted_journal_is_reported(scene: Scene) -> None:
    scene.journal.unlink()
    assert "was rewound: it is gone; 3 lines were read before" in scene.run(4)


def test_a_rewind_found_before_is_still_reported(scene: Scene) -> None:
    scene.rewrite(lambda data: b"".join(data.splitlines(keepends=True)[:1]))
    assert scene.machine.run(100, "heartbeat", "c", "d").code == 0
    assert "was rewound: it was cut back or rewritten; 3 lines were read before" in scene.run(4)


class OldSeen(Struct, frozen=True):
    """A position as an older version saved it."""

    size: int
    lines: int
    rewound: str = ""


class OldCheckpoint(Struct):
    code: str
    seen: dict[str, OldSeen]
    told: list[str]
    folded: bytes


def test_a_checkpoint_of_an_older_version_detects_rewinds(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = scene.workspace.cache
    saved, folded = coord.engine.cache.checkpoint.load(folder)
    assert folded is not None
    assert all(seen.last.endswith(b'"}\n') for seen in saved.seen.values())
    seen = {name: OldSeen(one.size, one.lines, one.rewound) for name, one in saved.seen.items()}

    def older(code: str, _seen: Any, told: list[str], fold: bytes = b"", *_: Any) -> OldCheckpoint:
        return OldCheckpoint("older", seen, told, fold)

    with monkeypatch.context() as patch:
        patch.setattr(coord.engine.cache.checkpoint, "Checkpoint", older)
        coord.engine.cache.checkpoint.save(folder, saved.seen, [], folded)
    assert scene.verify().checkpoint == "other code"
    assert scene.verify().whole
    scene.rewrite(lambda data: data.splitlines(keepends=True)[0])
    assert "3 lines were read before, 1 now" in scene.run(4)


# --- the checkpoint itself --------------------------------------------------------------------------------------------


def test_a_damaged_checkpoint_is_reported_and_the_log_is_whole(scene: Scene) -> None:
    path = Path(scene.workspace.cache) / coord.engine.cache.checkpoint.NAME
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    text = scene.run(0)
    assert f"The checkpoint is damaged, and not used. It is a cache; delete it: rm {path}" in text
    path.unlink()
    assert "checkpoint" not in scene.run(0)


def test_a_wrong_fold_in_the_checkpoint_is_reported(scene: Scene) -> None:
    saved, folded = coord.engine.cache.checkpoint.load(scene.workspace.cache)
    assert folded is not None
    folded.state.claims.clear()
    coord.engine.cache.checkpoint.save(scene.workspace.cache, saved.seen, [], folded)
    text = scene.run(4)
    assert "❌ The checkpoint differs from the journals" in text
    Path(scene.workspace.cache, coord.engine.cache.checkpoint.NAME).unlink()
    assert scene.verify().whole


@pytest.mark.parametrize("more", [False, True])
def test_a_checkpoint_is_compared_at_its_own_time(scene: Scene, more: bool) -> None:
    """Later events and time that has passed make no difference."""
    path = Path(scene.workspace.cache) / coord.engine.cache.checkpoint.NAME
    kept = path.read_bytes()
    for words in ("claim droplet y --ttl 1m", "send broadcast More", "end"):
        scene.machine.run(200, *words.split())
    scene.machine.wait(3600)
    scene.machine.run(100, "heartbeat", "later", "on")
    if more:
        path.write_bytes(kept)
    assert scene.verify().checkpoint == "same"


# --- no damage --------------------------------------------------------------------------------------------------------


def test_a_tear_is_reported_and_is_not_damage(scene: Scene) -> None:
    scene.rewrite(lambda data: data + b'{"v":1,"at":')
    text = scene.run(0)
    assert f"log/{scene.second}.jsonl ends with 12 bytes of an unfinished line: no acknowledged event" in text


def test_events_held_back_are_reported(scene: Scene) -> None:
    lines, previous = b"", NO_HASH
    payloads: list[AnyPayload] = [SessionStarted(machine="south"), SessionHeartbeat()]
    for n, payload in enumerate(payloads, 1):
        event = Event(v=VERSION, at=add_time(NOON, 3600 * n), session="from-afar", n=n, payload=payload)
        line, previous = encode_line(event, previous)
        lines += line
    (scene.repo.log / "from-afar.jsonl").write_bytes(lines)
    assert "from-afar.jsonl is from a machine whose clock is ahead" in scene.run(0)
    found = {journal.session: journal.held_back for journal in scene.verify().journals}
    assert found == {"from-afar": add_time(NOON, 3600), scene.first: "", scene.second: ""}
    scene.machine.wait(3 * 3600)
    assert "ahead" not in scene.run(0)


def test_the_clock_is_read_once(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    hello = SessionStarted(client="shell", machine="elsewhere")
    ahead = Event(v=VERSION, at=add_time(scene.machine.now, 55), session="ahead-one", n=1, payload=hello)
    (scene.repo.log / "ahead-one.jsonl").write_bytes(encode_line(ahead, NO_HASH)[0])
    system, steps = scene.machine.system(300, {}), count(0, -30)
    monkeypatch.setattr(system, "wall", lambda: add_time(scene.machine.now, next(steps)))
    found = verify(system, scene.workspace)
    assert [journal.held_back for journal in found.journals] == [""] * 3


def test_an_unreadable_log_is_not_compared(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise LogError("it went")

    monkeypatch.setattr(LogReader, "batches", fails)
    assert "The checkpoint was not compared: a journal was removed meanwhile." in scene.run(0)


def test_both_copies_of_a_journal_are_checked(scene: Scene) -> None:
    (scene.repo.log / ARCHIVE_FOLDER).mkdir()
    copy = scene.repo.log / ARCHIVE_FOLDER / scene.journal.name
    shutil.copy(scene.journal, copy)
    assert f"the one in log/ is used): {scene.second}" in scene.run(0)
    copy.write_bytes(copy.read_bytes().replace(b"building", b"bullding"))
    assert f"COORDINATION/log/{ARCHIVE_FOLDER}/{scene.second}.jsonl\n  line 3, byte" in scene.run(4)


def test_a_journal_archived_meanwhile_is_whole(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    real = verifying._read_all

    def read_all(*values: Any, **options: Any) -> Any:
        if not options:
            scene.archive()
        found = real(*values, **options)
        if not options:
            shutil.move(scene.journal, scene.repo.log / "elsewhere")
        return found

    monkeypatch.setattr(verifying, "_read_all", read_all)
    found = scene.verify()
    assert found.whole
    assert {journal.file for journal in found.journals} == {
        f"log/{ARCHIVE_FOLDER}/{scene.second}.jsonl",
        f"log/{scene.first}.jsonl",
    }


def test_writing_during_verify_is_not_damage(repo: Repo) -> None:
    (writer, _), (other, _) = repo.sessions(2)
    writer.begin("for n in $(seq 40); do coord send broadcast hello $n >/dev/null; done; echo done")
    looks = 0
    while "done" not in writer.so_far():
        result = other.run("coord verify")
        assert (result.code, result.err) == (0, ""), result
        assert "❌" not in result.out
        looks += 1
    writer.finish()
    assert looks
    assert "The checkpoint agrees" in other.ok("coord verify")


def test_it_works_in_any_terminal_and_changes_nothing(repo: Repo) -> None:
    import subprocess

    repo.sessions(1)
    before = {path: path.read_bytes() for path in repo.folder.rglob("*") if path.is_file()}
    env = environment(repo.home, COLUMNS="40", TERM="dumb")
    done = subprocess.run([COORD, "verify"], cwd=repo.root, env=env, capture_output=True, check=True)
    assert done.stdout.decode().startswith("✅ 1 journal, 1 event, ")
    assert {path: path.read_bytes() for path in repo.folder.rglob("*") if path.is_file()} == before
