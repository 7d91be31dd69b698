"""What coord remembers about the files that it changed: `~/.local/state/coord/installed.json`.

Most of what an uninstall needs is read from the changed files themselves: coord's entries are recognised by their
commands, and a container or file that is empty without them is removed. The record holds what cannot be read there:
which containers were empty before coord filled them, and in which folders something is installed. If the record is
lost, an uninstall also removes some empty containers that were there before.

The record is deleted when nothing is installed any more. A record that cannot be read is treated as empty.
"""

import os
from collections.abc import Mapping
from contextlib import suppress

import msgspec
from msgspec import Struct

from coord.platform.replace_file import replace_file
from eventlog.local.files import read_regular

_MAX_BYTES = 1 << 24


class FileRecord(Struct, omit_defaults=True):
    """What is remembered about one file. The field names are the keys in `installed.json`."""

    uses: list[tuple[str, str]] = []  # which target wrote to it, for which folder
    empty: dict[str, str] = {}  # containers that were empty before: their text, by JSON pointer
    blank: str | None = None  # the file's text before, if it was only white space
    had: list[str] = []  # permission rules that were there before
    folders: list[str] = []  # folders that were created for it


class InstallRecord:
    """The records of all files by path, and of the record file itself, whose folders may have been created too."""

    def __init__(self, path: str, files: dict[str, FileRecord]) -> None:
        self.path, self.files = path, files

    @property
    def bases(self) -> list[str]:
        """The folders for which something is installed."""
        return sorted({base for record in self.files.values() for _, base in record.uses})

    @property
    def plugins(self) -> list[str]:
        """The folders that contain a plugin."""
        manifest = os.sep + os.path.join(".claude-plugin", "plugin.json")
        paths = [path for path, record in self.files.items() if record.uses and path.endswith(manifest)]
        return [path.removesuffix(manifest) for path in paths]

    def forget_gone(self) -> None:
        """Forget the files that do not exist any more."""
        self.files = {path: record for path, record in self.files.items() if os.path.lexists(path)}

    def forget_all_but(self, kept: set[tuple[str, str]]) -> None:
        """Forget every use except those of these (target, folder) pairs."""
        for record in self.files.values():
            record.uses = [use for use in record.uses if use in kept]

    def folders_for(self, path: str) -> list[str]:
        """Return the folders above a file that must be created, or that coord created for another file, innermost
        first.
        """
        created = {folder for record in self.files.values() for folder in record.folders}
        ours = [folder for folder in created if path.startswith(folder + os.sep)]
        return sorted({*missing_folders(path), *ours}, key=len, reverse=True)

    def save(self) -> None:
        """Write the record, or delete it if there is nothing to remember.

        Raises OSError, or ValueError for a path that is not valid UTF-8.
        """
        if not self.path:
            return
        own = self.files.pop(self.path, None) or FileRecord(folders=missing_folders(self.path))
        used = {path: record for path, record in self.files.items() if record.uses}
        if not used:
            with suppress(OSError):
                os.unlink(self.path)
            remove_folders(own.folders)
            return
        self.files[self.path] = own
        data = msgspec.json.format(msgspec.json.encode(used | {self.path: own}), indent=2) + b"\n"
        replace_file(self.path, data)


def missing_folders(path: str) -> list[str]:
    """Return the folders above a file that do not exist, innermost first."""
    missing, folder = [], os.path.dirname(path)
    while not os.path.isdir(folder) and folder != os.path.dirname(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    return missing


def remove_folders(folders: list[str]) -> None:
    """Remove those of these folders that are empty, in this order."""
    for folder in folders:
        with suppress(OSError):
            os.rmdir(folder)


def read_record(env: Mapping[str, str]) -> InstallRecord:
    """Read the record of the user. Without a home folder the record is empty and is not saved."""
    home = env.get("HOME", "")
    state = env.get("XDG_STATE_HOME", "") or (os.path.join(home, ".local", "state") if home else "")
    path = os.path.join(state, "coord", "installed.json") if state else ""
    try:
        return InstallRecord(path, msgspec.json.decode(read_regular(path, _MAX_BYTES), type=dict[str, FileRecord]))
    except (OSError, ValueError, RecursionError, msgspec.MsgspecError):
        return InstallRecord(path, {})
