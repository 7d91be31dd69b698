"""Make the moment documents of a server: of the present for the streams, and of any time that is asked for."""

import os
from collections.abc import Callable, Sequence
from typing import Any

from coord.engine.board import board_of
from coord.engine.history.moments import Moments
from coord.engine.snapshot import Snapshot
from coord.render.board.text import ROWS
from coord.servers.web.documents import Viewer, moment_document
from coord.workspace.config import read_config
from coord.workspace.paths import Workspace
from coord.workspace.system import System
from projections.rules.state import State
from projections.views.board import Board


class MomentMaker:
    """Makes the documents for the person who uses the page. Its methods can be called in any thread."""

    def __init__(self, system: System, workspace: Workspace, me_of: Callable[[State], str], *, read_only: bool) -> None:
        self._system, self._workspace, self._me_of, self._read_only = system, workspace, me_of, read_only
        self._moments = Moments(system, workspace)

    def present(self, board: Board, snapshot: Snapshot | None, problems: Sequence[str]) -> dict[str, object]:
        """Return the document of a board of the present. Without a snapshot, the log cannot be read."""
        state = snapshot.state if snapshot else State()
        return moment_document(board, state, self._viewer(state, problems), live=True)

    def at(self, text: str, step: int) -> dict[str, Any]:
        """Return the document of the time or event that `text` names, or of `step` events later.

        Raises CoordError (2) for a time, and (4) if the log or the settings cannot be read.
        """
        config = read_config(self._workspace)
        with self._moments.at(text, step) as snapshot:
            board = board_of(self._system, config, snapshot, snapshot.now, most=ROWS)
            viewer = self._viewer(snapshot.state, ())
            return moment_document(board, snapshot.state, viewer, live=not text and not step)

    def _viewer(self, state: State, problems: Sequence[str]) -> Viewer:
        return Viewer(self._me_of(state), os.path.basename(self._workspace.root), self._read_only, tuple(problems))
