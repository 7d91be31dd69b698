"""Find the shared folder, and name paths inside the repository.

All worktrees of a repository use the folder in its main worktree, which is found from the common git directory. A
repository without such a folder uses that of the repository, or of the folder, that contains it. Outside any
repository, the nearest COORDINATION in the working directory or a parent of it is used. Outside the repository, the
folder of another user is not used. The names of files are made by `coord.platform.git.naming`, as for the guard.
"""

import os
from collections.abc import Mapping
from contextlib import suppress

from msgspec import Struct

from coord.errors import no_log, usage_error
from coord.platform.git.naming import (
    Checkout,
    is_foreign,
    is_same_folder,
    named_checkout,
    possible_checkouts,
    relative_name,
    shared_folder_named,
)
from coord.platform.git.repository import (
    FOLDER,
    MAIN_WORKTREE,
    Repository,
    find_repository,
    is_shared_folder,
    read_git_file,
    recorded_path,
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

    def is_recorded_as(self, path: str) -> bool:
        """Return whether events that record this path of their folder mean this folder."""
        return path == self.recorded or is_same_folder(path, self.folder)

    @property
    def checkout(self) -> Checkout:
        """The workspace as `coord.platform.git.naming` knows it."""
        return Checkout(self.folder, self.root, self.repository, self.repository)

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

    It is that of `root` (the option --root), else of COORD_ROOT, else the one that guards the working directory.
    Raises CoordError (4) if there is none, or if the named folder is not a shared folder.

    Git is run at most once for a repository, and only if its files do not tell its main worktree; not `in_hook`.
    """
    if named := root or system.env.get("COORD_ROOT", ""):
        return _named_workspace(system, named, "--root" if root else "COORD_ROOT", in_hook)
    if not system.cwd:
        raise no_log("the current folder was removed. Change to one that exists.")
    cwd = os.path.realpath(system.cwd)
    removed, foreign = None, ""
    for place in possible_checkouts(cwd):
        if not in_hook:
            if _ask_for_main_worktree(system, place.inner):
                return find_workspace(system, root, in_hook=True)  # the places are others now
            in_hook = True  # git does not know it
        if removed and place.repository is not removed.repository:
            break
        if is_shared_folder(place.folder):
            if not is_foreign(place, cwd):
                return _workspace(place)
            foreign = foreign or place.folder
        elif read_marker(Workspace(place.folder, place.root, place.repository)):
            removed = removed or place
    if removed:
        raise no_log(
            f"{removed.folder} is gone, as after `git clean -x` or `git stash --all`, although sessions wrote to it. "
            "Restore it if possible (`git stash pop`); `coord init` starts a new one."
        )
    refuse_lost_repository(find_repository(cwd))
    ignored = f" {foreign} belongs to another user. To use it, name it with --root or COORD_ROOT." if foreign else ""
    raise no_log(f"{cwd} has no {FOLDER}/ yet. In a repository, run `coord init` once.{ignored}")


def _named_workspace(system: System, named: str, how: str, in_hook: bool) -> Workspace:
    """Return the workspace that is named by `how`, the option or the variable. Raises CoordError (4)."""
    folder = shared_folder_named(named, system.cwd or "/")
    if not is_shared_folder(folder):
        raise no_log(f"{how} names {named}, where there is no {FOLDER}/. Run `coord init` there, or name another.")
    if not in_hook:
        _ask_for_main_worktree(system, find_repository(os.path.dirname(folder)))
    return _workspace(named_checkout(os.path.realpath(system.cwd or os.path.dirname(folder)), folder))


def _ask_for_main_worktree(system: System, repository: Repository | None) -> bool:
    """Ask git for the main worktree of a repository, unless it is known, and return whether git told it. The answer is
    kept for `find_repository`.
    """
    if repository is None or not repository.is_main_unknown:
        return False
    from coord.platform.git.main_worktree import with_main_worktree  # most repositories do not need it

    found = with_main_worktree(repository, system.env)
    return found is not None and not found.is_main_unknown


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
        from coord.platform.git.exclude import hide_live_files  # only the start of a session needs these modules
        from coord.platform.git.main_worktree import keep_main_worktree

        with suppress(OSError):
            hide_live_files(workspace.repository, workspace.folder)
        keep_main_worktree(workspace.repository)


def is_log_protected(workspace: Workspace) -> bool:
    """Return whether git's own list has what `protect_log` adds. True outside git."""
    if workspace.repository is None or not _marker_path(workspace.repository):
        return True
    from coord.platform.git.exclude import hides_live_files

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
    """Return the journal that the git directory recorded last for this workspace; empty if there is none.

    If this journal is not in the log, the log was removed.
    """
    here, markers = _marker_folder(workspace), reversed(_markers(workspace.repository))
    return next((name for name, folder in markers if folder == here and is_session_id(name)), "")


def _markers(repository: Repository | None) -> list[tuple[str, str]]:
    """Return the journals that the git directory records, each with its shared folder."""
    try:
        lines = read_regular(_marker_path(repository), _MAX_BYTES).decode(errors="replace").split("\n")
    except OSError:
        return []
    return [(journal, folder) for journal, _, folder in (line.partition(" ") for line in lines)]


def places_with_logs(repository: Repository) -> list[str]:
    """Return the folders of a worktree that have a log, according to the markers of sessions in the git directory."""
    folders = dict.fromkeys(os.path.dirname(folder) for _, folder in _markers(repository))
    return [os.path.join(repository.worktree, folder) for folder in folders if not folder.startswith("..")]


def remove_markers(workspace: Workspace) -> None:
    """Remove what the git directory contains about a shared folder: its markers, its lines in `info/exclude`, and the
    recorded main worktree.

    This is for a folder that is removed on purpose. Raises OSError.
    """
    if workspace.repository and _marker_path(workspace.repository):
        from coord.platform.git.exclude import include_folder, remove_lines

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


def _workspace(found: Checkout) -> Workspace:
    refuse_links(found.folder)
    return Workspace(found.folder, found.root, found.repository)


def branch_of(repository: Repository | None) -> str:
    """Return the branch that is checked out, or the beginning of the commit's id; empty outside git."""
    head = read_git_file(os.path.join(repository.git, "HEAD")) if repository else ""
    return head.removeprefix("ref: refs/heads/") if head.startswith("ref:") else head[:12]


def path_in_workspace(workspace: Workspace, path: str) -> str:
    """Return a path relative to the root of its worktree. Raises CoordError (2) if it lies outside.

    One file has the same relative path in all worktrees.
    """
    here = workspace.checkout if path == workspace.root else named_checkout(os.path.dirname(path), workspace.folder)
    if relative := relative_name(here, path):
        return relative
    raise usage_error(f"{path} is outside the repository {workspace.root}. A file claim names a path inside it.")


def person_config_path(env: Mapping[str, str]) -> str:
    """Return the path of a person's own settings; empty if the environment names no home folder."""
    base, home = env.get("XDG_CONFIG_HOME", ""), env.get("HOME", "")
    if not os.path.isabs(base):  # a relative path would depend on the working directory
        base = os.path.join(home, ".config") if os.path.isabs(home) else ""
    return os.path.join(base, "coord", "config.toml") if base else ""


def has_person_config(env: Mapping[str, str]) -> bool:
    """Return whether a person has settings. Every command that writes calls this."""
    path = person_config_path(env)
    return bool(path) and os.path.exists(path)
