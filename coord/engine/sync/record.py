"""Which remote this folder has joined on this machine: the file `log/.remote`.

It counts only on the machine and in the folder where it was written, so a copy in a cloned repository joins nothing.
"""

import os
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from coord.errors import usage_error
from coord.platform.replace_file import replace_file
from coord.workspace.config import Config
from coord.workspace.paths import Workspace
from coord.workspace.system import System
from eventlog.local.files import read_regular
from eventlog.remotes.remote import RemoteAway

if TYPE_CHECKING:
    from eventlog.remotes.remote import Remote

RECORD = ".remote"  # in the log folder
PRIVATE_REPOSITORY = "remote.git"  # in the cache
_MAX_BYTES = 1 << 16


class JoinedRemote(Struct, frozen=True):
    """A remote that a person has joined: `url` is `git NAME`, `nats://HOST:PORT/STREAM` or a folder's path."""

    url: str
    machine: str
    folder: str
    credentials: str = ""  # the path of the file with the credentials

    @property
    def kind(self) -> str:
        """`git`, `nats` or `folder`."""
        return kind_of(self.url)


def kind_of(url: str) -> str:
    """Return the kind of a remote. Raises CoordError (2) if the text names none."""
    if url.startswith("git ") and url[4:].strip():
        return "git"
    if url.startswith(("nats://", "tls://")):
        return "nats"
    if os.path.isabs(url):
        return "folder"
    raise usage_error(
        f"{url!r} names no remote. A remote is `git NAME`, `nats://HOST:4222/STREAM`, or the absolute path of a folder."
    )


def joined_remote(system: System, workspace: Workspace) -> JoinedRemote | None:
    """Return the remote that this folder has joined on this machine; None if there is none."""
    joined = recorded_remote(workspace)
    if joined is None or joined.machine != system.here.machine or not workspace.is_recorded_as(joined.folder):
        return None
    return joined


def recorded_remote(workspace: Workspace) -> JoinedRemote | None:
    """Return the remote that `log/.remote` names, whoever has joined it; None if there is none."""
    path = os.path.join(workspace.log, RECORD)
    if not os.path.lexists(path):
        return None
    try:
        return msgspec.json.decode(read_regular(path, _MAX_BYTES), type=JoinedRemote)
    except (OSError, ValueError, RecursionError, msgspec.MsgspecError):
        return None


def join(system: System, workspace: Workspace, url: str, credentials: str = "") -> JoinedRemote:
    """Record that this folder has joined a remote. Raises OSError."""
    joined = JoinedRemote(url, system.here.machine, workspace.recorded, credentials)
    os.makedirs(workspace.log, exist_ok=True)
    replace_file(os.path.join(workspace.log, RECORD), msgspec.json.encode(joined), mode=0o600, sync=True)
    return joined


def leave(workspace: Workspace) -> None:
    """Forget the joined remote. Raises OSError."""
    os.unlink(os.path.join(workspace.log, RECORD))


def open_remote(joined: JoinedRemote, system: System, workspace: Workspace, config: Config) -> "Remote":
    """Return the remote. Raises RemoteAway if what it needs is not installed or not there."""
    return _OPENERS[joined.kind](joined, system, workspace, config)


def _open_git(joined: JoinedRemote, system: System, workspace: Workspace, config: Config) -> "Remote":
    from coord.platform.git.command import GitError
    from coord.platform.git.remote_access import (
        PrivateGit,
        make_private_repository,
        remote_settings,
        remote_url,
    )
    from eventlog.remotes.git.remote import GitRemote

    name, path = joined.url[4:].strip(), os.path.join(workspace.cache, PRIVATE_REPOSITORY)
    is_url = ":" in name or os.path.isabs(name)
    try:
        if not is_url and workspace.repository is None:
            raise RemoteAway(f"{workspace.root} is not a git repository, so git knows no remote {name!r} here")
        url = name if is_url else remote_url(workspace.root, name, system.env)
        settings = remote_settings(workspace.root, system.env) if workspace.repository else []
        make_private_repository(path, system.env)
    except GitError as error:
        raise RemoteAway(f"git cannot use the remote {name!r}: {error}") from None
    return GitRemote(
        joined.url,
        url,
        PrivateGit(path, settings, system.env),
        poll_s=config.sync_seconds,
        limit_s=config.agree_seconds,
    )


def _open_nats(joined: JoinedRemote, system: System, _workspace: Workspace, config: Config) -> "Remote":
    try:
        from eventlog.remotes.nats.remote import NatsRemote
    except ImportError:
        raise RemoteAway("nats-py is not installed. Install the extra: uv tool install 'coord[nats]'") from None
    return NatsRemote(
        joined.url,
        credentials=joined.credentials,
        user=system.env.get("COORD_NATS_USER", ""),
        password=system.env.get("COORD_NATS_PASSWORD", ""),
        limit_s=config.agree_seconds,
    )


def _open_folder(joined: JoinedRemote, system: System, workspace: Workspace, config: Config) -> "Remote":
    from eventlog.remotes.folder import FolderRemote

    return FolderRemote(joined.url, f"{system.here.machine}-{_folder_key(workspace)}", poll_s=config.sync_seconds)


def _folder_key(workspace: Workspace) -> str:
    from eventlog.digest import blake2b

    return blake2b(workspace.recorded.encode(errors="replace"), digest_size=4).hexdigest()


_OPENERS = {"git": _open_git, "nats": _open_nats, "folder": _open_folder}
