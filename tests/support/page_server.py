"""A real `coord web` in a real repository, for the tests with a browser."""

import os
import re
import signal
from contextlib import suppress
from pathlib import Path

from tests.support.processes import Shell, alive, until
from tests.support.repositories import Repo

_ADDRESS = re.compile(r"https?://[^\s/]+:\d+/#key=\S+")


class PageServer:
    """The process of `coord web` in a folder of a repository. It is not our descendant, so an agent that runs the tests
    is not its ancestor.
    """

    def __init__(self, repo: Repo, words: str = "", cwd: Path | None = None, shell: Shell | None = None) -> None:
        self.repo, self.words, self.cwd = repo, words, cwd
        self.start(shell)

    def start(self, shell: Shell | None = None) -> None:
        """Start the server, and wait until it has printed its address. It replaces the shell, if one is given."""
        self.shell = shell or self.repo.shell(self.cwd)
        self.shell.begin(f"exec coord web --no-open {self.words}")
        until(lambda: _ADDRESS.search(self.shell.so_far()) or not alive(self.pid), "the address")
        found = _ADDRESS.search(self.shell.so_far())
        assert found, self.shell.so_far()
        self.address = found[0]

    @property
    def pid(self) -> int:
        """The process."""
        return self.shell.pid

    @property
    def base(self) -> str:
        """The address without the key."""
        return self.address.partition("/#")[0]

    @property
    def key(self) -> str:
        """The key."""
        return self.address.partition("#key=")[2]

    def kill(self) -> None:
        """Kill the server with SIGKILL."""
        os.kill(self.pid, signal.SIGKILL)
        until(lambda: not alive(self.pid), "the server's death")

    def stop(self) -> str:
        """Press Ctrl-C, and wait for the server's end; everything that it printed."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGINT)
        until(lambda: not alive(self.pid), "the server's end")
        return self.shell.so_far()

    def processor_s(self) -> float:
        """The processor time that the server has used, in seconds."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_bytes(self, what: str = "VmRSS") -> int:
        """The memory of the server: `VmRSS` now, or `VmHWM` at most so far."""
        rows = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(row.split()[1]) * 1024 for row in rows if row.startswith(what))
