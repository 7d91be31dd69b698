"""What can be wrong around a log: other folders like it, git, and the file system that it is on.

git is asked where it is there, and never needed. What may be read and written is asked of the system, not tried.
"""

import os
from collections.abc import Iterator
from contextlib import suppress

from coord.admin.doctor.subject import Patient, Severity, Step, Symptom, listed, quoted
from coord.platform.git.command import GitError, run_git
from coord.platform.git.repository import FOLDER, find_repository
from coord.render.format import plural, size

_TIGHT, _FULL = 50_000_000, 1_000_000  # bytes that are left
_INODES = 100  # files that can still be made
_DEEPEST, _MOST_FOLDERS = 6, 5_000  # of what is searched for nested folders
_NETWORK = frozenset(
    "nfs nfs4 cifs smb3 smbfs 9p afs ceph glusterfs lustre gfs2 ocfs2 beegfs vboxsf prl_fs drvfs davfs "
    "fuse.sshfs fuse.glusterfs fuse.ceph fuse.rclone fuse.s3fs fuse.gcsfuse fuse.vmhgfs-fuse".split()
)


# --- the folder -------------------------------------------------------------------------------------------------------


def nested(patient: Patient) -> Iterator[Symptom]:
    """Another shared folder above or below: the sessions in the one do not see those in the other."""
    base = os.path.dirname(patient.folder.folder)
    for folder in [*_above(base), *_below(base)]:
        steps = (
            Step("see who is there", f"coord status --root {quoted(os.path.dirname(folder))}"),
            Step("if nobody needs it, put it aside", f"mv {quoted(folder)} {quoted(folder)}.orig"),
        )
        evidence = f"{folder}: who works in {os.path.dirname(folder)} does not see who works here"
        yield Symptom("warning", f"another {FOLDER}/ in the same tree", evidence, steps)


def _above(base: str) -> Iterator[str]:
    repository = find_repository(base)
    top = repository.main if repository else "/"
    while base not in (top, os.path.dirname(base)):
        base = os.path.dirname(base)
        if _is_used(os.path.join(base, FOLDER)):
            yield os.path.join(base, FOLDER)


def _below(base: str) -> Iterator[str]:
    """Not in another repository, which has a folder of its own by right."""
    left = _MOST_FOLDERS
    for folder, folders, _ in os.walk(base):
        left -= 1
        if left < 0:
            return
        deep = folder[len(base) :].count(os.sep)
        skip = deep >= _DEEPEST or (folder != base and os.path.lexists(os.path.join(folder, ".git")))
        if folder != base and FOLDER in folders and not skip and _is_used(os.path.join(folder, FOLDER)):
            yield os.path.join(folder, FOLDER)
        folders[:] = [] if skip else sorted(n for n in folders if n not in (".git", "node_modules", ".venv", FOLDER))


def _is_used(folder: str) -> bool:
    return os.path.isdir(os.path.join(folder, "log"))


def worktrees(patient: Patient) -> Iterator[Symptom]:
    """A worktree in which somebody wrote a log of its own: all worktrees of a repository share one."""
    repository = patient.folder.repository
    if repository is None:
        return
    with suppress(OSError):
        for name in sorted(os.listdir(os.path.join(repository.common, "worktrees"))):
            with open(os.path.join(repository.common, "worktrees", name, "gitdir"), encoding="utf-8") as file:
                folder = os.path.join(os.path.dirname(file.read().strip()), FOLDER)
            with suppress(OSError):
                journals = [name for name in os.listdir(os.path.join(folder, "log")) if name.endswith(".jsonl")]
                if journals and not os.path.samefile(folder, patient.folder.folder):
                    steps = (
                        Step("see who is there", f"coord status --root {quoted(folder)}"),
                        Step("let nobody name it: look for COORD_ROOT and --root in what your agents run"),
                        Step("if nobody needs it, put it aside", f"mv {quoted(folder)}/log {quoted(folder)}/log.orig"),
                    )
                    evidence = f"{folder}/log has {plural(len(journals), 'journal')}; all worktrees share the one here"
                    yield Symptom("warning", "a worktree has a log of its own", evidence, steps)


