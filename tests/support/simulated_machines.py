"""Simulated machines that share a git repository as their remote. Their commands run in the test process, without a
link: each command exchanges by itself.
"""

import os
import subprocess
from pathlib import Path

import pytest

from eventlog.events import Instant
from projections.rules.liveness import ObserverHost
from tests.support.in_process import SimulatedMachine
from tests.support.processes import Result
from tests.support.repositories import Repo


class Node(SimulatedMachine):
    """One machine, with its own id, clock and shared folder."""

    def __init__(self, base: Path, name: str) -> None:
        super().__init__(Repo(base / name, base / f"home-{name}"))
        self.name = name
        self.here = ObserverHost(f"machine-{name}", f"boot-{name}", "pid:[1]")
        self.repo.log.mkdir(parents=True)
        subprocess.run(["git", "init", "--quiet", str(self.repo.root)], check=True)

    def run(self, shell: int, *argv: str, **env: str) -> Result:
        """Run a command in a shell."""
        return super().run(shell, *argv, PATH=os.environ["PATH"], HOME=str(self.repo.home), **env)

    def ok(self, *argv: str, shell: int = 100) -> Result:
        """Run a command that must succeed."""
        result = self.run(shell, *argv)
        assert result.code == 0, (self.name, argv, result)
        return result

    def set(self, text: str) -> None:
        """Write the settings."""
        (self.repo.folder / "config.toml").write_text(text)

    def journals(self) -> dict[str, bytes]:
        """The content of all journals."""
        return {path.name: path.read_bytes() for path in self.repo.log.rglob("*.jsonl")}


class Nodes:
    """Machines that have joined the same bare repository."""

    def __init__(self, base: Path, names: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("coord.engine.sync.link.start.start_link", lambda *_: None)
        monkeypatch.setattr("eventlog.remotes.git.remote.GitRemote.clock", lambda _: self.clock)
        self.clock: Instant = ""  # what the remote says; most git remotes tell no time
        self.hub = base / "hub.git"
        subprocess.run(["git", "init", "--quiet", "--bare", str(self.hub)], check=True)
        self.nodes = {name: Node(base, name) for name in names}

    def join(self, *names: str) -> list[Node]:
        """Start a session on each of these machines, and join the remote."""
        found = [self.nodes[name] for name in names]
        for node in found:
            node.start(100, "--name", f"agent-{node.name}")
            node.ok("remote", "add", "git", str(self.hub))
        return found

    def git(self, *words: str, data: bytes = b"") -> str:
        """Run git in the bare repository."""
        done = subprocess.run(["git", *words], cwd=self.hub, input=data, capture_output=True, check=True)
        return done.stdout.decode().strip()

    def go_away(self) -> None:
        """Make the remote unreachable."""
        self.hub.rename(self.hub.with_suffix(".away"))

    def come_back(self) -> None:
        """Make the remote reachable again."""
        self.hub.with_suffix(".away").rename(self.hub)

    def exchange(self) -> None:
        """Let all machines exchange until nothing is new."""
        for _ in range(2):
            for node in self.nodes.values():
                node.ok("sync")
