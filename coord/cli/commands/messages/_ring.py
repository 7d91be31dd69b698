"""How the sender of a message can wake an idle recipient, with a message of their client.

The message itself is in the log; the client's own message only wakes the agent. Then the hook for its prompt shows the
agent what is unread. Only an agent of the same client can do this, and only if a file of the client has the name of the
recipient.
"""

import os
from collections.abc import Iterable

import msgspec

from coord.clients.client import Client
from coord.clients.registry import CLIENTS
from coord.engine.run import Run
from coord.errors import CoordError
from coord.guard import hook_state
from eventlog.events import EventId
from eventlog.local.files import NOFOLLOW, read_regular, try_lock
from projections.rules.state import Session

_MOST_BYTES = 1 << 16  # of a client's file about a process
_NAME_CHARS = 80


class Ring(msgspec.Struct, frozen=True):
    """A recipient that can be woken, and how."""

    session: str
    how: str


class _Peer(msgspec.Struct, frozen=True, rename="camel"):
    """The fields that are used of a client's file about one of its processes."""

    session_id: str = ""
    name: str = ""


def rings_of(run: Run, idle: Iterable[Session], message: EventId) -> list[Ring]:
    """Return those of these idle sessions of the sender's client that the sender can wake, and that no hook wakes."""
    rings = []
    for session in idle:
        client = next((client for client in CLIENTS if client.ring and client.name == session.client), None)
        if client is None or _is_woken_by_hook(run, session.id):
            continue
        if peer := _peer_name(run, client, session):
            rings.append(Ring(session.id, client.ring.format(name=peer, message=message)))
    return rings


def _is_woken_by_hook(run: Run, session: str) -> bool:
    """Return whether a background hook waits for what the session has to read: see `coord.hooks.wake`."""
    try:
        fd = os.open(os.path.join(hook_state.folder_of(run.workspace.cache, session), "waker"), os.O_RDWR | NOFOLLOW)
    except OSError:
        return False
    try:
        return not try_lock(fd)
    finally:
        os.close(fd)


def _peer_name(run: Run, client: Client, session: Session) -> str:
    """Return the name by which the client's other sessions reach a session; empty if it is not known, if its process is
    not on this machine, or if that process has another conversation now.
    """
    here, anchor = run.system.here, session.anchor
    if anchor is None or (anchor.machine, anchor.boot, anchor.pid_namespace) != (
        here.machine,
        here.boot,
        here.pid_namespace,
    ):
        return ""
    from coord.admin.install.request import expand_path  # few messages have such a recipient

    try:
        path = expand_path(client.peers.format(pid=anchor.pid), run.system.env, client)
        peer = msgspec.json.decode(read_regular(path, _MOST_BYTES), type=_Peer)
    except (CoordError, OSError, ValueError):
        return ""
    is_plain = len(peer.name) <= _NAME_CHARS and peer.name.isprintable() and not set(peer.name) & set("\"'`\\")
    return peer.name if is_plain and peer.session_id == session.client_session else ""