# --- git --------------------------------------------------------------------------------------------------------------


def git_tracks(patient: Patient) -> Iterator[Symptom]:
    """Live files that git rolls back with every stash, checkout and reset."""
    names = (git(patient, "ls-files", "-z", "--", "log", "STATUS_BOARD.md", ".cache") or "").split("\0")
    live = [name for name in names if name and not name.endswith((".gitignore", ".gitkeep"))]
    if not live:
        return
    steps = (
        Step(
            "keep a copy: where others check that commit out, git removes the files", f"cp -a {patient.path('log')} ~/"
        ),
        Step(
            "let git forget them; here the files stay", f"git -C {quoted(patient.folder.folder)} rm -r --cached -q log"
        ),
        Step("let it not see them again", "coord init"),
    )
    archive = _opted_in(patient)
    busy = not patient.unusable and bool(patient.live)
    if archive and not busy:
        yield Symptom("note", "git tracks the log, as an archive", f"{plural(len(live), 'file')}: {listed(live, 3)}")
        return
    evidence = f"{plural(len(live), 'file')}: {listed(live, 3)}"
    what = "git tracks the live log: a stash, checkout or reset rolls it back"
    yield Symptom("warning", what, evidence, steps)


def git_ignores(patient: Patient) -> Iterator[Symptom]:
    """A log that the next `git add` would take."""
    if _opted_in(patient) or git(patient, "rev-parse", "--is-inside-work-tree") != "true\n":
        return
    if git(patient, "check-ignore", "-q", "log/x.jsonl") is None:
        steps = (
            Step("put our .gitignore back, if it is missing", "coord init"),
            Step(
                "or let it have the lines",
                f"printf '/log/\\n/.cache/\\n/STATUS_BOARD.md\\n' >> {patient.path('.gitignore')}",
            ),
            Step("or hide the whole folder, on this machine only", "coord init --private"),
        )
        evidence = f"{FOLDER}/log/: the next `git add` may take it, and then a stash or checkout rolls it back"
        yield Symptom("warning", "git does not ignore the log", evidence, steps)


def _opted_in(patient: Patient) -> bool:
    return os.path.isfile(os.path.join(patient.folder.folder, ".gitattributes"))


def git(patient: Patient, *words: str) -> str | None:
    """What git says in the shared folder; None if it says no, is not there, or this is no repository."""
    if patient.folder.repository is None:
        return None
    try:
        return run_git(patient.folder.folder, *words, env=patient.world.env).decode(errors="replace")
    except GitError:
        return None


# --- the file system --------------------------------------------------------------------------------------------------


