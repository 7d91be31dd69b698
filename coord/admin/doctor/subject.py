"""What `coord doctor` looks at: looked up once, lazily, and never changed. And what it finds.

A lookup that fails is a finding like any other: the other checks go on with what there is.
"""

import os
from collections.abc import Callable, Iterable
from functools import cached_property
from shlex import quote
from typing import Literal, TypeAlias

from msgspec import Struct

from coord.admin.install.request import Ask
from coord.admin.verify import Verified, verify
from coord.engine.snapshot import Present
from coord.errors import CoordError
from coord.workspace.config import Config, read_config
from coord.workspace.paths import Place, find
from coord.workspace.system import World
from eventlog.events import Instant
from projections.rules.fold import as_of
from projections.rules.state import Session, State

Severity: TypeAlias = Literal["serious", "warning", "note"]
"""`serious`: work cannot go on, or something was lost. `warning`: it will go wrong one day. `note`: nothing is wrong.
"""


class Step(Struct, frozen=True):
    """One thing to do: what for, and the command, if it is one."""

    why: str
    command: str = ""


class Symptom(Struct, frozen=True):
    """Something that was found: what, by what it is seen, and what to do about it, the safest first."""

    severity: Severity
    what: str
    evidence: str
    do: tuple[Step, ...] = ()


Check: TypeAlias = "Callable[[Patient], Iterable[Symptom]]"


class Patient:
    """A folder and the machine around it. `place` is None, and `missing` says why, where nothing is initialised."""

    def __init__(self, world: World, root: str | None) -> None:
        self.world, self.missing = world, ""
        self.place: Place | None = None
        try:
            self.place = find(world, root)
        except CoordError as error:
            self.missing = error.message

    @property
    def folder(self) -> Place:
        """The place, for a check that is made only where there is one."""
        assert self.place is not None
        return self.place

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
    def _looked(self) -> tuple[Present | None, Verified | None, str]:
        try:
            present = Present(self.world, self.folder)
            present.catch_up(snapshot=True)
            verified = verify(self.world, self.folder)
            as_of(present.state, present.now)
            return present, verified, ""
        except CoordError as error:
            return None, None, error.message

    @property
    def unusable(self) -> str:
        """Why the log cannot be used at all, if it cannot."""
        return self.missing or self._looked[2]

    @property
    def present(self) -> Present:
        """The present, for a check that is made only where the log can be used."""
        assert self._looked[0] is not None
        return self._looked[0]

    @property
    def verified(self) -> Verified:
        """Every journal, checked."""
        assert self._looked[1] is not None
        return self._looked[1]

    @property
    def state(self) -> State:
        """The state now."""
        return self.present.state

    @property
    def now(self) -> Instant:
        """The present moment."""
        return self.present.now

    @property
    def live(self) -> list[Session]:
        """The sessions that are live on record."""
        return [session for session in self.state.sessions.values() if session.live]

    def ask(self, base: str = "", scope: str = "") -> Ask:
        """What an installer is asked about this worktree, or another."""
        return Ask(self.world, base or self.folder.root, self.folder.repository, scope)

    def path(self, file: str) -> str:
        """A file of the shared folder, to be typed into a shell."""
        return quoted(os.path.join(self.folder.folder, file))


def quoted(path: str) -> str:
    """A path as a shell takes it."""
    return quote(path)


def listed(names: Iterable[str], most: int = 5) -> str:
    """Some names and how many more."""
    known = list(names)
    more = f" and {len(known) - most} more" if len(known) > most else ""
    return ", ".join(known[:most]) + more
