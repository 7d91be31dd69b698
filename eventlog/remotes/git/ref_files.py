"""Read the commit of a ref from the files of a repository on this machine, without running git."""

import os
import re
from urllib.parse import unquote

from eventlog.events import Instant, from_micros

COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


class RefFiles:
    """The files of one ref. `url` is what git pushes to; if it is not a path of this machine, nothing is known."""

    def __init__(self, url: str, ref: str) -> None:
        self._folder, self._ref = _git_dir(url), ref

    def tip(self) -> str | None:
        """Return the ref's commit, empty if the repository does not have the ref; None if that is not known."""
        if self._folder is None or os.path.isdir(os.path.join(self._folder, "reftable")):
            return None
        try:
            with open(os.path.join(self._folder, self._ref), encoding="ascii") as file:
                tip = file.read(100).strip()
        except FileNotFoundError:
            return self._packed_tip(self._folder)
        except (OSError, ValueError):
            return None
        return tip if COMMIT.fullmatch(tip) else None

    def _packed_tip(self, folder: str) -> str | None:
        try:
            with open(os.path.join(folder, "packed-refs"), encoding="utf-8", errors="replace") as file:
                return next((line.split()[0] for line in file if line.rstrip().endswith(f" {self._ref}")), "")
        except FileNotFoundError:
            return "" if os.path.isdir(os.path.join(folder, "objects")) else None
        except OSError:
            return None

    def written_at(self) -> Instant:
        """Return when the repository's machine wrote the ref; empty if that is not known."""
        try:
            return from_micros(os.stat(os.path.join(self._folder or "", self._ref)).st_mtime_ns // 1000)
        except OSError:
            return ""


def _git_dir(url: str) -> str | None:
    path = unquote(url.removeprefix("file://")) if url.startswith("file://") else url
    if not os.path.isabs(path):
        return None
    return os.path.join(path, ".git") if os.path.isdir(os.path.join(path, ".git")) else path
