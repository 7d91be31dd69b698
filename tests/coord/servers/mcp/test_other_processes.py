"""Between two calls of one server, another process changes the log or the cache: the next call sees it."""

import re
import shutil
from collections.abc import Callable
from typing import NamedTuple

import pytest

from tests.support.mcp_connections import Connection, connected
from tests.support.processes import Shell
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow


class Scene(NamedTuple):
    """A server that acts as `me`, and the shell of the session `other`, which holds `file/src/taken.py`."""

    repo: Repo
    server: Connection
    me: str
    shell: Shell
    other: str


def with_warm_server(repo: Repo, change: Callable[[Scene], object], check: Callable[[Scene], object]) -> None:
    """Make some calls, then the change, then check the next calls. The server then answers as a new one does."""
    (_, me), (shell, other) = repo.sessions(2)
    shell.ok("coord claim file src/taken.py")
    with connected(repo, "--session", me) as server:
        scene = Scene(repo, server, me, shell, other)
        server.ok("heartbeat", action="building", target="the form")
        server.ok("claim", resource="file/src/mine.py")
        assert "has file/src/taken.py" in server.refused("claim", resource="file/src/taken.py")
        server.ok("send", to=other, subject="Review please")
        change(scene)
        check(scene)
        with connected(repo, "--session", me) as new:
            for tool, about in (("status", {}), ("why", {"about": "file/src/taken.py"})):
                told, expected = server.call(tool, **about), new.call(tool, **about)
                assert _without_times(told.text) == _without_times(expected.text)


def _without_times(text: str) -> str:
    return re.sub(r"\d+ s\b|just now", "N s", re.sub(r"\d\d:\d\d(:\d\d)?", "TIME", text))


def test_what_another_process_writes_is_seen(repo: Repo) -> None:
    def change(scene: Scene) -> None:
        scene.shell.ok("coord release file src/taken.py")
        scene.shell.ok("coord claim file src/new.py")
        scene.shell.ok(f"coord send {scene.me} 'It works now'")

    def check(scene: Scene) -> None:
        assert "has file/src/new.py" in scene.server.refused("claim", resource="file/src/new.py")
        assert "1 unread" in scene.server.ok("claim", resource="file/src/taken.py")

    with_warm_server(repo, change, check)


def test_a_session_that_ended_and_was_archived_holds_nothing(repo: Repo) -> None:
    def change(scene: Scene) -> None:
        scene.shell.ok("coord end")
        assert "1 journal" in scene.shell.ok("coord archive --before now")
        assert not (scene.repo.log / f"{scene.other}.jsonl").exists()

    def check(scene: Scene) -> None:
        scene.server.ok("claim", resource="file/src/taken.py")
        assert "has ended" in scene.server.call("send", to=scene.other, subject="Late").text

    with_warm_server(repo, change, check)


def test_a_journal_that_was_rewound_is_noticed(repo: Repo) -> None:
    def change(scene: Scene) -> None:
        journal = scene.repo.log / f"{scene.other}.jsonl"
        journal.write_bytes(journal.read_bytes().split(b"\n")[0] + b"\n")

    def check(scene: Scene) -> None:
        told = scene.server.call("claim", resource="file/src/taken.py")
        assert f"{scene.other}.jsonl was rewound" in told.text
        assert "Claimed" in told.text

    with_warm_server(repo, change, check)


def test_a_log_that_was_removed_is_reported(repo: Repo) -> None:
    def check(scene: Scene) -> None:
        assert "Restore it if it was removed" in scene.server.refused("claim", resource="file/src/taken.py")
        assert not scene.repo.log.exists()

    with_warm_server(repo, lambda scene: shutil.rmtree(scene.repo.log), check)


def test_a_log_that_was_replaced_is_used(repo: Repo) -> None:
    """The session of the server is not in the new log, so its calls are refused."""

    def change(scene: Scene) -> None:
        scene.repo.reset()
        scene.repo.shell().ok("coord start --new --name later")

    def check(scene: Scene) -> None:
        assert scene.me in scene.server.refused("claim", resource="file/src/taken.py")
        assert len(list(scene.repo.log.glob("*.jsonl"))) == 1

    with_warm_server(repo, change, check)


def _delete_cache(scene: Scene) -> None:
    shutil.rmtree(scene.repo.folder / ".cache")


def _damage_cache(scene: Scene) -> None:
    for path in (scene.repo.folder / ".cache").iterdir():
        if path.is_file():
            data = bytearray(path.read_bytes())
            data[len(data) // 2] ^= 1
            path.write_bytes(data)


def _outdate_cache(scene: Scene) -> None:
    before = {path: path.read_bytes() for path in (scene.repo.folder / ".cache").iterdir() if path.is_file()}
    scene.shell.ok("coord claim file src/later.py")
    for path, data in before.items():
        path.write_bytes(data)


@pytest.mark.parametrize("change", [_delete_cache, _damage_cache, _outdate_cache])
def test_the_cache_does_not_change_an_answer(change: Callable[[Scene], None], repo: Repo) -> None:
    def check(scene: Scene) -> None:
        assert "has file/src/taken.py" in scene.server.refused("claim", resource="file/src/taken.py")
        held = {event["event"]["resource"] for event in scene.repo.of_type("claim.requested")}
        later = scene.server.call("claim", resource="file/src/later.py")
        assert later.is_error is ("file/src/later.py" in held)
        assert "Released" in scene.server.ok("release", resource="file/src/mine.py")

    with_warm_server(repo, change, check)


def test_a_change_of_the_settings_is_seen(repo: Repo) -> None:
    def check(scene: Scene) -> None:
        scene.server.ok("claim", resource="file/src/brief.py")
        assert scene.repo.of_type("claim.requested")[-1]["event"]["ttl_s"] == 7200

    with_warm_server(repo, lambda scene: scene.repo.set(claim_hours=2), check)
