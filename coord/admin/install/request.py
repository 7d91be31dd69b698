"""What is asked of an installer, and what it remembers of a file that it changed.

What can be told from the file itself is told from there: our entries by their commands, an empty container or file that
is left behind as ours. Only where that would be wrong is something remembered, in the user's state folder: that a
container was there, empty, before it was filled. Without that memory an uninstall takes a few empty brackets too many,
and nothing that says anything. The memory also knows in which folders there is something to uninstall.
"""

import os
from collections.abc import Mapping

from msgspec import Struct

from coord.clients.registry import Client
from coord.errors import usage_error
from coord.platform.git.repository import Repository
from coord.workspace.system import System


class InstallRequest(Struct, frozen=True):
    """What is asked of a target."""

    system: System
    base: str  # the worktree's root; the folder, outside git
    repository: Repository | None
    scope: str = ""  # local, project, user, all; empty for what only this person sees
    program: str = "coord"  # how this person's files call coord
    allow: bool = True  # the commands that need no permission
    wake: bool = False  # a hook that waits for messages
    instructions: bool = False
    client: str = ""  # whose MCP settings
    plugin: str = ""  # a folder for a plugin


class FileRecord(Struct, omit_defaults=True):
    """What is remembered of a file."""

    uses: list[tuple[str, str]] = []  # which target put something there, for which folder
    empty: dict[str, str] = {}  # the containers that were there, empty, by JSON pointer: their text
    blank: str | None = None  # the file's text, if that was nothing but white space
    had: list[str] = []  # the rules that were there already
    folders: list[str] = []  # that were made for it


class FileChange(Struct, frozen=True):
    """A file as it was when it was read, and as it is to be. None: not there."""

    path: str  # with its links resolved
    named: str  # as it was asked for
    before: bytes | None
    after: bytes | None
    mode: int  # of a file that is made
    moved: str = ""  # from where it is put here, as it is


def expand_path(path: str, env: Mapping[str, str], client: Client | None = None) -> str:
    """A path of the table of clients: `~` is the home, and what a client's own variable moves elsewhere is there.
    Raises CoordError (2) where there is no home.
    """
    variable, stands = client.moved if client else ("", "")
    moved = env.get(variable, "") if variable else ""
    if moved and path.startswith("~/"):
        inside = path.removeprefix(f"{stands}/") if path.startswith(f"{stands}/") else os.path.basename(path)
        return os.path.join(moved, inside)
    if not path.startswith("~/"):
        return path
    if not env.get("HOME"):
        raise usage_error(f"HOME is not set, so there is no {path}. Nothing was changed.")
    return os.path.join(env["HOME"], path[2:])


def resolve_path(path: str, ask: InstallRequest, client: Client | None = None) -> str:
    """Where a file of the table of clients is: below the home, or below the folder that is asked about."""
    return os.path.join(ask.base, expand_path(path, ask.system.env, client))
