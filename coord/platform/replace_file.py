"""Replace a file atomically: a reader sees the old bytes or the new ones, never a part of them.

All code in coord that replaces a file uses this module. Every hook loads it, so it imports only modules that load fast.
"""

import errno
import os

from eventlog.local.files import BINARY, NOFOLLOW

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def replace_file(
    path: str,
    data: bytes,
    *,
    within: str = "",
    mode: int = 0o666,
    prepare: "Callable[[int], None] | None" = None,
    sync: bool = False,
) -> None:
    """Write `data` to a temporary file and rename it to `path`. Raises OSError; the old file is then unchanged.

    The temporary file lies beside `path`. Its name has this process's pid, because other processes may replace the same
    file at the same time. With `within`, it lies in that folder on the same file system, under a fixed name. This is
    for files that are replaced only under the lock: the next process removes what a killed process left. The folder is
    created if it is missing. A symbolic link in these places is never followed.

    The new file gets `mode`, limited by the umask. `prepare` gets its descriptor, to change other attributes. With
    `sync` the bytes are on the disk before the file is renamed.
    """
    folder, name = os.path.split(path)
    if within and os.path.islink(within):
        raise OSError(errno.ENOTDIR, f"{os.path.basename(within)} is a symbolic link", within)
    temporary = os.path.join(within, f"{name}.tmp") if within else os.path.join(folder, f".{name}.{os.getpid()}.coord")
    try:
        with open(_create_new(temporary, mode), "wb") as file:
            file.write(data)
            if prepare:
                prepare(file.fileno())
            if sync:
                file.flush()
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError:
        _unlink(temporary)
        raise


def _create_new(path: str, mode: int) -> int:
    """Create a file, after removing one that a killed process may have left, and return its descriptor."""
    _unlink(path)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | NOFOLLOW | BINARY
    try:
        return os.open(path, flags, mode)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return os.open(path, flags, mode)


def _unlink(path: str) -> None:
    try:  # noqa: SIM105 - loading `contextlib` takes as long as replacing the file
        os.unlink(path)
    except OSError:
        pass
