"""Find the shared folder, and name paths inside the repository.

All worktrees of a repository use the folder in its main worktree, which is found from the common git directory. Inside
a repository, folders outside it are ignored. Outside any repository, the nearest COORDINATION in the working directory
or a parent of it is used.
"""

import os
from contextlib import suppress

from msgspec import Struct

from coord.errors import no_log, usage_error
from coord.platform.git.exclude import hide_live_files, hides_live_files, include_folder, remove_lines
from coord.platform.git.main_worktree import keep_main_worktree, with_main_worktree
from coord.platform.git.repository import (
    FOLDER,
    MAIN_WORKTREE,
    Repository,
    find_repository,
    folder_candidates,
    is_shared_folder,
    read_git_file,
    recorded_path,
    relative_to,
)
from coord.workspace.system import System
from eventlog.local.files import NOFOLLOW, read_regular
from eventlog.local.journal import is_session_id

REMOVED = (
    "it was removed, and so was the cache, as by `git clean -x` or `git stash --all`; the claims in it no longer exist"
)
_MAX_BYTES = 1 << 20  # of the file with the markers


class Workspace(Struct, frozen=True):
    """The shared folder, and the root to which file names are relative."""

    folder: str  # .../COORDINATION
    root: str  # of this worktree; outside git, the parent of the folder
    repository: Repository | None

    @property
    def recorded(self) -> str:
        """The folder as events record it: bytes that are not UTF-8 are escaped."""
        return recorded_path(self.folder)

    @property
    def log(self) -> str:
        """The folder of the journals."""
        return os.path.join(self.folder, "log")

    @property
    def board(self) -> str:
        """The file with the board."""
        return os.path.join(self.folder, "STATUS_BOARD.md")

    @property
    def cache(self) -> str:
        """The folder of the derived files. It can be deleted: they are rebuilt."""
        return os.path.join(self.folder, ".cache")


def find_workspace(system: System, root: str | None, *, in_hook: bool = False) -> Workspace:
    """Return the workspace of this command.

    It is that of `root` (the option --root), else of COORD_ROOT, else of the repository, else of the nearest parent
    folder that has one. Raises CoordError (4) if there is none, or if the named folder is not a shared folder.

    Git is run at most once for a repository, and only if its files do not tell its main worktree; not `in_hook`.
    """
    named = root or system.env.get("COORD_ROOT", "")
    if named:
        folder = os.path.realpath(os.path.join(system.cwd or "/", os.path.expanduser(named)))
        if os.path.basename(folder) != FOLDER:
            folder = os.path.join(folder, FOLDER)
        if not is_shared_folder(folder):
            how = "--root" if root else "COORD_ROOT"
            raise no_log(f"{how} names {named}, where there is no {FOLDER}/. Run `coord init` there, or name another.")
        repository = find_repository(os.path.dirname(folder))
        return _workspace(folder, repository if in_hook else with_main_worktree(repository, system.env))
    if not system.cwd:
        raise no_log("the current folder was removed. Change to one that exists.")
    cwd = os.path.realpath(system.cwd)
    repository, removed = find_repository(cwd), ""
    if not in_hook:
        repository = with_main_worktree(repository, system.env)
    for folder in folder_candidates(cwd, repository):
        if is_shared_folder(folder):
            return _workspace(folder, repository)
        if repository and read_marker(Workspace(folder, repository.worktree, repository)):
            removed = removed or folder
    if removed:
        raise no_log(
            f"{removed} is gone, as after `git clean -x` or `git stash --all`, although sessions wrote to it. "
            "Restore it if possible (`git stash pop`); `coord init` starts a new one."
        )
    refuse_lost_repository(repository)
    raise no_log(f"{cwd} has no {FOLDER}/ yet. In a repository, run `coord init` once.")


def refuse_lost_repository(repository: Repository | None) -> None:
    """Raise CoordError (4) if the git directory of a worktree does not exist, as after its repository was moved."""
    if repository and not os.path.isdir(repository.git):
        raise no_log(
            f"the git directory of {repository.worktree} is gone: {repository.git}. If the repository was moved, run "
            "`git worktree repair` in its main worktree."
        )


