"""Checks of what is around a log: other shared folders, and the file system.

Permissions are queried from the system, without trying to write.
"""

import os
from collections.abc import Iterator
from contextlib import suppress

from coord.admin.doctor.subject import DoctorFinding, RepairStep, Severity, Subject, shell_quoted
from coord.admin.install.environment import linked_worktrees
from coord.platform.git.repository import FOLDER, find_repository
from coord.render.format import plural, size

_LOW_BYTES, _FULL_BYTES = 50_000_000, 1_000_000  # free space below which there is a warning, or a serious finding
_MIN_INODES = 100  # free inodes below which there is a serious finding
_MAX_DEPTH, _MAX_FOLDERS = 6, 5_000  # limits of the search for nested shared folders
_NETWORK = frozenset(
    "nfs nfs4 cifs smb3 smbfs 9p afs ceph glusterfs lustre gfs2 ocfs2 beegfs vboxsf prl_fs drvfs davfs "
    "fuse.sshfs fuse.glusterfs fuse.ceph fuse.rclone fuse.s3fs fuse.gcsfuse fuse.vmhgfs-fuse".split()
)


# --- the folder -------------------------------------------------------------------------------------------------------


def nested_folders(subject: Subject) -> Iterator[DoctorFinding]:
    """Find another shared folder above or below this one, whose sessions and these do not see each other."""
    base = os.path.dirname(subject.folder.folder)
    for folder in [*_above(base), *_below(base)]:
        parent = os.path.dirname(folder)
        steps = (
            RepairStep("see who works there", f"coord status --root {shell_quoted(parent)}"),
            RepairStep("if nobody needs it, rename it", f"mv {shell_quoted(folder)} {shell_quoted(folder)}.orig"),
        )
        evidence = f"{folder}: sessions in {parent} and sessions here do not see each other"
        yield DoctorFinding("warning", f"another {FOLDER}/ in the same tree", evidence, steps)


def _above(base: str) -> Iterator[str]:
    repository = find_repository(base)
    top = repository.main if repository else "/"
    while base not in (top, os.path.dirname(base)):
        base = os.path.dirname(base)
        if _is_used(os.path.join(base, FOLDER)):
            yield os.path.join(base, FOLDER)


def _below(base: str) -> Iterator[str]:
    """Search below a folder, but not in other repositories: those have their own shared folders."""
    left = _MAX_FOLDERS
    for folder, folders, _ in os.walk(base):
        left -= 1
        if left < 0:
            return
        depth = folder[len(base) :].count(os.sep)
        skip = depth >= _MAX_DEPTH or (folder != base and os.path.lexists(os.path.join(folder, ".git")))
        if folder != base and FOLDER in folders and not skip and _is_used(os.path.join(folder, FOLDER)):
            yield os.path.join(folder, FOLDER)
        folders[:] = [] if skip else sorted(n for n in folders if n not in (".git", "node_modules", ".venv", FOLDER))


def _is_used(folder: str) -> bool:
    return os.path.isdir(os.path.join(folder, "log"))


def worktree_logs(subject: Subject) -> Iterator[DoctorFinding]:
    """Find a linked worktree with a log of its own. All worktrees of a repository should share one."""
    repository = subject.folder.repository
    if repository is None:
        return
    for worktree in linked_worktrees(repository):
        folder = os.path.join(worktree, FOLDER)
        journals = [name for name in _names(os.path.join(folder, "log")) if name.endswith(".jsonl")]
        if journals and not os.path.samefile(folder, subject.folder.folder):
            steps = (
                RepairStep("see who works there", f"coord status --root {shell_quoted(folder)}"),
                RepairStep("find what selects that folder: look for COORD_ROOT and --root in what your agents run"),
                RepairStep(
                    "if nobody needs it, rename it", f"mv {shell_quoted(folder)}/log {shell_quoted(folder)}/log.orig"
                ),
            )
            evidence = f"{folder}/log has {plural(len(journals), 'journal')} that sessions here do not see"
            yield DoctorFinding("warning", "a worktree has a log of its own", evidence, steps)


# --- the file system --------------------------------------------------------------------------------------------------


def permissions(subject: Subject) -> Iterator[DoctorFinding]:
    """Find files that coord must read or write, but this user cannot."""
    if os.name != "posix":
        return
    log = subject.folder.log if os.path.isdir(subject.folder.log) else subject.folder.folder
    if os.statvfs(log).f_flag & os.ST_RDONLY:
        steps: tuple[RepairStep, ...] = (
            RepairStep("see which file system it is on", f"findmnt -T {shell_quoted(log)}"),
            RepairStep("mount it writable"),
        )
        evidence = f"{log}: no command can write to the log"
        yield DoctorFinding("serious", "the log is on a read-only file system", evidence, steps)
        return
    yield from _log_permissions(log)
    yield from _cache_permissions(subject)


