"""Build the board, including what this process can observe on the machine, and write STATUS_BOARD.md."""

import os
from collections.abc import Callable
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from coord.engine.journals.problems import clock_note
from coord.engine.machine_lock import under_lock
from coord.engine.snapshot import Snapshot
from coord.engine.sync.record import joined_remote, recorded_remote
from coord.errors import no_log
from coord.guard.work_signs import read_signs, sessions_with_traces
from coord.platform.git.repository import find_repository, path_of_recorded
from coord.platform.replace_file import replace_file
from coord.render.board.markdown import ROWS as MARKDOWN_ROWS
from coord.render.board.markdown import board_markdown
from coord.render.format import ago, line
from coord.workspace.config import Config
from coord.workspace.paths import Workspace
from coord.workspace.system import System
from eventlog.errors import LogError
from eventlog.events import Instant, add_time, from_micros, seconds_between, to_micros
from projections.rules.fold import as_of
from projections.rules.liveness import IDLE_PATIENCE_S, idle_evidence
from projections.rules.sessions import is_at_work
from projections.rules.state import State
from projections.views.board import Board, SessionRow, build_board
from projections.views.needs import log_need

if TYPE_CHECKING:
    from coord.workspace.notify.due import Delivery

T = TypeVar("T")
_QUIET_S = 2  # an agent that wrote an event within this time is not examined


def find_deaths(system: System, snapshot: Snapshot) -> dict[str, str]:
    """Return the evidence for each live session and waiting request whose process is gone, by id.

    The result is empty for a past state, because the process table only shows the present.
    """
    if snapshot.at:
        return {}
    state = snapshot.state
    processes = {session.id: session.anchor for session in state.sessions.values() if session.live}
    processes |= {wait.id: wait.waiter for wait in state.waits.values()}
    return system.find_gone(processes)


def find_idle(system: System, workspace: Workspace, config: Config, state: State, now: Instant) -> dict[str, str]:
    """Return the evidence for each live session of this machine that reports work although its agent is not at work.

    The disk is examined only for sessions that report work, have traces of hooks, and have written nothing for
    `_QUIET_S` seconds.
    """
    quiet_since, here = add_time(now, -_QUIET_S), system.here.machine
    quiet = [
        session
        for session in state.sessions.values()
        if session.live and session.last_at <= quiet_since and session.machine == here and is_at_work(session.doing)
    ]
    traced = sessions_with_traces(workspace.cache) if quiet else ()
    patience_s = max(IDLE_PATIENCE_S, 2 * config.heartbeat_seconds)
    evidence: dict[str, str] = {}
    for session in quiet:
        if session.id in traced:
            signs = read_signs(workspace.cache, session.id, to_micros(now), round(patience_s * 1_000_000))
            known = (
                signs.known and not session.doing.asks_person
            )  # an agent that waits for an answer shows no sign of work
            if text := idle_evidence(session, signs, now, patience_s if known else inf, state.sessions.values()):
                evidence[session.id] = text
    return evidence


def board_of(
    system: System,
    config: Config,
    snapshot: Snapshot,
    now: Instant,
    deaths: dict[str, str] | None = None,
    most: int | None = None,
) -> Board:
    """Return the board at `now`, with at most `most` rows of each kind.

    If `deaths` is given, neither the process table nor the traces of hooks are read. Callers that have just recorded
    what they observed pass an empty one.
    """
    as_of(snapshot.state, now)
    needs = [log_need("journal", problem.text, problem.journal) for problem in snapshot.journal_problems()]
    if snapshot.clock_behind_s >= 1 and not snapshot.at:
        needs.append(log_need("clock", clock_note(snapshot.clock_behind_s)))
    dead = find_deaths(system, snapshot) if deaths is None else deaths
    examine = deaths is None and not snapshot.at
    idle = find_idle(system, snapshot.workspace, config, snapshot.state, now) if examine else {}
    board = build_board(snapshot.state, now, config.silent_minutes * 60, dead, needs, most, idle, system.here.machine)
    if snapshot.at:  # the commands would act on the present
        return replace(board, needs=[replace(need, steps=()) for need in board.needs])
    if not snapshot.at and (link := _link(system, config, snapshot, now)):
        board = replace(board, link=link)
    if deaths is not None:
        return board
    rows = [
        replace(row, evidence=_silence_evidence(system, snapshot, row)) if row.status == "silent" else row
        for row in board.sessions
    ]
    return replace(board, sessions=rows)


