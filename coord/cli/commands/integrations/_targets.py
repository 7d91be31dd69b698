"""List the targets of `install` and `uninstall`."""

from collections.abc import Callable
from functools import partial

from msgspec import Struct

from coord.admin.install.changeset import Changeset
from coord.admin.install.clients import install_client, uninstall_client
from coord.admin.install.githooks import install_git, uninstall_git
from coord.admin.install.mcp import install_mcp, uninstall_mcp
from coord.admin.install.request import InstallRequest
from coord.clients.registry import CLIENTS


class Target(Struct, frozen=True):
    """How to install and uninstall a target. Both functions change only the draft, and raise CoordError."""

    title: str
    scopes: tuple[str, ...]
    install: Callable[[InstallRequest, Changeset], None]
    uninstall: Callable[[InstallRequest, Changeset], None]


TARGETS: dict[str, Target] = {
    client.word: Target(
        client.title, tuple(client.settings), partial(install_client, client), partial(uninstall_client, client)
    )
    for client in CLIENTS
}
TARGETS["mcp"] = Target("the MCP server", ("local", "project", "user"), install_mcp, uninstall_mcp)
TARGETS["git"] = Target("git", ("local", "project", "user"), install_git, uninstall_git)
