"""Places that carry copies of journals, for the conformance suite: each opens remotes, and can be broken.

Another kind of remote takes part by a class as these, and by its line in `PLACES`.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

from coord.platform.git.remote_access import PrivateGit, make_private_repository
from eventlog.remotes.folder import FolderRemote
from eventlog.remotes.git.remote import REF, GitRemote
from eventlog.remotes.nats.remote import NatsRemote
from eventlog.remotes.piece import MAX_PIECE_BYTES, Piece
from eventlog.remotes.remote import ReadResult, Remote
from tests.support.nats_servers import PROGRAM, nats_servers

ENV = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | {
    "GIT_CONFIG_GLOBAL": os.devnull
}


class Place(Protocol):
    """Where a remote is."""

    def open(self, reader: str) -> Remote:
        """Return the remote as the machine `reader` has it."""
        ...

    def close(self) -> None:
        """End what serves it."""
        ...


def git(folder: Path, *arguments: str, data: bytes = b"") -> str:
    """Return what git prints."""
    command = ["git", *arguments]
    return (
        subprocess.run(command, cwd=folder, env=ENV, input=data, capture_output=True, check=True)
        .stdout.decode()
        .strip()
    )


class GitPlace:
    """A bare repository, reached by `file://`."""

    def __init__(self, base: Path) -> None:
        self.base, self.bare = base, base / "place.git"
        git(base, "init", "--quiet", "--bare", str(self.bare))
        self.url = f"file://{self.bare}"

    def private(self, reader: str) -> Path:
        """Return the private repository of a machine."""
        return self.base / reader / "remote.git"

    def open(self, reader: str) -> GitRemote:
        make_private_repository(str(self.private(reader)), ENV)
        run = PrivateGit(str(self.private(reader)), [], ENV)
        return GitRemote("git origin", self.url, run, poll_s=0.1, limit_s=20)

    def tip(self) -> str:
        """Return the commit of the ref; empty if there is none."""
        return git(self.bare, "for-each-ref", "--format=%(objectname)", REF)

    def set_tip(self, commit: str) -> None:
        """Move the ref by force."""
        git(self.bare, "update-ref", *(("-d", REF) if not commit else (REF, commit)))

    def hook(self, name: str, script: str) -> None:
        """Let the repository run a hook at each push."""
        path = self.bare / "hooks" / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def close(self) -> None:
        pass


class GitDaemonPlace(GitPlace):
    """A bare repository, served by `git daemon`."""

    def __init__(self, base: Path) -> None:
        super().__init__(base)
        self.port = free_port()
        self.url = f"git://127.0.0.1:{self.port}/place.git"
        self.start()

    def start(self) -> None:
        """Start the daemon, and wait until it takes connections."""
        daemon = Path(git(self.base, "--exec-path")) / "git-daemon"
        options = ("--export-all", "--enable=receive-pack", "--reuseaddr", "--listen=127.0.0.1", f"--port={self.port}")
        self.daemon = subprocess.Popen(
            [str(daemon), *options, f"--base-path={self.base}", str(self.base)], env=ENV, stderr=subprocess.DEVNULL
        )
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError("git daemon does not take connections")

    def close(self) -> None:
        self.daemon.kill()
        self.daemon.wait()


class GitSshPlace(GitPlace):
    """A bare repository, reached over git's transport for ssh, with the repository's own `core.sshCommand`.

    The program runs the command on this machine instead of connecting.
    """

    def __init__(self, base: Path) -> None:
        super().__init__(base)
        self.url = f"ssh://somewhere{self.bare}"
        self.program = base / "connect"
        self.program.write_text('#!/bin/sh\nfor last; do :; done\nexec sh -c "$last"\n')
        self.program.chmod(0o755)

    def open(self, reader: str) -> GitRemote:
        make_private_repository(str(self.private(reader)), ENV)
        settings = [f"core.sshcommand={self.program}", "ssh.variant=ssh"]
        return GitRemote("git origin", self.url, PrivateGit(str(self.private(reader)), settings, ENV), poll_s=0.1)


class FolderPlace:
    """A shared folder."""

    def __init__(self, base: Path) -> None:
        self.path = base / "shared"
        self.path.mkdir()

    def open(self, reader: str) -> Remote:
        return FolderRemote(str(self.path), reader, poll_s=0.1)

    def close(self) -> None:
        pass


class NatsPlace:
    """A stream on one NATS server."""

    def __init__(self, base: Path) -> None:
        self._servers = ExitStack()
        self.servers = self._servers.enter_context(nats_servers(base / "nats"))
        self._remotes: list[Remote] = []

    def open(self, reader: str) -> Remote:
        self._remotes.append(NatsRemote(self.servers.url("LOG")))
        return self._remotes[-1]

    def close(self) -> None:
        for remote in self._remotes:
            remote.close()
        self._servers.close()


PLACES: dict[str, Callable[[Path], Place]] = {
    "git-file": GitPlace,
    "git-daemon": GitDaemonPlace,
    "git-ssh": GitSshPlace,
    "folder": FolderPlace,
    **({"nats": NatsPlace} if PROGRAM else {}),
}


def has_git_daemon() -> bool:
    """Return whether this git has its daemon."""
    found = subprocess.run(["git", "--exec-path"], capture_output=True, check=True).stdout.decode().strip()
    return shutil.which("git-daemon", path=found) is not None


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Copy:
    """The journals as one machine has them, put together from pieces."""

    def __init__(self, remote: Remote) -> None:
        self.remote, self.cursor = remote, ""
        self.journals: dict[str, bytes] = {}
        self.archived: set[str] = set()

    def use(self, piece: Piece) -> None:
        """Take a piece. There must be no gap before it."""
        have = self.journals.get(piece.session, b"")
        assert piece.offset <= len(have), "a piece came before the one that precedes it"
        end = piece.offset + len(piece.data)
        self.journals[piece.session] = have[: piece.offset] + piece.data + have[end:]
        if piece.archived:
            self.archived.add(piece.session)

    def read(self) -> ReadResult:
        """Read what is new."""
        result = self.remote.read(self.cursor, self.use)
        self.cursor = result.cursor
        return result


def pieces_of(session: str, data: bytes, *, since: int = 0, archived: bool = False) -> list[Piece]:
    """Return a journal's bytes from `since` on as whole segments."""
    first = since - since % MAX_PIECE_BYTES
    offsets = range(first, max(len(data), first + 1), MAX_PIECE_BYTES)
    return [
        Piece(session, at, data[at : at + MAX_PIECE_BYTES], archived=archived and at == offsets[-1]) for at in offsets
    ]
