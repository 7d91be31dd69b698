"""Which code folds the log: what is derived from the log by other code is made anew."""

import os

import eventlog.local
import projections.rules
from eventlog.digest import blake2b

_OURS: list[str] = []


def code_version() -> str:
    """What the fold's code is in this process, as it was first asked for: one that goes on for long (a server, a wait)
    folds with the code that it has loaded, whatever was installed since.
    """
    if not _OURS:
        _OURS.append(files_version())
    return _OURS[0]


def files_version() -> str:
    """What the fold's code is, by the sizes and times of its files: another fold may give another state."""
    parts: list[str] = []
    for folder in (*projections.rules.__path__, *eventlog.__path__, *eventlog.local.__path__):
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.name.endswith(".py"):
                    status = entry.stat()
                    parts.append(f"{entry.name}:{status.st_size}:{status.st_mtime_ns}")
    return blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()
