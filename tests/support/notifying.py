"""A command for notifications that writes down what it was told."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from tests.support.processes import until
from tests.support.repositories import Repo

_SCRIPT = """#!{python}
import json, os, sys
told = dict((name[13:].lower(), os.environ[name]) for name in os.environ if name.startswith("COORD_NOTIFY_"))
line = json.dumps(told | dict(args=sys.argv[1:], cwd=os.getcwd(), pid=os.getpid(), sid=os.getsid(0)))
with open(os.path.join(os.path.dirname(sys.argv[0]), "told"), "a") as file:
    file.write(line + "\\n")
"""


class Notified:
    """The person's command, set in a home folder, and what it was told."""

    def __init__(self, repo: Repo, more: str = "", after_s: float = 0) -> None:
        self.repo, self.after_s, self._file = repo, after_s, repo.home / "told"
        self.script = repo.home / "tell"
        self.script.write_text(_SCRIPT.format(python=sys.executable) + more)
        self.script.chmod(0o755)
        self.set(str(self.script))

    @property
    def config(self) -> Path:
        """The person's settings."""
        return self.repo.home / ".config" / "coord" / "config.toml"

    def set(self, *words: str) -> None:
        """Set this command."""
        self.config.parent.mkdir(parents=True, exist_ok=True)
        self.config.write_text(f"notify = {json.dumps(words)}\nnotify_after_seconds = {self.after_s}\n")
        self.config.chmod(0o600)

    @property
    def told(self) -> list[dict[str, Any]]:
        """What the command was told so far, the oldest first."""
        return [json.loads(line) for line in self._file.read_text().splitlines()] if self._file.exists() else []

    @property
    def texts(self) -> list[str]:
        """The texts so far."""
        return [row["text"] for row in self.told]

    def wait(self, count: int) -> list[dict[str, Any]]:
        """Wait until the command was told `count` times in all; what it was told."""
        until(lambda: len(self.told) >= count, f"notification {count}")
        assert len(self.told) == count
        return self.told

    def none_more(self, count: int) -> bool:
        """Return whether there are still `count` notifications when no process that could make one is left."""
        until(lambda: not self.deliveries(), "the end of the notifications")
        return len(self.told) == count

    def deliveries(self) -> list[int]:
        """The processes that deliver notifications of this repository."""
        found = []
        for pid in filter(str.isdecimal, os.listdir("/proc")):
            try:
                words = Path("/proc", pid, "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"--due" in words and os.fsencode(self.repo.folder) in words:
                found.append(int(pid))
        return found
