"""Archive the journals of sessions that ended, so that commands do not list them any more.

1. A journal is archived if every session in it ended long enough ago, holds no claims and waits for none, and if the
   journal is undamaged and belongs to this folder and machine. An imported journal has many sessions, any other has
   one.
2. A journal that is damaged or rewound stays in the log, where people look for it.
3. A journal is moved by one rename and keeps its name, so event ids and the checkpoint stay valid. A session that
   comes back continues in a new journal.

Each start of a session archives some journals under the lock that it holds: of sessions that ended at least a day ago,
and if many sessions ended within the last day, all but the newest `KEPT` of those that ended at least an hour ago. A
conversation that is resumed on the same day thus usually keeps its session. A start does not read the journals again:
the reader knows where each one ends and whether it is damaged. Imported journals are left to `coord archive`, since
only their events tell which sessions they have.
"""

import os
import stat
from collections.abc import Collection, Iterable
from contextlib import suppress

from coord.workspace.paths import Workspace
from coord.workspace.system import System
from eventlog.errors import LogError
from eventlog.events import DAY_S, Instant, add_time
from eventlog.history import LogReader
from eventlog.listing import ARCHIVE_AFTER_S
from eventlog.local.journal import journal_paths
from eventlog.local.writer import archive_journal, sync_names
from eventlog.scanning import Position
from projections.rules.state import State

KEPT = 20  # journals of sessions that ended within the last day and can stay in the log
MAX_MOVES = 1000  # journals that one start archives at most


def archive_ended(system: System, workspace: Workspace, history: LogReader, state: State, now: Instant) -> None:
    """Archive up to `MAX_MOVES` journals of ended sessions, the first that ended first.

    The caller must hold the lock and have read the journals. What cannot be moved stays.
    """
    selected: list[str] = []
    recently = ended_before(history, state, add_time(now, -ARCHIVE_AFTER_S))
    before_today = ended_before(history, state, add_time(now, -DAY_S)) if recently else []
    ended = recently[: max(len(before_today), len(recently) - KEPT)]
    busy = sessions_with_requests(state) if ended else set[str]()
    sizes = history.known_sizes() if ended else {}
    for name in ended:
        if _is_file_of(journal_paths(workspace.log, name)[0], sizes.get(name, -1)) and not reason_to_keep(
            system, workspace, history, name, history.positions[name], {name} & busy
        ):
            selected.append(name)
            if len(selected) == MAX_MOVES:
                break
    with suppress(LogError):  # unsynced moves are undone by a power failure at worst
        move_journals(history, selected)


def ended_before(history: LogReader, state: State, before: Instant) -> list[str]:
    """Return the journals in the log whose session ended before a time, the first that ended first."""
    found: list[tuple[Instant, str]] = []
    for name, position in history.positions.items():
        if not position.archived and position.at < before and (session := state.sessions.get(name)):
            over_at = max(position.at, session.over_at or session.last_at)
            if not session.live and over_at < before:
                found.append((over_at, name))
    return [name for _, name in sorted(found)]


def sessions_with_requests(state: State) -> set[str]:
    """Return the sessions that hold a claim or wait for one."""
    return {request.session for request in (*state.claims.values(), *state.waits.values())}


def reason_to_keep(
    system: System, workspace: Workspace, history: LogReader, name: str, position: Position, busy: Collection[str]
) -> str:
    """Return why a journal of ended sessions must stay, by rules 1 and 2; empty if it can be archived.

    `position` is its end, and `busy` are those of its sessions that hold a claim or wait for one.
    """
    if name in history.problems:
        return f"it cannot be used: {history.problems[name]}"
    if position.damage:
        spot = position.damage[0]
        return f"line {spot.line} (byte {spot.byte}) is damaged: {spot.reason}"
    known = history.positions[name]
    if known.rewound:
        return f"it was rewound: {known.rewound}"
    if position.machine and position.machine != system.here.machine:
        return "it began on another machine"
    if position.folder and not workspace.is_recorded_as(position.folder):
        return f"it belongs to another folder, {position.folder}"
    if busy:
        return "one of its sessions still holds a claim or waits for one"
    if name in history.duplicates or os.path.lexists(journal_paths(workspace.log, name)[1]):
        return "log/ended/ already has a journal with this name"
    return ""


def folder_problem(workspace: Workspace) -> str:
    """Return why no journal can be moved to the archive; empty if no reason is known."""
    folders = [os.path.dirname(path) for path in journal_paths(workspace.log, "")]
    closed = [path for path in folders if os.path.lexists(path) and not os.access(path, os.W_OK)]
    return f"{closed[0]} cannot be written" if closed else ""


def move_journals(history: LogReader, names: Iterable[str]) -> tuple[list[str], dict[str, str]]:
    """Move journals to the archive, and make that durable. The caller must hold the lock.

    Return the names of those that were moved, and for each other one why it was not. Raises LogError if the moves could
    not be synced to disk; they are recorded nevertheless.
    """
    was_current = history.archive.is_current(history.folder)
    moved: list[str] = []
    failed: dict[str, str] = {}
    for name in names:
        try:
            archive_journal(history.folder, name)
            moved.append(name)
        except LogError as error:
            failed[name] = str(error)
    if moved:
        history.record_archived(moved, was_current=was_current)
        sync_names(history.folder)
    return moved, failed


def _is_file_of(path: str, size: int) -> bool:
    """Return whether this is a regular file of this size."""
    try:
        status = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size == size