def _link(system: System, config: Config, snapshot: Snapshot, now: Instant) -> tuple[str, ...]:
    """Return the state of the exchange with other machines, a line each; empty if no remote is named or joined."""
    workspace = snapshot.workspace
    if joined_remote(system, workspace) is None:
        if recorded := recorded_remote(workspace):
            return (f"⚠️ The remote {line(recorded.url)} was joined by another machine or folder: coord doctor",)
        return (f"{line(config.remote)} is not joined here: coord remote add",) if config.remote else ()
    from coord.engine.sync.exchange.status import read_status  # most folders have no remote
    from coord.render.board.link import link_lines, machine_names

    status = read_status(workspace)
    hosts = {session.machine: session.host for session in snapshot.state.sessions.values() if session.host}
    hosts[system.here.machine] = "another folder on this machine"
    names = machine_names({machine: hosts.get(machine, "") for machine in status.machines})
    newest = {names[machine]: news.newest_at for machine, news in status.machines.items()}
    return tuple(link_lines(status, newest, now))


def current_board(
    system: System, config: Config, snapshot: Snapshot, most: int | None = None
) -> tuple[Board, Snapshot]:
    """Return the current board, as `board_of`, and a snapshot with the state that it shows.

    The given snapshot is unchanged, because events that are slightly older than now can still arrive, and are folded
    into the state as it was. The state is copied only if a claim or wait has ended by now: a copy is slow with many
    unread messages.
    """
    import copy  # commands that write a line or two need neither

    from projections.views.replay import copy_state

    current = copy.copy(snapshot)
    now, reached = current.now, snapshot.state.reached
    if snapshot.state.due <= now:
        current.state = copy_state(snapshot.state)
    board = board_of(system, config, current, now, most=most)
    snapshot.state.reached = reached
    return board, current


def _silence_evidence(system: System, snapshot: Snapshot, row: SessionRow) -> str:
    """Describe what can be observed about a silent session. Silence alone proves nothing."""
    anchor = snapshot.state.sessions[row.id].anchor
    alive = (
        anchor
        and system.processes.start_or_status(anchor.pid) == anchor.start_ticks
        and anchor.boot == system.here.boot
    )
    process = f"its process {anchor.pid} is alive" if anchor and alive else "its process cannot be seen from here"
    return " · ".join(part for part in (process, last_change(row.worktree, snapshot.now)) if part)


def last_change(worktree: str, now: Instant) -> str:
    """Describe when git last changed something in a worktree; empty if unknown."""
    worktree = path_of_recorded(worktree)
    repository = find_repository(worktree) if worktree and os.path.isdir(worktree) else None
    times = []
    for name in ("index", "logs/HEAD") if repository else ():
        with suppress(OSError):
            times.append(os.stat(os.path.join(repository.git, name)).st_mtime_ns // 1000)  # type: ignore[union-attr]
    if not times:
        return ""
    at = from_micros(max(times))
    return f"last change in git {ago(at, now)}" if seconds_between(at, now) >= 0 else ""


def present_board(
    system: System, config: Config, snapshot: Snapshot, now: Instant, deaths: dict[str, str] | None = None
) -> Board:
    """Return the board that STATUS_BOARD.md shows. `deaths` as in `board_of`."""
    return board_of(system, config, snapshot, now, deaths, MARKDOWN_ROWS)


def rewrite_board(system: System, workspace: Workspace, config: Config) -> None:
    """Write STATUS_BOARD.md, as `coord board` does. Raises CoordError (4) if it cannot be written."""
    failed = _with_present_board(system, workspace, config, lambda board: write_board(workspace, board))
    if failed:
        raise no_log(failed[0])


def note_needs_now(system: System, workspace: Workspace, config: Config) -> None:
    """Record what needs no notification, and start the delivery of what is due because time has passed.

    Raises CoordError (4) if the log cannot be used.
    """
    from coord.workspace.notify.due import note_needs, start_delivery

    if _with_present_board(system, workspace, config, lambda board: note_needs(system, workspace, board)):
        start_delivery(system, workspace)


def take_notification(system: System, workspace: Workspace, config: Config) -> "Delivery | None":
    """Return the notification that is due now, and record it as sent. Raises CoordError, or OSError."""
    from coord.workspace.notify.due import take_due

    return _with_present_board(system, workspace, config, lambda board: take_due(system, workspace, board))


def _with_present_board(system: System, workspace: Workspace, config: Config, use: Callable[[Board], T]) -> T:
    """Call `use` with the present board, under the lock. Raises CoordError (4)."""
    snapshot = Snapshot(system, workspace)
    try:
        with under_lock(system, workspace, config):
            snapshot.catch_up()
            return use(present_board(system, config, snapshot, snapshot.now))
    except LogError as error:
        raise no_log(str(error)) from None


def write_board(workspace: Workspace, board: Board) -> list[str]:
    """Write STATUS_BOARD.md, atomically.

    Return a note if that fails: the command still succeeds, because its events are in the log.
    """
    try:
        text = board_markdown(board)
        replace_file(workspace.board, text.encode(errors="backslashreplace"), within=workspace.cache)
    except OSError as error:
        return [f"STATUS_BOARD.md could not be written ({error.strerror}); everything else was done"]
    return []
