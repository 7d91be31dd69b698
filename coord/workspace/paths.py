"""Where the shared folder is, and where we are in the repository. Reads a few names; starts no git.

All worktrees of a repository share the folder in its main worktree, found by the common git directory. Inside a
repository nothing outside it counts; elsewhere the nearest COORDINATION upwards does.
"""

import os
from contextlib import suppress

from msgspec import Struct

from coord.errors import no_log, usage_error
from coord.platform.git.exclude import include_folder, remove_lines
from coord.platform.git.repository import (
    FOLDER,
    Repository,
    find_repository,
    first_line,
    folder_candidates,
    is_shared_folder,
    recorded_path,
    relative_to,
)
from coord.workspace.system import System
from eventlog.local.files import NOFOLLOW, read_regular
from eventlog.local.journal import is_session_id

REMOVED = "it is gone, and no cache knows of it, as after `git clean -x`; what was claimed in it is claimed no more"
_MOST_MARKS = 1 << 20  # bytes


class Workspace(Struct, frozen=True):
    """The shared folder, and the tree that its file names are relative to."""

    folder: str  # .../COORDINATION
    root: str  # of the worktree we are in; the folder's parent outside git
    repository: Repository | None

    @property
    def recorded(self) -> str:
        """The folder as events name it: a path that is no valid text is written with escapes."""
        return recorded_path(self.folder)

    @property
    def log(self) -> str:
        """The folder of the journals."""
        return os.path.join(self.folder, "log")

    @property
    def board(self) -> str:
        """The file that people read."""
        return os.path.join(self.folder, "STATUS_BOARD.md")

    @property
    def cache(self) -> str:
        """What can be deleted and is rebuilt."""
        return os.path.join(self.folder, ".cache")


def find_workspace(system: System, root: str | None) -> Workspace:
    """The shared folder: `--root`, then COORD_ROOT, then the repository's, then the nearest upwards.

    Raises CoordError (4) if there is none, or if what was named is not one.
    """
    named = root or system.env.get("COORD_ROOT", "")
    if named:
        folder = os.path.realpath(os.path.join(system.cwd or "/", os.path.expanduser(named)))
        if os.path.basename(folder) != FOLDER:
            folder = os.path.join(folder, FOLDER)
        if not is_shared_folder(folder):
            how = "--root" if root else "COORD_ROOT"
            raise no_log(f"{how} names {named}, where there is no {FOLDER}/. Run `coord init` there, or name another.")
        return _place(folder, find_repository(os.path.dirname(folder)))
    if not system.cwd:
        raise no_log("the current folder was removed. Change to one that exists.")
    cwd = os.path.realpath(system.cwd)
    repository, gone = find_repository(cwd), ""
    for folder in folder_candidates(cwd, repository):
        if is_shared_folder(folder):
            return _place(folder, repository)
        if repository and read_marker(Workspace(folder, repository.worktree, repository)):
            gone = gone or folder
    if gone:
        raise no_log(
            f"{gone} is gone, in which sessions wrote, as after `git clean -x`. Restore it if you have a copy; "
            "`coord init` begins anew."
        )
    raise no_log(f"no {FOLDER}/ for {cwd}: this is not initialised. Run `coord init` once per repository.")


def write_marker(workspace: Workspace, journal: str) -> None:
    """Leave a mark in git's own folder, which no `git clean` touches, that a journal is here; `read_marker` reads
    it.
    """
    mark = _marker_path(workspace.repository)
    if mark:
        with suppress(OSError):
            fd = os.open(mark, os.O_WRONLY | os.O_CREAT | os.O_APPEND | NOFOLLOW, 0o666)
            with os.fdopen(fd, "ab") as file:
                file.write(os.fsencode(f"{journal} {_read_marker(workspace)}\n"))


def read_marker(workspace: Workspace) -> str:
    """A journal that must be here, if git's own folder knows of one: where it is not, the log is not what it was."""
    try:
        lines = read_regular(_marker_path(workspace.repository), _MOST_MARKS).decode(errors="replace").splitlines()
    except OSError:
        return ""
    known = (line.partition(" ") for line in lines)
    return next(
        (journal for journal, _, folder in known if folder == _read_marker(workspace) and is_session_id(journal)), ""
    )


def remove_markers(workspace: Workspace) -> None:
    """Take away what git's own folder says of a shared folder: its marks, and the line by which it is hidden. For one
    that is removed on purpose. Raises OSError.
    """
    if workspace.repository and _marker_path(workspace.repository):
        remove_lines(_marker_path(workspace.repository), lambda line: line.partition(" ")[2] == _read_marker(workspace))
        include_folder(workspace.repository, workspace.folder)


def _marker_path(repository: Repository | None) -> str:
    """Where the mark is; nowhere if that is no git directory after all."""
    is_git = repository and os.path.isfile(os.path.join(repository.common, "HEAD"))
    return os.path.join(repository.common, "coord") if repository and is_git else ""


def _read_marker(workspace: Workspace) -> str:
    return recorded_path(os.path.relpath(workspace.folder, workspace.repository.main)) if workspace.repository else ""


def refuse_links(folder: str) -> None:
    """Raises CoordError (4) where a link leads out of the shared folder: a repository that was cloned can bring links
    along, and nobody has chosen where they lead. Who means the place names it, by --root or COORD_ROOT.
    """
    for path in (folder, *(os.path.join(folder, name) for name in ("log", os.path.join("log", "ended"), "scripts"))):
        if os.path.islink(path):
            raise no_log(
                f"{path} is a symbolic link, and coord writes nowhere else than in {FOLDER}/. "
                "Existing files are kept. Remove the link, or name the folder that you mean with --root."
            )


def _place(folder: str, repository: Repository | None) -> Workspace:
    refuse_links(folder)
    return Workspace(folder, repository.worktree if repository else os.path.dirname(folder), repository)


def branch_of(repository: Repository | None) -> str:
    """The branch that is checked out, or the beginning of a commit; empty outside git."""
    head = first_line(os.path.join(repository.git, "HEAD")) if repository else ""
    return head.removeprefix("ref: refs/heads/") if head.startswith("ref:") else head[:12]


def path_in_workspace(workspace: Workspace, path: str) -> str:
    """A path (absolute, with its links resolved up to its last part) relative to the root, as `relative_to` gives it.
    Raises CoordError (2) if it lies outside.
    """
    if found := relative_to(workspace.root, workspace.repository, path):
        return found
    raise usage_error(f"{path} is outside the repository {workspace.root}. A file claim names a path inside it.")
