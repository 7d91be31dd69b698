"""The sockets that the page listens on."""

import errno
import ipaddress
import os
import socket
from contextlib import suppress

from msgspec import Struct

from coord.errors import refused, usage_error
from coord.servers.web.access.rules import LOOPBACK

_ATTEMPTS = 20  # free ports that are tried, if the other address of this machine has no such port free
_LOCAL = ("127.0.0.1", "::1")
_BACKLOG = 128
_TAKEN = (errno.EADDRINUSE, errno.EACCES)


class Listening(Struct, frozen=True):
    """Where to listen: the addresses, of which only the first must work, and the names that a browser may use."""

    addresses: tuple[str, ...]
    names: tuple[str, ...]


def listening_on(host: str, insecure: bool) -> Listening:
    """Return where to listen for the option --host. Raises CoordError (2) for what is not reached or not allowed."""
    name = host.strip("[]").lower()
    address = _address(name)
    if name in ("", "localhost"):
        return Listening(_LOCAL, LOOPBACK)
    if address and address.is_unspecified:
        raise usage_error(
            f"a browser cannot open the address --host {host}. Name the address of this machine that you will open."
        )
    names = (f"[{name}]" if ":" in name else name,)
    if address and address.is_loopback:
        return Listening((name,), (*names, "localhost"))
    if not insecure:
        raise usage_error(
            f"--host {host} lets others on the network reach the page, without encryption: anyone who can "
            "read the traffic can read everything, and act in your name. If you want that: add "
            "--insecure-host. Otherwise use ssh: ssh -L PORT:127.0.0.1:PORT THIS-MACHINE."
        )
    return Listening((name,), names)


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    with suppress(ValueError):
        return ipaddress.ip_address(name)
    return None


def is_loopback(names: tuple[str, ...]) -> bool:
    """Return whether the page is served to this machine only, according to its names."""
    address = _address(names[0].strip("[]"))
    return address is not None and address.is_loopback


def open_sockets(where: Listening, asked: int | None, used_before: int) -> list[socket.socket]:
    """Return the open sockets, all with the same port: the asked one, the one used before if it is free, or another.

    Raises CoordError (1) if that is not possible.
    """
    wanted = [asked] if asked else [*([used_before] if used_before else []), *[0] * _ATTEMPTS]
    for port in wanted:
        try:
            return _open_all(where.addresses, port)
        except OSError as error:
            failure = error
            if failure.errno not in _TAKEN:
                break
    if asked and failure.errno in _TAKEN:
        raise refused(
            f"port {asked} cannot be used: {failure.strerror}. Nothing was started; without --port, coord finds a "
            "free one."
        )
    raise refused(f"the page cannot be served on {where.names[0]}: {failure.strerror}. Nothing was started.")


def _open_all(addresses: tuple[str, ...], port: int) -> list[socket.socket]:
    """Open one port of all addresses. An address after the first that this machine does not have is left out.

    Raises OSError.
    """
    opened: list[socket.socket] = []
    for address in addresses:
        try:
            opened.append(_open(address, port))
        except OSError as error:
            if opened and error.errno not in _TAKEN:
                continue
            for each in opened:
                each.close()
            raise
        port = opened[0].getsockname()[1]
    return opened


def _open(address: str, port: int) -> socket.socket:
    family, kind, protocol, _, place = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
    made = socket.socket(family, kind, protocol)
    try:
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if os.name == "posix":
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(place)
        made.listen(_BACKLOG)
    except OSError:
        made.close()
        raise
    return made