def permissions(patient: Patient) -> Iterator[Symptom]:
    """What we may not read or write, found out by asking and not by trying."""
    if os.name != "posix":
        return
    log = patient.folder.log if os.path.isdir(patient.folder.log) else patient.folder.folder
    if os.statvfs(log).f_flag & os.ST_RDONLY:
        steps: tuple[Step, ...] = (
            Step("see what it is", f"findmnt -T {quoted(log)}"),
            Step("mount it so that it can be written"),
        )
        yield Symptom("serious", "the log is on a read-only file system", f"{log}: nothing can be recorded", steps)
        return
    wanted = [(log, os.R_OK | os.W_OK | os.X_OK), (os.path.join(log, ".lock"), os.R_OK | os.W_OK)]
    journals = [os.path.join(folder, name) for folder in (log, os.path.join(log, "ended")) for name in _names(folder)]
    wanted += [(path, os.R_OK | (os.W_OK if _is_ours(path) else 0)) for path in journals if path.endswith(".jsonl")]
    if denied := [path for path, mode in wanted if os.path.lexists(path) and not _may(path, mode)]:
        mine = [path for path in denied if _is_ours(path)]
        steps = (
            Step("see whose it is", f"ls -ldn {quoted(denied[0])}"),
            Step("if it is yours", f"chmod u+rwX {quoted(mine[0] if mine else denied[0])}"),
            Step("if it should be yours: a command was run as another user", f"sudo chown -R $(id -u) {quoted(log)}"),
        )
        evidence = f"{_status(denied[0])}; you are user {os.geteuid()}" + (
            f", and {len(denied) - 1} more" if len(denied) > 1 else ""
        )
        yield Symptom("serious", "you may not read or write what coord needs, so commands fail", evidence, steps)
    for path in (patient.folder.cache, patient.folder.board):
        if os.path.lexists(path) and not _may(path, os.R_OK | os.W_OK):
            steps = (
                Step(
                    "see whose it is, and let it be written", f"ls -ldn {quoted(path)}; chmod -R u+rwX {quoted(path)}"
                ),
                Step("or delete it: it is made anew from the log", f"rm -r {quoted(path)}"),
            )
            then = "every command takes longer" if path == patient.folder.cache else "it is out of date"
            what = f"{os.path.basename(path)} cannot be written, so {then}"
            yield Symptom("warning", what, f"{_status(path)}; you are user {os.geteuid()}", steps)


def other_owner(patient: Patient) -> Iterator[Symptom]:
    """Root in somebody's folder: what root makes there, its owner cannot write."""
    if os.name == "posix" and os.geteuid() == 0 and (owner := os.stat(patient.folder.folder).st_uid) != 0:
        steps = (
            Step("work as that user", f"sudo -u '#{owner}' coord status"),
            Step("give back what root made", f"chown -R {owner} {quoted(patient.folder.folder)}"),
        )
        evidence = f"{_status(patient.folder.folder)}; what root writes there, that user cannot write"
        yield Symptom("warning", "you are root in the folder of another user", evidence, steps)


def _may(path: str, mode: int) -> bool:
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


def disk(patient: Patient) -> Iterator[Symptom]:
    """A disk that is nearly full."""
    if os.name != "posix":
        return
    log = patient.folder.log if os.path.isdir(patient.folder.log) else patient.folder.folder
    status = os.statvfs(log)
    free, few = status.f_bavail * status.f_frsize, bool(status.f_files) and status.f_favail < _INODES
    if free < _TIGHT or few:
        steps = (
            Step("see what is full", f"df -h {quoted(log)}; df -i {quoted(log)}"),
            Step("see what the log takes itself", f"du -sh {quoted(log)}"),
            Step("make room elsewhere; nothing in the log can be deleted without being missed"),
        )
        left = f"{size(free)} are left" + (f", and room for {status.f_favail} files" if few else "")
        severity: Severity = "serious" if free < _FULL or few else "warning"
        yield Symptom(severity, "the disk of the log is nearly full", f"{log}: {left}; then nothing is recorded", steps)


def network(patient: Patient) -> Iterator[Symptom]:
    """A file system on which locks and file events may not do what they should."""
    with suppress(OSError), open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape") as file:
        kind = file_system(file.read(), os.path.realpath(patient.folder.log))
        if kind in _NETWORK:
            steps = (
                Step("let all sessions run on one machine, on which locks on it hold"),
                Step("or put the repository on a local disk; between machines, share by git"),
            )
            evidence = f"{patient.folder.log} is on {kind}: between machines, its locks may not hold"
            yield Symptom("warning", "the log is on a network file system", evidence, steps)


def file_system(mounts: str, path: str) -> str:
    """The type of the file system that a path is on, by the text of /proc/mounts."""
    best, kind = "", ""
    for row in mounts.splitlines():
        fields = row.split(" ")
        if len(fields) < 3:
            continue
        at = fields[1].replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
        if (path == at or path.startswith(at.rstrip("/") + "/")) and len(at) >= len(best):
            best, kind = at, fields[2]
    return kind
