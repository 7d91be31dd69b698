"""Several machines on this one: each has a folder, a home, sessions and a link of its own. They share a remote.

Commands are the installed program. Each machine has a UTS namespace of its own where that is permitted, and so another
machine id. Elsewhere, a machine is told from another by its folder, as two clones on one computer are.
"""

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from coord.engine.sync.link.client import LinkClient
from eventlog.errors import LogError
from tests.support.processes import COORD, Result, can_unshare, environment

_UTS = next((way for way in (["--uts"], ["--uts", "--user", "--map-root-user"]) if can_unshare(*way)), None)
NAMESPACES = _UTS is not None  # whether each machine has an id of its own


class Machine:
    """One machine: a clone of a repository, with the sessions of several agents."""

    def __init__(self, root: Path, home: Path, agents: int, *, own_id: bool = True) -> None:
        self.root, self.home = root, home
        home.mkdir(parents=True)
        root.mkdir(parents=True)
        subprocess.run(["git", "init", "--quiet", str(root)], check=True, env=environment(home))
        self.agents = [f"{root.name}-{number}" for number in range(agents)]
        named = ["unshare", *(_UTS or []), "sh", "-c", 'hostname "$0" && exec "$@"', f"machine-{root.name}"]
        self._here = named if NAMESPACES and own_id else []
        self.sessions: dict[str, str] = {}

    @property
    def folder(self) -> Path:
        """The shared folder."""
        return self.root / "COORDINATION"

    @property
    def log(self) -> Path:
        """The folder of the journals."""
        return self.folder / "log"

    def run(self, agent: str, *words: str, timeout_s: float = 90, data: str = "") -> Result:
        """Run a command as an agent, which is known by its conversation, with `data` on its standard input."""
        done = subprocess.run(
            [*self._here, COORD, *words],
            cwd=self.root,
            env=environment(self.home, CLAUDE_CODE_SESSION_ID=agent) if agent else environment(self.home),
            capture_output=True,
            text=True,
            timeout=timeout_s,
            input=data,
        )
        return Result(done.stdout, done.stderr, done.returncode)

    def ok(self, agent: str, *words: str) -> Result:
        """Run a command that must succeed."""
        result = self.run(agent, *words)
        assert result.code == 0, (words, result)
        return result

    def start(self) -> None:
        """Set up the folder, and start the sessions."""
        self.ok("", "init")
        for agent in self.agents:
            self.sessions[agent] = str(self.ok(agent, "whoami", "--json").json["session"])

    def set(self, **settings: float | str) -> None:
        """Write these settings into config.toml."""
        text = "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())
        (self.folder / "config.toml").write_text(text)

    def link_pid(self) -> int:
        """The process of the link; 0 if it does not run."""
        try:
            return LinkClient(str(self.folder / ".cache"), 5).state().pid
        except LogError:
            return 0

    def kill_link(self) -> bool:
        """Kill the link with SIGKILL, and return whether there was one."""
        pid = self.link_pid()
        if pid:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return bool(pid)

    def journals(self) -> dict[str, bytes]:
        """The content of all journals, archived ones too."""
        return {path.name: path.read_bytes() for path in self.log.rglob("*.jsonl")}

    def events(self) -> list[dict[str, Any]]:
        """The lines of all journals as JSON, ordered by time."""
        lines = [line for data in self.journals().values() for line in data.split(b"\n") if line]
        return sorted((json.loads(line) for line in lines), key=lambda event: (event["at"], event["session"]))


@contextmanager
def machines(
    base: Path,
    names: str,
    remote: Callable[[str], str],
    agents: int = 2,
    *,
    own_ids: bool = True,
    **settings: float | str,
) -> Iterator[list[Machine]]:
    """Yield machines that have joined the remote that `remote` returns for their names, and end their links."""
    made = [Machine(base / name, base / f"home-{name}", agents, own_id=own_ids) for name in names]
    try:
        for machine in made:
            machine.start()
            if settings:
                machine.set(**settings)
            machine.ok("", "remote", "add", *remote(machine.root.name).split(maxsplit=1))
        yield made
    finally:
        for machine in made:
            machine.kill_link()


class GitRemoteOfMachines:
    """A bare repository that each machine reaches by a path of its own, so that the way of each can be cut."""

    def __init__(self, base: Path) -> None:
        self._base = base / "network"
        self._base.mkdir(parents=True)
        subprocess.run(["git", "init", "--quiet", "--bare", str(self._base / "remote.git")], check=True)

    def url(self, name: str) -> str:
        """Return the remote of a machine."""
        self.heal(name)
        return f"git {self._path(name)}"

    def cut(self, name: str) -> None:
        """Let a machine reach the repository no more."""
        self._path(name).unlink(missing_ok=True)

    def heal(self, name: str) -> None:
        """Let a machine reach the repository again."""
        if not self._path(name).is_symlink():
            self._path(name).symlink_to(self._base / "remote.git")

    def _path(self, name: str) -> Path:
        return self._base / f"seen-by-{name}.git"


def exchange(made: list[Machine]) -> None:
    """Let all machines exchange until nothing is new."""
    for _ in range(2):
        for machine in made:
            deadline = time.monotonic() + 60
            while machine.run("", "sync").code and time.monotonic() < deadline:
                time.sleep(0.5)


def pause(chance: random.Random, most_s: float) -> None:
    """Wait for a random time."""
    time.sleep(chance.uniform(0, most_s))
