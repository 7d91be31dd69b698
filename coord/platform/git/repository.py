"""Where we are in a git repository, and where a shared folder can be. Reads a few names; starts no git.

The guard stands on this module too, so it imports nothing but `os`.
"""

import os

TYPE_CHECKING = False  # a hook would take 1.7 times as long if it loaded `typing`
if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = "COORDINATION"
CONFIG = "config.toml"  # what marks a folder as ours


class Repository:
    """A git repository as seen from one of its worktrees."""

    __slots__ = ("common", "git", "main", "worktree")

    def __init__(self, worktree: str, main: str, git: str, common: str) -> None:
        self.worktree = worktree  # the root of the worktree we are in
        self.main = main  # the root of the main worktree; of a bare repository, its own folder
        self.git = git  # the git directory of this worktree
        self.common = common  # the git directory that all worktrees share


def find_repository(cwd: str) -> Repository | None:
    """The git repository around a folder. A submodule is a repository of its own."""
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
    """The main worktree of a shared git directory: a submodule's directory names it, others lie in it. A bare one, or
    one apart from its worktree, is itself the place that all its worktrees agree on.
    """
    if os.path.basename(common) == ".git":
        return os.path.dirname(common)
    try:
        with open(os.path.join(common, "config"), encoding="utf-8", errors="surrogateescape") as file:
            found = [line.partition("=") for line in file if line.strip().startswith("worktree")]
    except OSError:
        found = []
    named = [value.strip() for key, _, value in found if key.strip() == "worktree"]
    return os.path.normpath(os.path.join(common, named[0])) if named else common


def folder_candidates(cwd: str, repository: Repository | None) -> "Iterator[str]":
    """The places where the shared folder of a folder can be, nearest first."""
    for folder in with_parents(cwd):
        if repository:
            folder = os.path.normpath(os.path.join(repository.main, os.path.relpath(folder, repository.worktree)))
        yield os.path.join(folder, FOLDER)
        if repository and folder == repository.main:
            return


def is_shared_folder(folder: str) -> bool:
    """Whether a folder of that name is a shared folder."""
    return os.path.isfile(os.path.join(folder, CONFIG)) or os.path.isdir(os.path.join(folder, "log"))


def with_parents(folder: str) -> "Iterator[str]":
    """A folder and those around it."""
    while True:
        yield folder
        parent = os.path.dirname(folder)
        if parent == folder:
            return
        folder = parent


def first_line(path: str) -> str:
    """The first line of a file; empty if there is none."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.readline(5000).strip()
    except OSError:
        return ""


def relative_to(root: str, repository: Repository | None, path: str) -> str:
    """A path (absolute, with its links resolved up to its last part) relative to the root, with `/` between parts;
    empty if it lies outside. A path in another worktree of the repository is the same file.
    """
    roots = [root]
    if repository:
        other = find_repository(os.path.dirname(path))
        if other and other.common == repository.common:
            roots.insert(0, other.worktree)
    for folder in roots:
        if path == folder or path.startswith(folder.rstrip(os.sep) + os.sep):
            return os.path.relpath(path, folder).replace(os.sep, "/")
    return ""


def recorded_path(path: str) -> str:
    """A path as events name it."""
    return path.encode(errors="surrogateescape").decode(errors="backslashreplace")
