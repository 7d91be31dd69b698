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


def file_states(root: str, names: Collection[str], *, ignore_case: bool = False) -> dict[str, FileState]:
    """Return the state of each of these files, which are relative to the folder `root`. A file is missing if git fails.

    Each file is looked up in the innermost repository that contains it. Seen from outside, git does not report changed
    files of a submodule or of a nested repository. With `ignore_case`, a file is also found if git spells its name in
    another case than its directory does.
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
            some = _states(worktree, asked[start : start + _MOST_NAMES], ignore_case)
            states |= {known_as[name]: state for name, state in some.items()}
    return states


def _states(worktree: str, names: list[str], ignore_case: bool) -> dict[str, FileState]:
    """Return the states of files of one worktree; empty if git fails."""
    magic = ":(icase,literal)" if ignore_case else ":(literal)"
    key = str.casefold if ignore_case else str
    try:
        codes = {key(row[3:]): row[:2] for row in _rows(worktree, _STATUS, names, magic)}
        folders = tuple(name for name, code in codes.items() if code == _IGNORED and name.endswith("/"))
        states: dict[str, FileState] = {}
        for name in names:
            ignored = codes.get(key(name)) == _IGNORED or (folders and key(name).startswith(folders))
            states[name] = "ignored" if ignored else "changed" if key(name) in codes else "clean"
        silent = [name for name, state in states.items() if state == "clean"]
        tags = {key(row[2:]): row[0] for row in _rows(worktree, _TAGS, silent, magic)} if silent else {}
    except GitError:
        return {}
    hidden = {name for name, tag in tags.items() if tag.islower() or tag == "S"}
    return {name: "unknown" if key(name) in hidden else state for name, state in states.items()}


def _rows(worktree: str, command: tuple[str, ...], names: list[str], magic: str) -> list[str]:
    """Return what git prints about these files, one row for each. Raises GitError."""
    output = run_git(
        worktree, *command, "--", *(f"{magic}{name}" for name in names), env=os.environ, timeout_s=_TIMEOUT_S
    )
    return [os.fsdecode(row) for row in output.split(b"\0") if row]
