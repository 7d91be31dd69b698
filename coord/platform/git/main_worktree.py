"""Ask git for the main worktree of a repository, where its files do not tell it, and keep the answer.

This is needed only from a linked worktree of a submodule, or of a repository whose git directory is apart from its main
worktree (`git init --separate-git-dir`). The answer is a small file in the shared git directory, so hooks need not run
git. It is ignored when it is outdated: then it is replaced at the next command.
"""

import os
from collections.abc import Mapping
from contextlib import suppress

from coord.platform.git.command import GitError, run_git
from coord.platform.git.repository import (
    FOLDER,
    MAIN_WORKTREE,
    Repository,
    is_shared_folder,
    kept_main_worktree,
    leads_to,
)
from coord.platform.replace_file import replace_file


def with_main_worktree(repository: Repository | None, env: Mapping[str, str]) -> Repository | None:
    """Return the repository with the main worktree that git names. Git runs only if this is not known without it."""
    if repository is None or not repository.is_main_unknown:
        return repository
    if is_shared_folder(os.path.join(repository.common, FOLDER)):
        return repository
    try:
        answer = run_git(repository.common, "rev-parse", "--show-toplevel", env=env)
    except GitError:  # the repository is bare, or git does not know its main worktree either
        return repository
    main = os.fsdecode(answer.removesuffix(b"\n"))
    if not leads_to(main, repository.common):
        return repository
    found = Repository(repository.worktree, main, repository.git, repository.common)
    keep_main_worktree(found)
    return found


def keep_main_worktree(repository: Repository) -> None:
    """Record the main worktree in the shared git directory, unless the name of this directory tells it.

    If it cannot be written, the next command asks git again.
    """
    common, main = os.path.realpath(repository.common), os.path.realpath(repository.main)
    if os.path.basename(common) == ".git" or not leads_to(main, common) or kept_main_worktree(common) == main:
        return
    with suppress(OSError):
        path = os.path.relpath(main, common)
        replace_file(os.path.join(repository.common, MAIN_WORKTREE), os.fsencode(path) + b"\0")
