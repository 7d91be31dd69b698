"""What of ours is installed, told from the clients' own files."""

import os

from coord.admin.install.changeset import Changeset
from coord.admin.install.formats.hook_entries import commands_in
from coord.admin.install.formats.json_edit import parse
from coord.admin.install.request import InstallRequest, resolve_path
from coord.clients.registry import Client
from coord.platform.git.repository import Repository, first_line


def installed_hooks(client: Client, ask: InstallRequest, draft: Changeset) -> dict[str, list[str]]:
    """The commands of our hooks, by the scope in whose settings they are. Raises CoordError for what cannot be read."""
    commands: dict[str, list[str]] = {}
    for scope, name in client.settings.items():
        try:
            document = parse(draft.text(resolve_path(name, ask, client)), client.comments)
        except ValueError:
            continue  # no file, or one that the client does not understand either
        if in_it := commands_in(client, document):
            commands[scope] = in_it
    return commands


def linked_worktrees(repository: Repository) -> list[str]:
    """The worktrees of a repository besides the main one, as far as they are there."""
    folder = os.path.join(repository.common, "worktrees")
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    found = [os.path.dirname(first_line(os.path.join(folder, name, "gitdir"))) for name in names]
    return [worktree for worktree in found if worktree and os.path.isdir(worktree)]
