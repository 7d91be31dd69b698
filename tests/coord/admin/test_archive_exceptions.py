"""Which journals `coord archive` does not move, one test for each reason, and how it moves the others."""

import fcntl
import os
from typing import Any

import pytest

from coord.admin import archive as archiving
from coord.engine.machine_lock import under_lock
from eventlog.codec import NO_HASH, encode_line
from eventlog.events import (
    VERSION,
    AnyPayload,
    ClaimRequested,
    Event,
    Imported,
    Instant,
    SessionEnded,
    SessionHeartbeat,
    SessionStarted,
    add_time,
)
from eventlog.local.files import ARCHIVE_FOLDER
from eventlog.local.writer import archive_journal, sync_names
from tests.support.in_process import SimulatedMachine
from tests.support.repositories import Repo

DAY_S = 86400
IMPORT = "import-k3f9"


class Scene:
    """A session that ended nine days ago, and a live one."""

    def __init__(self, repo: Repo) -> None:
        self.repo, self.machine = repo, SimulatedMachine(repo)
        self.over, self.here = self.machine.start(100), self.machine.start(200)
        for _ in range(3):
            assert self.machine.run(100, "heartbeat", "a", "b").code == 0
        assert self.machine.run(100, "end").code == 0
        self.machine.wait(9 * DAY_S)
        assert self.machine.run(200, "heartbeat", "a", "b").code == 0

    def archive(self, *options: str) -> tuple[set[str], dict[str, str]]:
        """Return the journals that were moved, and those that stayed with their reasons."""
        done = self.machine.run(200, "archive", "--json", *options)
        assert done.code == 0, done
        stayed = {row["session"]: row["reason"] for row in done.json["stayed"]}
        return {row["session"] for row in done.json["moved"]}, stayed

    def ended(self) -> set[str]:
        return {path.stem for path in (self.repo.log / ARCHIVE_FOLDER).glob("*.jsonl")}

    def writes(self, session: str, first: Instant, *payloads: AnyPayload, acted_as: str = "") -> None:
        """Write a journal with one event per second, from a given time on."""
        lines, previous = b"", NO_HASH
        for n, payload in enumerate(payloads, 1):
            mark = Imported(path=f"{n}.json", digest=session, acted_as=acted_as) if acted_as else None
            event = Event(v=VERSION, at=add_time(first, n), session=session, n=n, payload=payload, imported=mark)
            line, previous = encode_line(event, previous)
            lines += line
        (self.repo.log / f"{session}.jsonl").write_bytes(lines)


@pytest.fixture
def scene(repo: Repo) -> Scene:
    return Scene(repo)


def test_a_rewound_journal_stays(scene: Scene) -> None:
    start = SessionStarted(machine="machine-1", folder=str(scene.repo.folder))
    scene.writes(scene.over, "2026-11-01T00:00:00.000000Z", start, SessionEnded())
    moved, stayed = scene.archive()
    assert moved == set()
    assert stayed[scene.over].startswith("it was rewound: ")


def test_an_imported_journal_stays_while_its_session_is_live(scene: Scene) -> None:
    old = "2026-11-01T00:00:00.000000Z"
    scene.writes(IMPORT, old, SessionHeartbeat(action="x"), acted_as=scene.here)
    scene.writes("import-zzzz", old, SessionHeartbeat(action="x"), acted_as=scene.over)
    moved, stayed = scene.archive()
    assert (moved, stayed) == ({scene.over, "import-zzzz"}, {})
    assert scene.ended() == moved


def test_an_imported_journal_stays_while_it_has_claims(scene: Scene) -> None:
    asks = ClaimRequested(resource="port/1", mode="exclusive", ttl_s=7200, told="granted")
    scene.writes(IMPORT, add_time(scene.machine.now, -3600), SessionStarted(), asks, acted_as="session-1")
    moved, stayed = scene.archive("--before", "1m")
    assert (moved, stayed) == ({scene.over}, {IMPORT: "one of its sessions still holds a claim or waits for one"})
    scene.machine.wait(7200)
    assert scene.archive("--before", "1m")[0] == {IMPORT}


def test_a_journal_that_was_just_unreadable_stays(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    old, real = "2026-11-01T00:00:00.000000Z", archiving._read_all
    (scene.repo.log / f"{IMPORT}.jsonl").mkdir()

    def read_all(*values: Any) -> Any:
        (scene.repo.log / f"{IMPORT}.jsonl").rmdir()
        scene.writes(IMPORT, old, SessionHeartbeat(action="x"), acted_as=scene.over)
        return real(*values)

    monkeypatch.setattr(archiving, "_read_all", read_all)
    moved, stayed = scene.archive()
    assert (moved, stayed[IMPORT].partition(":")[0]) == ({scene.over}, "it cannot be used")


def test_a_journal_whose_name_is_in_the_archive_stays(scene: Scene) -> None:
    (scene.repo.log / ARCHIVE_FOLDER).mkdir()
    (scene.repo.log / ARCHIVE_FOLDER / f"{scene.over}.jsonl").touch()
    for options in (("--dry-run",), ()):
        assert scene.archive(*options) == (set(), {scene.over: "log/ended/ already has a journal with this name"})


def test_a_journal_whose_session_comes_back_stays(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.writes(IMPORT, "2026-11-01T00:00:00.000000Z", SessionHeartbeat(action="x"), acted_as="session-1")

    def comes_back(*values: Any) -> Any:
        scene.writes("session-1", scene.machine.now, SessionStarted(machine="machine-1"))
        return under_lock(*values)

    monkeypatch.setattr(archiving, "under_lock", comes_back)
    scene.machine.wait(60)
    assert scene.archive() == ({scene.over}, {IMPORT: "it was written to while the journals were read; try again"})


def test_journals_are_moved_under_the_lock_and_synced(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def goes(log: str, name: str) -> None:
        fd = os.open(os.path.join(log, ".lock"), os.O_RDWR)
        with pytest.raises(BlockingIOError):
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(fd)
        archive_journal(log, name)
        done.append("goes")

    def synced(log: str) -> None:
        sync_names(log)
        done.append("is synced")

    monkeypatch.setattr("coord.engine.journals.archiving.archive_journal", goes)
    monkeypatch.setattr("coord.engine.journals.archiving.sync_names", synced)
    assert scene.archive("--dry-run")[0] == {scene.over}
    assert done == []
    assert scene.archive()[0] == {scene.over}
    assert done == ["goes", "is synced"]
