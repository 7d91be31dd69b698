"""What the checks of `coord doctor` examine (`Subject`), and what they return (`DoctorFinding`).

Each fact is looked up at most once, when the first check needs it. A lookup that fails is itself a finding, and the
checks that do not need the fact still run.
"""

import os
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Literal, TypeAlias

from msgspec import Struct

from coord.admin.install.request import InstallRequest
from coord.admin.verify import VerifyResult, verify
from coord.engine.snapshot import Snapshot
from coord.errors import CoordError
from coord.render.format import shell_word
from coord.workspace.config import Config, read_config
from coord.workspace.paths import Workspace, find_workspace
from coord.workspace.system import System
from eventlog.events import Instant
from projections.rules.fold import as_of
from projections.rules.state import Session, State

Severity: TypeAlias = Literal["serious", "warning", "note"]
"""`serious`: coord does not work, or something was lost. `warning`: something does not work as it should, or will fail.
`note`: nothing is wrong, but it is good to know.
"""


class RepairStep(Struct, frozen=True):
    """One step of a repair: its purpose, and the command, if there is one."""

    why: str
    command: str = ""


class DoctorFinding(Struct, frozen=True):
    """A fault that was found: what it is, the evidence, and what to do about it, the safest step first."""

    severity: Severity
    what: str
    evidence: str
    do: tuple[RepairStep, ...] = ()


Check: TypeAlias = "Callable[[Subject], Iterable[DoctorFinding]]"


class Subject:
    """A folder and the machine around it. Without a shared folder `workspace` is None, and `missing` has the reason."""

    def __init__(self, system: System, root: str | None) -> None:
        self.system, self.missing = system, ""
        self.workspace: Workspace | None = None
        try:
            self.workspace = find_workspace(system, root)
        except CoordError as error:
            self.missing = error.message

    @property
    def folder(self) -> Workspace:
        """The workspace, for a check that runs only if there is one."""
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
        """The settings; the defaults if they are invalid."""
        return self._config[0]

    @property
    def config_error(self) -> str:
        """Why the settings are invalid; empty if they are valid."""
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
        """Why the log as a whole cannot be used; empty if it can."""
        return self.missing or self._log_result[2]

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot of the log, for a check that runs only if the log can be used."""
        assert self._log_result[0] is not None
        return self._log_result[0]

    @property
    def verified(self) -> VerifyResult:
        """The result of verifying every journal."""
        assert self._log_result[1] is not None
        return self._log_result[1]

    @property
    def state(self) -> State:
        """The present state."""
        return self.snapshot.state

    @property
    def now(self) -> Instant:
        """The time at which the checks run."""
        return self.snapshot.now

    @property
    def live(self) -> list[Session]:
        """The sessions that are live according to the log."""
        return [session for session in self.state.sessions.values() if session.live]

    def install_request(self, base: str = "", scope: str = "") -> InstallRequest:
        """Return a request with which installers can be asked about this worktree, or about another folder."""
        return InstallRequest(self.system, base or self.folder.root, self.folder.repository, scope)

    def path(self, file: str) -> str:
        """Return the path of a file in the shared folder, quoted for a shell."""
        return shell_quoted(os.path.join(self.folder.folder, file))


def shell_quoted(path: str) -> str:
    """Return a path quoted for a shell."""
    return shell_word(path)


def join_limited(names: Iterable[str], most: int = 5) -> str:
    """Join the first names with commas, and add how many more there are."""
    all_names = list(names)
    more = f" and {len(all_names) - most} more" if len(all_names) > most else ""
    return ", ".join(all_names[:most]) + more
