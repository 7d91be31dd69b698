"""`coord import` keeps every value of the shell scripts' files, and imported claims block nobody."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from coord.admin.shell_import import run
from eventlog.events import seconds_between
from eventlog.local.writer import JournalWriter
from tests.support.in_process import NOON, SimulatedMachine
from tests.support.repositories import Repo
from tests.support.shell_folders import BEGIN, Predecessor, filled, local, said_by_json, sample, utc


class Scene:
    """A machine, and a folder of the shell scripts next to its repository."""

    def __init__(self, repo: Repo) -> None:
        self.repo, self.machine = repo, SimulatedMachine(repo)
        self.old = Predecessor(repo.root.parent / "old" / "COORDINATION")

    def bring(self, folder: str = "../old") -> Any:
        done = self.machine.run(100, "import", folder, "--json")
        assert done.code == 0, done
        return done.json

    def imported(self) -> dict[str, Any]:
        """Return the imported events by the path of their file; of several, the last."""
        return {event["imported"]["path"]: event for event in self.repo.events() if "imported" in event}

    def json(self, *argv: str) -> Any:
        return self.machine.run(100, *argv, "--json").json


@pytest.fixture
def scene(repo: Repo) -> Scene:
    return Scene(repo)


# --- every value ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seed", "sessions", "messages"), [(1, 3, 40), (2, 12, 150), (3, 1, 0), (4, 30, 300), (5, 7, 90), (6, 2, 500)]
)
def test_every_value_is_imported_with_its_time_and_session(
    scene: Scene, seed: int, sessions: int, messages: int
) -> None:
    """In valid JSON files and in invalid ones."""
    meant = sample(scene.old.folder, seed, sessions, messages)
    before = {path: path.read_bytes() for path in scene.old.folder.rglob("*") if path.is_file()}
    done = scene.bring()
    found = scene.imported()
    assert found.keys() == meant.keys()
    for path, fields in meant.items():
        event = found[path]
        assert event["imported"]["fields"] == fields, path
        when = fields.get("timestamp") or fields.get("started_at") or fields["claimed_at"]
        assert 0 <= seconds_between(f"{str(when)[:-1]}.000000Z", event["at"]) < 0.001
        assert event["imported"]["as"] == (fields.get("from") or fields.get("session_id") or fields["claimed_by"])
        if "message" in fields:
            assert event["event"].get("body", "") == fields["message"]
    assert done["unusable"] == []
    assert set(done["recovered"]) == {path for path in meant if not said_by_json(_text(scene, path))}
    assert {path: path.read_bytes() for path in scene.old.folder.rglob("*") if path.is_file()} == before
    assert not any(scene.bring()["new"].values())
    assert scene.machine.run(100, "verify").code == 0


def _text(scene: Scene, path: str) -> str:
    return (scene.old.folder / path).read_bytes().decode()


# --- once -------------------------------------------------------------------------------------------------------------


def test_a_second_run_adds_only_what_is_new(scene: Scene) -> None:
    sample(scene.old.folder, 1, 3, 20)
    first = scene.bring()
    whole = scene.repo.bytes()
    assert scene.bring()["journal"] == ""
    assert scene.repo.bytes() == whole
    name = scene.old.session(BEGIN)
    new = scene.old.message(BEGIN, name, "broadcast", "news")
    second = scene.bring()
    assert sum(second["new"].values()) == 2
    assert second["journal"] != first["journal"]
    file = scene.old.folder / new
    file.write_text(file.read_text().replace("news", "other news"))
    assert sum(scene.bring()["new"].values()) == 1
    assert {name: data for name, data in scene.repo.bytes().items() if name in whole} == whole
    assert len(scene.repo.bytes()) == 3


def test_after_a_crash_the_next_run_adds_the_rest(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    meant = sample(scene.old.folder, 2, 3, 20)
    real, count = JournalWriter.extend, []

    def extend(self: Any, events: Any) -> None:
        count.append(events)
        if len(count) == 4:
            raise KeyboardInterrupt
        real(self, events)

    monkeypatch.setattr(run, "_BATCH_SIZE", 3)
    monkeypatch.setattr(JournalWriter, "extend", extend)
    assert scene.machine.run(100, "import", "../old").code == 130
    monkeypatch.undo()
    assert len(scene.imported()) == 9
    assert sum(scene.bring()["new"].values()) == len(meant) - 9
    assert scene.imported().keys() == meant.keys()


def test_files_of_an_archived_import_are_not_imported_again(scene: Scene) -> None:
    meant = sample(scene.old.folder, 3, 2, 10)
    scene.bring()
    assert [row["events"] for row in scene.json("archive")["moved"]] == [len(meant)]
    assert not any(scene.bring()["new"].values())
    assert scene.machine.run(100, "log").out.count("\n") > 5


# --- never live -------------------------------------------------------------------------------------------------------


def test_an_imported_session_is_never_live(scene: Scene) -> None:
    """Even in the minute after its last event, nobody can message it, act as it, continue it or hand claims to it."""
    now = datetime.fromisoformat(NOON)
    name = scene.old.session(now - timedelta(minutes=5))
    scene.old.heartbeat(now - timedelta(minutes=1), name)
    scene.bring()
    me = scene.machine.start(100)
    scene.machine.run(100, "claim", "port", "1")
    (row,) = [row for row in scene.json("status")["sessions"] if row["id"] == name]
    assert row["status"] == "imported"
    for argv in (
        ("send", name, "Hello"),
        ("start", "--new", "--continue", name),
        ("handoff", "port", "1", name),
        ("heartbeat", "x", "--session", name),
    ):
        done = scene.machine.run(100, *argv)
        assert done.code in (1, 3), done
        assert "imported" in done.err
    assert scene.machine.run(100, "send", "broadcast", "Hello", "--json").json["to"] == "everyone"
    assert [claim["session"] for claim in scene.json("claims")["claims"]] == [me]
    scene.machine.wait(3601)
    assert name not in [row["id"] for row in scene.json("status")["sessions"]]


def test_imported_and_other_claims_do_not_conflict(scene: Scene) -> None:
    now = datetime.fromisoformat(NOON)
    me = scene.machine.start(100)
    held = scene.machine.run(100, "claim", "file", "one.md", "--json").json
    scene.old.claim(now - timedelta(hours=1), "session-1", "file", "one.md")
    scene.old.claim(now - timedelta(hours=1), "session-1", "file", "two.md")
    scene.bring()
    scene.machine.run(100, "claim", "file", "two.md")
    rows = {(row["resource"], row["session"]): row for row in scene.json("claims")["claims"]}
    assert len(rows) == 4
    assert rows["file/one.md", me]["token"] == held["token"]
    assert rows["file/one.md", "session-1"]["imported"]
    assert not rows["file/two.md", me]["imported"]
    assert "imported" in scene.machine.run(100, "claims").out
    scene.machine.wait(3 * 3600 + 1)
    assert {row["session"] for row in scene.json("claims")["claims"]} == {me}


def test_conflicting_imported_claims_notify_nobody(scene: Scene) -> None:
    now = datetime.fromisoformat(NOON)
    scene.old.claim(now - timedelta(hours=2), "session-1", "file", "src")
    scene.old.put(
        "claims/file-src-2.claim",
        {
            "claimed_by": "session-2",
            "claimed_at": utc(now - timedelta(minutes=30)),
            "resource_type": "file",
            "resource_name": "src",
        },
    )
    scene.bring()
    (held,) = scene.json("claims")["claims"]
    assert held["session"] == "session-1"
    assert {row["id"]: row["unread"] for row in scene.json("status")["sessions"]} == {"session-1": 0, "session-2": 0}
    assert "session-2 was told that it had the claim, but loses it" in scene.machine.run(100, "why", "file/src").out


def test_an_import_does_not_change_a_session_with_its_name(scene: Scene) -> None:
    me = scene.machine.start(100, "--name", "backend")
    before = scene.json("status")["sessions"]
    scene.old.put("sessions/x.json", {"session_id": me, "started_at": utc(BEGIN), "name": "not me"})
    scene.old.put("sessions/y.json", {"session_id": me, "started_at": "2026-11-22T12:00:00Z", "name": "nor me"})
    assert sum(scene.bring()["new"].values()) == 2
    after = scene.json("status")["sessions"]
    assert [(row["id"], row["name"], row["status"]) for row in after] == [(me, "backend", "live")]
    assert after == before
    assert scene.machine.run(100, "whoami").out.startswith(me)


def test_imported_messages_reach_no_inbox(scene: Scene) -> None:
    me = scene.machine.start(100)
    now = datetime.fromisoformat(NOON)
    path = scene.old.message(now - timedelta(seconds=1), "session-1", "broadcast", "to all")
    scene.old.message(now - timedelta(seconds=1), "session-1", me, "to you")
    scene.bring()
    assert scene.json("inbox")["messages"] == []
    assert scene.json("inbox", "--all")["messages"] == []
    assert {row["body"] for row in scene.json("status")["messages"]} == {"to all", "to you"}
    event = scene.imported()[path]
    name = f"{event['session']}/{event['n']}"
    assert "to all" in scene.machine.run(100, "inbox", name).out
    assert scene.machine.run(100, "inbox", name, "--json").json["session"] == "session-1"
    for argv in (("ack", name), ("reply", name, "yes")):
        assert scene.machine.run(100, *argv).code in (2, 3)


# --- looking back -----------------------------------------------------------------------------------------------------


def test_imported_history_can_be_viewed(scene: Scene) -> None:
    name = scene.old.session(BEGIN)
    scene.old.heartbeat(BEGIN + timedelta(minutes=1), name, "the api", "80% done")
    scene.old.claim(BEGIN + timedelta(minutes=2), name, "droplet", "api", 400)
    scene.old.message(BEGIN + timedelta(minutes=3), name, "consensus", "words")
    journal = scene.bring()["journal"]
    then = scene.json("status", "--at", f"{journal}/4")
    (row,) = then["sessions"]
    assert (row["id"], row["status"], row["target"], row["percent"], row["claims"]) == (
        name,
        "imported",
        "the api",
        80,
        1,
    )
    (claim,) = then["claims"]
    assert seconds_between(claim["granted_at"], claim["ends_at"]) == 7 * 86400  # the maximum length of a claim
    assert then["messages"][0]["to"] == ["consensus"]
    for argv in (("why", "droplet/api"), ("why", name), ("report", "--since", f"{journal}/1")):
        done = scene.machine.run(100, *argv)
        assert done.code == 0, done
        assert "droplet/api" in done.out
    text = scene.machine.run(100, "log", "--session", name).out
    assert text.count("\n") == 4
    assert "consensus" in text


# --- what it was made of ----------------------------------------------------------------------------------------------


def test_unusable_files_are_listed_with_reasons(scene: Scene, tmp_path: Path) -> None:
    old = scene.old
    good = old.message(BEGIN, "session-1", "broadcast", "good")
    old.raw("messages/broadcast/empty.json", b"")
    old.raw("messages/broadcast/zeros.json", b"\0" * 100)
    old.raw("messages/broadcast/list.json", b"[1]")
    old.raw("messages/broadcast/words.json", b"just words")
    old.raw("messages/broadcast/when.json", b'{"from": "session-1", "message": "x"}')
    old.raw("messages/broadcast/later.json", filled({"from": "a", "timestamp": "2031-01-01T00:00:00Z"}).encode())
    old.raw("messages/broadcast/long.json", b'{"message": "' + b"x" * (1 << 20) + b'"}')
    old.raw("messages/broadcast/notes.txt", b"notes")
    old.raw("messages/stray.json", b"{}")
    old.raw("sessions/.hidden", b"")
    (old.folder / "messages/broadcast/a folder.json").mkdir()
    (old.folder / "messages/broadcast/link.json").symlink_to(old.folder / good)
    (old.folder / "messages/direct").symlink_to(tmp_path)
    os.mkfifo(old.folder / "messages/broadcast/pipe.json")
    secret = old.folder / "messages/broadcast/secret.json"
    secret.write_bytes(b"{}")
    secret.chmod(0)
    done = scene.bring()
    assert done["read"] == done["new"] == {"session": 0, "heartbeat": 0, "claim": 0, "message": 1}
    said = {row["path"].removeprefix("messages/"): row["reason"] for row in done["unusable"]}
    expected = {
        "broadcast/empty.json": "empty",
        "broadcast/zeros.json": "empty",
        "broadcast/list.json": "neither",
        "broadcast/words.json": "neither",
        "broadcast/when.json": "time is unknown",
        "broadcast/later.json": "in the future",
        "broadcast/long.json": "too long",
        "broadcast/notes.txt": "not write such files",
        "stray.json": "not write such files",
        "broadcast/a folder.json": "a folder",
        "broadcast/link.json": "a link",
        "direct": "a link",
        "broadcast/pipe.json": "regular",
    }
    assert said.keys() - {"broadcast/secret.json"} == expected.keys()  # root can read this file
    assert all(words in said[path] for path, words in expected.items()), said
    text = scene.machine.run(100, "import", "../old").out
    assert "could not be imported" in text
    assert "Nothing new" in text


def test_values_beyond_the_limits_are_cut_and_kept_in_fields(scene: Scene) -> None:
    fields = (
        b'{"session_id": "My Session\\u2028!", "started_at": "2026-03-07T09:30:00+01:00", "name": "a\\nb",'
        b' "big": 9007199254740993, "nan": NaN, "inf": 1e999, "half": "\\ud800", "deep": '
        + b"[" * 99
        + b"]" * 99
        + b', "capabilities": ["x\\ty", 7, null]}'
    )
    scene.old.raw("sessions/odd.json", fields)
    scene.old.raw("claims/odd.claim", b'{"claimed_at": "2026-03-07T10:00:00", "resource_type": "a b/c", "n": 1.5}')
    assert scene.bring()["unusable"] == []
    event = scene.imported()["sessions/odd.json"]
    kept = event["imported"]["fields"]
    assert kept["session_id"] == "My Session\u2028!"
    assert (kept["big"], kept["nan"], kept["inf"], kept["half"]) == ("9007199254740993", "NaN", "1e999", "\\ud800")
    assert json.dumps(kept["deep"]).count("[") == 99
    assert event["at"] == "2026-03-07T08:30:00.000000Z"
    assert event["imported"]["as"].startswith("my-session")
    assert event["event"]["name"] == "a b"
    assert event["event"]["capabilities"] == ["x y", "7"]
    claim = scene.imported()["claims/odd.claim"]
    assert claim["event"]["resource"] == "a-b-c/unknown"
    assert claim["imported"]["as"] == "unknown"
    assert claim["at"] == "2026-03-07T10:00:00.000000Z"


def test_missing_values_come_from_the_files_path(scene: Scene) -> None:
    stem = f"{local(BEGIN)}-session-7"
    scene.old.raw(f"messages/direct/urgent/{stem}.json", b'{"subject": "s", "priority": {"level": 3}}')
    scene.old.raw(f"messages/broadcast/{stem}.json", b'{"timestamp": "soon", "message": "m"}')
    scene.bring()
    direct, broadcast = scene.imported().values()
    assert {direct["imported"]["as"], broadcast["imported"]["as"]} == {"session-7"}
    to = {tuple(event["event"]["to"]) for event in (direct, broadcast)}
    assert to == {("urgent",), tuple("everyone")}
    assert all(0 <= seconds_between(f"{utc(BEGIN)[:-1]}.000000Z", e["at"]) < 0.001 for e in (direct, broadcast))
    assert [e["imported"]["fields"].get("priority") for e in scene.imported().values() if "subject" in e["event"]]


def test_events_with_the_same_time_are_put_in_order(scene: Scene) -> None:
    for number in range(5):
        scene.old.message(BEGIN, f"session-{number}", "broadcast", "now")
    done = scene.bring()
    times = sorted(event["at"] for event in scene.imported().values())
    assert [round(seconds_between(times[0], at) * 1e6) for at in times] == [0, 1, 2, 3, 4]
    assert (done["first"], done["last"]) == (times[0], times[-1])


def test_the_folder_can_be_the_shared_folder_itself(scene: Scene) -> None:
    """A repository that used the scripts keeps its folder."""
    Predecessor(scene.repo.folder).session(BEGIN)
    for folder in (".", "COORDINATION", str(scene.repo.root)):
        assert scene.bring(folder)["read"]["session"] == 1
    assert len(scene.imported()) == 1


@pytest.mark.parametrize("folder", ["", "nowhere", "/dev/null", "a\0b", "."])
def test_a_folder_without_such_files_is_refused(scene: Scene, folder: str) -> None:
    done = scene.machine.run(100, "import", folder)
    assert (done.code, done.out) == (2, "")
    assert "sessions/" in done.err


def test_the_output_has_counts_and_next_commands(repo: Repo) -> None:
    """In a real shell, where the suggested commands are run."""
    old = Predecessor(repo.root / "COORDINATION")
    name = old.session(datetime(2025, 11, 15, 17, tzinfo=UTC))
    for number in range(25):
        old.raw(f"messages/broadcast/{number}.json", b"")
    old.message(datetime(2025, 11, 15, 18, tzinfo=UTC), name, "broadcast", "two\nlines")
    shell = repo.shell()
    text = shell.ok("coord import COORDINATION")
    assert "2 files read" in text
    assert "1 of them was recovered from invalid JSON" in text
    assert "25 files could not be imported" in text
    assert "… and 5 more: coord import COORDINATION --limit 25" in text
    commands = [row.strip() for row in text.partition("Next:")[2].splitlines() if row.strip()]
    assert len(commands) == 3
    for command in commands:
        shell.ok(command)
    assert name in (repo.folder / "STATUS_BOARD.md").read_text()
