"""Temporary repositories, and shells in them."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from functools import cache
from pathlib import Path
from typing import Any

from tests.support.processes import COORD, Shell, Terminal, environment


class Repo:
    """A temporary repository, and the shells in it."""

    def __init__(self, root: Path, home: Path) -> None:
        self.root, self.home = root, home
        home.mkdir(parents=True, exist_ok=True)
        root.mkdir(parents=True, exist_ok=True)
        self._open: list[Shell | Terminal] = []

    @property
    def folder(self) -> Path:
        """The shared folder."""
        return self.root / "COORDINATION"

    @property
    def log(self) -> Path:
        """The folder of the journals."""
        return self.folder / "log"

    def shell(self, cwd: Path | None = None, *argv: str) -> Shell:
        """Open a shell, without a session."""
        made = Shell(cwd or self.root, self.home, *([argv] if argv else []))
        self._open.append(made)
        return made

    def terminal(self) -> Terminal:
        """Open a terminal, without a session."""
        made = Terminal(self.root, self.home, len(self._open))
        self._open.append(made)
        return made

    def sessions(self, count: int) -> list[tuple[Shell, str]]:
        """Open shells and start a session in each."""
        shells = [self.shell() for _ in range(count)]
        for shell in shells:
            shell.begin("coord start --json")
        return [(shell, str(shell.finish().json["session"])) for shell in shells]

    def events(self) -> list[dict[str, Any]]:
        """The lines of all journals as JSON, ordered by time."""
        lines = [line for path in self.log.glob("*.jsonl") for line in path.read_bytes().split(b"\n") if line]
        return sorted((json.loads(line) for line in lines), key=lambda event: (event["at"], event["session"]))

    def of_type(self, name: str) -> list[dict[str, Any]]:
        """The events of one type."""
        return [event for event in self.events() if event["event"]["type"] == name]

    def bytes(self) -> dict[str, bytes]:
        """The content of all journals."""
        return {path.name: path.read_bytes() for path in self.log.glob("*.jsonl")}

    def set(self, **settings: float) -> None:
        """Write these settings into config.toml."""
        text = "".join(f"{name} = {value}\n" for name, value in settings.items())
        (self.folder / "config.toml").write_text(text)

    def reset(self) -> None:
        """Delete the log, the cache and git's mark of the log, so that the repository is as if just initialised."""
        for folder in (self.log, self.folder / ".cache"):
            shutil.rmtree(folder, ignore_errors=True)
        (self.root / ".git" / "coord").unlink(missing_ok=True)  # or the deleted log would be reported as missing
        self.log.mkdir()

    def close(self) -> None:
        """Close all shells and terminals."""
        for shell in self._open:
            shell.close()


@cache
def _initialised() -> tempfile.TemporaryDirectory[str]:
    """An initialised repository that all tests of this process copy: its content does not depend on its path."""
    folder = tempfile.TemporaryDirectory(prefix="coord-template-")
    env = environment(Path(folder.name))
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=folder.name, env=env, check=True)
    shutil.copytree(Path(folder.name, ".git"), Path(folder.name, "fresh"))
    subprocess.run([COORD, "init"], cwd=folder.name, env=env, check=True, capture_output=True)
    return folder


def bare(base: Path) -> Generator[Repo, None, None]:
    """Create a repository without COORDINATION/; its shells are closed at the end."""
    repo = Repo(base / "repo", base / "home")
    shutil.copytree(Path(_initialised().name, "fresh"), repo.root / ".git")
    try:
        yield repo
    finally:
        repo.close()


def install(repo: Repo) -> Repo:
    """Initialise a repository like `coord init`."""
    shutil.copytree(Path(_initialised().name, "COORDINATION"), repo.folder)
    shutil.copy(Path(_initialised().name, ".git", "info", "exclude"), repo.root / ".git" / "info" / "exclude")
    return repo


def git(repo: Repo, *words: str) -> str:
    """Run git in a repository; its output."""
    done = subprocess.run(["git", *words], cwd=repo.root, env=environment(repo.home), capture_output=True, check=True)
    return done.stdout.decode()


def run_hook(
    repo: Repo, word: str, data: bytes, cwd: Path | None = None, event: str = "", **more: Any
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [COORD, "hook", word, *([event] if event else [])],
        input=data,
        cwd=cwd or repo.root,
        env=environment(repo.home),
        capture_output=True,
        check=False,
    )
