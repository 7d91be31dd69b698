"""When the link ends by itself: ten minutes after the last session of this machine, or when what it serves has changed.

The clock is the system's, so tests can set it. A log that cannot be read now does not end the link.
"""

import os

from coord.engine.snapshot import Snapshot
from coord.engine.sync.link.protocol import LOCK, SOCKET
from coord.engine.sync.record import JoinedRemote, joined_remote
from coord.errors import CoordError
from coord.platform.code_version import code_folders, files_version
from coord.workspace.paths import Workspace
from coord.workspace.system import System
from eventlog.errors import LogError
from eventlog.events import Anchor, seconds_between
from eventlog.local.files import list_journal_sizes

IDLE_S = 600  # after the last session
_Identity = tuple[int, int] | None  # of a file: its device and inode


class Lifetime:
    """Tells when a link of this folder must end. It is made when the link starts."""

    def __init__(self, system: System, workspace: Workspace, joined: JoinedRemote) -> None:
        self._system, self._workspace, self._joined = system, workspace, joined
        self._code = _installed_code()
        self._files = self._identities()
        self._last_needed = system.wall()
        self._sizes: dict[str, int] | None = None  # of the journals when the sessions were read
        self._anchors: list[Anchor | None] = []  # of the sessions of this machine that were live then

    def reason_to_end(self) -> str:
        """Return why the link must end now; empty if it is needed."""
        if joined_remote(self._system, self._workspace) != self._joined:
            return "the remote is not joined any more"
        if _installed_code() != self._code:
            return "another version of coord was installed"
        files = self._identities()
        if any(before is not None and before != after for before, after in zip(self._files, files, strict=True)):
            return "the log or the cache was removed"
        self._files = files
        now = self._system.wall()
        if self._has_sessions() or now < self._last_needed:  # the clock may have been set back
            self._last_needed = now
        idle = seconds_between(self._last_needed, now) >= IDLE_S
        return f"no session of this machine was live for {IDLE_S // 60} minutes" if idle else ""

    def _has_sessions(self) -> bool:
        """Return whether a session of this machine is live. The log is read only if a journal has changed."""
        try:
            sizes = list_journal_sizes(self._workspace.log)
            if sizes != self._sizes:
                snapshot = Snapshot(self._system, self._workspace)
                snapshot.catch_up()
                here = self._system.here.machine
                sessions = snapshot.state.sessions.values()
                self._anchors = [one.anchor for one in sessions if one.live and one.machine == here]
                self._sizes = sizes
        except (LogError, CoordError, OSError):
            return True
        return any(not self._system.gone_evidence(anchor) for anchor in self._anchors)

    def _identities(self) -> list[_Identity]:
        cache = self._workspace.cache
        paths = (self._workspace.log, os.path.join(cache, LOCK), os.path.join(cache, SOCKET))
        return [_identity(path) for path in paths]


def _identity(path: str) -> _Identity:
    try:
        status = os.stat(path, follow_symlinks=False)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _installed_code() -> str:
    """Return the version of the code on the disk; empty if it is not there any more."""
    own = os.path.dirname(__file__)
    sync = os.path.join(os.path.dirname(os.path.dirname(own)), "engine", "sync")
    try:
        return files_version([*code_folders(), own, sync])
    except OSError:
        return ""
