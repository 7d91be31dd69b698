"""Traces: small files in the cache that a hook leaves for later hooks. They record which files were written, how files
looked before a shell command, and what an agent was shown. If they are deleted, a hook runs git again or repeats a
message.

The hooks of one agent can run at the same time, so a trace is replaced in one step. Hooks load this module before every
write, so it imports only modules that load fast.
"""

import os

from coord.platform.git.naming import file_path
from coord.platform.git.repository import read_git_file
from coord.platform.json_reader import loads
from coord.platform.replace_file import replace_file
from eventlog.digest import blake2b
from eventlog.local.files import NOFOLLOW, read_regular

TYPE_CHECKING = False  # a hook would take 1.7 times as long if it loaded `typing`
if TYPE_CHECKING:
    from typing import Protocol, TypedDict

    class Trace(TypedDict, total=False):
        """The fields of traces. Each kind of trace has some of them."""

        at: int  # when it was written, in microseconds since 1970
        resource: str  # of a denial: the file, and the subagent that was denied
        worktree: str  # of a denial and of a shell command: the worktree's name
        agent: str  # of a denial and of a shell command: the subagent
        file: str  # of an edit: the stamp of the file after it was written
        git: str  # of an edit: the stamp of git; of a shell command: the git directory where it began
        root: str  # of a shell command: the root of the worktree in which it began
        commit: str  # the stamp of git there
        cwd: str  # the folder in which it began
        name: str  # the file's path from the worktree's root
        pending: int  # since when a write has been pending
        sure: int  # 1 if the file differs from the last commit, or git does not look at it
        ignored: int  # 1 if git ignores the file
        files: dict[str, str]  # of a shell command: the stamps of the files of others before it, by name
        claims: dict[str, str]  # the ids of the claims on them, by name
        compared: int  # when they were last compared, if the command has not ended since
        task: str  # the client's id of a command that continues in the background
        brief: int  # 1 if the command ends before the next tool of its agent does
        transcript: str  # of a session: the file with its client's transcript; empty if there is none
        client: str  # the word for its client

    class Edited(Protocol):
        """What this module reads of an automatic claim in the guard's view."""

        @property
        def resource(self) -> str:
            """The file."""

        @property
        def worktree(self) -> str:
            """The worktree."""

        @property
        def ends(self) -> int:
            """When the claim ends, in microseconds since 1970."""

        @property
        def ttl_s(self) -> int:
            """How long the claim lasts after the last write, in seconds."""

        @property
        def patience_s(self) -> int:
            """How long it lasts after the last write if no change is uncommitted, in seconds."""

    class Written(Protocol):
        """What this module reads of a write."""

        @property
        def resource(self) -> str:
            """The file, as claims name it."""

        @property
        def worktree(self) -> str:
            """The worktree, as events name it."""

        @property
        def agent(self) -> str:
            """The subagent that writes; empty for the session itself."""

        @property
        def name(self) -> str:
            """The file's path from the root, as it is spelled on the disk."""

        @property
        def path(self) -> str:
            """The file's path."""

        @property
        def git(self) -> str:
            """The git directory of the repository that the file is in."""


HOOKS = "hooks"  # the folder of the traces, in the cache
FAILURES = "failures"  # the file that records failures of hooks
KEPT = "kept"  # the file with which a session's traces are kept when it ends
_MAX_TRACE_BYTES = 1 << 20
_MAX_FAILURES_BYTES = 1 << 16


def folder_of(cache: str, session: str = "") -> str:
    """Return the folder of a session's traces, or of all traces."""
    return os.path.join(cache, HOOKS, session)


def edit_trace_path(cache: str, worktree: str, resource: str) -> str:
    """Return the path of the trace of a file's edit."""
    return os.path.join(cache, HOOKS, "edits", digest(worktree, resource))


def claimed_path(cache: str, root: str, worktree: str, resource: str) -> str:
    """Return the path of a claimed file in the worktree with this root and this name, spelled as when it was last
    written.
    """
    name = resource.removeprefix("file/")
    if not name.isascii() or "\\" in name:  # the name may differ from that on the disk: see `claim_name`
        name = read_trace(edit_trace_path(cache, worktree, resource)).get("name") or name
    return file_path(root, name)


def denial_trace_path(cache: str, session: str, resource: str) -> str:
    """Return the path of the trace of a denial."""
    return os.path.join(folder_of(cache, session), f"denied-{digest(resource)}")


def reminder_trace_path(cache: str, session: str) -> str:
    """Return the path of the trace of a session's last reminder."""
    return os.path.join(folder_of(cache, session), "reminded")


def warning_trace_path(cache: str, session: str, claim: str, resource: str) -> str:
    """Return the path of the trace of a warning: the session wrote a file on which another one has a claim."""
    return os.path.join(folder_of(cache, session), f"warned-{digest(claim, resource)}")


def client_trace_path(cache: str, word: str) -> str:
    """Return the path of the trace that a client's hook has run here."""
    return os.path.join(folder_of(cache), f"fired-{word}")


