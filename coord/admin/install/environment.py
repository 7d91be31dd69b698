"""What a client's hooks need around them: git must ignore private settings, and Codex must be able to write the log.

Settings that only one person uses go into git's private list of files to ignore. Otherwise the next `git add -A` would
commit hooks that fail for everyone who does not have coord.

Codex lets its shell commands write only below the folder that it runs in. From a linked worktree the log is outside
that folder, in the main worktree, so the shared folder is added to the folders that Codex may write.
"""

import json
import os
from typing import Any

from coord.admin.install.changeset import Changeset
from coord.admin.install.formats.toml_tables import has_ours, read_toml, with_table, without_table
from coord.admin.install.request import InstallRequest, resolve_path
from coord.clients.client import Client
from coord.errors import refused
from coord.platform.git.command import GitError, run_git
from coord.platform.git.exclude import exclude_file, with_pattern, without_pattern
from coord.platform.git.naming import find_checkout
from coord.platform.git.repository import FOLDER, Repository, read_git_file

_COMMENT = "# Made by `coord install`: settings of this person alone."
_TABLE, _KEY = "sandbox_workspace_write", "writable_roots"


# --- private settings -------------------------------------------------------------------------------------------------


def exclude_from_git(request: InstallRequest, draft: Changeset, name: str) -> None:
    """Make git ignore a file, unless git already ignores or tracks it."""
    if request.repository is None:
        return
    path = exclude_file(request.repository)
    text = draft.text(path)
    if without_pattern(text, f"/{name}", _COMMENT) is None and not _is_known(request, name):
        draft.write(path, with_pattern(text, f"/{name}", _COMMENT))
        draft.describe(path, f"Git ignores /{name}, because these settings are only yours.")


def remove_exclude(request: InstallRequest, draft: Changeset, name: str) -> None:
    """Undo `exclude_from_git`."""
    if request.repository is None:
        return
    path = exclude_file(request.repository)
    if (rest := without_pattern(draft.text(path), f"/{name}", _COMMENT)) is not None:
        draft.write_remainder(path, rest)
        draft.describe(path, f"the line that makes git ignore /{name}")


def _is_known(request: InstallRequest, name: str) -> bool:
    """Return whether git ignores or tracks a file; true if git cannot be run."""
    for words in (("check-ignore", "-q", "--no-index", "--", name), ("ls-files", "--error-unmatch", "--", name)):
        try:
            run_git(request.base, *words, env=request.system.env)
        except GitError as error:
            if error.code is not None:
                continue
        return True
    return False


# --- the sandbox of Codex ---------------------------------------------------------------------------------------------


def allow_log_writes(client: Client, request: InstallRequest, draft: Changeset) -> None:
    """Add the shared folder to the folders that the client may write, if the repository has linked worktrees.

    The path is specific to this machine, so it goes into the user's settings, never into the team's. If the settings
    already have such a table, it is not edited: the user is told what to add.
    """
    if folder := log_folder_outside(request):
        path = resolve_path(client.servers["user"], request, client)
        text = draft.text(path)
        settings = _read(path, text)
        roots = writable_roots(settings)
        if folder in roots:
            return
        if (has_ours(text, _TABLE) and set(settings[_TABLE]) == {_KEY}) or _TABLE not in settings:
            draft.write(path, with_table(text, _TABLE, {_KEY: [*roots, folder]}))
            draft.describe(path, f"The shell commands of {client.title} may write into {folder}, where the log is.")
        else:
            value = json.dumps([*roots, folder], ensure_ascii=False)
            draft.todo(
                f"{client.title} cannot write the log from a worktree. "
                f"To allow it, set this in {path}, under [{_TABLE}]: {_KEY} = {value}"
            )


def disallow_log_writes(client: Client, request: InstallRequest, draft: Changeset) -> None:
    """Undo `allow_log_writes` for this repository."""
    path = resolve_path(client.servers["user"], request, client)
    text = draft.text(path)
    if request.repository and has_ours(text, _TABLE):
        before = writable_roots(_read(path, text))
        folder = _shared_folder(request, request.repository)
        roots = [root for root in before if root != folder]
        if len(roots) < len(before):
            new = with_table(text, _TABLE, {_KEY: roots}) if roots else without_table(text, _TABLE)
            draft.write_remainder(path, new)
            draft.describe(path, f"the permission of {client.title} to write into {folder}")


def _read(path: str, text: str) -> dict[str, Any]:
    try:
        return read_toml(text)
    except ValueError as error:
        raise refused(f"cannot change {path}: {error}. It was not changed. Correct it, then run this again.") from None


def log_folder_outside(request: InstallRequest) -> str:
    """Return the shared folder if worktrees of the repository are outside the folder that contains it; otherwise empty.

    These are linked worktrees, and a repository that is nested in the one that has the folder.
    """
    repository = request.repository
    if repository is None:
        return ""
    folder = _shared_folder(request, repository)
    linked = repository.worktree != repository.main or linked_worktrees(repository)
    return folder if linked or os.path.dirname(folder) != repository.main else ""


def writable_roots(settings: dict[str, Any]) -> list[str]:
    """Return the folders that Codex's settings name as writable."""
    table = settings.get(_TABLE)
    roots = table.get(_KEY) if isinstance(table, dict) else None
    return [root for root in roots if isinstance(root, str)] if isinstance(roots, list) else []


def _shared_folder(request: InstallRequest, repository: Repository) -> str:
    found = find_checkout(request.base)
    return found.folder if found else os.path.join(repository.main, FOLDER)


def linked_worktrees(repository: Repository) -> list[str]:
    """Return the existing worktrees of a repository besides the main one."""
    folder = os.path.join(repository.common, "worktrees")
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    named = {os.path.join(folder, name): read_git_file(os.path.join(folder, name, "gitdir")) for name in names}
    worktrees = [os.path.dirname(os.path.normpath(os.path.join(git, path))) for git, path in named.items() if path]
    return [worktree for worktree in worktrees if os.path.isdir(worktree)]
