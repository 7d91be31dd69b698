"""A read-only folder, an unwritable board and a failed sync are reported, and nothing is lost."""

import os

import pytest

from tests.support.processes import Shell, can_unshare
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow

WRITES = ("heartbeat a b", "claim droplet x", "send broadcast Hello", "end", "start --new")


def private_mounts(repo: Repo) -> Shell:
    """A shell with its own mount namespace."""
    return repo.shell(None, "unshare", "--mount", "bash", "--norc", "--noprofile")


@pytest.fixture
def read_only(repo: Repo) -> Shell:
    """A shell with a session, for which the shared folder is read-only."""
    if os.geteuid() != 0:
        shell = repo.shell()
        shell.start()
        shell.ok("chmod -R a-w COORDINATION")
        return shell
    if not can_unshare("--mount"):
        pytest.skip("root can write everything, and mounts are not permitted here")
    shell = private_mounts(repo)
    shell.start()
    shell.ok("mount --bind COORDINATION COORDINATION && mount -o remount,bind,ro COORDINATION")
    return shell


@pytest.mark.parametrize("command", WRITES)
def test_in_a_read_only_folder_writing_fails_with_one_line(repo: Repo, read_only: Shell, command: str) -> None:
    before = repo.bytes()
    result = read_only.run(f"coord {command}")
    assert (result.code, result.out) == (4, "")
    assert result.err.startswith("coord: ")
    assert "Read-only file system" in result.err or "Permission denied" in result.err
    assert result.err.count("\n") == 1
    assert repo.bytes() == before


def test_a_read_only_folder_can_be_read(repo: Repo, read_only: Shell) -> None:
    assert read_only.ok("coord whoami").split(",")[0] in read_only.ok("coord status")
    assert read_only.run("coord claims").code == 0
    assert "Status board" in read_only.ok("coord board")
    assert read_only.run("coord inbox --peek").code == 0


def test_init_in_a_read_only_folder_reports_it(repo: Repo, read_only: Shell) -> None:
    assert read_only.run("coord init").code == 0  # everything exists: nothing to write
    result = read_only.run("cd COORDINATION/scripts && coord init --here")
    assert (result.code, result.out) == (4, "")
    assert "Existing files are kept" in result.err


def test_an_unwritable_board_does_not_undo_a_claim(repo: Repo) -> None:
    shell = repo.shell()
    shell.start()
    (repo.folder / "STATUS_BOARD.md").unlink()
    (repo.folder / "STATUS_BOARD.md").mkdir()
    result = shell.run("coord claim droplet x")
    assert result.code == 0
    assert "Claimed: droplet/x" in result.out
    assert "STATUS_BOARD.md could not be written" in result.err
    assert "droplet/x" in shell.ok("coord claims")
    asked = shell.run("coord board --write")
    assert (asked.code, asked.out) == (4, "")
    assert list(repo.folder.glob("*.tmp")) == []


def test_after_a_failed_sync_a_new_session_continues(repo: Repo) -> None:
    shell = repo.shell()
    session = shell.start()
    (repo.home / "sitecustomize.py").write_text(
        "import os\ndef broken(fd):\n    raise OSError(5, 'Input/output error')\nos.fdatasync = broken\n"
    )
    result = shell.run(f"env PYTHONPATH={repo.home} coord claim droplet x")
    assert (result.code, result.out) == (4, "")
    assert "unknown" in result.err
    assert "Input/output error" in result.err
    assert "Traceback" not in result.err
    kept = (repo.log / f"{session}.jsonl").read_bytes()
    after = shell.run("coord heartbeat going on --json")
    assert after.code == 0
    assert after.json["session"] != session
    assert f"{session} continues as {after.json['session']}" in after.err
    assert (repo.log / f"{session}.jsonl").read_bytes() == kept
    assert f"droplet/x - {after.json['session']} (you)" in shell.ok("coord claims")
