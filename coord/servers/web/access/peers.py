"""Refuse connections of other users of this machine, on Linux, even if they have the key or the cookie.

Other users can see the key where a browser is started with the address on its command line. And a browser sends the
cookie to every server on this machine that its user visits, because cookies are not separated by port. The kernel's
table of connections lists both ends of a connection within this machine, each with its user.

A client that is not in the table is on another machine, or in a container: then only the cookie is checked. A client
that has closed the connection meanwhile is not in the table either; then this end is not established any more.
"""

import socket
import sys
from collections.abc import Mapping

from coord.platform.host import user_id

_ESTABLISHED = b"01"
_LOCAL, _REMOTE, _STATE, _USER = 1, 2, 3, 7  # columns of the table
Address = tuple[str, int]


def allowed_users(env: Mapping[str, str]) -> frozenset[int]:
    """Return the users whose connections are answered: this one, root, and the one who became root with sudo."""
    sudo = env.get("SUDO_UID", "")
    return frozenset({user_id(), 0} | ({int(sudo)} if user_id() == 0 and sudo.isascii() and sudo.isdigit() else set()))


def foreign_user(client: Address, server: Address, allowed: frozenset[int]) -> bool:
    """Return whether a connection was made by another user of this machine, or its client has closed it already."""
    if not sys.platform.startswith("linux"):
        return False
    table = "/proc/net/tcp6" if ":" in client[0] else "/proc/net/tcp"
    try:
        here, there = _encoded(server), _encoded(client)
        if user := _find(table, there, here):
            return int(user) not in allowed
        return not _find(table, here, there)
    except (OSError, ValueError, IndexError):
        return False  # there is no such table, or an address that is not in it, such as one with a zone


def _find(table: str, local: bytes, remote: bytes) -> bytes:
    """Return the user of the end of an established connection; empty if there is none. Raises OSError."""
    with open(table, "rb") as file:
        for line in file:
            if local in line and remote in line:
                fields = line.split()
                if fields[_LOCAL : _STATE + 1] == [local, remote, _ESTABLISHED]:
                    return fields[_USER]
    return b""


def _encoded(address: Address) -> bytes:
    """Return an end of a connection as the table has it: words of 32 bits in the byte order of the machine."""
    name, port = address
    packed = socket.inet_pton(socket.AF_INET6 if ":" in name else socket.AF_INET, name)
    words = [int.from_bytes(packed[at : at + 4], sys.byteorder) for at in range(0, len(packed), 4)]
    return ("".join(f"{word:08X}" for word in words) + f":{port:04X}").encode()
