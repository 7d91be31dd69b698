"""What the last exchange found: `remote.json` in the cache, for `status`, `doctor` and the page."""

import os
from contextlib import suppress

import msgspec
from msgspec import Struct

from coord.platform.replace_file import replace_file
from coord.workspace.paths import Workspace
from eventlog.digest import blake2b
from eventlog.events import Instant
from eventlog.local.files import read_regular

STATUS = "remote.json"
MAX_PROBLEMS = 20
_MAX_BYTES = 64 << 20
_DIGEST = b',"digest":"'


class Finding(Struct, frozen=True):
    """Something that the exchange did not accept, or had to mend."""

    at: Instant
    session: str
    text: str


class News(Struct, frozen=True):
    """The newest event of another machine, and when it was received."""

    newest_at: Instant
    received_at: Instant


class RemoteStatus(Struct):
    """What is known of the remote. `sizes` are the bytes of each journal there, negative if it is archived there."""

    remote: str = ""
    cursor: str = ""
    reachable: bool = True
    problem: str = ""  # why it cannot be reached
    since: Instant = ""  # when `reachable` changed last
    checked_at: Instant = ""
    queued_events: int = 0
    queued_since: Instant = ""
    clock_lead_s: float = 0.0
    clock_known_at: Instant = ""  # when the remote last told its time
    agrees: bool = True
    found: list[Finding] = []
    machines: dict[str, News] = {}
    sizes: dict[str, int] = {}


def read_status(workspace: Workspace) -> RemoteStatus:
    """Return what the last exchange found; an empty status if it is missing or damaged."""
    try:
        data = read_regular(os.path.join(workspace.cache, STATUS), _MAX_BYTES)
        content = data.rpartition(_DIGEST)[0] + b"}"
        if data != _with_digest(content):  # wrong sizes would keep events here for ever
            return RemoteStatus()
        return msgspec.json.decode(content, type=RemoteStatus)
    except (OSError, ValueError, RecursionError, msgspec.MsgspecError):
        return RemoteStatus()


def _with_digest(content: bytes) -> bytes:
    """Return a JSON object with a digest of the rest as its last field."""
    return content[:-1] + _DIGEST + blake2b(content, digest_size=16).hexdigest().encode() + b'"}'


def write_status(workspace: Workspace, status: RemoteStatus) -> None:
    """Replace the status. A failure is ignored: the file can be made again."""
    with suppress(OSError):
        replace_file(
            os.path.join(workspace.cache, STATUS), _with_digest(msgspec.json.encode(status)), within=workspace.cache
        )
