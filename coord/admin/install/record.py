"""`~/.local/state/coord/installed.json`: what coord remembers of the files that it changed. It is gone when nothing is
installed any more. One that cannot be understood is as good as none.
"""

import os
from collections.abc import Mapping
from contextlib import suppress

import msgspec

from coord.admin.install.request import FileRecord
from coord.platform.replace_file import replace_file
from eventlog.local.files import read_regular

_MOST_BYTES = 1 << 24


class InstallRecord:
    """What is remembered, by file; of the record itself too, in which folders it had to be put."""

    def __init__(self, path: str, files: dict[str, FileRecord]) -> None:
        self.path, self.files = path, files

    @property
    def bases(self) -> list[str]:
        """The folders for which something was installed."""
        return sorted({base for memory in self.files.values() for _, base in memory.uses})

    @property
    def plugins(self) -> list[str]:
        """The folders of plugins."""
        ends = os.sep + os.path.join(".claude-plugin", "plugin.json")
        return [path.removesuffix(ends) for path, memory in self.files.items() if memory.uses and path.endswith(ends)]

    def forget_gone(self) -> None:
        """Remember nothing of files that are not there any more."""
        self.files = {path: memory for path, memory in self.files.items() if os.path.lexists(path)}

    def forget_all_but(self, kept: set[tuple[str, str]]) -> None:
        """Remember only what these targets did for these folders."""
        for memory in self.files.values():
            memory.uses = [use for use in memory.uses if use in kept]

    def folders_for(self, path: str) -> list[str]:
        """The folders that must be made for a file, or were made for another one: the innermost first."""
        made = {folder for memory in self.files.values() for folder in memory.folders}
        ours = [folder for folder in made if path.startswith(folder + os.sep)]
        return sorted({*missing_folders(path), *ours}, key=len, reverse=True)

    def save(self) -> None:
        """Write it, or remove it where nothing is left to remember. Raises OSError, or ValueError for a path that is no
        valid text.
        """
        if not self.path:
            return
        own = self.files.pop(self.path, None) or FileRecord(folders=missing_folders(self.path))
        used = {path: memory for path, memory in self.files.items() if memory.uses}
        if not used:
            with suppress(OSError):
                os.unlink(self.path)
            remove_folders(own.folders)
            return
        self.files[self.path] = own
        data = msgspec.json.format(msgspec.json.encode(used | {self.path: own}), indent=2) + b"\n"
        replace_file(self.path, data)


def missing_folders(path: str) -> list[str]:
    """The folders that must be made for a file, the innermost first."""
    found, folder = [], os.path.dirname(path)
    while not os.path.isdir(folder) and folder != os.path.dirname(folder):
        found.append(folder)
        folder = os.path.dirname(folder)
    return found


def remove_folders(folders: list[str]) -> None:
    """Remove those of these folders that are empty, in this order."""
    for folder in folders:
        with suppress(OSError):
            os.rmdir(folder)


def read_record(env: Mapping[str, str]) -> InstallRecord:
    """The record of a user. Where there is no home, nothing is remembered."""
    home = env.get("HOME", "")
    state = env.get("XDG_STATE_HOME", "") or (os.path.join(home, ".local", "state") if home else "")
    path = os.path.join(state, "coord", "installed.json") if state else ""
    try:
        return InstallRecord(path, msgspec.json.decode(read_regular(path, _MOST_BYTES), type=dict[str, FileRecord]))
    except (OSError, ValueError, RecursionError, msgspec.MsgspecError):
        return InstallRecord(path, {})
