"""What the hooks leave for each other beside the log: which files were written, how they looked before a shell command,
what an agent was told already. It lies in the cache: who deletes it makes a hook ask git again, or say a thing
twice, and loses nothing.

A trace is a small file that is replaced as a whole, since the hooks of one agent run side by side. Read before every
write of an agent, so only what takes no time is loaded here.
"""

import os

from coord.platform.git.repository import first_line
from coord.platform.json_reader import loads
from coord.platform.replace_file import replace_file
from eventlog.digest import blake2b
from eventlog.local.files import NOFOLLOW, read_regular

TYPE_CHECKING = False  # a hook would take 1.7 times as long if it loaded `typing`
if TYPE_CHECKING:
    from typing import Protocol, TypedDict

    class Trace(TypedDict, total=False):
        """What stands in traces; each has some of it."""

        at: int  # when it was left, in microseconds since 1970
        resource: str  # of a denial: what was asked for, where and by which subagent
        worktree: str
        agent: str
        file: str  # of an edit: how the file looked after it was written
        git: str  # of an edit: how git stood; of a shell command: the git directory of `root`
        root: str  # of a shell command: the worktree in which it began
        commit: str  # and how git stood there
        cwd: str  # and the folder in which it began
        name: str  # the file's, from the root
        pending: int  # since when a write is under way
        sure: int  # 1 if git said that the file differs
        ignored: int  # 1 if git said that it does not look at the file
        files: dict[str, str]  # of a shell command: how the files of others looked before it, by name
        claims: dict[str, str]  # and whose claims they are under

    class Edited(Protocol):
        """What is asked of an automatic claim as the guard knows it."""

        @property
        def resource(self) -> str:
            """The file."""

        @property
        def worktree(self) -> str:
            """In which worktree."""

        @property
        def ends(self) -> int:
            """When the claim ends, in microseconds since 1970."""

        @property
        def ttl_s(self) -> int:
            """How long it lasts from the last write."""

        @property
        def patience_s(self) -> int:
            """How long it lasts without a write where nothing is uncommitted."""

    class Written(Protocol):
        """What is asked of a write."""

        @property
        def resource(self) -> str:
            """The file as claims name it."""

        @property
        def worktree(self) -> str:
            """As events name it."""

        @property
        def agent(self) -> str:
            """The subagent that writes; empty for the session itself."""

        @property
        def name(self) -> str:
            """The file as it is spelt on the disk, from the root."""

        @property
        def path(self) -> str:
            """The file."""

        @property
        def git(self) -> str:
            """The git directory of the worktree."""


HOOKS = "hooks"  # their folder, in the cache
FAILURES = "failures"  # the file of what went wrong in a hook
_MOST = 1 << 20  # bytes of a trace
_MOST_FAILURES = 1 << 16  # bytes


def folder_of(cache: str, session: str = "") -> str:
    """Where the traces of a session are, or those of all."""
    return os.path.join(cache, HOOKS, session)


def edit_trace_path(cache: str, worktree: str, resource: str) -> str:
    """Where the trace of a file's edit is."""
    return os.path.join(cache, HOOKS, "edits", digest(worktree, resource))


def denial_trace_path(cache: str, session: str, resource: str) -> str:
    """Where it is remembered that a session was denied a file."""
    return os.path.join(folder_of(cache, session), f"denied-{digest(resource)}")


def reminder_trace_path(cache: str, session: str) -> str:
    """Return where the time of a session's last reminder is recorded."""
    return os.path.join(folder_of(cache, session), "reminded")


def warning_trace_path(cache: str, session: str, claim: str, resource: str) -> str:
    """Return where it is recorded that a session was warned that a claim is on a file that it wrote."""
    return os.path.join(folder_of(cache, session), f"warned-{digest(claim, resource)}")


def client_trace_path(cache: str, word: str) -> str:
    """Where it is remembered that a hook of a client ran here."""
    return os.path.join(folder_of(cache), f"fired-{word}")


def digest(*parts: str) -> str:
    """A name for a file, from anything."""
    return blake2b("\0".join(parts).encode(errors="backslashreplace"), digest_size=12).hexdigest()


