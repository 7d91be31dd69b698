"""What an exchange moved and found, and whether the remote answered."""

from collections.abc import Callable
from typing import TypeVar

from msgspec import Struct, to_builtins

from coord.engine.sync.exchange.local_journals import LocalJournals
from coord.engine.sync.exchange.status import MAX_PROBLEMS, Finding, News, RemoteStatus, write_status
from coord.workspace.paths import Workspace
from coord.workspace.system import System
from eventlog.events import seconds_between
from eventlog.remotes.remote import OutcomeUnknown, Remote, RemoteAway, RemoteRefused

_T = TypeVar("_T")


class Exchanged(Struct):
    """What an exchange moved. `lost` counts the events that the remote had lost and that were published again."""

    events_in: int = 0
    journals_in: int = 0
    events_out: int = 0
    journals_out: int = 0
    lost: int = 0
    found: list[str] = []

    def as_document(self) -> dict[str, object]:
        """Return it as a JSON document."""
        return dict(to_builtins(self))


class Tracker:
    """Keeps the status of a remote up to date, in the cache."""

    def __init__(self, system: System, workspace: Workspace, remote: Remote, status: RemoteStatus) -> None:
        self._system, self._workspace, self._remote, self.status = system, workspace, remote, status

    def reached(self, use: Callable[[], _T]) -> _T:
        """Return what `use` returns, and record whether the remote could be reached."""
        now = self._system.wall()
        try:
            result = use()
        except OutcomeUnknown:
            raise
        except (RemoteAway, RemoteRefused) as error:
            if self.status.reachable:
                self.status.reachable, self.status.since = False, now
            self.status.problem, self.status.checked_at = str(error), now
            self.save()
            raise
        if not self.status.reachable or not self.status.since:
            self.status.reachable, self.status.since, self.status.problem = True, now, ""
        self.status.checked_at = now
        if clock := self._remote.clock():
            self.status.clock_lead_s = seconds_between(clock, self._system.wall())
            self.status.clock_known_at = now
        return result

    def report(self, done: Exchanged, session: str, text: str) -> None:
        """Record something that was not accepted, or that was mended."""
        shown = f"{session}: {text}" if session else text
        if shown not in done.found:
            done.found.append(shown)
        if all((finding.session, finding.text) != (session, text) for finding in self.status.found):
            self.status.found = [*self.status.found, Finding(self._system.wall(), session, text)][-MAX_PROBLEMS:]

    def note_news(self, journals: LocalJournals) -> None:
        """Record the newest event of each other machine."""
        now = self._system.wall()
        for machine, at in journals.newest_of_machines().items():
            known = self.status.machines.get(machine)
            if known is None or known.newest_at < at:
                self.status.machines[machine] = News(at, now)

    def save(self) -> None:
        """Write the status."""
        write_status(self._workspace, self.status)
