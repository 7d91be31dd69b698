"""Find out, under the machine's lock, whether a notification is due, and send it after the lock is released."""

import os

from msgspec import Struct

from coord.errors import CoordError
from coord.workspace.identity import Identity
from coord.workspace.notify.decision import Notification, NotifyRecord, decide
from coord.workspace.notify.message import PREFIX, check_command, filled_in, variables
from coord.workspace.notify.record import FAILURE, is_watched, read_notified, save_notified
from coord.workspace.paths import Workspace
from coord.workspace.person_config import read_notify
from coord.workspace.system import System
from projections.views.board import Board


class Delivery(Struct, frozen=True):
    """A notification that is recorded as sent, and must be sent now."""

    command: list[str]
    env: dict[str, str]
    failure_file: str

    def start(self) -> None:
        """Run the command in a process of its own."""
        from coord.workspace.notify.runner import start  # loads `subprocess`, which is needed only here

        start(self.failure_file, self.command, self.env)


def change_of(
    workspace: Workspace, board: Board, me: str = ""
) -> tuple[NotifyRecord, NotifyRecord, Notification | None]:
    """Return the present record, the next one, and the notification that is due, for the present board."""
    before = read_notified(workspace.cache)
    complete, shown = len(board.needs) == board.counts.needs, is_watched(workspace.cache)
    return before, *decide(before, board.needs, board.now, complete=complete, shown=shown, me=me)


def take_due(system: System, workspace: Workspace, board: Board, me: Identity | None = None) -> Delivery | None:
    """Return the notification that is due, and record it as sent. `me` is who has changed the log, if anyone has.

    It is lost if the process is killed before it is sent, but no notification is sent twice. Anything that fails is
    recorded for `coord doctor`, and is not raised: the command that calls this has done its work. A command that a
    notification runs causes no further notification, or there could be no end of them.
    """
    failure_file = os.path.join(workspace.cache, FAILURE)
    try:
        command = () if f"{PREFIX}TEXT" in system.env else read_notify(system.env)
        if not command:
            return None
        check_command(command)
        before, after, notification = change_of(workspace, board, _typing(system, board, me))
        if after != before:
            save_notified(workspace.cache, after)
    except (CoordError, OSError) as error:
        from coord.workspace.notify.runner import record_failure

        record_failure(failure_file, str(error))
        return None
    if notification is None:
        return None
    values = variables(notification, workspace.root, board.names)
    return Delivery(filled_in(command, values), {**system.env, **values}, failure_file)


def _typing(system: System, board: Board, me: Identity | None) -> str:
    """Return the acting session if a person has typed the command in a terminal, and a need is about this session."""
    if me is None or all(need.session != me.session for need in board.needs):
        return ""
    from coord.workspace.people import is_at_terminal  # reads the processes above this one

    return me.session if is_at_terminal(system) else ""
