"""Damaged, torn, replaced and deleted journals: they are reported and kept, and other sessions continue."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from eventlog.codec import MAX_LINE, NO_HASH, line_hash
from tests.support.processes import Shell, can_unshare
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow


class Scene(NamedTuple):
    """Two sessions. The second has a heartbeat, claims and a message."""

    repo: Repo
    one: Shell
    first: str
    two: Shell
    second: str

    @property
    def journal(self) -> Path:
        """The journal of the second session."""
        return self.repo.log / f"{self.second}.jsonl"


@pytest.fixture
def scene(repo: Repo) -> Scene:
    (one, first), (two, second) = repo.sessions(2)
    two.ok(
        "coord heartbeat building api; coord claim droplet theirs; coord send broadcast Hello; coord claim droplet z"
    )
    shutil.rmtree(repo.folder / ".cache")
    return Scene(repo, one, first, two, second)


def changed(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def apply(path: Path) -> None:
        path.write_bytes(change(path.read_bytes()))

    return apply


def without_end(data: bytes) -> bytes:
    """The data followed by more bytes than a line can have, without a newline."""
    return data + b"\0" * (MAX_LINE + 1)


def flip(data: bytes) -> bytes:
    return data.replace(b'"target":"api"', b'"target":"apj"')


def swap(data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    return b"".join([lines[0], lines[2], lines[1], *lines[3:]])


def without_second(data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    return b"".join([lines[0], *lines[2:]])


def inserted(data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    return b"".join([*lines[:2], b'{"v":1}\n', *lines[2:]])


def to_folder(path: Path) -> None:
    path.rename(path.with_suffix(".kept"))
    path.mkdir()


def to_link(path: Path) -> None:
    kept = path.rename(path.with_suffix(".kept"))
    path.symlink_to(kept)


def to_fifo(path: Path) -> None:
    path.rename(path.with_suffix(".kept"))
    os.mkfifo(path)


DAMAGED = {
    "a bad line in the middle": (changed(flip), "line 2, byte"),
    "two lines swapped": (changed(swap), "line 2, byte"),
    "a line taken out": (changed(without_second), "line 2, byte"),
    "a line put in": (changed(inserted), "line 3, byte"),
    "CRLF line ends": (changed(lambda data: data.replace(b"\n", b"\r\n")), "CRLF"),
    "a byte order mark": (changed(lambda data: b"\xef\xbb\xbf" + data), "byte order mark"),
    "more than a line can have after the last newline": (changed(without_end), "so it is not read"),
    "no newline between two lines": (changed(lambda data: data.replace(b"\n", b"", 1)), "line 1, byte 0"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_is_reported_and_all_sessions_continue(scene: Scene, name: str) -> None:
    damage, words = DAMAGED[name]
    damage(scene.journal)
    before = scene.journal.read_bytes()
    for command in ("coord status", "coord board"):
        seen = scene.one.run(command)
        assert seen.code == 0
        assert f"{scene.second}.jsonl is damaged" in seen.out
        assert words in seen.out
    own = scene.one.run("coord claim droplet mine")
    assert own.code == 0
    assert f"{scene.second}.jsonl is damaged" in own.err
    assert "Traceback" not in own.err
    goes_on = scene.two.run("coord heartbeat testing api --json")
    assert goes_on.code == 0
    assert goes_on.json["session"] != scene.second
    assert f"{scene.second} continues as {goes_on.json['session']}" in goes_on.err
    assert scene.journal.read_bytes() == before
    assert scene.two.ok("coord whoami").startswith(goes_on.json["session"])
    assert scene.two.run("coord release droplet z").code == 0  # the new session has the claims


def test_undamaged_lines_after_damage_count(scene: Scene) -> None:
    changed(flip)(scene.journal)
    assert "droplet/theirs" in scene.one.ok("coord claims")
    mail = scene.one.run("coord inbox")
    assert "Hello" in mail.out
    assert mail.err.count("is damaged") == 1


TORN: dict[str, Callable[[bytes], bytes]] = {
    "half a line": lambda data: data + b'{"v":1,"at":"2026-',
    "NULs": lambda data: data + bytes(4096),
    "a line without its end": lambda data: data + data.splitlines()[-1][:-1],
}


@pytest.mark.parametrize("name", TORN)
def test_a_torn_last_line_is_moved_aside(scene: Scene, name: str) -> None:
    whole = scene.journal.read_bytes()
    changed(TORN[name])(scene.journal)
    torn = scene.journal.read_bytes()[len(whole) :]
    status = scene.one.run("coord status")
    assert (status.code, status.err) == (0, "")
    assert "damaged" not in status.out
    mended = scene.two.run("coord heartbeat testing api")
    assert mended.code == 0
    assert scene.second in mended.out
    assert f"{len(torn)} bytes" in mended.err
    (aside,) = scene.repo.log.glob("*.torn")
    assert aside.read_bytes() == torn
    assert aside.name in mended.err
    assert scene.journal.read_bytes().startswith(whole)
    assert scene.journal.read_bytes().count(b"\n") == whole.count(b"\n") + 1
    assert scene.two.run("coord heartbeat testing api").err == ""


def test_a_last_line_without_a_newline_is_completed(scene: Scene) -> None:
    whole = scene.journal.read_bytes()
    scene.journal.write_bytes(whole[:-1])
    mended = scene.two.run("coord heartbeat testing api")
    assert mended.code == 0
    assert "completed the last line" in mended.err
    assert scene.journal.read_bytes().startswith(whole)
    assert list(scene.repo.log.glob("*.torn")) == []


UNUSABLE = {"a folder": to_folder, "a symbolic link": to_link, "a pipe": to_fifo}


@pytest.mark.parametrize("name", UNUSABLE)
def test_a_journal_that_is_not_a_file_stops_only_its_session(scene: Scene, name: str) -> None:
    scene.two.ok("rm -rf COORDINATION/.cache; coord heartbeat again api")
    UNUSABLE[name](scene.journal)
    status = scene.one.run("coord status")
    assert status.code == 0
    assert f"{scene.second}.jsonl" in status.out
    assert scene.one.run("coord claim droplet mine").code == 0
    stopped = scene.two.run(f"coord heartbeat a b --session {scene.second}")
    assert stopped.code in (0, 3, 4)
    assert "Traceback" not in stopped.err
    assert (stopped.out == "") == (stopped.code != 0)
    assert stopped.err != ""
    assert (scene.journal.with_suffix(".kept")).exists()


@pytest.mark.skipif(not can_unshare("--user"), reason="namespaces are not permitted here")
def test_a_journal_without_read_permission_is_reported(scene: Scene) -> None:
    scene.journal.chmod(0)
    result = scene.one.run("unshare --user coord status")  # there, not even root may read it
    assert result.code == 0
    assert f"{scene.second}.jsonl" in result.out
    assert "Permission denied" in result.out


def seal_by_hand(journal: Path, text: str) -> None:
    """Append a line with the right hash, as a newer version would."""
    data = journal.read_bytes()
    previous = data.splitlines()[-1][-34:-2] if data else NO_HASH
    body = text.encode()
    journal.write_bytes(data + body + b',"hash":"' + line_hash(previous, body) + b'"}\n')


@pytest.mark.parametrize("version", [1, 2])
def test_an_event_of_a_newer_version_is_counted_and_kept(scene: Scene, version: int) -> None:
    last = scene.repo.events()[-1]
    at = last["at"][:-7] + "999999Z"
    n = scene.journal.read_bytes().count(b"\n") + 1
    text = (
        f'{{"v":{version},"at":"{at}","session":"{scene.second}","n":{n},'
        '"event":{"type":"spell.cast","colour":"blue"}'
    )
    seal_by_hand(scene.journal, text)
    before = scene.journal.read_bytes()
    status = scene.one.run("coord status")
    assert (status.code, status.err) == (0, "")
    assert "spell.cast" in status.out
    assert "damaged" not in status.out
    after = scene.two.run("coord heartbeat testing api --json")
    assert (after.code, after.json["session"], after.err) == (0, scene.second, "")
    assert scene.journal.read_bytes().startswith(before)
    assert scene.one.run("coord claim droplet theirs").code == 1


def test_a_deleted_journal_is_reported_and_not_created_again(scene: Scene) -> None:
    scene.one.ok("coord heartbeat a b")  # has seen all of it
    scene.journal.unlink()
    status = scene.one.run("coord status")
    assert status.code == 0
    assert f"{scene.second}.jsonl was rewound" in status.out
    assert "5 " in status.out.split("rewound")[1]
    again = scene.two.run(f"coord heartbeat a b --session {scene.second}")
    assert again.code == 3
    assert not scene.journal.exists()
    fresh = scene.two.start()
    assert fresh != scene.second


def test_a_session_with_a_shortened_journal_gets_a_new_one(scene: Scene) -> None:
    scene.one.ok("coord heartbeat a b")
    kept = b"".join(scene.journal.read_bytes().splitlines(keepends=True)[:3])
    scene.journal.write_bytes(kept)
    status = scene.one.run("coord status")
    assert f"{scene.second}.jsonl was rewound" in status.out
    goes_on = scene.two.run("coord heartbeat a b --json")
    assert goes_on.code == 0
    assert goes_on.json["session"] != scene.second
    assert scene.journal.read_bytes() == kept
    assert "rewound" in scene.one.ok("coord status")


@pytest.mark.parametrize("command", ["status", "heartbeat a b", "inbox", "board", "claims", "board --write"])
def test_a_log_deleted_under_a_live_session_is_an_error(scene: Scene, command: str) -> None:
    shutil.rmtree(scene.repo.log)
    result = scene.two.run(f"coord {command}")
    assert (result.code, result.out) == (4, "")
    assert result.err.count("\n") == 1
    assert "coord start" in result.err
    assert not scene.repo.log.exists()
    fresh = scene.two.start()
    assert fresh != scene.second
    assert scene.two.ok("coord whoami").startswith(fresh)


def test_a_damaged_cache_changes_no_answer(scene: Scene) -> None:
    cache = scene.repo.folder / ".cache"
    expected = scene.one.ok("coord claims")
    for content in (b"", b"nonsense", bytes(100)):
        cache.mkdir(exist_ok=True)
        (cache / "checkpoint").write_bytes(content)
        assert scene.one.ok("coord claims") == expected
    shutil.rmtree(cache)
    cache.write_text("no folder")
    assert scene.one.ok("coord claims") == expected
    assert scene.one.run("coord heartbeat a b").code == 0


@pytest.mark.parametrize("what", ["ln -s /etc/passwd", "mkfifo", "mkdir"])
def test_a_session_with_a_replaced_journal_gets_a_new_one(scene: Scene, what: str) -> None:
    scene.two.ok("coord claim droplet mine")
    scene.two.ok(f"mv COORDINATION/log/{scene.second}.jsonl . && {what} COORDINATION/log/{scene.second}.jsonl")
    done = scene.two.run("coord heartbeat testing api --json")
    assert (done.code, done.json["session"] != scene.second) == (0, True), done
    assert f"{scene.second} continues as {done.json['session']}" in done.err
    assert "Too many levels" not in scene.two.run("coord status; coord verify; coord doctor").both
    assert done.json["session"] in scene.two.ok("coord claims"), "the new session has the claims"
