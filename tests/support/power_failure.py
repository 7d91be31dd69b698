"""A simulated disk that keeps only what was synced: the content of a folder after a power failure at this point.

It loses as much as a file system may lose. A file has the bytes of its last sync, and a folder has the names of its
last sync, so a file that was created, moved or replaced since then is missing, or is still the old one. Everything that
existed when recording started is safe.
"""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest


class Disk:
    """Records the syncs below a folder, by replacing `os.fsync` and `os.fdatasync`."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.syncs: list[str] = []  # the paths that were synced, in order
        self._bytes: dict[int, bytes] = {}  # the synced content of each file, by inode
        self._names: dict[int, dict[str, int]] = {}  # the synced names in each folder, and their inodes
        self._held: list[int] = []  # open files, so that no inode is reused
        for path in (root, *root.rglob("*")):
            if path.is_dir() or path.is_file():
                fd = os.open(path, os.O_RDONLY)
                self._keep(fd)
                os.close(fd)
        for name in ("fsync", "fdatasync"):
            patch.setattr(os, name, self._standing_in(getattr(os, name)))

    def _standing_in(self, real: Callable[[int], None]) -> Callable[[int], None]:
        def sync(fd: int) -> None:
            real(fd)
            self._keep(fd)
            self.syncs.append(os.path.relpath(os.readlink(f"/proc/self/fd/{fd}"), self.root))

        return sync

    def _keep(self, fd: int) -> None:
        status = os.fstat(fd)
        self._held.append(os.dup(fd))
        if stat.S_ISDIR(status.st_mode):
            with os.scandir(fd) as entries:
                self._names[status.st_ino] = {entry.name: entry.inode() for entry in entries}
        elif stat.S_ISREG(status.st_mode):
            reading = os.open(f"/proc/self/fd/{fd}", os.O_RDONLY)
            self._bytes[status.st_ino] = os.pread(reading, status.st_size, 0)
            os.close(reading)

    def close(self) -> None:
        """Close the files that are held open."""
        while self._held:
            os.close(self._held.pop())

    def survivors(self) -> dict[str, bytes]:
        """The files that exist after the power failure, with their content."""
        found: dict[str, bytes] = {}

        def walk(inode: int, path: str) -> None:
            for name, at in self._names[inode].items():
                if at in self._names:
                    walk(at, f"{path}{name}/")
                else:
                    found[path + name] = self._bytes.get(at, b"")

        walk(self.root.stat().st_ino, "")
        return found

    def losses(self) -> list[str]:
        """The journals whose readable content now is more than what would survive."""
        kept = self.survivors()
        found = {str(path.relative_to(self.root)): path.read_bytes() for path in self.root.glob("**/log/**/*.jsonl")}
        return [name for name, data in found.items() if not kept.get(name, b"").startswith(data)]
