"""Two repositories on one machine that share a bare repository as their remote, as two machines would."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tests.support.processes import COORD, Result, environment, until
from tests.support.repositories import Repo, bare, git, install


class TwoFolders:
    """The repositories `one` and `two`, each with a shell that has a session, and the bare repository `hub`."""

    def __init__(self, base: Path, repos: tuple[Repo, Repo]) -> None:
        self.hub = base / "hub.git"
        subprocess.run(["git", "init", "-q", "--bare", str(self.hub)], env=environment(repos[0].home), check=True)
        self.one, self.two = repos
        self.shells = [repo.shell() for repo in repos]
        for repo in repos:
            git(repo, "remote", "add", "origin", str(self.hub))

    def join(self) -> list[str]:
        """Join both folders, each with a session, and return what the commands printed."""
        for name, shell in zip(("ada", "ben"), self.shells, strict=True):
            shell.start(f"--name {name}")
        return [shell.ok("coord remote add git") for shell in self.shells]

    def close(self) -> None:
        """End the links."""
        for repo in (self.one, self.two):
            if pid := link_pid(repo):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def two_folders(base: Path) -> Iterator[TwoFolders]:
    """Make them, and end their links and shells at the end."""
    makers = [bare(base / name) for name in ("a", "b")]
    one, two = (install(next(maker)) for maker in makers)
    for repo in (one, two):
        repo.set(sync_seconds=0.2)
    made = TwoFolders(base, (one, two))
    try:
        yield made
    finally:
        made.close()
        for maker in makers:
            maker.close()
        shutil.rmtree(made.hub, ignore_errors=True)


def coord(repo: Repo, *words: str) -> Result:
    """Run a command without a session."""
    done = subprocess.run(
        [COORD, *words], cwd=repo.root, env=environment(repo.home), capture_output=True, text=True, check=False
    )
    return Result(done.stdout, done.stderr, done.returncode)


def link_pid(repo: Repo) -> int:
    """The pid of the link of a folder; 0 if none answers."""
    result = coord(repo, "link", "--status", "--json")
    return int(result.json["pid"]) if result.code == 0 else 0


def running_link(repo: Repo) -> int:
    """The pid of the link of a folder, after it answers."""
    until(lambda: link_pid(repo), "the link")
    return link_pid(repo)
