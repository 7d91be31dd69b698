"""The link as a real process: one per folder, ended and killed at any time, with the remote away, and its socket."""

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from coord.engine.sync.link.client import LinkClient
from coord.engine.sync.link.protocol import SOCKET
from tests.support.processes import COORD, alive, environment, until
from tests.support.repositories import Repo, git, install
from tests.support.repositories import bare as bare_repository
from tests.support.two_folders import TwoFolders, coord, link_pid, running_link, two_folders

pytestmark = pytest.mark.slow


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[TwoFolders]:
    """Two folders that have joined one remote."""
    for made in two_folders(tmp_path):
        made.join()
        yield made


def has_ended(repo: Repo) -> None:
    until(lambda: not link_pid(repo), "the end of the link")


def test_a_message_arrives_by_itself(folders: TwoFolders) -> None:
    for repo in (folders.one, folders.two):
        running_link(repo)
    until(lambda: "ben" in folders.shells[0].ok("coord status"), "the session of the other folder")
    folders.shells[0].ok("coord send ben 'the schema' 'is merged'")
    until(lambda: "the schema" in folders.shells[1].ok("coord inbox --peek"), "the message")


def test_one_of_two_links_wins(folders: TwoFolders) -> None:
    first = running_link(folders.one)
    second = coord(folders.one, "link")
    assert second.code == 1
    assert "coord link --status" in second.err
    assert link_pid(folders.one) == first


def test_stop_and_signals_end_the_link(folders: TwoFolders) -> None:
    pid = running_link(folders.one)
    assert coord(folders.one, "link", "--stop").code == 0
    until(lambda: not alive(pid), "the end of the link")
    assert not (folders.one.folder / ".cache" / SOCKET).exists()
    pid = running_link(folders.two)
    os.kill(pid, signal.SIGTERM)
    until(lambda: not alive(pid), "the end of the link")
    assert coord(folders.two, "link", "--stop").code == 1


def test_a_session_starts_in_a_folder_with_a_remote(folders: TwoFolders) -> None:
    shell = folders.one.shell()
    shell.start("--name cleo")
    shell.ok("coord claim task a")
    shell.ok("coord end")
    shell.start("--name cleo")
    until(lambda: "cleo" in folders.shells[1].ok("coord status"), "the session")


def test_a_removed_log_ends_the_link(folders: TwoFolders) -> None:
    pid = running_link(folders.one)
    shutil.rmtree(folders.one.folder)
    until(lambda: not alive(pid), "the end of the link")


def test_a_left_remote_ends_the_link(folders: TwoFolders) -> None:
    pid = running_link(folders.one)
    assert coord(folders.one, "remote", "remove").code == 0
    until(lambda: not alive(pid), "the end of the link")
    assert "No remote is joined" in coord(folders.one, "remote").out


def test_a_killed_link_loses_nothing(folders: TwoFolders) -> None:
    chosen = random.Random(7)
    for number in range(12):
        folders.shells[0].ok(f"coord claim task a{number}")
        folders.shells[1].ok(f"coord send everyone m{number} text")
        time.sleep(chosen.random() / 10)
        for repo in (folders.one, folders.two):
            if chosen.random() < 0.5 and (pid := link_pid(repo)):
                os.kill(pid, signal.SIGKILL)
    for _ in range(2):
        for repo in (folders.one, folders.two):
            until(lambda repo=repo: coord(repo, "sync").code == 0, "an exchange")  # type: ignore[misc]
    assert folders.one.bytes() == folders.two.bytes()
    assert len(folders.one.of_type("claim.requested")) == len(folders.one.of_type("message.sent")) == 12
    assert {event["event"]["told"] for event in folders.one.of_type("claim.requested")} == {"granted"}


def test_a_remote_that_was_away_is_used_again(folders: TwoFolders) -> None:
    running_link(folders.one)
    away = folders.hub.with_name("away.git")
    folders.hub.rename(away)
    folders.shells[0].ok("coord heartbeat building api")
    until(lambda: not coord(folders.one, "link", "--status", "--json").json["reachable"], "the problem")
    refused = folders.shells[0].run("coord claim task api")
    assert refused.code == 1
    assert not folders.one.of_type("claim.requested")
    away.rename(folders.hub)
    until(lambda: coord(folders.one, "link", "--status", "--json").json["reachable"], "the remote")
    until(lambda: folders.shells[0].run("coord claim task api").code == 0, "the claim")
    until(lambda: "building" in folders.shells[1].ok("coord status"), "the heartbeat")


def test_a_long_path_has_a_socket_too(tmp_path: Path) -> None:
    for repo in bare_repository(tmp_path / ("long" * 20) / ("path" * 20)):
        install(repo)
        hub = tmp_path / "hub.git"
        subprocess.run(["git", "init", "-q", "--bare", str(hub)], env=environment(repo.home), check=True)
        git(repo, "remote", "add", "origin", str(hub))
        assert len(os.fsencode(repo.folder / ".cache" / SOCKET)) > 108
        shell = repo.shell()
        shell.start()
        shell.ok("coord remote add git")
        pid = running_link(repo)
        shell.ok("coord claim task a")
        assert link_pid(repo) == pid
        coord(repo, "link", "--stop")
        has_ended(repo)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can act as another user")
def test_another_user_gets_no_answer(folders: TwoFolders) -> None:
    running_link(folders.one)
    path = folders.one.folder / ".cache" / SOCKET
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o666)
    script = (
        "import os, socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); os.setuid(65534);"
        "s2 = socket.socket(socket.AF_UNIX); s2.connect('link.sock'); s2.sendall(b'{\"op\":\"state\"}\\n');"
        "print(len(s2.recv(1000)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, SOCKET], cwd=path.parent, capture_output=True, text=True, check=False
    )
    assert done.stdout in ("0\n", "")
    assert ("Connection reset" in done.stderr or "Broken pipe" in done.stderr) or done.stdout == "0\n"


def test_a_bad_request_is_answered_with_an_error(folders: TwoFolders, monkeypatch: pytest.MonkeyPatch) -> None:
    running_link(folders.one)
    cache = folders.one.folder / ".cache"
    monkeypatch.chdir(cache)
    for line in (b"\n", b"[]\n", b'{"op":"agree"}\n', b'{"op":"agree","draft":{"session":1}}\n', b"\xff\n"):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(SOCKET)
            connection.sendall(line)
            assert b'"error":"request"' in connection.recv(1 << 16)
    assert LinkClient(str(cache), 5).state().pid == link_pid(folders.one)


def test_the_foreground_shows_its_state(folders: TwoFolders) -> None:
    coord(folders.one, "link", "--stop")
    until(lambda: not link_pid(folders.one), "the end of the link")
    with subprocess.Popen(
        [COORD, "link"], cwd=folders.one.root, env=environment(folders.one.home), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert "git origin: reachable" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.wait()