def write_trace(path: str, fields: "Trace | None" = None) -> bool:
    """Leave a trace. Where that cannot be, there is none, and whether there is comes back."""
    try:
        replace_file(path, _written(fields or {}).encode())
    except OSError:
        return False
    return True


def _written(value: object) -> str:
    """A text, a whole number, or a table of texts, as JSON."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{_written(name)}:{_written(part)}" for name, part in value.items()) + "}"
    if isinstance(value, int):
        return str(int(value))
    return '"' + "".join(_escaped(letter) for letter in str(value)) + '"'


def _escaped(letter: str) -> str:
    if letter in '"\\' or letter < " " or "\ud800" <= letter <= "\udfff":
        return f"\\u{ord(letter):04x}"
    return letter


def read_trace(path: str) -> "Trace":
    """A trace; empty if there is none that is whole."""
    try:
        found: Trace = loads(read_regular(path, _MOST))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def remove_trace(path: str) -> None:
    """Take a trace away."""
    try:  # noqa: SIM105 - `contextlib` takes as long to load as all that is done here
        os.unlink(path)
    except OSError:
        pass


def record_failure(cache: str, line: str) -> None:
    """Write down what went wrong in a hook, for `coord doctor`. The newest are kept."""
    path = os.path.join(cache, HOOKS, FAILURES)
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.exists(path) and os.stat(path).st_size > _MOST_FAILURES:
            os.replace(path, path + ".1")
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | NOFOLLOW, 0o666)
        with open(fd, "ab") as file:
            file.write(line.replace("\n", " ").encode(errors="backslashreplace") + b"\n")
    except OSError:
        pass  # there is nobody left to tell


# --- what a file and a repository look like ---------------------------------------------------------------------------


def file_stamp(path: str) -> str:
    """How a file looks from outside: when it was changed, how long it is, which one it is; empty if there is none."""
    try:
        status = os.stat(path, follow_symlinks=False)
    except (OSError, ValueError):
        return ""
    return f"{status.st_mtime_ns} {status.st_size} {status.st_ino}"


def git_stamp(git: str) -> str:
    """What changes with every commit, checkout, reset and stash of a worktree: its index, and the commit it is at."""
    if not git:
        return ""
    shared = first_line(os.path.join(git, "commondir"))
    return f"{file_stamp(os.path.join(git, 'index'))} {head_of(git, os.path.normpath(os.path.join(git, shared)))}"


def head_of(git: str, common: str) -> str:
    """The commit that is checked out, or what tells of it where that is not plain to see."""
    head = first_line(os.path.join(git, "HEAD"))
    if not head.startswith("ref:"):
        return head
    name = head[4:].strip()
    return first_line(os.path.join(common, name)) or f"{name} {file_stamp(os.path.join(common, 'packed-refs'))}"


def is_edit_unfinished(cache: str, path: str, git: str, row: "Edited", now: int) -> bool | None:
    """Whether the edit that an automatic claim was made for is still going on, as far as that can be told without
    asking git: it is about to be written, or it was written and nothing was committed or taken back since. `row` is the
    claim as the guard knows it, `now` in microseconds since 1970. None where git has to be asked.
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
    """A file is about to be written by the one who has claimed it. How git stands is written down now: a commit can
    come before the write is known to be done.
    """
    path = edit_trace_path(cache, write.worktree, write.resource)
    begun: Trace = {"pending": now, "git": git_stamp(write.git), "name": write.name}
    write_trace(path, read_trace(path) | begun)


def record_after_write(cache: str, write: "Written") -> None:
    """A file was written."""
    path = edit_trace_path(cache, write.worktree, write.resource)
    before = read_trace(path)
    git = before.get("git") if before.get("pending") else git_stamp(write.git)
    write_trace(path, {"file": file_stamp(write.path), "git": git or "", "name": write.name})


def record_denial(cache: str, session: str, write: "Written") -> None:
    """Record a denied file, so that the session can be woken when it is released."""
    denial: Trace = {"resource": write.resource, "worktree": write.worktree, "agent": write.agent}
    write_trace(denial_trace_path(cache, session, write.resource), denial)
