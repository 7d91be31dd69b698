"""`coord doctor` finds other shared folders, and faults of the file system."""

import os
from collections.abc import Callable
from typing import Any

import pytest

from coord.admin.doctor import folder
from coord.admin.doctor.subject import Subject
from tests.support.doctor import findings, write_journal
from tests.support.in_process import SimulatedMachine
from tests.support.repositories import Repo
from tests.support.skip_marks import mounts

pytestmark = pytest.mark.slow


def test_another_shared_folder_below_or_above_is_found(repo: Repo) -> None:
    shell = repo.shell()
    shell.ok("mkdir -p parts/api && cd parts/api && coord init --here")
    (below,) = findings(repo, "nested")
    assert str(repo.root / "parts/api/COORDINATION") in below["evidence"]
    (above,) = findings(repo, "nested", options="--root parts/api")
    assert str(repo.folder) in above["evidence"]
    shell.ok("mkdir -p vendor/lib && cd vendor/lib && git init -q && coord init")
    assert findings(repo, "nested") == [below], "another repository may have its own folder"


def test_a_worktree_with_its_own_log_is_found(repo: Repo) -> None:
    shell = repo.shell()
    shell.ok("coord start; git add -A; git commit -qm all; git worktree add -q ../other")
    assert findings(repo, "worktrees") == [], "the folder that is checked out there has no log"
    shell.ok("cd ../other && mkdir COORDINATION/log && coord start --new --root COORDINATION")
    (row,) = findings(repo, "worktrees")
    assert "other/COORDINATION/log has 1 journal" in row["evidence"]


@mounts
def test_a_read_only_file_system_is_found(repo: Repo) -> None:
    shell = repo.shell(None, "unshare", "--mount", "bash", "--norc", "--noprofile")
    shell.ok("mount --bind COORDINATION COORDINATION && mount -o remount,bind,ro COORDINATION")
    (row,) = findings(repo, "permissions", shell)
    assert row["what"] == "the log is on a read-only file system"


@pytest.mark.parametrize("what", ["log", "log/.lock", "journal", ".cache", "STATUS_BOARD.md"])
def test_missing_permissions_are_found(repo: Repo, what: str) -> None:
    path = write_journal(repo) if what == "journal" else repo.folder / what
    if what != "journal":
        write_journal(repo)
    for one in (repo.folder, *repo.folder.rglob("*")):
        os.chown(one, 65534, 65534) if os.geteuid() == 0 else None
    path.chmod(0o555 if path.is_dir() else 0o444)
    (finding,) = as_nobody(
        lambda: list(folder.permissions(Subject(SimulatedMachine(repo).system(300, {}), None))), repo
    )
    assert str(path) in finding.evidence or path.name in finding.evidence
    assert finding.severity == ("serious" if "log" in str(path.relative_to(repo.folder)) else "warning")
    assert finding.do[0].command.startswith("ls -ld")
    assert list(repo.folder.rglob("*probe*")) == []


def as_nobody(look: Callable[[], Any], repo: Repo) -> Any:
    """Root has all permissions, so the check runs as another user, who can reach the folder."""
    if os.geteuid() != 0:
        return look()
    for parent in repo.folder.parents:
        if parent.stat().st_mode & 0o005 != 0o005:
            try:
                parent.chmod(parent.stat().st_mode | 0o055)
            except OSError:
                pytest.skip("nobody can reach the folder")
    os.seteuid(65534)
    try:
        return look()
    finally:
        os.seteuid(0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be root in another's folder")
def test_root_in_another_users_folder_is_found(repo: Repo) -> None:
    assert findings(repo, "owner") == []
    os.chown(repo.folder, 65534, 65534)
    (row,) = findings(repo, "owner")
    assert "belongs to user 65534" in row["evidence"]


@mounts
def test_a_nearly_full_disk_is_found(repo: Repo) -> None:
    shell = repo.shell(None, "unshare", "--mount", "bash", "--norc", "--noprofile")
    shell.ok("mount -t tmpfs -o size=20m tmpfs COORDINATION/log")
    (row,) = findings(repo, "disk", shell)
    assert row["severity"] == "warning"
    shell.ok("head -c 20500000 /dev/zero > COORDINATION/log/filler")
    (row,) = findings(repo, "disk", shell)
    assert row["severity"] == "serious"
    shell.ok("umount COORDINATION/log; mount -t tmpfs -o size=200m,nr_inodes=50 tmpfs COORDINATION/log")
    (row,) = findings(repo, "disk", shell)
    assert "files" in row["evidence"]


def test_the_file_system_type_of_a_path() -> None:
    text = (
        "/dev/sda1 / ext4 rw 0 0\nserver:/home /home nfs4 rw 0 0\ntmpfs /home/a\\040b tmpfs rw 0 0\n"
        "host /mnt/share fuse.sshfs rw 0 0\nbroken\n"
    )
    kinds = {
        path: folder.file_system(text, path) for path in ("/etc", "/home/me", "/homes", "/home/a b/c", "/mnt/share")
    }
    assert kinds == {
        "/etc": "ext4", "/home/me": "nfs4", "/homes": "ext4", "/home/a b/c": "tmpfs", "/mnt/share": "fuse.sshfs"
    }  # fmt: skip


def test_a_network_file_system_is_found(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "file_system", lambda *_: "nfs4")
    (finding,) = folder.network(Subject(SimulatedMachine(repo).system(300, {}), None))
    assert "is on nfs4" in finding.evidence