def digest(*parts: str) -> str:
    """Return a hash of these texts, for use in a file name."""
    return blake2b("\0".join(parts).encode(errors="backslashreplace"), digest_size=12).hexdigest()


def write_trace(path: str, fields: "Trace | None" = None) -> bool:
    """Write a trace, and return whether that succeeded."""
    try:
        replace_file(path, _encoded(fields or {}).encode())
    except OSError:
        return False
    return True


def _encoded(value: object) -> str:
    """Return a string, an integer, or a table of such values as JSON."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{_encoded(name)}:{_encoded(part)}" for name, part in value.items()) + "}"
    if isinstance(value, int):
        return str(int(value))
    text = str(value)
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(letter: str) -> str:
    if letter in '"\\' or letter < " " or "\ud800" <= letter <= "\udfff":
        return f"\\u{ord(letter):04x}"
    return letter


def read_trace(path: str) -> "Trace":
    """Return a trace; empty if it is missing or incomplete."""
    try:
        found: Trace = loads(read_regular(path, _MAX_TRACE_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def remove_trace(path: str) -> None:
    """Delete a trace, if there is one."""
    try:  # noqa: SIM105 - `contextlib` takes longer to load than a hook takes here
        os.unlink(path)
    except OSError:
        pass


def record_failure(cache: str, line: str) -> None:
    """Record a failure of a hook for `coord doctor`. Only the newest failures are kept."""
    path = os.path.join(cache, HOOKS, FAILURES)
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.exists(path) and os.stat(path).st_size > _MAX_FAILURES_BYTES:
            os.replace(path, path + ".1")
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | NOFOLLOW, 0o666)
        with open(fd, "ab") as file:
            file.write(line.replace("\n", " ").encode(errors="backslashreplace") + b"\n")
    except OSError:
        pass  # there is nowhere else to report it


# --- stamps of files and of git, and edits ----------------------------------------------------------------------------


def file_stamp(path: str) -> str:
    """Return the stamp of a file, which differs after each change: time, size and inode. Empty if there is no file."""
    try:
        status = os.stat(path, follow_symlinks=False)
    except (OSError, ValueError):
        return ""
    return f"{status.st_mtime_ns} {status.st_size} {status.st_ino}"


def git_stamp(git: str) -> str:
    """Return the stamp of a git directory, which differs after each commit, checkout, reset and stash: the stamp of its
    index, and the commit that is checked out.
    """
    if not git:
        return ""
    shared = read_git_file(os.path.join(git, "commondir"))
    return f"{file_stamp(os.path.join(git, 'index'))} {head_of(git, os.path.normpath(os.path.join(git, shared)))}"


def head_of(git: str, common: str) -> str:
    """Return the commit that is checked out. If its branch is in the packed refs, return the branch and their stamp."""
    head = read_git_file(os.path.join(git, "HEAD"))
    if not head.startswith("ref:"):
        return head
    name = head[4:].strip()
    return read_git_file(os.path.join(common, name)) or f"{name} {file_stamp(os.path.join(common, 'packed-refs'))}"


def is_edit_unfinished(cache: str, path: str, git: str, row: "Edited", now: int) -> bool | None:
    """Return True if the edit of an automatic claim is certainly unfinished: a write is pending, or neither the file
    nor git has changed since git reported that the file differs from the last commit. If there is no trace, or git
    ignores the file, its last write must be recent. Return None if only git can tell. `now` is in microseconds since
    1970.
    """
    seen = read_trace(edit_trace_path(cache, row.worktree, row.resource))
    patience = row.patience_s * 1_000_000
    pending = seen.get("pending", 0)
    if pending and 0 <= now - pending < patience:
        return True
    fresh = now - (row.ends - row.ttl_s * 1_000_000) < patience
    if not seen:
        return True if fresh else None
    same = seen.get("file") == file_stamp(path) and seen.get("git") == git_stamp(git)
    return True if same and (seen.get("sure") or (fresh and seen.get("ignored"))) else None


def record_before_write(cache: str, write: "Written", now: int) -> None:
    """Record that a session is about to write a file that it has claimed. The stamp of git is taken now, since a commit
    can come between the write and the hook after it.
    """
    path = edit_trace_path(cache, write.worktree, write.resource)
    pending: Trace = {"pending": now, "git": git_stamp(write.git), "name": write.name}
    write_trace(path, read_trace(path) | pending)


def record_after_write(cache: str, write: "Written") -> None:
    """Record that a file was written."""
    path = edit_trace_path(cache, write.worktree, write.resource)
    before = read_trace(path)
    git = before.get("git") if before.get("pending") else git_stamp(write.git)
    write_trace(path, {"file": file_stamp(write.path), "git": git or "", "name": write.name})


def record_denial(cache: str, session: str, write: "Written") -> None:
    """Record a denied file, so that the session can be woken when it is released."""
    denial: Trace = {"resource": write.resource, "worktree": write.worktree, "agent": write.agent}
    write_trace(denial_trace_path(cache, session, write.resource), denial)