def protect_log(workspace: Workspace) -> None:
    """Make git ignore the live files by its own list, which no checkout, stash or clean removes. Does not run git.

    This is checked whenever a session starts, so a repository of an older version or a fresh clone is protected from
    then on. `coord doctor` reports a list that cannot be written.
    """
    if workspace.repository and _marker_path(workspace.repository):
        with suppress(OSError):
            hide_live_files(workspace.repository, workspace.folder)
        keep_main_worktree(workspace.repository)


def is_log_protected(workspace: Workspace) -> bool:
    """Return whether git's own list has what `protect_log` adds. True outside git."""
    if workspace.repository is None or not _marker_path(workspace.repository):
        return True
    try:
        return hides_live_files(workspace.repository, workspace.folder)
    except OSError:
        return False


def write_marker(workspace: Workspace, journal: str) -> None:
    """Record in the git directory, which `git clean` does not touch, that this journal exists. See `read_marker`."""
    path = _marker_path(workspace.repository)
    if path:
        with suppress(OSError):
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | NOFOLLOW, 0o666)
            with os.fdopen(fd, "ab") as file:
                file.write(os.fsencode(f"{journal} {_marker_folder(workspace)}\n"))


def read_marker(workspace: Workspace) -> str:
    """Return a journal that the git directory records for this workspace; empty if there is none.

    If this journal is not in the log, the log was removed.
    """
    try:
        lines = read_regular(_marker_path(workspace.repository), _MAX_BYTES).decode(errors="replace").split("\n")
    except OSError:
        return ""
    here, markers = _marker_folder(workspace), (line.partition(" ") for line in lines)
    return next((journal for journal, _, folder in markers if folder == here and is_session_id(journal)), "")


def remove_markers(workspace: Workspace) -> None:
    """Remove what the git directory contains about a shared folder: its markers, its lines in `info/exclude`, and the
    recorded main worktree.

    This is for a folder that is removed on purpose. Raises OSError.
    """
    if workspace.repository and _marker_path(workspace.repository):
        here = _marker_folder(workspace)
        remove_lines(_marker_path(workspace.repository), lambda line: line.partition(" ")[2] == here)
        include_folder(workspace.repository, workspace.folder)
        with suppress(FileNotFoundError):
            os.unlink(os.path.join(workspace.repository.common, MAIN_WORKTREE))


def _marker_path(repository: Repository | None) -> str:
    """Return the file with the markers; empty if there is no valid git directory."""
    is_git = repository and os.path.isfile(os.path.join(repository.common, "HEAD"))
    return os.path.join(repository.common, "coord") if repository and is_git else ""


def _marker_folder(workspace: Workspace) -> str:
    """Return the shared folder as markers name it."""
    return recorded_path(os.path.relpath(workspace.folder, workspace.repository.main)) if workspace.repository else ""


def refuse_links(folder: str) -> None:
    """Raise CoordError (4) if the shared folder, or a folder in it, is a symbolic link.

    A cloned repository can contain links to any place. A user who wants to use another folder can name it with --root
    or COORD_ROOT.
    """
    for path in (folder, *(os.path.join(folder, name) for name in ("log", os.path.join("log", "ended"), "scripts"))):
        if os.path.islink(path):
            raise no_log(
                f"{path} is a symbolic link, and coord writes only to {FOLDER}/. "
                "Nothing was changed. Remove the link, or name the folder that you mean with --root."
            )


def _workspace(folder: str, repository: Repository | None) -> Workspace:
    refuse_links(folder)
    return Workspace(folder, repository.worktree if repository else os.path.dirname(folder), repository)


def branch_of(repository: Repository | None) -> str:
    """Return the branch that is checked out, or the beginning of the commit's id; empty outside git."""
    head = read_git_file(os.path.join(repository.git, "HEAD")) if repository else ""
    return head.removeprefix("ref: refs/heads/") if head.startswith("ref:") else head[:12]


def path_in_workspace(workspace: Workspace, path: str) -> str:
    """Return a path relative to the root, as `relative_to` does. Raises CoordError (2) if it lies outside."""
    if relative := relative_to(workspace.root, workspace.repository, path):
        return relative
    raise usage_error(f"{path} is outside the repository {workspace.root}. A file claim names a path inside it.")
