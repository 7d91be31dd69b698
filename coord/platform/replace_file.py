"""Replacing a file in one step: a reader sees the old bytes or the new ones, never a part. Everything in coord that
replaces a file does it here. Loaded by every hook, so it imports only what takes no time.
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
    """Put `data` where `path` is. The new bytes are first written to a temporary file, whose folder is made if it is
    missing, and through no link that stands in any of these places. Raises OSError; the old file is then as it was.

    The temporary file lies beside `path`, with this process in its name, as others may replace the same file at this
    moment. Or it lies `within` another folder on the same file system, under one name: for what is only replaced under
    the machine's lock, where the next process puts the rest of a killed one out of the way.

    The new file has that `mode`, without what the umask forbids; `prepare` may change what else it has, by its
    descriptor. With `sync` its bytes are on the disk before its name is.
    """
    folder, name = os.path.split(path)
    if within and os.path.islink(within):
        raise OSError(errno.ENOTDIR, f"{os.path.basename(within)} is a symbolic link", within)
    temporary = os.path.join(within, f"{name}.tmp") if within else os.path.join(folder, f".{name}.{os.getpid()}.coord")
    try:
        with open(_created(temporary, mode), "wb") as file:
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


def _created(path: str, mode: int) -> int:
    """The descriptor of a new file, in place of what a killed process has left there."""
    _unlink(path)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | NOFOLLOW | BINARY
    try:
        return os.open(path, flags, mode)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return os.open(path, flags, mode)


def _unlink(path: str) -> None:
    try:  # noqa: SIM105 - `contextlib` takes as long to load as all that is done here
        os.unlink(path)
    except OSError:
        pass
