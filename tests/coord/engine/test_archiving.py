"""Each start of a session archives journals of sessions that ended a day ago. It never fails because of that, and
nothing is read or listed again afterwards.
"""

import os
import subprocess
from pathlib import Path

import pytest

from coord.engine.journals import archiving
from coord.engine.snapshot import Snapshot
from coord.workspace.paths import find_workspace, read_marker
from eventlog import listing
from eventlog.codec import NO_HASH, encode_line
from eventlog.errors import LogError
from eventlog.events import DAY_S, VERSION, AnyPayload, Event, SessionEnded, SessionStarted
from eventlog.local.files import ARCHIVE_FOLDER
from tests.support.in_process import SimulatedMachine
from tests.support.processes import COORD, environment
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow


class Scene:
    """Three sessions that ended one after the other, and one that is live."""

    def __init__(self, repo: Repo) -> None:
        self.repo, self.machine, self.over = repo, SimulatedMachine(repo), list[str]()
        for _ in range(3):
            self.over.append(self.machine.start(100))
            self.machine.run(100, "end")
            self.machine.wait(60)
        self.here = self.machine.start(200)

    def wait_and_start(self, seconds: float = DAY_S) -> None:
        """Let time pass, and start a session."""
        self.machine.wait(seconds)
        assert self.machine.run(200, "heartbeat", "a", "b").code == 0
        assert self.machine.run(300, "start", "--new").code == 0

    def ended(self) -> list[str]:
        """The archived journals."""
        return sorted(path.stem for path in (self.repo.log / ARCHIVE_FOLDER).glob("*.jsonl"))

    def snapshot(self) -> Snapshot:
        system = self.machine.system(200, {})
        snapshot = Snapshot(system, find_workspace(system, None))
        snapshot.catch_up()
        return snapshot


@pytest.fixture
def scene(repo: Repo) -> Scene:
    return Scene(repo)


def journal(repo: Repo, session: str, started: SessionStarted) -> None:
    """Write the journal of a session that ended three weeks ago."""
    lines, previous = b"", NO_HASH
    payloads: list[AnyPayload] = [started, SessionEnded()]
    for n, payload in enumerate(payloads, 1):
        event = Event(v=VERSION, at=f"2026-11-01T00:00:0{n}.000000Z", session=session, n=n, payload=payload)
        line, previous = encode_line(event, previous)
        lines += line
    (repo.log / f"{session}.jsonl").write_bytes(lines)


def not_archived(scene: Scene) -> list[dict[str, str]]:
    """The findings of `coord doctor` about journals that stay."""
    findings = scene.machine.run(200, "doctor", "--json").json["findings"]
    return [row for row in findings if row["check"] == "not archived"]


def test_a_start_archives_sessions_over_for_a_day(scene: Scene) -> None:
    scene.wait_and_start(DAY_S - 120)
    assert scene.ended() == sorted(scene.over[:1])
    scene.wait_and_start(120)
    assert scene.ended() == sorted(scene.over)
    assert (scene.repo.log / f"{scene.here}.jsonl").exists(), "a live session stays"
    assert scene.machine.run(200, "status").err == ""
    assert scene.machine.run(200, "verify").code == 0


def test_a_start_moves_few_journals_the_oldest_first(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archiving, "MAX_MOVES", 2)
    scene.wait_and_start()
    assert scene.ended() == sorted(scene.over[:2])
    scene.wait_and_start(0)
    assert scene.ended() == sorted(scene.over)


def test_a_new_conversation_archives_like_a_start(scene: Scene) -> None:
    scene.machine.wait(2 * DAY_S)
    env = {"CLAUDE_CODE_SESSION_ID": "one", "CLAUDECODE": "1"}
    assert scene.machine.run(300, "heartbeat", "a", "b", **env).code == 0
    assert scene.ended() == sorted(scene.over)


def test_other_commands_archive_nothing(scene: Scene) -> None:
    scene.machine.wait(2 * DAY_S)
    for words in (("heartbeat", "a", "b"), ("claim", "droplet", "x"), ("status",)):
        assert scene.machine.run(200, *words).code == 0
    assert scene.ended() == []


