"""Ask git what it is about to commit, has just committed, or is about to push.

`git commit -a`, or a commit of named paths, uses a temporary index, which git names in the environment of its hooks. So
git is called with the environment of the hook. All names are relative to the top of the worktree.
"""

import os
from collections.abc import Iterable

from msgspec import Struct

from coord.platform.git.command import GitError, run_git
from coord.platform.git.repository import Repository, read_git_file
from coord.workspace.system import System

DENIED = 9
"""The exit code that makes git stop. It differs from those of failures, such as a missing Python or an older version
without this command.
"""
PREFIX = "GIT_PREFIX"  # git's variable with the folder, below the top, in which it was called
_INDEX = "GIT_INDEX_FILE"  # git's variable with the index of this commit
_GIT_S = 10  # how long git may take
_OPTIONS = ("--raw", "-z", "--no-renames")
_SUBMODULE = b"160000"  # git's mode of a submodule
_PLAIN = ("--no-ext-diff", "--no-relative", "--ignore-submodules=none")  # independent of the configuration
_PICKED = ("CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply")
_NO_COMMIT = "0" * 40  # at least: the id of a missing commit


class Staged(Struct, frozen=True):
    """A commit that is about to be made."""

    names: tuple[str, ...]  # what it changes, without what a merge takes unchanged from a parent
    temporary_index: bool  # whether git made an index for this commit only, as for `-a` or named paths
    merges: tuple[str, ...]  # the commits that are merged
    concludes: bool  # whether it ends a merge, a pick or a rebase, so that git commits all that is staged
    submodules: frozenset[str] = frozenset()  # those of the names that are submodules


class PushedRef(Struct, frozen=True):
    """One line of the input of the hook before a push."""

    ours: str  # the local commit; empty if the branch is deleted
    name: str  # the full name of the remote branch or tag
    theirs: str  # the remote commit; empty if there is none


def git_output(system: System, *words: str, data: bytes = b"", without: str = "") -> bytes:
    """Return the output of git, called `without` an environment variable. Raises GitError."""
    env = {name: value for name, value in system.env.items() if name != without}
    return run_git(system.cwd, *words, env=env, timeout_s=_GIT_S, data=data, in_hook=True)


def read_staged(system: System, repository: Repository) -> Staged:
    """Return what is about to be committed. Raises GitError."""
    merges = tuple(read_git_file(os.path.join(repository.git, "MERGE_HEAD")).split())
    changed = _changes(git_output(system, "diff", "--cached", *_OPTIONS, *_PLAIN))
    for parent in merges:
        differing = _changes(git_output(system, "diff", "--cached", *_OPTIONS, *_PLAIN, parent))
        changed = {name: kind for name, kind in changed.items() if name in differing}
    temporary_index = system.env.get(_INDEX, "").endswith(".lock")
    concludes = bool(merges) or any(os.path.exists(os.path.join(repository.git, name)) for name in _PICKED)
    submodules = frozenset(name for name, is_submodule in changed.items() if is_submodule)
    return Staged(tuple(changed), temporary_index, merges, concludes, submodules)


def has_commit(system: System) -> bool:
    """Return whether there is a commit yet. Raises GitError."""
    try:
        git_output(system, "rev-parse", "--quiet", "--verify", "HEAD")
    except GitError as error:
        if error.code is None:
            raise
        return False
    return True


def merged_files(system: System, merges: Iterable[str]) -> set[str]:
    """Return the files that a merge changes. Raises GitError."""
    return {
        name for parent in merges for name in _changes(git_output(system, "diff", *_OPTIONS, *_PLAIN, "HEAD", parent))
    }


def unstaged_files(system: System, repository: Repository) -> set[str]:
    """Return the files that differ between the index and the worktree. A commit by path would not contain them as they
    are staged. Raises GitError.
    """
    removed = set(_changes(git_output(system, "diff", "--cached", *_OPTIONS, *_PLAIN, "--diff-filter=D")))
    there = {name for name in removed if os.path.lexists(os.path.join(repository.worktree, name))}
    return there | _unstaged(system)


def commits_all(system: System) -> bool:
    """Return whether the commit includes all changes of tracked files, as `git commit -a` does. Raises GitError."""
    return os.path.basename(system.env.get(_INDEX, "")) == "index.lock" and not _unstaged(system)


def partly_staged(system: System) -> set[str]:
    """Return the files whose content in the permanent index differs from the last commit and from the worktree. Raises
    GitError.
    """
    return _unstaged(system, _INDEX) & set(
        _changes(git_output(system, "diff", "--cached", *_OPTIONS, *_PLAIN, without=_INDEX))
    )


def _unstaged(system: System, without: str = "") -> set[str]:
    return set(_changes(git_output(system, "diff", *_OPTIONS, *_PLAIN, without=without)))


def committed_files(system: System) -> dict[str, bool]:
    """Return what the last commit changed, and whether each is a submodule. Raises GitError."""
    return _changes(git_output(system, "diff-tree", "-r", "-m", "--root", "--no-commit-id", *_OPTIONS, "HEAD"))


def parse_pushed(text: str) -> list[PushedRef]:
    """Parse the lines that git gives the hook before a push."""
    rows = (line.split(" ") for line in text.split("\n"))
    return [PushedRef(_id(row[-3]), row[-2], _id(row[-1])) for row in rows if len(row) >= 4]


def pushed_files(system: System, remote: str, rows: Iterable[PushedRef]) -> dict[str, bool]:
    """Return what is changed by the commits that the remote does not have yet, and whether each is a submodule. Raises
    GitError.
    """
    rows = [row for row in rows if row.ours]
    if not rows:
        return {}
    known = ["--not", *(row.theirs for row in rows if row.theirs), f"--remotes={remote}"]
    commits = git_output(system, "rev-list", "--ignore-missing", *(row.ours for row in rows), *known)
    found = git_output(system, "diff-tree", "--stdin", "-r", "-c", "--root", "--no-commit-id", *_OPTIONS, data=commits)
    return _changes(found)


def _id(text: str) -> str:
    return "" if text.startswith(_NO_COMMIT) else text


def _changes(data: bytes) -> dict[str, bool]:
    """Return the names in git's raw output, and whether each is a submodule before or after the change.

    Each name follows a text with a `:` for each parent, the modes, the ids and the status.
    """
    changes: dict[str, bool] = {}
    parts = data.split(b"\0")
    for text, name in zip(parts[::2], parts[1::2], strict=False):
        modes = text.lstrip(b":").split(b" ")[: text.count(b":") + 1]
        path = os.fsdecode(name)
        changes[path] = changes.get(path, False) or _SUBMODULE in modes
    return changes
