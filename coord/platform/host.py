"""This machine, its boot, and when a process started: read from the system as it stands there.

The guard asks when a holder's process started at every write, and compares that with an anchor in the log, which
`coord.platform.processes` recorded: both have the number from here. Linux tells it in /proc; elsewhere psutil is
asked, and only
then loaded. Elsewhere means macOS, where none of this was run; its code was run on Linux.
"""

import os
import sys

from eventlog.digest import blake2b

TYPE_CHECKING = False
if TYPE_CHECKING:
    from psutil import Process

START_TICKS = 19  # which field of `read_stat`: clock ticks from the boot to the start of the process
ON_LINUX = sys.platform == "linux"


def host_identity() -> tuple[str, str, str]:
    """Where we run: the machine, its boot and the pid namespace. The machine's id is hashed, because systems ask to
    keep the original confidential, and with the host's name on Linux, because images are copied with their id inside.
    Where the system has no id, this boot of it is all that is known: after another boot it is another machine, about
    which nothing is known.

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
    return blake2b(secret.encode(), digest_size=8, key=b"coord").hexdigest(), boot, namespace


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
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


def read_stat(pid: int) -> tuple[bytes, list[bytes]]:
    """Linux: the name of a process, and the fields of `/proc/PID/stat` after it. Raises OSError if there is none."""
    with open(f"/proc/{pid}/stat", "rb") as file:
        text = file.read()
    begin, end = text.find(b"(") + 1, text.rfind(b")")  # the name may hold spaces and parentheses
    return text[begin:end], text[end + 2 :].split()


def state_of(fields: list[bytes]) -> str:
    """The letter of a process's state; one whose first thread has ended while others go on is no zombie."""
    state = fields[0].decode()
    return "S" if state == "Z" and int(fields[17]) > 1 else state


def start_ticks(pid: int) -> int:
    """The start ticks of a process; 0 if there is none that lives, or none that can be looked at."""
    return (start_ticks_in_proc if ON_LINUX else start_ticks_by_psutil)(pid)


def start_ticks_in_proc(pid: int) -> int:
    """Linux: clock ticks since the boot."""
    try:
        fields = read_stat(pid)[1]
        return 0 if state_of(fields) in "ZX" else int(fields[START_TICKS])
    except (OSError, ValueError, IndexError):
        return 0


def start_ticks_by_psutil(pid: int) -> int:
    """Elsewhere: microseconds, as `psutil_ticks` has them."""
    try:
        import psutil
    except ImportError:
        return 0
    try:
        process = psutil.Process(pid)
        return 0 if process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD) else psutil_ticks(process)
    except (psutil.Error, OSError, ValueError):
        return 0


def psutil_ticks(process: "Process") -> int:
    """When a process started, in microseconds, as the kernel wrote it down. What `create_time` gives since psutil 7.1
    is corrected when the clock is set, so a process that lives on would seem to be another one; psutil itself tells
    processes apart by the time without the correction, as here.
    """
    try:
        seconds: float = vars(process)["_proc"].create_time(monotonic=True)
    except (AttributeError, KeyError, TypeError):  # a psutil that corrects nothing
        seconds = process.create_time()
    return round(seconds * 1_000_000)