def test_after_a_start_nothing_is_listed_or_read_again(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.wait_and_start()
    monkeypatch.setattr(listing, "journal_names", lambda _: pytest.fail("the archive was listed"))
    monkeypatch.setattr("eventlog.history.read_from", lambda *_, **__: pytest.fail("a journal was read"))
    for words in (("status",), ("heartbeat", "c", "d"), ("start", "--new")):
        assert scene.machine.run(200, *words).code == 0
    snapshot = scene.snapshot()
    assert snapshot.fresh
    assert scene.over[0] not in snapshot.history.positions
    assert snapshot.history.archive.summary.journals == 3


def test_a_resumed_conversation_continues_in_a_new_session(scene: Scene) -> None:
    env = {"CLAUDE_CODE_SESSION_ID": "one", "CLAUDECODE": "1"}
    old = scene.machine.run(100, "heartbeat", "a", "b", "--json", **env).json["session"]
    assert scene.machine.run(100, "end", **env).code == 0
    scene.wait_and_start(DAY_S + 60)
    assert old in scene.ended()
    back = scene.machine.run(100, "heartbeat", "c", "d", "--json", **env)
    assert f"{old} continues as {back.json['session']}, because its journal takes no more events: it was archived" in (
        back.err
    )


@pytest.mark.parametrize(
    ("started", "kept"),
    [
        (SessionStarted(machine="machine-2"), True),
        (SessionStarted(machine="machine-1", folder="/elsewhere/COORDINATION"), True),
        (SessionStarted(machine="machine-1"), False),
    ],
)
def test_journals_of_other_folders_and_machines_stay(scene: Scene, started: SessionStarted, kept: bool) -> None:
    journal(scene.repo, "from-elsewhere", started)
    scene.wait_and_start()
    assert ("from-elsewhere" in scene.ended()) != kept
    assert ["from-elsewhere.jsonl: it be" in row["evidence"] for row in not_archived(scene)] == [True] * kept


def test_damaged_rewound_and_duplicate_journals_stay(scene: Scene) -> None:
    damaged, rewound, twice = (scene.repo.log / f"{name}.jsonl" for name in scene.over)
    damaged.write_bytes(damaged.read_bytes().replace(b"session.ended", b"session.endex"))
    rewound.write_bytes(rewound.read_bytes().splitlines(keepends=True)[0])
    (scene.repo.log / ARCHIVE_FOLDER).mkdir()
    (scene.repo.log / ARCHIVE_FOLDER / twice.name).write_bytes(b"something else")
    scene.wait_and_start()
    assert scene.ended() == [twice.stem]
    assert all(path.exists() for path in (damaged, rewound, twice))


@pytest.mark.parametrize("fails", ["archive_journal", "sync_names"])
def test_a_start_succeeds_if_a_move_fails(scene: Scene, monkeypatch: pytest.MonkeyPatch, fails: str) -> None:
    def fail(*_: object) -> None:
        raise LogError("the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr(archiving, fails, fail)
        scene.wait_and_start(8 * DAY_S)
    assert scene.ended() == ([] if fails == "archive_journal" else sorted(scene.over))
    assert scene.machine.run(200, "verify").code == 0
    assert not_archived(scene) == []
    monkeypatch.setattr("coord.admin.doctor.log.folder_problem", lambda _: "log/ is closed")
    assert [row["evidence"].count("log/ is closed") for row in not_archived(scene)] == (
        [3] if fails == "archive_journal" else []
    )


def test_a_file_that_is_put_into_the_archive_is_noticed(scene: Scene) -> None:
    scene.wait_and_start()
    journal(scene.repo, "put-there", SessionStarted(machine="machine-1"))
    (scene.repo.log / "put-there.jsonl").rename(scene.repo.log / ARCHIVE_FOLDER / "put-there.jsonl")
    assert "put-there" in scene.machine.run(200, "log").out
    assert "put-there" in {session.id for session in scene.snapshot().state.sessions.values()}
    (scene.repo.log / ARCHIVE_FOLDER / f"{scene.over[0]}.jsonl").unlink()
    assert f"{scene.over[0]}.jsonl was rewound: it is gone" in scene.machine.run(200, "status").out


@pytest.mark.parametrize("after", [0, 1, 2, 3])
def test_a_start_that_is_killed_during_its_moves_loses_nothing(scene: Scene, after: int) -> None:
    """The process dies after some renames, before it has saved what it has done."""
    before = scene.machine.run(200, "log").out
    cache = {path: path.read_bytes() for path in (scene.repo.folder / ".cache").iterdir() if path.is_file()}
    (scene.repo.log / ARCHIVE_FOLDER).mkdir()
    for name in scene.over[:after]:
        os.rename(scene.repo.log / f"{name}.jsonl", scene.repo.log / ARCHIVE_FOLDER / f"{name}.jsonl")
    assert {path: path.read_bytes() for path in cache} == cache
    assert scene.machine.run(200, "log").out == before
    snapshot = scene.snapshot()
    assert snapshot.fresh
    assert snapshot.journal_problems() == []
    scene.wait_and_start()
    assert scene.ended() == sorted(scene.over)
    assert scene.machine.run(200, "verify").code == 0


def test_the_marker_names_a_journal_that_is_still_in_the_log(scene: Scene) -> None:
    workspace = find_workspace(scene.machine.system(200, {}), None)
    assert read_marker(workspace) == scene.over[0]
    scene.wait_and_start()
    assert (scene.repo.log / f"{read_marker(workspace)}.jsonl").exists()
    assert scene.machine.run(200, "status").err == ""


def test_two_starts_at_once_move_each_journal_once(repo: Repo) -> None:
    for number in range(40):
        journal(repo, f"over-{number:02}", SessionStarted())
    env = environment(repo.home)
    argv = [COORD, "start", "--no-anchor", "--new"]
    starts = [subprocess.Popen(argv, cwd=repo.root, env=env, stdout=subprocess.DEVNULL) for _ in range(4)]
    reads = [subprocess.run([COORD, "log", "--json"], cwd=repo.root, env=env, check=True) for _ in range(2)]
    assert [start.wait(60) for start in starts] == [0] * 4
    assert [read.returncode for read in reads] == [0, 0]
    assert {path.stem for path in (repo.log / ARCHIVE_FOLDER).iterdir()} == {f"over-{n:02}" for n in range(40)}
    assert len(list(repo.log.glob("*.jsonl"))) == 4
    assert subprocess.run([COORD, "verify"], cwd=repo.root, env=env, check=False).returncode == 0


def test_the_guards_index_is_right_after_a_start(scene: Scene) -> None:
    from coord.guard.index import read_index, with_archive_time
    from eventlog.local.files import list_journal_sizes

    scene.wait_and_start()
    index = read_index(str(Path(scene.repo.folder) / ".cache"))
    assert index is not None
    assert index[0]["journals"] == with_archive_time(list_journal_sizes(str(scene.repo.log)), str(scene.repo.log))
