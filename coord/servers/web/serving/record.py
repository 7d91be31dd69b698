"""The record of who serves the page of a folder for this user: `.cache/web-UID.json`.

It contains the port and the key, so that a page that is still open finds a server that was started again. Only its user
may read it. A record that another user could have written or read is not used. If it is deleted, an open page must be
opened again with a new key.
"""

import os
import stat
from contextlib import suppress

import msgspec
from msgspec import Struct

from coord.platform.host import user_id
from coord.platform.replace_file import replace_file
from coord.workspace.paths import Workspace
from coord.workspace.system import System
from eventlog.events import Anchor
from eventlog.local.files import BINARY, NOFOLLOW

_MAX_BYTES = 1 << 12


class ServerRecord(Struct, frozen=True, omit_defaults=True):
    """The port and the key of the page, and the process that serves it; None after its end."""

    port: int
    key: str
    names: tuple[str, ...]
    server: Anchor | None = None
    read_only: bool = False


def record_path(workspace: Workspace) -> str:
    """Return the path of this user's record."""
    return os.path.join(workspace.cache, f"web-{user_id()}.json")


def read_record(workspace: Workspace) -> ServerRecord | None:
    """Return the record; None if there is none, or if another user could have written or read it."""
    if os.path.islink(workspace.cache):
        return None
    try:
        fd = os.open(record_path(workspace), os.O_RDONLY | NOFOLLOW | BINARY)
    except OSError:
        return None
    with open(fd, "rb") as file:
        if not _is_private(os.fstat(fd)):
            return None
        try:
            record = msgspec.json.decode(file.read(_MAX_BYTES), type=ServerRecord)
        except (OSError, msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError):
            return None
    is_usable = 0 < record.port < 1 << 16 and len(record.key) >= 40 and record.key.isascii() and record.names
    return record if is_usable else None


def _is_private(status: os.stat_result) -> bool:
    if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_BYTES:
        return False
    return os.name != "posix" or (status.st_uid == user_id() and not status.st_mode & 0o077)


def write_record(workspace: Workspace, record: ServerRecord) -> bool:
    """Write the record, and return whether it was written. The caller holds the lock."""
    if os.path.islink(workspace.cache):
        return False
    try:
        replace_file(record_path(workspace), msgspec.json.encode(record), mode=0o600)
    except OSError:
        return False
    return True


def serving_record(system: System, record: ServerRecord | None) -> ServerRecord | None:
    """Return the record if its process is certainly alive."""
    return record if record and record.server and system.is_alive(record.server) else None


def clear_server(workspace: Workspace, server: Anchor | None) -> None:
    """Remove this process from the record at its end. The port and the key stay, for the next start."""
    record = read_record(workspace)
    if record and server and record.server == server:
        with suppress(OSError):
            write_record(workspace, msgspec.structs.replace(record, server=None))
