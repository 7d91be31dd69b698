"""Notice journals that are shorter than they were when they were read before, or that are missing."""

import os
from collections.abc import Mapping

from coord.engine.cache.checkpoint import HighWaterMark, high_water_marks
from coord.workspace.paths import REMOVED, Workspace
from eventlog.history import LogReader, lines_read_text
from eventlog.local.journal import journal_paths
from eventlog.scanning import Position


def present_marks(history: LogReader, seen: Mapping[str, HighWaterMark]) -> dict[str, HighWaterMark]:
    """Return the high-water marks of all journals that have no final position; `seen` are the earlier marks."""
    before = high_water_marks(seen, history.removed, ())
    marks = high_water_marks(before, history.positions, history.held_back)
    return {name: mark for name, mark in marks.items() if name in history.positions or not history.position(name)}


def mark_shortened(history: LogReader, seen: Mapping[str, HighWaterMark]) -> None:
    """Mark the journals as rewound that are shorter than their marks."""
    for name, mark in seen.items():
        if name in history.problems:
            continue
        position = history.position(name) or Position()
        if position.size < mark.size and not position.rewound and name not in history.held_back:
            history.set_rewound(name, f"{lines_read_text(mark.lines)} before, {position.lines} now")


def mark_removed(workspace: Workspace, history: LogReader, marked: str) -> None:
    """Mark the journal as rewound that the marker in the git directory names, if it is not in the log."""
    archived = journal_paths(workspace.log, marked)[1]
    if marked and not is_known(history, marked) and not os.path.lexists(archived):
        history.positions[marked] = Position(rewound=REMOVED)


def is_known(history: LogReader, name: str) -> bool:
    """Return whether a journal is known without a look at the archived ones."""
    return name in history.positions or name in history.problems
