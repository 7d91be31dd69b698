"""What git is about to commit, has just committed, or is about to push: asked of git itself, as one of its hooks.

A hook is told by its environment which index counts: that of `git commit -a`, or of a commit of named paths, is not the
one that stays. So git is asked in the environment of the hook. All names are relative to the top of the worktree.
"""

import os
from collections.abc import Iterable, Iterator

from msgspec import Struct

from coord.platform.git.command import GitError, run_git
from coord.platform.git.repository import Repository, first_line
from coord.workspace.system import System

DENIED = 9
"""The exit code by which we hold git back. It is one that nothing gives by failing: a Python that is not there, a
version that knows no such command.
"""
PREFIX = "GIT_PREFIX"  # git's variable for the folder, below the top, in which it was called
_INDEX = "GIT_INDEX_FILE"  # and for the index that counts
_GIT_S = 10  # how long git may take
_OPTIONS = ("--name-only", "-z", "--no-renames")
_PLAIN = ("--no-ext-diff", "--no-relative", "--ignore-submodules=none")  # whatever a person has configured
_PICKED = ("CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply")
_NO_COMMIT = "0" * 40  # so many at least, as the id of what is not there


class Staged(Struct, frozen=True):
    """A commit that is about to be made."""

    names: tuple[str, ...]  # the files that it changes; those that a merge takes from a parent as they are do not count
    passing: bool  # whether its index is made for it alone, of files as they are in the worktree; the other one stays
    merges: tuple[str, ...]  # the commits that are merged
    going: bool  # whether it ends a merge, a pick or a rebase, and git commits nothing less than all that is staged


class PushedRef(Struct, frozen=True):
    """One line of what a hook is told before a push."""

    ours: str  # the commit; empty where the branch is deleted
    name: str  # of the branch or the tag, there, in full
    theirs: str  # the commit that is there; empty where there is none


def git_output(system: System, *words: str, data: bytes = b"", without: str = "") -> bytes:
    """What git says, `without` a variable. Raises GitError."""
    env = {name: value for name, value in system.env.items() if name != without}
    return run_git(system.cwd, *words, env=env, timeout_s=_GIT_S, data=data, in_hook=True)


def read_staged(system: System, repository: Repository) -> Staged:
    """What is about to be committed. Raises GitError."""
    merges = tuple(_lines(os.path.join(repository.git, "MERGE_HEAD")))
    names = _names(git_output(system, "diff", "--cached", *_OPTIONS, *_PLAIN))
    for parent in merges:
        differing = set(_names(git_output(system, "diff", "--cached", *_OPTIONS, *_PLAIN, parent)))
        names = [name for name in names if name in differing]
    passing = system.env.get(_INDEX, "").endswith(".lock")
    going = bool(merges) or any(os.path.exists(os.path.join(repository.git, name)) for name in _PICKED)
    return Staged(tuple(names), passing, merges, going)


def has_commit(system: System) -> bool:
    """Whether there is a commit yet. Raises GitError."""
    try:
        git_output(system, "rev-parse", "--quiet", "--verify", "HEAD")
    except GitError as error:
        if error.code is None:
            raise
        return False
    return True


def merged_files(system: System, merges: Iterable[str]) -> set[str]:
    """The files that a merge has to do with. Raises GitError."""
    return {
        name for parent in merges for name in _names(git_output(system, "diff", *_OPTIONS, *_PLAIN, "HEAD", parent))
    }


def unstaged_files(system: System, repository: Repository) -> set[str]:
    """The files that are not in the index as they are in the worktree, so that a commit by path would take along
    something else. Raises GitError.
    """
    removed = set(_names(git_output(system, "diff", "--cached", *_OPTIONS, *_PLAIN, "--diff-filter=D")))
    there = {name for name in removed if os.path.lexists(os.path.join(repository.worktree, name))}
    return there | _unstaged(system)


def commits_all(system: System) -> bool:
    """Whether the commit takes along all changes of what git tracks, as `git commit -a` does. Raises GitError."""
    return os.path.basename(system.env.get(_INDEX, "")) == "index.lock" and not _unstaged(system)


def partly_staged(system: System) -> set[str]:
    """The files of which something else is staged than is in the worktree, whatever index this commit is made of.
    Raises GitError.
    """
    return _unstaged(system, _INDEX) & set(
        _names(git_output(system, "diff", "--cached", *_OPTIONS, *_PLAIN, without=_INDEX))
    )


def _unstaged(system: System, without: str = "") -> set[str]:
    return set(_names(git_output(system, "diff", *_OPTIONS, *_PLAIN, without=without)))


def committed_files(system: System) -> list[str]:
    """The files that the last commit changed. Raises GitError."""
    return _names(git_output(system, "diff-tree", "-r", "-m", "--root", "--no-commit-id", *_OPTIONS, "HEAD"))


def parse_pushed(text: str) -> list[PushedRef]:
    """The lines that git gives a hook before a push."""
    rows = (line.split(" ") for line in text.splitlines())
    return [PushedRef(_id(row[-3]), row[-2], _id(row[-1])) for row in rows if len(row) >= 4]


def pushed_files(system: System, remote: str, rows: Iterable[PushedRef]) -> list[str]:
    """The files that the commits change which are not there yet. Raises GitError."""
    rows = [row for row in rows if row.ours]
    if not rows:
        return []
    known = ["--not", *(row.theirs for row in rows if row.theirs), f"--remotes={remote}"]
    commits = git_output(system, "rev-list", "--ignore-missing", *(row.ours for row in rows), *known)
    found = git_output(system, "diff-tree", "--stdin", "-r", "-c", "--root", "--no-commit-id", *_OPTIONS, data=commits)
    return list(dict.fromkeys(_names(found)))


def _id(text: str) -> str:
    return "" if text.startswith(_NO_COMMIT) else text


def _names(data: bytes) -> list[str]:
    return [os.fsdecode(name) for name in data.split(b"\0") if name]


def _lines(path: str) -> Iterator[str]:
    if first_line(path):
        with open(path, encoding="ascii", errors="replace") as file:
            yield from file.read().split()
