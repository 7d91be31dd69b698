"""The protocol of the link's socket: one line of JSON as the request, one line of JSON as the answer.

`state` answers from memory. `catch_up` and `sync` reach the remote. `agree` publishes a draft on its condition: the
caller holds the machine's lock, so answering it must not need that lock. `stop` ends the link.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import msgspec
from msgspec import Struct

from eventlog.local.files import NOFOLLOW

SOCKET, LOCK = "link.sock", "link.lock"  # in the cache
MAX_REQUEST = 4 << 20  # bytes; a draft is some kilobytes, and base64 makes it a third longer
MAX_ANSWER = 1 << 20  # bytes
MAX_SOCKET_PATH = 100  # bytes; the limit is 108 on Linux and 104 on macOS, with the zero at the end
Operation = Literal["state", "catch_up", "agree", "sync", "stop"]
ErrorKind = Literal["", "away", "refused", "unknown", "failed", "request"]


class Request(Struct, frozen=True, omit_defaults=True):
    """What a command asks the link for."""

    op: Operation
    draft: msgspec.Raw = msgspec.Raw(b"null")  # of `agree`
    compact: bool = False  # of `sync`: whether to shorten the history of a git remote too
    limit_s: float = 0  # how long the caller waits for the answer; 0 if that is not known


class Answer(Struct, frozen=True, omit_defaults=True):
    """What the link answers. With an `error`, `message` has one line for the user."""

    error: ErrorKind = ""
    message: str = ""
    cursor: str = ""  # up to which the remote is in the log
    behind: bool = False  # whether nothing was published, because something else was published after the cursor
    agrees: bool = False  # whether the remote can publish on a condition
    clock_lead_s: float = 0  # how far this machine's clock is ahead of the remote's
    remote: str = ""  # its name
    pid: int = 0  # of the link
    since: str = ""  # when the link started
    exchanged: dict[str, Any] = {}  # of `sync`: what came in and what was published


@contextmanager
def socket_address(cache: str) -> Iterator[str]:
    """Yield an address of the link's socket that is short enough for the system, for as long as it is used.

    A long path is named by a descriptor of its folder on Linux. Elsewhere the working directory changes meanwhile, so
    no other thread may be using relative paths. Raises OSError.
    """
    path = os.path.join(cache, SOCKET)
    if len(os.fsencode(path)) <= MAX_SOCKET_PATH:
        yield path
        return
    fd = os.open(cache, os.O_RDONLY | os.O_DIRECTORY | NOFOLLOW)
    try:
        if os.path.isdir(f"/proc/self/fd/{fd}"):
            yield f"/proc/self/fd/{fd}/{SOCKET}"
            return
        before = os.open(".", os.O_RDONLY)
        try:
            os.fchdir(fd)
            yield SOCKET
        finally:
            os.fchdir(before)
            os.close(before)
    finally:
        os.close(fd)
