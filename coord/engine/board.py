"""The present as a board: the pure projection, given what this process can see of the machine."""

import os
from contextlib import suppress

from msgspec.structs import replace

from coord.engine.snapshot import Snapshot
from coord.platform.git.repository import find_repository
from coord.render.format import ago
from coord.workspace.config import Config
from coord.workspace.system import System
from eventlog.events import Instant, from_micros, seconds_between
from projections.rules.fold import as_of
from projections.views.board import Board, Need, SessionRow, build_board


def find_deaths(system: System, snapshot: Snapshot) -> dict[str, str]:
    """The live sessions whose anchor is gone, each with the evidence. Of the past no process tells anything."""
    if snapshot.at:
        return {}
    found = {s.id: system.death_evidence(s) for s in snapshot.state.sessions.values() if s.live and s.anchor}
    return {name: evidence for name, evidence in found.items() if evidence}


def board_of(
    system: System, config: Config, snapshot: Snapshot, now: Instant, gone: dict[str, str] | None = None
) -> Board:
    """The board at `now`. `gone` spares looking at processes where all deaths were recorded just now."""
    as_of(snapshot.state, now)
    found = [Need("journal", finding.text, finding.journal) for finding in snapshot.journal_problems()]
    if snapshot.clock_behind_s >= 1 and not snapshot.at:
        found.append(Need("clock", snapshot.clock_note()))
    seen = find_deaths(system, snapshot) if gone is None else gone
    shown = build_board(snapshot.state, now, config.silent_minutes * 60, seen, found)
    if gone is not None or snapshot.at:
        return shown
    rows = [
        replace(row, evidence=_silence(system, snapshot, row)) if row.status == "silent" else row
        for row in shown.sessions
    ]
    return replace(shown, sessions=rows)


def _silence(system: System, snapshot: Snapshot, row: SessionRow) -> str:
    """What can be seen of a session that says nothing. Silence is no proof of anything."""
    anchor = snapshot.state.sessions[row.id].anchor
    there = (
        anchor
        and system.processes.start_or_status(anchor.pid) == anchor.start_ticks
        and anchor.boot == system.here.boot
    )
    process = f"its process {anchor.pid} is there" if anchor and there else "its process cannot be seen from here"
    return " · ".join(part for part in (process, last_change(row.worktree, snapshot.now)) if part)


def last_change(worktree: str, now: Instant) -> str:
    """When git last changed something in a worktree, in words: evidence about a silent session."""
    repository = find_repository(worktree) if worktree and os.path.isdir(worktree) else None
    times = []
    for name in ("index", "logs/HEAD") if repository else ():
        with suppress(OSError):
            times.append(os.stat(os.path.join(repository.git, name)).st_mtime_ns // 1000)  # type: ignore[union-attr]
    if not times:
        return ""
    at = from_micros(max(times))
    return f"last change in git {ago(at, now)}" if seconds_between(at, now) >= 0 else ""
