"""Archive the journals of sessions that ended before a given time, after reading each of them from beginning to end.

`coord.engine.journals.archiving` has the rules. The journals are read without the lock, because that can take long.
Under the lock, only those that have not changed since are moved.
"""

import os

from msgspec import Struct

from coord.engine.journals.archiving import move_journals, reason_to_keep, sessions_with_requests
from coord.engine.machine_lock import under_lock
from coord.engine.snapshot import Snapshot
from coord.errors import no_log
from coord.render.console.progress import ProgressBar
from coord.workspace.config import Config
from coord.workspace.paths import Workspace
from coord.workspace.system import System
from eventlog.errors import LogError
from eventlog.events import Instant
from eventlog.local.journal import journal_paths, read_in_chunks
from eventlog.scanning import Position
from projections.rules.fold import as_of


class MovedJournal(Struct, frozen=True):
    """A journal that was archived, or would be."""

    session: str
    bytes: int
    events: int
    over_at: Instant  # when the last of its sessions ended


class KeptJournal(Struct, frozen=True):
    """A journal whose sessions ended long ago, but that stays in the log."""

    session: str
    reason: str


class ArchiveResult(Struct, frozen=True):
    """Which journals were archived, or would be. `young` counts the journals of sessions that are live or ended
    recently; `ended` counts those that had been archived before.
    """

    before: Instant
    moved: list[MovedJournal]
    stayed: list[KeptJournal]
    young: int
    ended: int


class _ReadJournal(Struct, frozen=True):
    """The result of reading a journal from beginning to end."""

    position: Position
    bytes: int
    sessions: frozenset[str]
    events: int


def archive(
    system: System, workspace: Workspace, config: Config, before: Instant, *, dry_run: bool = False
) -> ArchiveResult:
    """Archive the journals of sessions that ended before a time. With `dry_run`, only return which would be archived.

    Raises CoordError (4) if the log cannot be used.
    """
    snapshot = Snapshot(system, workspace)
    snapshot.catch_up(consistent=True)
    as_of(snapshot.state, snapshot.now)  # claims of an imported session end only by expiring
    known = snapshot.history.positions
    here = [n for n in known.keys() | snapshot.history.problems if os.path.lexists(journal_paths(workspace.log, n)[0])]
    read, stayed = _read_all(workspace, [name for name in sorted(here) if not _is_young(snapshot, name, before)])
    selected: dict[str, MovedJournal] = {}
    busy = sessions_with_requests(snapshot.state)
    for name, journal in read.items():
        over_at = _over_at(snapshot, name, journal)
        if not over_at or over_at >= before:
            continue
        requesting = journal.sessions & busy
        if reason := reason_to_keep(system, workspace, snapshot.history, name, journal.position, requesting):
            stayed[name] = reason
        else:
            selected[name] = MovedJournal(name, journal.bytes, journal.events, over_at)
    if selected and not dry_run:
        try:
            with under_lock(system, workspace, config):
                stayed |= _move(system, workspace, read, selected)
        except LogError as error:
            raise no_log(str(error)) from None
    moved = [row for name, row in selected.items() if name not in stayed]
    return ArchiveResult(
        before=before,
        moved=moved,
        stayed=[KeptJournal(name, reason) for name, reason in sorted(stayed.items())],
        young=len(here) - len(moved) - len(stayed),
        ended=snapshot.history.archive.summary.journals + sum(position.archived for position in known.values()),
    )


def _is_young(snapshot: Snapshot, name: str, before: Instant) -> bool:
    """Return whether a journal stays because its session is live or ended recently. Does not read the journal."""
    session = snapshot.state.sessions.get(name)
    return session is not None and (session.live or (session.over_at or session.last_at) >= before)


def _over_at(snapshot: Snapshot, name: str, read: _ReadJournal) -> Instant:
    """Return when the last session of a journal ended; empty if one has not ended, or is unknown."""
    sessions = [snapshot.state.sessions.get(session) for session in read.sessions or {name}]
    times = [session.over_at or session.last_at for session in sessions if session and not session.live]
    return max([read.position.at, *times]) if len(times) == len(sessions) else ""


def _read_all(workspace: Workspace, names: list[str]) -> tuple[dict[str, _ReadJournal], dict[str, str]]:
    """Read journals from beginning to end. Return them, and the errors of those that cannot be read."""
    read: dict[str, _ReadJournal] = {}
    failed: dict[str, str] = {}
    paths = {name: journal_paths(workspace.log, name)[0] for name in names}
    bar = ProgressBar("reading", sum(os.lstat(path).st_size for path in paths.values() if os.path.lexists(path)))
    try:
        for name, path in paths.items():
            sessions: set[str] = set()
            events, length, position = 0, 0, Position()
            try:
                for chunk, end, rest in read_in_chunks(path, name):
                    sessions |= {event.actor for event in chunk}
                    events += len(chunk)
                    bar.step(end.size - position.size)
                    position, length = end, end.size + len(rest)
                read[name] = _ReadJournal(position, length, frozenset(sessions), events)
            except LogError as error:
                failed[name] = str(error)
    finally:
        bar.close()
    return read, failed


def _move(
    system: System, workspace: Workspace, read: dict[str, _ReadJournal], selected: dict[str, MovedJournal]
) -> dict[str, str]:
    """Move the selected journals that have not changed, and return why the others stayed. The caller must hold the
    lock.

    Raises LogError if the moves could not be synced to disk.
    """
    snapshot = Snapshot(system, workspace)
    snapshot.catch_up()
    stayed: dict[str, str] = {}
    unchanged: list[str] = []
    for name, row in selected.items():
        path = journal_paths(workspace.log, name)[0]
        same = _over_at(snapshot, name, read[name]) == row.over_at and name in snapshot.history.positions
        if same and os.path.lexists(path) and os.lstat(path).st_size == row.bytes:
            unchanged.append(name)
        else:
            stayed[name] = "it was written to while the journals were read; try again"
    moved, failed = move_journals(snapshot.history, unchanged)
    if moved:
        snapshot.save(reported=False)
    return stayed | failed
