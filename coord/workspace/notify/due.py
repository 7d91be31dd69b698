"""Notify the person: record what needs no notification, and send what is due from a process of its own.

Whoever changes the log calls `note_needs` under the machine's lock. If a notification is due, it starts `coord notify
--due` once the lock is free, and does not wait for it. That process waits for some seconds, so that nobody is notified
of a need that ends at once, such as a message that an agent confirms at its next hook. Then it decides again, under the
lock, with the needs of that time (`take_due`). If it is killed before, the next change of the log starts another one.
"""

import os
import sys
from collections.abc import Mapping

from msgspec import Struct

from coord.errors import CoordError
from coord.workspace.identity import Identity
from coord.workspace.notify.decision import NotifyRecord, marked, pick
from coord.workspace.notify.record import FAILURE, WAITING, LockFile, is_watched, read_notified, save_notified
from coord.workspace.paths import Workspace
from coord.workspace.person_config import read_person_config
from coord.workspace.system import System
from projections.views.board import Board


class Delivery(Struct, frozen=True):
    """A notification that is recorded as sent, and must be sent now."""

    command: list[str]
    env: dict[str, str]


def note_needs(system: System, workspace: Workspace, board: Board, me: Identity | None = None) -> bool:
    """Record the needs that have ended and those that need no notification. Return whether a notification is due.

    `me` is who has changed the log, if anyone has. Anything that fails is recorded for `coord doctor`, and not raised:
    the command that calls this has done its work.
    """
    try:
        before, after = compare(workspace, board, shown=is_watched(workspace.cache), me=_typing(system, board, me))
        is_due = pick(after, board.needs, board.now)[1] is not None
        if (after == before and not is_due) or not _command(system.env):
            return False  # usually: the settings are not read then
        if after != before:
            save_notified(workspace.cache, after)
    except (CoordError, OSError) as error:
        record_problem(workspace, error)
        return False
    return is_due


def compare(workspace: Workspace, board: Board, *, shown: bool, me: str = "") -> tuple[NotifyRecord, NotifyRecord]:
    """Return the record, and what it must be for the present board. `shown` and `me` as in `marked`."""
    before, complete = read_notified(workspace.cache), len(board.needs) == board.counts.needs
    return before, marked(before, board.needs, complete=complete, shown=shown, me=me)


def start_delivery(system: System, workspace: Workspace) -> None:
    """Start a process that sends what is due, unless one is waiting already."""
    from coord.workspace.notify.runner import start  # loads `subprocess`, which most commands do not need

    if LockFile(workspace.cache, WAITING).is_free:
        words = [sys.executable, "-P", "-m", "coord", "notify", "--due", "--root", workspace.folder]
        start(os.path.join(workspace.cache, FAILURE), words, system.env)


def take_due(system: System, workspace: Workspace, board: Board) -> Delivery | None:
    """Return the notification that is due, and record it as sent. Raises CoordError, and OSError if that fails.

    It is lost if the process is killed before it is sent, but no notification is sent twice.
    """
    command = _command(system.env)
    if not command:
        return None
    before, after = compare(workspace, board, shown=is_watched(workspace.cache))
    after, notification = pick(after, board.needs, board.now)
    if after != before:
        save_notified(workspace.cache, after)
    if notification is None:
        return None
    from coord.workspace.notify.message import filled_in, variables

    values = variables(notification, workspace.root, board.names)
    return Delivery(filled_in(command, values), {**system.env, **values})


def _command(env: Mapping[str, str]) -> tuple[str, ...]:
    """Return the person's command; empty if none is set, or if that command itself runs this one. Raises CoordError."""
    from coord.workspace.notify.message import PREFIX, check_command  # few commands need the words

    command = () if f"{PREFIX}TEXT" in env else read_person_config(env).notify
    if command:
        check_command(command)
    return command


def record_problem(workspace: Workspace, error: Exception) -> None:
    """Record why no notification can be sent, for `coord doctor`."""
    from coord.workspace.notify.runner import record_failure

    record_failure(os.path.join(workspace.cache, FAILURE), str(error))


def _typing(system: System, board: Board, me: Identity | None) -> str:
    """Return the acting session if a person has typed the command in a terminal, and a need is about this session."""
    if me is None or all(need.session != me.session for need in board.needs):
        return ""
    from coord.workspace.people import is_at_terminal  # reads the processes above this one

    return me.session if is_at_terminal(system) else ""
