"""Where the shared folder is, and where we are in the repository. Reads a few names; starts no git.

All worktrees of a repository share the folder in its main worktree, found by the common git directory. Inside a
repository nothing outside it counts; elsewhere the nearest COORDINATION upwards does.
"""

import os
from contextlib import suppress

from msgspec import Struct

from coord.errors import no_log, wrong
from coord.platform.git.exclude import remove_lines, show_folder
from coord.platform.git.repository import (
    FOLDER,
    Repository,
    candidates,
    find_repository,
    first_line,
    is_ours,
    recorded_path,
    relative_to,
)
from coord.workspace.system import World
from eventlog.local.files import NOFOLLOW, read_regular
from eventlog.local.journal import is_session_id

REMOVED = "it is gone, and no cache knows of it, as after `git clean -x`; what was claimed in it is claimed no more"
_MOST_MARKS = 1 << 20  # bytes


class Place(Struct, frozen=True):
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


def find(world: World, root: str | None) -> Place:
    """The shared folder: `--root`, then COORD_ROOT, then the repository's, then the nearest upwards.

    Raises CoordError (4) if there is none, or if what was named is not one.
    """
    named = root or world.env.get("COORD_ROOT", "")
    if named:
        folder = os.path.realpath(os.path.join(world.cwd or "/", os.path.expanduser(named)))
        if os.path.basename(folder) != FOLDER:
            folder = os.path.join(folder, FOLDER)
        if not is_ours(folder):
            how = "--root" if root else "COORD_ROOT"
            raise no_log(f"{how} names {named}, where there is no {FOLDER}/. Run `coord init` there, or name another.")
        return _place(folder, find_repository(os.path.dirname(folder)))
    if not world.cwd:
        raise no_log("the folder that you are in is gone. Change to one that is there.")
    cwd = os.path.realpath(world.cwd)
    repository, gone = find_repository(cwd), ""
    for folder in candidates(cwd, repository):
        if is_ours(folder):
            return _place(folder, repository)
        if repository and marked(Place(folder, repository.worktree, repository)):
            gone = gone or folder
    if gone:
        raise no_log(
            f"{gone} is gone, in which sessions wrote, as after `git clean -x`. Restore it if you have a copy; "
            "`coord init` begins anew."
        )
    raise no_log(f"no {FOLDER}/ for {cwd}: this is not initialised. Run `coord init` once per repository.")


def remember(place: Place, journal: str) -> None:
    """Leave a mark in git's own folder, which no `git clean` touches, that a journal is here; `marked` reads it."""
    mark = _mark(place.repository)
    if mark:
        with suppress(OSError):
            fd = os.open(mark, os.O_WRONLY | os.O_CREAT | os.O_APPEND | NOFOLLOW, 0o666)
            with os.fdopen(fd, "ab") as file:
                file.write(os.fsencode(f"{journal} {_marked(place)}\n"))


def marked(place: Place) -> str:
    """A journal that must be here, if git's own folder knows of one: where it is not, the log is not what it was."""
    try:
        lines = read_regular(_mark(place.repository), _MOST_MARKS).decode(errors="replace").splitlines()
    except OSError:
        return ""
    known = (line.partition(" ") for line in lines)
    return next((journal for journal, _, folder in known if folder == _marked(place) and is_session_id(journal)), "")


def forget(place: Place) -> None:
    """Take away what git's own folder says of a shared folder: its marks, and the line by which it is hidden. For one
    that is removed on purpose. Raises OSError.
    """
    if place.repository and _mark(place.repository):
        remove_lines(_mark(place.repository), lambda line: line.partition(" ")[2] == _marked(place))
        show_folder(place.repository, place.folder)


def _mark(repository: Repository | None) -> str:
    """Where the mark is; nowhere if that is no git directory after all."""
    is_git = repository and os.path.isfile(os.path.join(repository.common, "HEAD"))
    return os.path.join(repository.common, "coord") if repository and is_git else ""


def _marked(place: Place) -> str:
    return recorded_path(os.path.relpath(place.folder, place.repository.main)) if place.repository else ""


def refuse_links(folder: str) -> None:
    """Raises CoordError (4) where a link leads out of the shared folder: a repository that was cloned can bring links
    along, and nobody has chosen where they lead. Who means the place names it, by --root or COORD_ROOT.
    """
    for path in (folder, *(os.path.join(folder, name) for name in ("log", os.path.join("log", "ended"), "scripts"))):
        if os.path.islink(path):
            raise no_log(
                f"{path} is a symbolic link, and coord writes nowhere else than in {FOLDER}/. "
                "What was there is kept. Remove the link, or name the folder that you mean with --root."
            )


def _place(folder: str, repository: Repository | None) -> Place:
    refuse_links(folder)
    return Place(folder, repository.worktree if repository else os.path.dirname(folder), repository)


def branch_of(repository: Repository | None) -> str:
    """The branch that is checked out, or the beginning of a commit; empty outside git."""
    head = first_line(os.path.join(repository.git, "HEAD")) if repository else ""
    return head.removeprefix("ref: refs/heads/") if head.startswith("ref:") else head[:12]


def inside(place: Place, path: str) -> str:
    """A path (absolute, with its links resolved up to its last part) relative to the root, as `relative_to` gives it.
    Raises CoordError (2) if it lies outside.
    """
    if found := relative_to(place.root, place.repository, path):
        return found
    raise wrong(f"{path} is outside the repository {place.root}. A file claim names a path inside it.")
