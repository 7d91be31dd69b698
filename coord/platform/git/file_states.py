"""Ask git how files differ from the last commit."""

import os
from collections.abc import Collection
from typing import Literal, TypeAlias

from coord.platform.git.command import GitError, run_git
from coord.platform.git.repository import find_repository

FileState: TypeAlias = Literal["changed", "clean", "ignored", "unknown"]
"""`changed`: the file differs from the last commit. `clean`: it does not. `ignored`: git ignores it, or there is no
repository. `unknown`: git does not look at it (`skip-worktree`, `assume-unchanged`), so it may differ.
"""

_TIMEOUT_S = 2  # how long git may take, since an agent waits
_MOST_NAMES = 500  # in one call of git
_IGNORED = "!!"  # git's code for an ignored file
_STATUS = ("status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=all", "--ignored=matching")
_TAGS = ("ls-files", "-v", "-z")


def file_states(root: str, names: Collection[str]) -> dict[str, FileState]:
    """Return the state of each of these files, which are relative to the folder `root`. A file is missing if git fails.

    Each file is looked up in the innermost repository that contains it. Seen from outside, git does not report changed
    files of a submodule or of a nested repository.
    """
    states: dict[str, FileState] = {}
    inner: dict[str, dict[str, str]] = {}  # by worktree: the name that the caller uses, by the name in the worktree
    for name in names:
        path = os.path.join(root, name)
        repository = find_repository(os.path.dirname(path)) if os.path.isdir(root) else None
        if repository is None:
            states[name] = "ignored"
        else:
            inner.setdefault(repository.worktree, {})[os.path.relpath(path, repository.worktree)] = name
    for worktree, known_as in inner.items():
        asked = list(known_as)
        for start in range(0, len(asked), _MOST_NAMES):
            some = _states(worktree, asked[start : start + _MOST_NAMES])
            states |= {known_as[name]: state for name, state in some.items()}
    return states


def _states(worktree: str, names: list[str]) -> dict[str, FileState]:
    """Return the states of files of one worktree; empty if git fails."""
    try:
        codes = {row[3:]: row[:2] for row in _rows(worktree, _STATUS, names)}
        folders = tuple(name for name, code in codes.items() if code == _IGNORED and name.endswith("/"))
        states: dict[str, FileState] = {}
        for name in names:
            ignored = codes.get(name) == _IGNORED or (folders and name.startswith(folders))
            states[name] = "ignored" if ignored else "changed" if name in codes else "clean"
        silent = [name for name, state in states.items() if state == "clean"]
        tags = {row[2:]: row[0] for row in _rows(worktree, _TAGS, silent)} if silent else {}
    except GitError:
        return {}
    return states | {name: "unknown" for name, tag in tags.items() if name in states and (tag.islower() or tag == "S")}


def _rows(worktree: str, command: tuple[str, ...], names: list[str]) -> list[str]:
    """Return what git prints about these files, one row for each. Raises GitError."""
    literal = [f":(literal){name}" for name in names]
    output = run_git(worktree, *command, "--", *literal, env=os.environ, timeout_s=_TIMEOUT_S)
    return [os.fsdecode(row) for row in output.split(b"\0") if row]
