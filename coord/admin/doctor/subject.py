"""What `coord doctor` looks at: looked up once, lazily, and never changed. And what it finds.

A lookup that fails is a finding like any other: the other checks go on with what there is.
"""

import os
from collections.abc import Callable, Iterable
from functools import cached_property
from shlex import quote
from typing import Literal, TypeAlias

from msgspec import Struct

from coord.admin.install.request import InstallRequest
from coord.admin.verify import VerifyResult, verify
from coord.engine.snapshot import Snapshot
from coord.errors import CoordError
from coord.workspace.config import Config, read_config
from coord.workspace.paths import Workspace, find_workspace
from coord.workspace.system import System
from eventlog.events import Instant
from projections.rules.fold import as_of
from projections.rules.state import Session, State

Severity: TypeAlias = Literal["serious", "warning", "note"]
"""`serious`: work cannot go on, or something was lost. `warning`: it will go wrong one day. `note`: nothing is wrong.
"""


class RepairStep(Struct, frozen=True):
    """One thing to do: what for, and the command, if it is one."""

    why: str
    command: str = ""


class DoctorFinding(Struct, frozen=True):
    """Something that was found: what, by what it is seen, and what to do about it, the safest first."""

    severity: Severity
    what: str
    evidence: str
    do: tuple[RepairStep, ...] = ()


Check: TypeAlias = "Callable[[Subject], Iterable[DoctorFinding]]"


class Subject:
    """A folder and the machine around it. `place` is None, and `missing` says why, where nothing is initialised."""

    def __init__(self, system: System, root: str | None) -> None:
        self.system, self.missing = system, ""
        self.workspace: Workspace | None = None
        try:
            self.workspace = find_workspace(system, root)
        except CoordError as error:
            self.missing = error.message

    @property
    def folder(self) -> Workspace:
        """The place, for a check that is made only where there is one."""
        assert self.workspace is not None
        return self.workspace

    @cached_property
    def _config(self) -> tuple[Config, str]:
        try:
            return read_config(self.folder), ""
        except CoordError as error:
            return Config(), error.message

    @property
    def config(self) -> Config:
        """The settings; the defaults where they cannot be understood."""
        return self._config[0]

    @property
    def config_error(self) -> str:
        """Why the settings cannot be understood."""
        return self._config[1]

    @cached_property
    def _log_result(self) -> tuple[Snapshot | None, VerifyResult | None, str]:
        try:
            snapshot = Snapshot(self.system, self.folder)
            snapshot.catch_up(consistent=True)
            verified = verify(self.system, self.folder)
            as_of(snapshot.state, snapshot.now)
            return snapshot, verified, ""
        except CoordError as error:
            return None, None, error.message

    @property
    def unusable(self) -> str:
        """Why the log cannot be used at all, if it cannot."""
        return self.missing or self._log_result[2]

    @property
    def snapshot(self) -> Snapshot:
        """The present, for a check that is made only where the log can be used."""
        assert self._log_result[0] is not None
        return self._log_result[0]

    @property
    def verified(self) -> VerifyResult:
        """Every journal, checked."""
        assert self._log_result[1] is not None
        return self._log_result[1]

    @property
    def state(self) -> State:
        """The state now."""
        return self.snapshot.state

    @property
    def now(self) -> Instant:
        """The present moment."""
        return self.snapshot.now

    @property
    def live(self) -> list[Session]:
        """The sessions that are live on record."""
        return [session for session in self.state.sessions.values() if session.live]

    def ask(self, base: str = "", scope: str = "") -> InstallRequest:
        """What an installer is asked about this worktree, or another."""
        return InstallRequest(self.system, base or self.folder.root, self.folder.repository, scope)

    def path(self, file: str) -> str:
        """A file of the shared folder, to be typed into a shell."""
        return shell_quoted(os.path.join(self.folder.folder, file))


def shell_quoted(path: str) -> str:
    """A path as a shell takes it."""
    return quote(path)


def join_limited(names: Iterable[str], most: int = 5) -> str:
    """Some names and how many more."""
    known = list(names)
    more = f" and {len(known) - most} more" if len(known) > most else ""
    return ", ".join(known[:most]) + more
