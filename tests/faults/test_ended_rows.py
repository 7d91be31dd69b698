"""Rows of sessions that ended long ago are kept beside the checkpoint. Every command answers as if they were in it,
also if the files are damaged, missing or from another folder. The next commands repair them.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from coord.engine.cache import buckets, checkpoint, ended
from eventlog.events import DAY_S
from projections.postings.values import PATTERNS, about_key, encode
from tests.support.in_process import SimulatedMachine
from tests.support.repositories import Repo

READS = (
    ("why", "painter"),
    ("claims",),
    ("status",),
    ("why", "{old}"),
    ("why", "{prefix}"),
)


class Scene:
    """A session `painter` that ended three days ago with an unread message, and is archived; `me` is live."""

    def __init__(self, repo: Repo) -> None:
        self.repo, self.machine = repo, SimulatedMachine(repo)
        self.me = self.machine.start(100, "--name", "boss", "--no-anchor")
        self.old = self.machine.start(200, "--name", "painter", "--no-anchor")
        self.run("send", "painter", "Colour", "Which one?", "--needs-ack")
        self.machine.run(200, "claim", "file", "a.txt", "--session", self.old)
        self.machine.run(200, "end", "--summary", "painted", "--session", self.old)
        for _ in range(30):
            self.run("send", "everyone", "news", "nothing")
        self.machine.wait(3 * DAY_S)
        self.other = self.machine.start(300, "--no-anchor")
        self.run("heartbeat", "a", "b")
        self.cache = repo.folder / ".cache"
        self.index = self.cache / buckets.FOLDER

    def run(self, *argv: str) -> str:
        words = {"me": self.me, "old": self.old, "prefix": self.old[:-2]}
        where = () if "--session" in argv else ("--session", self.me) if argv[0] in ("send", "heartbeat") else ()
        result = self.machine.run(100, *(word.format(**words) for word in argv), *where)
        assert result.code == 0, (argv, result)
        return result.both

    def reads(self) -> list[str]:
        return [self.run(*argv) for argv in READS]

    def is_in_checkpoint(self) -> bool:
        folded = checkpoint.load(str(self.cache))[1]
        assert folded is not None
        return self.old in folded.state.sessions


@pytest.fixture
def scene(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setattr(ended, "MAX_PENDING_BYTES", 0)  # nothing stays pending
    return Scene(repo)


def all_files(scene: Scene) -> list[Path]:
    return sorted(scene.index.iterdir())


def remove(scene: Scene) -> None:
    shutil.rmtree(scene.index)


def cut_off(scene: Scene) -> None:
    for path in all_files(scene):
        path.write_bytes(path.read_bytes()[:-1])


def flip_a_bit(scene: Scene) -> None:
    for path in all_files(scene):
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def exchange(scene: Scene) -> None:
    paths = all_files(scene)
    contents = [path.read_bytes() for path in paths]
    for path, content in zip(paths, contents[1:] + contents[:1], strict=True):
        path.write_bytes(content)


def replace_by_folders(scene: Scene) -> None:
    for path in all_files(scene):
        path.unlink()
        path.mkdir()


def link_elsewhere(scene: Scene) -> None:
    scene.index.rename(scene.cache / "elsewhere")
    scene.index.symlink_to("elsewhere")


DAMAGES = (remove, cut_off, flip_a_bit, exchange, replace_by_folders, link_elsewhere)


def test_an_ended_session_is_archived_and_leaves_the_checkpoint(scene: Scene) -> None:
    assert (scene.repo.log / "ended" / f"{scene.old}.jsonl").exists()
    assert not scene.is_in_checkpoint()
    with_index = scene.reads()
    assert "painted" in "".join(with_index)
    shutil.rmtree(scene.cache)
    assert scene.reads() == with_index


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_index_changes_no_answer(scene: Scene, damage: Callable[[Scene], None]) -> None:
    expected = scene.reads()
    damage(scene)
    assert scene.reads() == expected
    refused = scene.machine.run(100, "send", "painter", "Colour", "Blue?", "--session", scene.me)
    assert (refused.code, f"{scene.old} has ended" in refused.err) == (3, True)
    assert scene.machine.run(200, "start", "--continue", "painter", "--name", "other", "--no-anchor").code == 0
    after = scene.reads()
    for _ in range(2):
        scene.run("heartbeat", "a", "b")
    if damage not in (replace_by_folders, link_elsewhere):  # a person must remove these
        assert checkpoint.load(str(scene.cache))[1] is not None
        assert "The checkpoint agrees with them" in scene.run("verify")
    assert scene.reads()[0] == after[0]
    shutil.rmtree(scene.cache)
    assert scene.reads()[0] == after[0]


def test_an_ended_session_can_be_continued_and_revived(scene: Scene) -> None:
    started = scene.machine.run(200, "start", "--continue", "painter", "--no-anchor", "--json")
    assert started.code == 0
    again = str(started.json["session"])
    assert "Which one?" in scene.run("inbox", "--session", again)
    scene.run("heartbeat", "a", "c")
    assert "differs" not in scene.run("verify")
    before = scene.run("claims"), scene.run("status")
    shutil.rmtree(scene.cache)
    assert (scene.run("claims"), scene.run("status")) == before


def test_a_conversation_that_ended_long_ago_is_found(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ended, "MAX_PENDING_BYTES", 0)
    machine = SimulatedMachine(repo)
    env = {"CLAUDECODE": "1", "CLAUDE_CODE_SESSION_ID": "conversation-1"}
    first = machine.start(100, **env)
    machine.run(100, "end", **env)
    machine.wait(3 * DAY_S)
    machine.start(200)
    machine.run(200, "heartbeat", "a", "b")
    assert (repo.log / "ended" / f"{first}.jsonl").exists()
    assert first in machine.run(100, "heartbeat", "back", "again", **env).both


def test_verify_reports_damaged_files_beside_the_checkpoint(scene: Scene) -> None:
    assert "The checkpoint agrees with them" in scene.run("verify")
    flip_a_bit(scene)
    assert "The checkpoint is damaged" in scene.run("verify")
    (scene.cache / checkpoint.NAME).unlink()
    scene.run("heartbeat", "a", "b")
    assert "The checkpoint agrees with them" in scene.run("verify")


def test_verify_compares_the_rows_beside_the_checkpoint(scene: Scene) -> None:
    saved, folded = checkpoint.load(str(scene.cache))
    store = buckets.Buckets(str(scene.cache), saved.store.head, saved.store.pending)
    row = store.get(ended.SESSION + scene.old)[-1]
    store.append([(ended.SESSION + scene.old, row.replace(b"painted", b"printed"))])
    saved.store.pending = store.pending
    checkpoint.save(str(scene.cache), saved.seen, saved.told, folded, saved.rung, saved.listed, saved.store)
    result = scene.machine.run(100, "verify")
    assert result.code != 0
    assert "checkpoint" in result.both


def test_verify_compares_the_postings_beside_the_checkpoint(scene: Scene) -> None:
    saved, folded = checkpoint.load(str(scene.cache))
    assert saved.store.posted
    pending = saved.store.pending
    for entries in ([(about_key("file/a.txt"), encode("wrong"))], [(PATTERNS, b"file/*.txt")]):
        store = buckets.Buckets(str(scene.cache), saved.store.head, pending)
        store.append(entries)
        saved.store.pending = store.pending
        checkpoint.save(str(scene.cache), saved.seen, saved.told, folded, saved.rung, saved.listed, saved.store)
        result = scene.machine.run(100, "verify")
        assert result.code != 0
        assert "❌ The checkpoint differs from the journals" in result.both
        assert "does not agree with the journals" in scene.machine.run(100, "doctor").both
    (scene.cache / checkpoint.NAME).unlink()
    scene.run("heartbeat", "a", "b")
    assert "The checkpoint agrees with them" in scene.run("verify")
