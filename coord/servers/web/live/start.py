"""Start to follow the log of a folder for its pages."""

from coord.engine.snapshot import Snapshot
from coord.servers.web.live.follower import Follower
from coord.servers.web.live.standin import moment_document
from coord.servers.web.live.view import LiveView
from coord.workspace.paths import Workspace
from coord.workspace.system import System
from projections.rules.state import State
from projections.views.board import Board


def follow_log(system: System, workspace: Workspace, *, read_only: bool) -> Follower:
    """Return a follower of the log. Nothing is read until a page is open."""

    def make_moment(board: Board, snapshot: Snapshot | None, problems: list[str]) -> dict[str, object]:
        state, at = (snapshot.state, snapshot.now) if snapshot else (State(), system.wall())
        return {**moment_document(board, state, at), "read_only": read_only, "problems": problems}

    return Follower(LiveView(system, workspace, make_moment), workspace.log, system.wall)
