"""What an installer is asked to do, and where the files of a client are."""

import os
from collections.abc import Mapping

from msgspec import Struct

from coord.clients.client import Client
from coord.clients.registry import home_path
from coord.errors import usage_error
from coord.platform.git.repository import Repository
from coord.workspace.system import System


class InstallRequest(Struct, frozen=True):
    """The options of one `coord install` or `coord uninstall`, and the folder that it is for."""

    system: System
    base: str  # the root of the worktree; outside git, the folder
    repository: Repository | None
    scope: str = ""  # local, project, user or all; empty for the settings that only this person uses
    program: str = "coord"  # how this person's settings call coord
    allow: bool = True  # let agents run the safe commands without asking
    wake: bool = False  # add a hook that waits for messages
    instructions: bool = False  # add a text for agents to the client's instructions
    client: str = ""  # whose settings get the MCP server
    plugin: str = ""  # the folder of a plugin


def expand_path(path: str, env: Mapping[str, str], client: Client | None = None) -> str:
    """Return a path of a client's record as it is on this machine: see `home_path`. Raises CoordError (2) if there is
    no home.
    """
    if not (found := home_path(path, env, client)):
        raise usage_error(f"cannot find {path}: HOME is not set. Nothing was changed. Set HOME, then run this again.")
    return found


def resolve_path(path: str, request: InstallRequest, client: Client | None = None) -> str:
    """Return the absolute path of a file from the table of clients: in the home, or in the folder of the request."""
    return os.path.join(request.base, expand_path(path, request.system.env, client))
