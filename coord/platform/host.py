"""Identify this machine and its boot, and find out when a process started.

Before every write, the guard compares the start time of a holder's process with the anchor in the log.
`coord.platform.processes` uses the same functions for the anchor. On Linux they read /proc; on other systems they use
psutil. That means macOS, where this code has not been tested; the psutil functions were tested on Linux.
"""

import os
import sys

from eventlog.digest import blake2b

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from psutil import Process

START_TICKS = 19  # the field of `read_stat` with the clock ticks from the boot to the start of the process
_MOST_ARGUMENTS, _MOST_CHARACTERS = 8, 300  # of the arguments of a process, and of each
_MOST_STAT = 1 << 12  # bytes; longer than any `/proc/PID/stat`
ON_LINUX = sys.platform == "linux"


def host_identity() -> tuple[str, str, str]:
    """Return the machine's id, its boot and the pid namespace.

    The machine's id is hashed, because systems ask programs to keep the original confidential. On Linux the host's name
    is hashed too, because copies of a disk image have the same id. If the system has no id, the boot is used instead:
    after the next boot it counts as another machine.

    A time namespace with its own clock shifts the start times of processes. It is therefore added to the pid namespace:
    an anchor in one time namespace cannot be checked from another.
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
            boot = ""  # a pid is ambiguous without its namespace
    elif sys.platform == "darwin":  # pragma: no cover
        boot, namespace = _sysctl("kern.bootsessionuuid"), ""
        secret = _sysctl("kern.uuid") or boot
    else:  # pragma: no cover - untested
        import platform

        secret, boot, namespace = platform.node(), "", ""
    return blake2b(secret.encode(), digest_size=8, key=b"coord").hexdigest(), boot, namespace


def host_name() -> str:
    """Return the name of this machine, without control characters."""
    name = os.uname().nodename if hasattr(os, "uname") else ""
    return "".join(filter(str.isprintable, name))


def user_id() -> int:
    """Return the id of the user as whom this process runs. On Windows it is 0, as is the owner of each file there."""
    return os.geteuid() if hasattr(os, "geteuid") else 0


def owner_of(path: str) -> int:
    """Return the id of the user who owns a file, a folder or a link; -1 if there is none or it is unreadable."""
    try:
        return os.lstat(path).st_uid
    except OSError:
        return -1


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(200).strip()
    except OSError:
        return ""


def _machine_id(path: str) -> str:
    """Return the machine id in a file; empty if it contains the word `uninitialized`, as before the first boot."""
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


def read_stat(pid: int) -> tuple[bytes, list[bytes]]:
    """Linux: return the name of a process, and the fields after it in `/proc/PID/stat`, up to its start. Raises
    OSError.
    """
    fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY)  # every command reads one for each session: a file object is slow
    try:
        text = os.read(fd, _MOST_STAT)
    finally:
        os.close(fd)
    begin, end = text.find(b"(") + 1, text.rfind(b")")  # the name may hold spaces and parentheses
    return text[begin:end], text[end + 2 :].split(None, START_TICKS + 1)


def state_of(fields: list[bytes]) -> str:
    """Return the letter of a process's state. A process is not a zombie while any of its threads runs."""
    state = fields[0].decode()
    return "S" if state == "Z" and int(fields[17]) > 1 else state


def start_ticks(pid: int) -> int:
    """Return the start ticks of a process; 0 if it is not alive or cannot be read."""
    return (start_ticks_in_proc if ON_LINUX else start_ticks_by_psutil)(pid)


def start_ticks_in_proc(pid: int) -> int:
    """Linux: return the start of a process in clock ticks since the boot; 0 as `start_ticks` does."""
    try:
        fields = read_stat(pid)[1]
        return 0 if state_of(fields) in "ZX" else int(fields[START_TICKS])
    except (OSError, ValueError, IndexError):
        return 0


def start_ticks_by_psutil(pid: int) -> int:
    """Elsewhere: return the start of a process in microseconds, as `psutil_ticks` does; 0 as `start_ticks` does."""
    try:
        import psutil
    except ImportError:
        return 0
    try:
        process = psutil.Process(pid)
        return 0 if process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD) else psutil_ticks(process)
    except (psutil.Error, OSError, ValueError):
        return 0


def pids_above() -> "Iterator[int]":
    """Yield the pids of the processes above this one, the nearest first, as far as they can be read."""
    pid = os.getppid()
    while pid > 0:
        yield pid
        pid = (_parent_in_proc if ON_LINUX else _parent_by_psutil)(pid)


def _parent_in_proc(pid: int) -> int:
    try:
        return int(read_stat(pid)[1][1])
    except (OSError, ValueError, IndexError):
        return 0


def _parent_by_psutil(pid: int) -> int:
    try:
        import psutil
    except ImportError:
        return 0
    try:
        return int(psutil.Process(pid).ppid())
    except (psutil.Error, OSError, ValueError):
        return 0


def first_arguments(pid: int) -> list[str]:
    """Return the first arguments of a process, beginning with its program; empty if they cannot be read."""
    return (arguments_in_proc if ON_LINUX else arguments_by_psutil)(pid)


def arguments_in_proc(pid: int) -> list[str]:
    """Linux: return the first arguments of a process; empty as `first_arguments` does."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().split(b"\0")[:-1]
    except OSError:
        return []
    return [word.decode(errors="replace")[:_MOST_CHARACTERS] for word in words[:_MOST_ARGUMENTS]]


def arguments_by_psutil(pid: int) -> list[str]:
    """Elsewhere: return the first arguments of a process; empty as `first_arguments` does."""
    try:
        import psutil
    except ImportError:
        return []
    try:
        return [word[:_MOST_CHARACTERS] for word in psutil.Process(pid).cmdline()[:_MOST_ARGUMENTS]]
    except (psutil.Error, OSError, ValueError):
        return []


def psutil_ticks(process: "Process") -> int:
    """Return when a process started, in microseconds, as the kernel recorded it.

    Since psutil 7.1, `create_time` changes when the clock is set, so the same process would seem to be another one.
    psutil itself compares processes by the time without that correction, which is used here.
    """
    try:
        seconds: float = vars(process)["_proc"].create_time(monotonic=True)
    except (AttributeError, KeyError, TypeError):  # an older psutil, without the correction
        seconds = process.create_time()
    return round(seconds * 1_000_000)