def _log_permissions(log: str) -> Iterator[DoctorFinding]:
    wanted = [(log, os.R_OK | os.W_OK | os.X_OK), (os.path.join(log, ".lock"), os.R_OK | os.W_OK)]
    journals = [os.path.join(folder, name) for folder in (log, os.path.join(log, "ended")) for name in _names(folder)]
    wanted += [(path, os.R_OK | (os.W_OK if _is_ours(path) else 0)) for path in journals if path.endswith(".jsonl")]
    if denied := [path for path, mode in wanted if os.path.lexists(path) and not _has_access(path, mode)]:
        mine = [path for path in denied if _is_ours(path)]
        steps = (
            RepairStep("see who owns it", f"ls -ldn {shell_quoted(denied[0])}"),
            RepairStep(
                "if you own it, give yourself permission", f"chmod u+rwX {shell_quoted(mine[0] if mine else denied[0])}"
            ),
            RepairStep(
                "if another user owns it because they ran a command here, take it over",
                f"sudo chown -R $(id -u) {shell_quoted(log)}",
            ),
        )
        more = f"; {len(denied) - 1} more like it" if len(denied) > 1 else ""
        evidence = f"{_status(denied[0])}; you are user {os.geteuid()}{more}"
        what = "you have no permission for some files that coord must read or write, so commands fail"
        yield DoctorFinding("serious", what, evidence, steps)


def _cache_permissions(subject: Subject) -> Iterator[DoctorFinding]:
    for path in (subject.folder.cache, subject.folder.board):
        if os.path.lexists(path) and not _has_access(path, os.R_OK | os.W_OK):
            steps = (
                RepairStep(
                    "see who owns it, and make it writable",
                    f"ls -ldn {shell_quoted(path)}; chmod -R u+rwX {shell_quoted(path)}",
                ),
                RepairStep("or delete it: coord creates it again from the log", f"rm -r {shell_quoted(path)}"),
            )
            then = "every command takes longer" if path == subject.folder.cache else "the file is out of date"
            what = f"{os.path.basename(path)} cannot be written, so {then}"
            yield DoctorFinding("warning", what, f"{_status(path)}; you are user {os.geteuid()}", steps)


def other_owner(subject: Subject) -> Iterator[DoctorFinding]:
    """Find root working in the folder of another user, who then cannot write the files that root creates."""
    if os.name == "posix" and os.geteuid() == 0 and (owner := os.stat(subject.folder.folder).st_uid) != 0:
        steps = (
            RepairStep("run commands as that user", f"sudo -u '#{owner}' coord status"),
            RepairStep("give that user the files", f"chown -R {owner} {shell_quoted(subject.folder.folder)}"),
        )
        evidence = f"{_status(subject.folder.folder)}; that user cannot write files that root creates there"
        yield DoctorFinding("warning", "you are root in the folder of another user", evidence, steps)


def _has_access(path: str, mode: int) -> bool:
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _is_ours(path: str) -> bool:
    try:
        return os.lstat(path).st_uid == os.geteuid()
    except OSError:
        return False


def _status(path: str) -> str:
    status = os.stat(path, follow_symlinks=False)
    return f"{path} belongs to user {status.st_uid}, with mode {status.st_mode & 0o7777:o}"


def disk(subject: Subject) -> Iterator[DoctorFinding]:
    """Find a disk that is nearly full."""
    if os.name != "posix":
        return
    log = subject.folder.log if os.path.isdir(subject.folder.log) else subject.folder.folder
    status = os.statvfs(log)
    free, few = status.f_bavail * status.f_frsize, bool(status.f_files) and status.f_favail < _MIN_INODES
    if free < _LOW_BYTES or few:
        steps = (
            RepairStep("see what is full", f"df -h {shell_quoted(log)}; df -i {shell_quoted(log)}"),
            RepairStep("see how much of it the log uses", f"du -sh {shell_quoted(log)}"),
            RepairStep("delete other files; deleting journals of the log loses events"),
        )
        left = f"{size(free)} are left" + (f", and room for {status.f_favail} files" if few else "")
        severity: Severity = "serious" if free < _FULL_BYTES or few else "warning"
        evidence = f"{log}: {left}; when it is full, no command can write to the log"
        yield DoctorFinding(severity, "the disk of the log is nearly full", evidence, steps)


def network(subject: Subject) -> Iterator[DoctorFinding]:
    """Find a network file system, on which locks and file events are not reliable."""
    with suppress(OSError), open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape") as file:
        kind = file_system(file.read(), os.path.realpath(subject.folder.log))
        if kind in _NETWORK:
            steps = (
                RepairStep("run all sessions on one machine, where locks are reliable"),
                RepairStep("or put the repository on a local disk, and use git to share it between machines"),
            )
            evidence = f"{subject.folder.log} is on {kind}, where a lock of one machine may not hold on another"
            yield DoctorFinding("warning", "the log is on a network file system", evidence, steps)


def file_system(mounts: str, path: str) -> str:
    """Return the type of the file system that a path is on. `mounts` is the text of /proc/mounts."""
    best, kind = "", ""
    for row in mounts.split("\n"):
        fields = row.split(" ")
        if len(fields) < 3:
            continue
        at = fields[1].replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
        if (path == at or path.startswith(at.rstrip("/") + "/")) and len(at) >= len(best):
            best, kind = at, fields[2]
    return kind
