"""`coord archive` moves journals of sessions that ended long ago, and every command answers as before."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from coord.admin import archive as archiving
from coord.engine.machine_lock import under_lock
from coord.engine.snapshot import Snapshot
from coord.workspace.paths import Workspace, find_workspace
from eventlog.codec import NO_HASH, encode_line
from eventlog.events import (
    VERSION,
    AnyPayload,
    Event,
    Imported,
    SessionEnded,
    SessionHeartbeat,
    SessionStarted,
    add_time,
)
from eventlog.local.files import ARCHIVE_FOLDER
from projections.rules.fold import as_of
from tests.support.in_process import NOON, SimulatedMachine
from tests.support.processes import COORD, environment
from tests.support.repositories import Repo
from tests.support.state_bytes import image

pytestmark = pytest.mark.slow

DAY_S = 86400


class Scene:
    """Two sessions with events and claims that ended nine days ago, and a live one."""

    def __init__(self, repo: Repo) -> None:
        self.repo, self.machine = repo, SimulatedMachine(repo)
        run = self.machine.run
        self.first, self.second = self.machine.start(100, "--name", "first"), self.machine.start(200)
        assert run(100, "claim", "droplet", "x", "--note", "to look at").code == 0
        assert run(200, "claim", "droplet", "x").code == 1
        self.message = run(100, "send", "broadcast", "Hello", "b" * 3000, "--json").json["message"]
        assert run(200, "reply", self.message, "Hello yourself").code == 0
        assert run(200, "end", "--summary", "all of it").code == 0
        self.here = self.machine.start(300)
        self.machine.wait(60)
        assert run(100, "end").code == 0
        self.machine.wait(9 * DAY_S)
        assert run(300, "heartbeat", "going", "on").code == 0

    def archive(self, *options: str) -> Any:
        done = self.machine.run(300, "archive", "--json", *options)
        assert done.code == 0, done
        return done.json

    def journals(self, folder: str = "") -> set[str]:
        return {path.stem for path in (self.repo.log / folder).glob("*.jsonl")}


@pytest.fixture
def scene(repo: Repo) -> Scene:
    return Scene(repo)


def stayed(done: Any) -> dict[str, str]:
    return {row["session"]: row["reason"] for row in done["stayed"]}


ANSWERS = (
    ("status",),
    ("status", "--json"),
    ("board",),
    ("claims",),
    ("inbox", "--all"),
    ("inbox", "MESSAGE"),
    ("inbox", "--at", "FIRST/4", "--session", "SECOND"),
    ("log",),
    ("log", "--json"),
    ("log", "FIRST/2"),
    ("log", "--session", "FIRST"),
    ("status", "--at", "FIRST/2"),
    ("claims", "--at", "SECOND/2"),
    ("board", "--at", "-9d"),
    ("why", "droplet", "x"),
    ("why", "FIRST"),
    ("diff", "FIRST/1", "FIRST/3"),
    ("report", "--since", "10d"),
    ("whoami",),
)


@pytest.mark.parametrize("cache", ["checkpoint", "no checkpoint"])
def test_every_command_answers_the_same_before_and_after(scene: Scene, cache: str) -> None:
    names = {"MESSAGE": scene.message, "FIRST": scene.first, "SECOND": scene.second}

    def answers() -> list[object]:
        if cache == "no checkpoint":
            shutil.rmtree(scene.repo.folder / ".cache", ignore_errors=True)
        found: list[object] = []
        for words in ANSWERS:
            typed = [word.replace(key, value) for word in words for key, value in [_known(word, names)]]
            found.append((words, scene.machine.run(300, *typed)))
        return found

    before = answers()
    whole = {path.name: path.read_bytes() for path in scene.repo.log.glob("*.jsonl")}
    assert len(scene.archive()["moved"]) == 2
    assert scene.journals(ARCHIVE_FOLDER) == {scene.first, scene.second}
    assert scene.journals() == {scene.here}
    assert answers() == before
    after = {path.name: path.read_bytes() for path in scene.repo.log.rglob("*.jsonl")}
    assert after == whole, "only their folder has changed"


def _known(word: str, names: dict[str, str]) -> tuple[str, str]:
    return next(((key, value) for key, value in names.items() if key in word), ("\0", ""))


def test_after_archiving_nothing_is_folded_again(scene: Scene) -> None:
    scene.archive()
    system = scene.machine.system(300, {})
    snapshot = Snapshot(system, find_workspace(system, None))
    snapshot.catch_up()
    assert snapshot.fresh
    assert snapshot.journal_problems() == []
    snapshot.ended.bring_back()
    shutil.rmtree(scene.repo.folder / ".cache")
    again = Snapshot(system, find_workspace(system, None))
    again.catch_up()
    end = add_time(snapshot.now, 60)
    assert image(as_of(snapshot.state, end)) == image(as_of(again.state, end))


def test_journals_are_selected_by_when_their_sessions_ended(scene: Scene) -> None:
    assert scene.archive("--before", "10d")["moved"] == []
    assert scene.archive("--before", "-9d", "--dry-run")["moved"] != []
    assert scene.journals() == {scene.first, scene.second, scene.here}, "a dry run moves nothing"
    at = f"{scene.first}/{scene.repo.bytes()[scene.first + '.jsonl'].count(bytes([10]))}"  # the name of its last event
    assert [row["session"] for row in scene.archive("--before", at)["moved"]] == [scene.second]
    assert scene.machine.run(300, "archive", "--before", "soon").code == 2
    assert scene.machine.run(300, "archive", "--before", "2099-01-01").code == 2


def test_journals_of_live_sessions_always_stay(scene: Scene) -> None:
    scene.machine.wait(60)
    done = scene.archive("--before", "now")
    assert {row["session"] for row in done["moved"]} == {scene.first, scene.second}
    assert done["young"] == 1
    assert scene.machine.run(300, "heartbeat", "a", "b").code == 0


def test_dead_and_continued_sessions_go_once_recorded(scene: Scene) -> None:
    dead = scene.machine.start(100)
    del scene.machine.table.rows[100]
    scene.machine.wait(8 * DAY_S)
    assert dead not in {row["session"] for row in scene.archive()["moved"]}, "its death is not recorded yet"
    scene.machine.run(300, "heartbeat", "a", "b")
    scene.machine.wait(8 * DAY_S)
    assert [row["session"] for row in scene.archive()["moved"]] == [dead]


def test_a_conversation_that_comes_back_gets_a_new_session(scene: Scene) -> None:
    env = {"CLAUDE_CODE_SESSION_ID": "one", "CLAUDECODE": "1"}
    old = scene.machine.run(200, "heartbeat", "a", "b", "--json", **env).json["session"]
    assert scene.machine.run(200, "end", **env).code == 0
    scene.machine.wait(8 * DAY_S)
    assert old in {row["session"] for row in scene.archive()["moved"]}
    kept = (scene.repo.log / ARCHIVE_FOLDER / f"{old}.jsonl").read_bytes()
    back = scene.machine.run(200, "heartbeat", "again", "b", "--json", **env)
    assert back.code == 0
    assert back.json["session"] != old
    assert f"{old} continues as {back.json['session']}" in back.err
    assert "it was archived" in back.err
    started = json.loads((scene.repo.log / f"{back.json['session']}.jsonl").read_bytes().splitlines()[0])
    assert started["event"]["continues"] == old
    assert (scene.repo.log / ARCHIVE_FOLDER / f"{old}.jsonl").read_bytes() == kept


def test_damaged_and_rewound_journals_stay_with_a_reason(scene: Scene) -> None:
    first, second = (scene.repo.log / f"{name}.jsonl" for name in (scene.first, scene.second))
    first.write_bytes(first.read_bytes().replace(b"to look at", b"to look up"))
    second.write_bytes(b"".join(second.read_bytes().splitlines(keepends=True)[:-1]))
    done = scene.archive("--before", "1m")
    assert done["moved"] == []
    assert stayed(done)[scene.first].startswith("line 2 (byte ")
    assert scene.journals(ARCHIVE_FOLDER) == set()
    text = scene.machine.run(300, "archive").out
    assert scene.first in text
    assert "is damaged" in text


def test_a_file_in_the_archive_is_never_overwritten(scene: Scene) -> None:
    (scene.repo.log / ARCHIVE_FOLDER).mkdir()
    other = scene.repo.log / ARCHIVE_FOLDER / f"{scene.first}.jsonl"
    other.write_bytes(b"something else")
    done = scene.archive()
    assert [row["session"] for row in done["moved"]] == [scene.second]
    assert "already" in stayed(done)[scene.first]
    assert other.read_bytes() == b"something else"
    assert f"{scene.first}.jsonl is in log/ and in log/ended/" in scene.machine.run(300, "status").out


def journal_of(repo: Repo, session: str, payloads: list[AnyPayload], acted_as: Sequence[str] = ()) -> None:
    """Write a journal with these events, one second apart, three weeks ago."""
    lines, previous = b"", NO_HASH
    for n, payload in enumerate(payloads, 1):
        mark = Imported(path="a.json", digest=str(n), acted_as=acted_as[n - 1]) if acted_as else None
        at = f"2026-11-01T00:00:0{n}.000000Z"
        line, previous = encode_line(
            Event(v=VERSION, at=at, session=session, n=n, payload=payload, imported=mark), previous
        )
        lines += line
    (repo.log / f"{session}.jsonl").write_bytes(lines)


@pytest.mark.parametrize(("machine", "folder"), [("machine-2", ""), ("machine-1", "/elsewhere/COORDINATION")])
def test_journals_of_other_folders_and_machines_stay(scene: Scene, machine: str, folder: str) -> None:
    start = SessionStarted(machine=machine, folder=folder or str(scene.repo.folder))
    journal_of(scene.repo, "from-elsewhere", [start, SessionEnded()])
    done = scene.archive()
    assert len(done["moved"]) == 2
    assert stayed(done) == {"from-elsewhere": f"it belongs to another folder, {folder}" if folder else MACHINE}


MACHINE = "it began on another machine"


def test_an_import_is_archived_when_all_its_sessions_ended(scene: Scene) -> None:
    """An import has many sessions; while one of them is live or unknown, its journal stays."""
    over, here = [scene.first, scene.second], [scene.first, scene.here]
    for name, sessions in (("import-of-here", here), ("import-of-over", over)):
        journal_of(scene.repo, name, [SessionHeartbeat(action="x")] * 2, sessions)
    read, _ = archiving._read_all(_workspace(scene), ["import-of-here", "import-of-over"])
    snapshot = Snapshot(scene.machine.system(300, {}), _workspace(scene))
    snapshot.catch_up()
    assert archiving._over_at(snapshot, "import-of-here", read["import-of-here"]) == ""
    assert archiving._over_at(snapshot, "import-of-over", read["import-of-over"]) < NOON.replace("12:", "13:")
    del snapshot.state.sessions[scene.first]
    assert archiving._over_at(snapshot, "import-of-over", read["import-of-over"]) == ""


def _workspace(scene: Scene) -> Workspace:
    return find_workspace(scene.machine.system(300, {}), None)


def test_a_seal_is_moved_too_and_a_tear_is_kept(scene: Scene) -> None:
    path = scene.repo.log / f"{scene.first}.jsonl"
    path.write_bytes(path.read_bytes() + b'{"v":1')
    (scene.repo.log / f"{scene.first}.jsonl.sealed").touch()
    whole = path.read_bytes()
    assert len(scene.archive()["moved"]) == 2
    assert (scene.repo.log / ARCHIVE_FOLDER / path.name).read_bytes() == whole
    assert (scene.repo.log / ARCHIVE_FOLDER / f"{path.name}.sealed").exists()
    assert not list(scene.repo.log.glob("*.sealed"))


def test_an_empty_log_and_a_missing_log(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    done = machine.run(100, "archive")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("Nothing to move")
    machine.start(100)
    shutil.rmtree(repo.log)
    done = machine.run(100, "archive")
    assert (done.code, done.out) == (4, "")


def test_the_list_of_moved_journals_is_limited(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    for _ in range(23):
        machine.start(100)
        machine.run(100, "end")
    machine.wait(8 * DAY_S)
    text = machine.run(100, "archive", "--dry-run").out
    assert text.count("\n") < 25
    assert "… and 3 more: coord archive --dry-run --limit 23" in text
    assert machine.run(100, "archive", "--dry-run", "--limit", "23").out.count("ended 8 d ago") == 23


# --- while others work ------------------------------------------------------------------------------------------------


def test_a_kill_leaves_each_journal_in_exactly_one_place(repo: Repo) -> None:
    shell = repo.shell()
    names = [str(shell.json("coord start --new --no-anchor")["session"]) for _ in range(3)]
    for name in names:
        shell.ok(f"coord end --session {name}")
    whole = repo.bytes()
    before = shell.ok("coord log")
    (repo.home / "sitecustomize.py").write_text(
        "import os, signal\nreal, count = os.rename, []\n"
        "def rename(*a):\n    count.append(a)\n    len(count) == 2 and os.kill(os.getpid(), signal.SIGKILL)\n"
        "    real(*a)\nos.rename = rename\n"
    )
    killed = shell.run(f"env PYTHONPATH={repo.home} coord archive --before now")
    assert killed.code == 128 + signal.SIGKILL
    assert len(list((repo.log / ARCHIVE_FOLDER).iterdir())) == 1
    assert {path.name: path.read_bytes() for path in repo.log.rglob("*.jsonl")} == whole
    assert shell.ok("coord log") == before
    assert shell.run("coord status").err == ""
    done = shell.json("coord archive --before now")
    assert (len(done["moved"]), done["ended"]) == (2, 1)
    assert {path.name: path.read_bytes() for path in (repo.log / ARCHIVE_FOLDER).glob("*.jsonl")} == whole


LOOK = """
import sys
from coord.workspace.paths import find_workspace
from coord.engine.snapshot import Snapshot
from coord.workspace.system import real_system
system = real_system()
workspace = find_workspace(system, sys.argv[1])
print("ready", flush=True)
while not workspace.root + "/stop" in [e.path for e in __import__("os").scandir(workspace.root)]:
    snapshot = Snapshot(system, workspace)
    snapshot.catch_up(consistent=True)
    assert snapshot.journal_problems() == [], snapshot.journal_problems()
    assert snapshot.state.events == int(sys.argv[2]), snapshot.state.events
