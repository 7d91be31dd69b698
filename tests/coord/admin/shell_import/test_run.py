"""Each rule of an import, tested with files that are written here, without the shell scripts."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from coord.admin.shell_import.events import FileEvent
from coord.admin.shell_import.recovery import Unusable, fields_of
from coord.admin.shell_import.run import UsableFile, _bytes, _check
from eventlog.events import SessionHeartbeat
from eventlog.local.writer import JournalWriter
from tests.support.in_process import SimulatedMachine
from tests.support.repositories import Repo

MIB = 1 << 20


class Scene:
    """A machine, and a folder next to its repository with files like those of the scripts."""

    def __init__(self, repo: Repo) -> None:
        self.repo, self.machine = repo, SimulatedMachine(repo)
        self.folder = repo.root.parent / "old"

    def beats(self, name: str, at: str = "2026-11-01T10:00:00Z") -> None:
        path = self.folder / "heartbeats" / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"session_id": name, "timestamp": at, "action": "builds"}))

    def brings(self) -> Any:
        done = self.machine.run(100, "import", "../old", "--json")
        assert done.code == 0, done
        return done.json


@pytest.fixture
def scene(repo: Repo) -> Scene:
    return Scene(repo)


def test_a_file_is_imported_only_once(scene: Scene) -> None:
    scene.beats("session-1")
    assert sum(scene.brings()["new"].values()) == 1
    before = scene.repo.bytes()
    assert sum(scene.brings()["new"].values()) == 0
    assert scene.repo.bytes() == before
    scene.beats("session-2")
    assert sum(scene.brings()["new"].values()) == 1
    assert len(scene.repo.events()) == 2


def test_with_an_unreadable_import_nothing_is_imported(scene: Scene) -> None:
    scene.beats("session-1")
    journal = scene.repo.log / f"{scene.brings()['journal']}.jsonl"
    kept = journal.rename(journal.with_suffix(".kept"))
    journal.mkdir()
    scene.beats("session-2")
    refused = scene.machine.run(100, "import", "../old")
    assert (refused.code, refused.out) == (4, "")
    assert f"{journal.name} cannot be read: " in refused.err
    assert "Nothing was imported" in refused.err
    journal.rmdir()
    kept.rename(journal)
    assert sum(scene.brings()["new"].values()) == 1


def test_equal_times_are_ordered_and_future_times_refused(scene: Scene) -> None:
    for name in ("session-1", "session-2", "session-3"):
        scene.beats(name)
    scene.beats("session-4", "2036-11-01T10:00:00Z")
    done = scene.brings()
    assert sum(done["new"].values()) == 3
    assert [row["path"] for row in done["unusable"]] == ["heartbeats/session-4.json"]
    times = [event["at"] for event in scene.repo.events()]
    assert times == [f"2026-11-01T10:00:00.00000{n}Z" for n in range(3)]


def test_an_import_is_synced_before_it_is_reported(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.beats("session-1")
    synced: list[str] = []
    real = JournalWriter.sync

    def sync(writer: JournalWriter) -> None:
        synced.append(Path(writer.path).stem)
        real(writer)

    monkeypatch.setattr(JournalWriter, "sync", sync)
    journal = scene.brings()["journal"]
    assert synced == [journal]


def test_no_link_is_followed(scene: Scene) -> None:
    scene.beats("session-1")
    elsewhere = scene.repo.root.parent / "elsewhere"
    elsewhere.mkdir()
    (scene.folder / "heartbeats" / "session-1.json").rename(elsewhere / "session-1.json")
    (scene.folder / "heartbeats" / "session-1.json").symlink_to(elsewhere / "session-1.json")
    (scene.folder / "claims").symlink_to(elsewhere)
    done = scene.brings()
    assert sum(done["new"].values()) == 0
    reasons = {row["path"]: row["reason"] for row in done["unusable"]}
    assert reasons.keys() == {"claims", "heartbeats/session-1.json"}
    assert set(reasons.values()) == {"it is a link, which is not followed"}


def test_only_regular_files_up_to_the_size_limit_are_read(tmp_path: Path) -> None:
    file, link, pipe = tmp_path / "file", tmp_path / "link", tmp_path / "pipe"
    file.write_bytes(b"x" * MIB)
    link.symlink_to(file)
    os.mkfifo(pipe)
    assert _bytes(str(file)) == b"x" * MIB
    with pytest.raises(Unusable, match="cannot be read"):
        _bytes(str(link))  # created after the folder was listed
    with pytest.raises(Unusable, match="not a regular file"):
        _bytes(str(pipe))
    file.write_bytes(b"x" * (MIB + 1))
    with pytest.raises(Unusable, match="too long"):
        _bytes(str(file))


def test_json_with_a_duplicate_key_is_not_imported() -> None:
    assert fields_of("claim", b'{"claimed_by": "amber"}') == ({"claimed_by": "amber"}, False)
    twice = b'{\n  "claimed_by": "amber",\n  "claimed_at": "now", "claimed_at": "then"\n}\n'
    assert fields_of("claim", twice)[1], "the file counts as invalid JSON"


def test_an_event_that_a_journal_cannot_hold_is_refused() -> None:
    def check(value: object) -> None:
        said = FileEvent("2026-11-01T10:00:00.000000Z", "session-1", SessionHeartbeat(), {"value": value}, False)
        _check(UsableFile("heartbeat", "a.json", "0", said))

    check(1.5)
    for value in (float("inf"), "half a \ud800 character"):
        with pytest.raises(Unusable, match="cannot be stored in a journal"):
            check(value)
