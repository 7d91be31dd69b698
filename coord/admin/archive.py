"""Putting the journals of sessions that are long over aside, so that no command has to look at them any more.

1. A journal goes if every session in it is over since before a given time, holds nothing and waits for nothing, and if
   it is whole and of this folder and machine. An imported journal has many sessions; any other has one.
2. One that is damaged or rewound stays where people look for it, and is named with the reason.
3. It goes whole, under its name, by one rename: its events, their names and the checkpoint stay what they were. A
   session that comes back goes on in a new journal.
4. The journals are read without the lock, which takes as long as it takes; under it only what is still as it was read
   is moved.
"""

import os

from msgspec import Struct

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
from eventlog.local.writer import archive_journal, sync_names
from eventlog.scanning import Position
from projections.rules.fold import as_of


class MovedJournal(Struct, frozen=True):
    """A journal that goes among the ended."""

    session: str
    bytes: int
    events: int
    over_at: Instant


class KeptJournal(Struct, frozen=True):
    """A journal whose sessions are long over and that stays all the same."""

    session: str
    reason: str


class ArchiveResult(Struct, frozen=True):
    """What was done, or would be. `young` counts the journals of sessions that are not over, or not for so long;
    `ended` those that were archived before.
    """

    before: Instant
    moved: list[MovedJournal]
    stayed: list[KeptJournal]
    young: int
    ended: int


class _ReadJournal(Struct, frozen=True):
    """A journal as it was read from its beginning to its end."""

    position: Position
    bytes: int
    sessions: frozenset[str]
    events: int


def archive(
    system: System, workspace: Workspace, config: Config, before: Instant, *, dry_run: bool = False
) -> ArchiveResult:
    """Put the journals of sessions that are over since before that time aside; with `dry_run` only say which.

    Raises CoordError (4) if the log cannot be used.
    """
    snapshot = Snapshot(system, workspace)
    snapshot.catch_up(consistent=True)
    as_of(snapshot.state, snapshot.now)  # what an imported session held ends by time alone
    known = snapshot.history.positions
    here = [n for n in known.keys() | snapshot.history.problems if os.path.lexists(journal_paths(workspace.log, n)[0])]
    read, stayed = _read_all(workspace, [name for name in sorted(here) if not _is_young(snapshot, name, before)])
    going: dict[str, MovedJournal] = {}
    for name, found in read.items():
        over_at = _over_at(snapshot, name, found)
        if not over_at or over_at >= before:
            continue
        if reason := _reason(system, workspace, snapshot, name, found):
            stayed[name] = reason
        else:
            going[name] = MovedJournal(name, found.bytes, found.events, over_at)
    if going and not dry_run:
        try:
            with under_lock(system, workspace, config):
                snapshot.catch_up()
                changed = {name for name in going if _over_at(snapshot, name, read[name]) != going[name].over_at}
                stayed |= _move(workspace, going, changed)
        except LogError as error:
            raise no_log(str(error)) from None
    moved = [row for name, row in going.items() if name not in stayed]
    return ArchiveResult(
        before=before,
        moved=moved,
        stayed=[KeptJournal(name, reason) for name, reason in sorted(stayed.items())],
        young=len(here) - len(moved) - len(stayed),
        ended=sum(position.ended for position in known.values()),
    )


def _is_young(snapshot: Snapshot, name: str, before: Instant) -> bool:
    """Whether a journal stays by the looks of its session alone, unread."""
    session = snapshot.state.sessions.get(name)
    return session is not None and (session.live or (session.over_at or session.last_at) >= before)


def _over_at(snapshot: Snapshot, name: str, read: _ReadJournal) -> Instant:
    """Since when all sessions of a journal are over; empty if one is not, or cannot be told."""
    sessions = [snapshot.state.sessions.get(session) for session in read.sessions or {name}]
    times = [session.over_at or session.last_at for session in sessions if session and not session.live]
    return max([read.position.at, *times]) if len(times) == len(sessions) else ""


def _read_all(workspace: Workspace, names: list[str]) -> tuple[dict[str, _ReadJournal], dict[str, str]]:
    """Journals, whole, and why some could not be read."""
    read: dict[str, _ReadJournal] = {}
    failed: dict[str, str] = {}
    paths = {name: journal_paths(workspace.log, name)[0] for name in names}
    bar = ProgressBar("reading", sum(os.lstat(path).st_size for path in paths.values() if os.path.lexists(path)))
    try:
        for name, path in paths.items():
            sessions: set[str] = set()
            events, length, position = 0, 0, Position()
            try:
                for found, end, rest in read_in_chunks(path, name):
                    sessions |= {event.actor for event in found}
                    events += len(found)
                    bar.step(end.size - position.size)
                    position, length = end, end.size + len(rest)
                read[name] = _ReadJournal(position, length, frozenset(sessions), events)
            except LogError as error:
                failed[name] = str(error)
    finally:
        bar.close()
    return read, failed


def _reason(system: System, workspace: Workspace, snapshot: Snapshot, name: str, read: _ReadJournal) -> str:
    """Why a journal of sessions that are over stays, if it does: rules 1 and 2."""
    history, start = snapshot.history, read.position
    if name in history.problems:
        return f"it cannot be used: {history.problems[name]}"
    if start.damage:
        spot = start.damage[0]
        return f"line {spot.line} (byte {spot.byte}) is damaged: {spot.reason}"
    if history.positions[name].rewound:
        return f"it was rewound: {history.positions[name].rewound}"
    if start.machine and start.machine != system.here.machine:
        return "it began on another machine"
    if start.folder and start.folder != workspace.recorded:
        return f"it belongs to another folder, {start.folder}"
    if any(ask.session in read.sessions for ask in (*snapshot.state.claims.values(), *snapshot.state.waits.values())):
        return "it still holds something, or waits for something"
    if os.path.lexists(journal_paths(workspace.log, name)[1]):
        return "there is one of this name in ended/ already"
    return ""


def _move(workspace: Workspace, going: dict[str, MovedJournal], changed: set[str]) -> dict[str, str]:
    """Rules 3 and 4; why some stayed. To be called under the lock. Raises LogError if the new places may be lost."""
    stayed: dict[str, str] = {}
    try:
        for name, row in going.items():
            path = journal_paths(workspace.log, name)[0]
            if name in changed or not os.path.lexists(path) or os.lstat(path).st_size != row.bytes:
                stayed[name] = "something was written to it just now"
                continue
            try:
                archive_journal(workspace.log, name)
            except LogError as error:
                stayed[name] = str(error)
    finally:
        if len(stayed) < len(going):
            sync_names(workspace.log)
    return stayed