"""


@pytest.mark.parametrize("cache", ["checkpoint", "no checkpoint"])
def test_readers_during_the_move_miss_nothing(repo: Repo, cache: str) -> None:
    shell = repo.shell()
    for _ in range(12):
        name = shell.json("coord start --new --no-anchor")["session"]
        shell.ok(f"coord end --session {name}")
    if cache == "no checkpoint":
        shutil.rmtree(repo.folder / ".cache")
    argv = [sys.executable, "-c", LOOK, str(repo.root), "24"]
    env, pipe = environment(repo.home), subprocess.PIPE
    readers = [subprocess.Popen(argv, cwd=repo.root, env=env, stdout=pipe, stderr=pipe) for _ in range(2)]
    try:
        for reader in readers:
            assert reader.stdout is not None
            reader.stdout.readline()
        for path in sorted(repo.log.glob("*.jsonl")):
            assert subprocess.run([COORD, "archive", "--before", f"{path.stem}/2"], cwd=repo.root, env=env, check=True)
        shell.ok("coord archive --before now")
        assert list(repo.log.glob("*.jsonl")) == []
    finally:
        Path(repo.root / "stop").touch()
        found = [reader.communicate(timeout=60) for reader in readers]
    assert [(err, reader.returncode) for (_, err), reader in zip(found, readers, strict=True)] == [(b"", 0)] * 2


def test_a_journal_that_is_written_to_meanwhile_stays(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    path = scene.repo.log / f"{scene.first}.jsonl"

    def appended(*values: object) -> object:
        with open(path, "ab") as file:
            os.write(file.fileno(), b"{")
        return under_lock(*values)  # type: ignore[arg-type]

    monkeypatch.setattr(archiving, "under_lock", appended)
    done = scene.archive()
    assert [row["session"] for row in done["moved"]] == [scene.second]
    assert "written" in stayed(done)[scene.first]
