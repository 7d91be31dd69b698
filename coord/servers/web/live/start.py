"""Start to follow the log of a folder for its pages."""

import os
from collections.abc import Callable

from coord.engine.snapshot import Snapshot
from coord.servers.web.documents import Viewer, moment_document
from coord.servers.web.live.follower import Follower
from coord.servers.web.live.view import LiveView
from coord.workspace.paths import Workspace
from coord.workspace.system import System
from projections.rules.state import State
from projections.views.board import Board


def follow_log(
    system: System, workspace: Workspace, *, read_only: bool, me_of: Callable[[State], str] = lambda _: ""
) -> Follower:
    """Return a follower of the log. Nothing is read until a page is open. `me_of` finds the person's session."""
    folder = os.path.basename(workspace.root)

    def make_moment(board: Board, snapshot: Snapshot | None, problems: list[str]) -> dict[str, object]:
        state = snapshot.state if snapshot else State()
        viewer = Viewer(me_of(state), folder, read_only, tuple(problems))
        return moment_document(board, state, viewer, live=True)

    return Follower(LiveView(system, workspace, make_moment), workspace.log, system.wall)
