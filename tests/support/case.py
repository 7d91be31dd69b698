"""A file system that ignores case, for tests: a facade of `os`, since Linux rarely has one."""

import os
from pathlib import Path


class IgnoresCase:
    """The functions of `os` that name a file, as they are on a file system that ignores case below `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.path = _Path(self)

    def __getattr__(self, name: str) -> object:
        return getattr(os, name)

    def lstat(self, path: str) -> os.stat_result:
        return os.lstat(self.real(path))

    def listdir(self, path: str) -> list[str]:
        return os.listdir(self.real(path))

    def real(self, path: str) -> str:
        """Return the path as the directories list it."""
        known = {str(found).casefold(): str(found) for found in self._root.rglob("*")}
        return known.get(path.casefold(), path)


class _Path:
    """The functions of `os.path`."""

    def __init__(self, files: IgnoresCase) -> None:
        self._files = files

    def __getattr__(self, name: str) -> object:
        return getattr(os.path, name)

    def lexists(self, path: str) -> bool:
        return os.path.lexists(self._files.real(path))
