"""Find the git repository of a folder, and the places where its shared folder can be. Does not run git.

The guard uses this module, so it imports nothing but `os`.
"""

import os

TYPE_CHECKING = False  # loading `typing` would make a hook take 1.7 times as long
if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = "COORDINATION"
CONFIG = "config.toml"  # marks a folder as a shared folder


class Repository:
    """A git repository as seen from one of its worktrees."""

    __slots__ = ("common", "git", "main", "worktree")

    def __init__(self, worktree: str, main: str, git: str, common: str) -> None:
        self.worktree = worktree  # the root of this worktree
        self.main = main  # the root of the main worktree; of a bare repository, its own folder
        self.git = git  # the git directory of this worktree
        self.common = common  # the git directory that all worktrees share


def find_repository(cwd: str) -> Repository | None:
    """Return the git repository that contains a folder, or None. A submodule is a repository of its own."""
    for folder in with_parents(cwd):
        dot_git = os.path.join(folder, ".git")
        if os.path.isdir(dot_git):
            return Repository(folder, folder, dot_git, dot_git)
        if os.path.isfile(dot_git):
            git = os.path.normpath(os.path.join(folder, first_line(dot_git).removeprefix("gitdir:").strip()))
            shared = first_line(os.path.join(git, "commondir"))
            common = os.path.normpath(os.path.join(git, shared)) if shared else git
            return Repository(folder, _main_worktree(common), git, common)
    return None


def _main_worktree(common: str) -> str:
    """Return the main worktree of a shared git directory.

    Usually the main worktree contains this directory as `.git`. A submodule's git directory names the worktree in its
    configuration. Otherwise, as for a bare repository, return the directory itself, which all worktrees share.
    """
    if os.path.basename(common) == ".git":
        return os.path.dirname(common)
    try:
        with open(os.path.join(common, "config"), encoding="utf-8", errors="surrogateescape") as file:
            settings = [line.partition("=") for line in file if line.strip().startswith("worktree")]
    except OSError:
        settings = []
    named = [value.strip() for key, _, value in settings if key.strip() == "worktree"]
    return os.path.normpath(os.path.join(common, named[0])) if named else common


def folder_candidates(cwd: str, repository: Repository | None) -> "Iterator[str]":
    """Yield the places where the shared folder for a working directory can be, nearest first."""
    for folder in with_parents(cwd):
        if repository:
            folder = os.path.normpath(os.path.join(repository.main, os.path.relpath(folder, repository.worktree)))
        yield os.path.join(folder, FOLDER)
        if repository and folder == repository.main:
            return


def is_shared_folder(folder: str) -> bool:
    """Return whether a folder named COORDINATION is a shared folder."""
    return os.path.isfile(os.path.join(folder, CONFIG)) or os.path.isdir(os.path.join(folder, "log"))


def with_parents(folder: str) -> "Iterator[str]":
    """Yield a folder and its parents."""
    while True:
        yield folder
        parent = os.path.dirname(folder)
        if parent == folder:
            return
        folder = parent


def first_line(path: str) -> str:
    """Return the first line of a file; empty if it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.readline(5000).strip()
    except OSError:
        return ""


def recorded_path(path: str) -> str:
    """Return a path as events record it: bytes that are not UTF-8 are escaped."""
    return path.encode(errors="surrogateescape").decode(errors="backslashreplace")
