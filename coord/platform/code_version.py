"""The version of the code that folds the log. Files that another version derived from the log are rebuilt."""

import os

import coord
import eventlog
import projections
from eventlog.digest import blake2b

_PARTS = (
    (eventlog, ("", "local")),
    (projections, ("rules", "rules/claim_events", "postings", "views")),
    (coord, ("engine", "engine/cache")),
)
"""The packages and their folders with code that decides what is saved. They are listed, not imported: the guard loads
none of them."""

_LOADED: list[str] = []


def code_version() -> str:
    """Return the version of the fold that this process has loaded.

    It is read once: a long-running process, such as a server, keeps its code when another version is installed.
    """
    if not _LOADED:
        _LOADED.append(files_version())
    return _LOADED[0]


def files_version(folders: "list[str] | None" = None) -> str:
    """Return a hash of the names, sizes and times of the files with code in these folders. By default, they are those
    with the code of the fold and of what is saved of it.
    """
    parts: list[str] = []
    for folder in folders or code_folders():
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.name.endswith(".py"):
                    status = entry.stat()
                    parts.append(f"{entry.name}:{status.st_size}:{status.st_mtime_ns}")
    return blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()


def code_folders() -> list[str]:
    """Return the folders that contain this code."""
    return [os.path.join(path, name) for package, names in _PARTS for path in package.__path__ for name in names]
