"""The outside: clock, environment, working folder, machine and process table enter here and are passed on.

Tests build a World of their own; nothing else in `coord` asks the system for any of these.
"""

import os
import sys
import time
from collections.abc import Callable, Mapping
from functools import cached_property

from coord.processes import Process, ProcessTable, ancestors, this_machines
from eventlog.events import Instant, from_micros
from eventlog.system import blake2b
from projections.liveness import Here, gone
from projections.state import Session


class World:
    """What a command knows of the outside. Everything that costs a system call is asked once, when needed."""

    def __init__(
        self,
        env: Mapping[str, str],
        cwd: str,
        wall: Callable[[], Instant],
        pid: int,
        here: Callable[[], Here] | None = None,
        processes: Callable[[], ProcessTable] = this_machines,
    ) -> None:
        self.env, self.cwd, self.wall, self.pid = env, cwd, wall, pid
        self._here, self._processes = here or this_machine, processes

    @cached_property
    def here(self) -> Here:
        """The machine, its boot and the pid namespace."""
        return self._here()

    @cached_property
    def processes(self) -> ProcessTable:
        """The process table."""
        return self._processes()

    @property
    def chain(self) -> list[Process]:
        """This process and its ancestors, nearest first, as they are now: one who waits may outlive them."""
        own = self.processes.process(self.pid)
        return [own, *ancestors(self.processes, self.pid)] if own else []

    def gone(self, session: Session) -> str:
        """The evidence that a session's anchor is gone; empty if it is there, or nobody can know."""
        return gone(session.anchor, self.here, self.processes.look)


def real_world() -> World:
    """The world as it is. A folder that was removed under us is an empty `cwd`."""
    try:
        cwd = os.getcwd()
    except OSError:
        cwd = ""
    return World(os.environ, cwd, wall_clock, os.getpid())


def wall_clock() -> Instant:
    """This machine's clock."""
    return from_micros(time.time_ns() // 1000)


def this_machine() -> Here:
    """Where we run. The machine's id is hashed, because systems ask to keep the original confidential, and with the
    host's name on Linux, because images are copied with their id inside. Where the system has no id, this boot of it
    is all that is known: after another boot it is another machine, about which nothing is known.

    A time namespace with a clock of its own shifts when processes seem to have started, so it counts as a pid namespace
    does: what is seen from the one tells nothing about an anchor in the other.
    """
    if sys.platform == "linux":
        boot, namespace = _read("/proc/sys/kernel/random/boot_id"), ""
        raw = _machine_id("/etc/machine-id") or _machine_id("/var/lib/dbus/machine-id") or boot
        secret = f"{raw}\n{os.uname().nodename}"
        try:
            namespace = os.readlink("/proc/self/ns/pid")
            if set(_read("/proc/self/timens_offsets").split()) - {"monotonic", "boottime", "0"}:
                namespace += " " + os.readlink("/proc/self/ns/time")
        except OSError:
            boot = ""  # without the namespace a pid means nothing
    elif sys.platform == "darwin":  # pragma: no cover
        boot, namespace = _sysctl("kern.bootsessionuuid"), ""
        secret = _sysctl("kern.uuid") or boot
    else:  # pragma: no cover - untested
        import platform

        secret, boot, namespace = platform.node(), "", ""
    return Here(blake2b(secret.encode(), digest_size=8, key=b"coord").hexdigest(), boot, namespace)


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read(200).strip()
    except OSError:
        return ""


def _machine_id(path: str) -> str:
    """The id in a file, which an image can carry before its first boot: then it is a word, and everyone's."""
    text = _read(path)
    return "" if text == "uninitialized" else text


def _sysctl(name: str) -> str:  # pragma: no cover - macOS
    import ctypes

    library = ctypes.CDLL(None)
    size = ctypes.c_size_t(200)
    value = ctypes.create_string_buffer(size.value)
    if library.sysctlbyname(name.encode(), value, ctypes.byref(size), None, 0):
        return ""
    return value.value.decode()
