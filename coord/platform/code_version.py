"""The version of the code that folds the log. Files that another version derived from the log are rebuilt."""

import os

import eventlog.local
import projections.rules
from eventlog.digest import blake2b

_LOADED: list[str] = []


def code_version() -> str:
    """Return the version of the fold that this process has loaded.

    It is read once: a long-running process, such as a server, keeps its code when another version is installed.
    """
    if not _LOADED:
        _LOADED.append(files_version())
    return _LOADED[0]


def files_version() -> str:
    """Return a hash of the names, sizes and times of the files that contain the code of the fold."""
    parts: list[str] = []
    for folder in (*projections.rules.__path__, *eventlog.__path__, *eventlog.local.__path__):
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.name.endswith(".py"):
                    status = entry.stat()
                    parts.append(f"{entry.name}:{status.st_size}:{status.st_mtime_ns}")
    return blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()
