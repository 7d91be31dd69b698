"""Machines in this process, with clocks that the test controls. They share a bare repository, which each can be cut off
from. No links run: each command exchanges in its own process, except in tests that run a link in a thread.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from coord.engine.snapshot import Snapshot
from coord.workspace.paths import find_workspace
from eventlog.events import Instant, add_time
from eventlog.remotes.git.remote import GitRemote
from projections.rules.fold import as_of
from projections.rules.liveness import ObserverHost
from tests.support.in_process import NOON, SimulatedMachine
from tests.support.processes import Result
from tests.support.repositories import bare, install
from tests.support.state_bytes import image

SHELLS = (100, 200)


class JoinedMachine(SimulatedMachine):
    """A machine that has joined the world's remote; its clock is ahead of the right time."""

    def __init__(self, world: "World", name: str, ahead_s: float) -> None:
        self._repos = bare(world.base / name)
        super().__init__(install(next(self._repos)))
        self.world, self.name = world, name
        self.now = add_time(world.now, ahead_s)
        self.here = ObserverHost(f"machine-{name}", f"boot-{name}-1", "pid:[1]")
        self.remote = world.base / f"seen-by-{name}.git"
        self.heal()
        self.ok(100, "remote", "add", "git", str(self.remote))
        self.sessions = {shell: self.start(shell, "--name", f"{name}{shell}") for shell in SHELLS}

    def ok(self, shell: int, *argv: str) -> Result:
        """Run a command that must succeed."""
        result = self.run(shell, *argv)
        assert result.code == 0, (argv, result)
        return result

    def cut(self) -> None:
        """Let the machine reach the remote no more."""
        self.remote.unlink()

    def heal(self) -> None:
        """Let the machine reach the remote again."""
        self.remote.symlink_to(self.world.base / "remote.git")

    def reboot(self) -> None:
        """Give the machine another boot, whose sessions are new."""
        self.here = ObserverHost(self.here.machine, f"{self.here.boot}+", self.here.pid_namespace)

    def state(self, at: Instant) -> tuple[bytes, list[str], list[str]]:
        """Its state at a time, as bytes."""
        system = self.system(300, {})
        snapshot = Snapshot(system, find_workspace(system, None))
        snapshot.catch_up()
        return image(as_of(snapshot.state, at))

    def journals(self) -> dict[str, bytes]:
        """The content of all journals."""
        return {path.name: path.read_bytes() for path in self.repo.log.rglob("*.jsonl")}

    def close(self) -> None:
        """Close its repository."""
        self._repos.close()


class World:
    """The right time, and the machines. The remote's clock is right."""

    def __init__(self, base: Path) -> None:
        self.base, self.now, self.machines = base, NOON, list[JoinedMachine]()
        subprocess.run(["git", "init", "--quiet", "--bare", str(base / "remote.git")], check=True)

    def add(self, name: str, ahead_s: float = 0) -> JoinedMachine:
        """Add a machine, with two sessions."""
        self.machines.append(JoinedMachine(self, name, ahead_s))
        return self.machines[-1]

    def wait(self, seconds: float) -> None:
        """Let time pass on all machines."""
        self.now = add_time(self.now, seconds)
        for machine in self.machines:
            machine.wait(seconds)

    def exchange(self) -> None:
        """Let all machines exchange until nothing is new."""
        for _ in range(2):
            for machine in self.machines:
                machine.ok(100, "sync")


@contextmanager
def world(base: Path) -> Iterator[World]:
    """Yield a world in which no command starts a link."""
    made = World(base)
    with (
        patch("coord.engine.sync.link.start.start_link", lambda *_: None),
        patch("coord.engine.sync.agreement.start_link", lambda *_: None),
        patch.object(GitRemote, "clock", lambda _: made.now),
    ):
        try:
            yield made
        finally:
            for machine in made.machines:
                machine.close()
