"""Codex lets its shell commands write below the folder that it runs in. For a linked worktree the log is elsewhere, in
the main one: its folder is named as one more that may be written.
"""

import json
import os
from typing import Any

from coord.admin.install.changeset import Changeset
from coord.admin.install.formats.toml_tables import has_ours, read_toml, with_table, without_table
from coord.admin.install.installed import linked_worktrees
from coord.admin.install.request import InstallRequest, resolve_path
from coord.clients.registry import Client
from coord.errors import refused
from coord.platform.git.repository import FOLDER, Repository

_TABLE, _KEY = "sandbox_workspace_write", "writable_roots"


def allow_log_writes(client: Client, ask: InstallRequest, draft: Changeset) -> None:
    """Name the shared folder as writable, where a worktree needs it; where that would touch what is there, say what to
    add. A path of this machine is nothing for a team: it goes into the user's settings.
    """
    if folder := log_folder_outside(ask):
        path = resolve_path(client.servers["user"], ask, client)
        text = draft.text(path)
        before = _read(path, text)
        roots = writable_roots(before)
        if folder in roots:
            return
        if (has_ours(text, _TABLE) and set(before[_TABLE]) == {_KEY}) or _TABLE not in before:
            draft.write(path, with_table(text, _TABLE, {_KEY: [*roots, folder]}))
            draft.say(path, f"The shell commands of {client.title} may write into {folder}, where the log is.")
        else:
            shown = json.dumps([*roots, folder], ensure_ascii=False)
            draft.todo(f"In {path}, for agents in worktrees to reach the log, under [{_TABLE}]: {_KEY} = {shown}")


def disallow_log_writes(client: Client, ask: InstallRequest, draft: Changeset) -> None:
    """Take that back, for this repository."""
    path = resolve_path(client.servers["user"], ask, client)
    text = draft.text(path)
    if ask.repository and has_ours(text, _TABLE):
        before = _read(path, text)
        roots = [root for root in writable_roots(before) if root != _folder(ask.repository)]
        if len(roots) < len(writable_roots(before)):
            draft.leave(path, with_table(text, _TABLE, {_KEY: roots}) if roots else without_table(text, _TABLE))
            draft.say(path, f"that {client.title} may write into {_folder(ask.repository)}")


def _read(path: str, text: str) -> dict[str, Any]:
    try:
        return read_toml(text)
    except ValueError as error:
        raise refused(f"{path} cannot be changed: {error}. It is as it was; correct it first.") from None


def log_folder_outside(ask: InstallRequest) -> str:
    """The shared folder of a repository that has linked worktrees: outside of these. Empty where it has none."""
    repository = ask.repository
    if repository is None:
        return ""
    linked = repository.worktree != repository.main or linked_worktrees(repository)
    return _folder(repository) if linked else ""


def writable_roots(settings: dict[str, Any]) -> list[str]:
    """The folders that Codex's settings name as writable."""
    table = settings.get(_TABLE)
    roots = table.get(_KEY) if isinstance(table, dict) else None
    return [root for root in roots if isinstance(root, str)] if isinstance(roots, list) else []


def _folder(repository: Repository) -> str:
    return os.path.join(repository.main, FOLDER)
