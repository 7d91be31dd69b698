"""The canary of a proof: a file that does not exist yet and that another session has claimed.

It is in a scratch folder in the cache of the worktree, so a client that runs in the worktree may write it. The scratch
folder is a repository with a shared folder of its own. Every hook uses that one if it has COORD_ROOT, and before a
write of the canary also without it. So the session that claims the canary, and that of the client that is asked to
write it, are neither in the log of the repository nor on its board nor in an inbox. Both are deleted with the scratch
folder.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from msgspec import Struct

from coord.admin.install.record import missing_folders, remove_folders
from coord.engine.history.full import FullHistory
from coord.engine.transact import transact
from coord.engine.transaction import Transaction
from coord.errors import CoordError, refused
from coord.guard import hook_state
from coord.platform.git.repository import CONFIG, FOLDER, find_repository
from coord.workspace.config import Config
from coord.workspace.identity import Identity, session_started
from coord.workspace.paths import Workspace
from coord.workspace.system import System
from eventlog.events import DAY_S, ClaimBypassed, ClaimRequested, to_micros
from eventlog.local.files import read_regular

NAME = "canary.txt"
_RESOURCE = f"file/{NAME}"
_HOLDER, _NOTE = "coord-doctor", "a test of the guard: this file must not be written"
_PREFIX = "proof-"  # of the names of scratch folders
_TTL_S = 3600
_MAX_BYTES = 1 << 20  # of a file that is read


class Evidence(Struct, frozen=True):
    """What can be seen of an attempt to write the canary."""

    ran: bool = False  # whether a hook of coord ran
    denied: bool = False  # whether a hook denied the write
    written: bool = False  # whether the canary exists
    by_command: bool = False  # whether a shell command wrote it, and no tool that writes files
    failure: str = ""  # how a hook failed


class Canary(Struct, frozen=True):
    """A claimed canary: its scratch folder, and the shared folder in it."""

    system: System
    scratch: str
    workspace: Workspace

    @property
    def file(self) -> str:
        """The path of the canary."""
        return os.path.join(self.scratch, NAME)

    def evidence(self) -> Evidence:
        """Return what can be seen now."""
        hooks = hook_state.folder_of(self.workspace.cache)
        names = {name for _, _, names in os.walk(hooks) for name in names}
        denial = os.path.basename(hook_state.denial_trace_path("", "", _RESOURCE))
        edit = hook_state.edit_trace_path(self.workspace.cache, self.workspace.checkout.worktree, _RESOURCE)
        fired = os.path.basename(hook_state.client_trace_path("", ""))
        return Evidence(
            ran=any(name == denial or name.startswith(fired) for name in names),
            denied=denial in names,
            written=os.path.lexists(self.file),
            by_command=not os.path.exists(edit) and self._was_bypassed(),
            failure=_last_line(os.path.join(hooks, hook_state.FAILURES)),
        )

    def _was_bypassed(self) -> bool:
        """Return whether a shell command changed the canary."""
        try:
            events = FullHistory(self.system, self.workspace).events
        except CoordError:
            return False
        return any(isinstance(event.payload, ClaimBypassed) for event in events)


def _last_line(path: str) -> str:
    try:
        return read_regular(path, _MAX_BYTES).decode(errors="replace").strip().rpartition("\n")[2]
    except OSError:
        return ""


@contextmanager
def claimed_canary(system: System, workspace: Workspace, config: Config) -> Iterator[Canary]:
    """Make a canary that another session has claimed, and delete everything at the end. Raises CoordError (1) if the
    scratch folder cannot be made.
    """
    cache = _cache_in_worktree(workspace)
    made = missing_folders(os.path.join(cache, NAME))
    if os.path.islink(cache):
        raise refused(f"{cache} is a symbolic link. Nothing was tried. Remove the link: coord makes the folder again.")
    try:
        os.makedirs(cache, exist_ok=True)
        _remove_old(system, cache)
        scratch = tempfile.mkdtemp(prefix=_PREFIX, dir=cache)
    except OSError as error:
        remove_folders(made)
        raise refused(f"cannot make a scratch folder in {cache}: {error.strerror}. Nothing was tried.") from None
    try:
        canary = Canary(system, scratch, _shared_folder(workspace, scratch))
        _claim(canary, config)
        yield canary
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        remove_folders(made)


def _cache_in_worktree(workspace: Workspace) -> str:
    """Return the cache folder in this worktree, which is usually that of the log. In a linked worktree it is another
    one, since a client does not let its agents write outside its folder.
    """
    own = os.path.join(workspace.root, FOLDER, os.path.basename(workspace.cache))
    return own if os.path.realpath(own).startswith(os.path.realpath(workspace.root) + os.sep) else workspace.cache


def _remove_old(system: System, cache: str) -> None:
    """Remove the scratch folders of proofs that were killed, after a day."""
    for entry in os.scandir(cache):
        age_us = to_micros(system.wall()) - entry.stat(follow_symlinks=False).st_mtime_ns // 1000
        if entry.name.startswith(_PREFIX) and age_us > DAY_S * 1_000_000:
            shutil.rmtree(entry.path, ignore_errors=True)


def _shared_folder(workspace: Workspace, scratch: str) -> Workspace:
    """Make the shared folder of a scratch folder, with the settings of the repository. Raises OSError."""
    folder = os.path.join(scratch, FOLDER)
    os.mkdir(os.path.join(scratch, ".git"))
    made = Workspace(folder, scratch, find_repository(scratch))
    hooks = hook_state.folder_of(made.cache)
    for path in (made.log, hooks):
        os.makedirs(path)
    settings = b""
    with suppress(FileNotFoundError):
        settings = read_regular(os.path.join(workspace.folder, CONFIG), _MAX_BYTES)
    for path, data in ((os.path.join(folder, CONFIG), settings), (os.path.join(hooks, hook_state.KEPT), b"")):
        with open(path, "xb") as file:
            file.write(data)
    return made


def _claim(canary: Canary, config: Config) -> None:
    """Claim the canary, as a session that exists only in the scratch folder."""
    system, workspace = canary.system.at(canary.scratch), canary.workspace

    def start(transaction: Transaction) -> Identity:
        started = session_started(system, workspace, name=_HOLDER, client="shell")
        transaction.start_session(Identity("", "just started"), started)
        return transaction.me

    def claim(transaction: Transaction) -> None:
        asked = ClaimRequested(resource=_RESOURCE, mode="exclusive", ttl_s=_TTL_S, told="granted", note=_NOTE)
        transaction.append(asked)

    transact(system, workspace, config, claim, start, [])
