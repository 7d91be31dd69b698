"""`coord remote` and `coord sync`: what is joined, what is asked before, and what a refusal leaves behind."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.repositories import Repo
from tests.support.two_folders import TwoFolders, coord, two_folders


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[TwoFolders]:
    """Two folders that have not joined a remote."""
    yield from two_folders(tmp_path)


def is_joined(repo: Repo) -> bool:
    return (repo.log / ".remote").exists()


def test_joining_publishes_and_brings_in(folders: TwoFolders) -> None:
    first, second = folders.join()
    assert "Published: 1 event, 1 journal" in first
    assert "Received: 1 event, 1 new journal" in second
    assert (folders.one.log / ".remote").stat().st_mode & 0o777 == 0o600
    assert coord(folders.two, "remote", "show", "--json").json["remote"] == "git origin"


def test_sync_works_without_and_with_a_link(folders: TwoFolders) -> None:
    folders.join()
    for repo in (folders.one, folders.two):
        coord(repo, "link", "--stop")
    folders.shells[0].ok("coord heartbeat building api")
    assert coord(folders.one, "sync", "--json").json["events_out"] == 1
    assert coord(folders.two, "sync", "--json").json["events_in"] == 1
    folders.shells[0].start()  # starts the link again
    assert coord(folders.one, "sync", "--compact").code == 0
    assert coord(folders.two, "sync").code == 0
    assert coord(folders.two, "verify").code == 0


def test_a_remote_that_is_not_there_is_not_joined(folders: TwoFolders) -> None:
    result = coord(folders.one, "remote", "add", "git", "nowhere")
    assert result.code == 1
    assert "Nothing was" in result.err
    assert "nowhere" in result.err
    assert not is_joined(folders.one)


def test_what_the_host_refused_is_shown(folders: TwoFolders) -> None:
    folders.shells[0].start()
    hook = folders.hub / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'this ref is protected by policy 7' >&2\nexit 1\n")
    hook.chmod(0o755)
    result = coord(folders.one, "remote", "add", "git")
    assert result.code == 1
    assert "policy 7" in result.err
    assert not is_joined(folders.one)


def test_a_remote_of_the_settings_is_used_only_after_a_yes(folders: TwoFolders) -> None:
    (folders.one.folder / "config.toml").write_text('remote = "git origin"\n')
    folders.shells[0].start()
    folders.shells[0].ok("coord claim task a")
    assert not is_joined(folders.one)
    refs = ["git", "-C", str(folders.hub), "for-each-ref"]
    assert subprocess.run(refs, capture_output=True, text=True, check=True).stdout == ""
    assert "coord remote add" in coord(folders.one, "remote").out
    asked = coord(folders.one, "remote", "add")
    assert asked.code == 1
    assert "coord remote add --yes" in asked.err
    assert not is_joined(folders.one)
    assert coord(folders.one, "remote", "add", "--yes").code == 0
    assert is_joined(folders.one)


def test_a_person_at_a_terminal_is_asked(folders: TwoFolders) -> None:
    (folders.one.folder / "config.toml").write_text('remote = "git origin"\n')
    terminal = folders.one.terminal()
    terminal.begin("coord remote add")
    terminal.sees("y/N")
    assert not is_joined(folders.one)
    terminal.press("n", "Enter")
    terminal.sees("Nothing was joined")
    assert not is_joined(folders.one)


def test_a_record_of_another_folder_joins_nothing(folders: TwoFolders) -> None:
    folders.join()
    (folders.two.log / ".remote").write_bytes((folders.one.log / ".remote").read_bytes())
    assert "No remote is joined" in coord(folders.two, "remote").out


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_credentials_that_others_can_read_are_refused(folders: TwoFolders, tmp_path: Path, mode: int) -> None:
    path = tmp_path / "team.creds"
    path.write_text("secret")
    path.chmod(mode)
    result = coord(folders.one, "remote", "add", "nats://localhost:1/team", "--creds", str(path))
    assert result.code == 2
    assert "chmod 600" in result.err
    assert "secret" not in result.both


def test_credentials_in_the_repository_are_refused(folders: TwoFolders) -> None:
    path = folders.one.root / "team.creds"
    path.write_text("secret")
    path.chmod(0o600)
    result = coord(folders.one, "remote", "add", "nats://localhost:1/team", "--creds", "team.creds")
    assert result.code == 2
    assert "in the repository" in result.err


@pytest.mark.parametrize(
    "words", [("remove",), ("show", "x"), ("join",), ("add", "git", "a", "b"), ("add", "nowhere"), ("add", "ftp://a/b")]
)
def test_a_wrong_use_is_an_error(folders: TwoFolders, words: tuple[str, ...]) -> None:
    result = coord(folders.one, "remote", *words)
    assert result.code in (1, 2)
    assert result.err.startswith("coord: ")
    assert "Traceback" not in result.err
    assert not is_joined(folders.one)


def test_a_password_in_the_address_is_refused(folders: TwoFolders) -> None:
    result = coord(folders.one, "remote", "add", "nats://me:secret@localhost:1/team")
    assert result.code == 2
    assert "secret" not in result.err


def test_without_a_remote_each_command_tells_how_to_join(folders: TwoFolders) -> None:
    for words in (("sync",), ("link",), ("link", "--status")):
        result = coord(folders.one, *words)
        assert result.code == 1
        assert "coord remote add git" in result.err
