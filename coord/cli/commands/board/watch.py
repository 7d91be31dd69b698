"""`coord watch`."""

import copy
import sys

import msgspec

from coord.cli.parser import command, option
from coord.engine.board import board_of
from coord.engine.run import Run
from coord.engine.snapshot import Snapshot
from coord.errors import CoordError
from coord.platform.watch import POLL_EVERY_S, collect_signals, watch_folder
from coord.render.board.text import board_body, board_foot, board_text
from coord.render.console.screen import QUIT, Terminal, TextView, is_usable, wrapped
from eventlog.events import Instant, seconds_between
from projections.views.board import Board
from projections.views.replay import copy_state


@command("watch")
@option("--once", is_flag=True, help="Print the board, fitted to the window, and end.")
def watch(run: Run, once: bool) -> None:
    """Show the board, live, until q is pressed: it is drawn again whenever something happens.

    Where the window is small, each line is cut to one row; w shows them whole, and the arrow keys what is below. Where
    there is no terminal, and with --json, the board is printed once.

    \b
    Examples:
      coord watch
      coord watch --once
    """
    snapshot = run.read_state()
    if once or run.json or not is_usable(run.system.env):
        _once(run, snapshot)
        if not once and not run.json:
            run.note("this is no terminal that can be drawn on: the board as it is now")
        return
    caught: list[int] = []
    with collect_signals(caught), watch_folder(run.workspace.log) as changes, Terminal(run.system.env) as terminal:
        _watch_live(run, snapshot, terminal, changes, caught)
    if caught:
        raise CoordError(128 + caught[0], "")


def _once(run: Run, snapshot: Snapshot) -> None:
    board, me, _ = _current_board(run, snapshot)
    text = board_text(board, me)
    if sys.stdout.isatty():
        import shutil

        columns = shutil.get_terminal_size().columns
        text = "\n".join(row for line in text.split("\n") for row in wrapped(line, columns))
    run.say(text, msgspec.to_builtins(board))


def _current_board(run: Run, snapshot: Snapshot) -> tuple[Board, str, Instant]:
    """The board as it is now, who looks, and when it will be another by time alone.

    `present` can be caught up later, though events may still come that are a little older than now: where time ends
    something, it passes in a copy of the state, which takes a while if there is much unread; else it leaves no trace.
    """
    shown = copy.copy(snapshot)
    now, reached = shown.now, snapshot.state.reached
    if snapshot.state.due <= now:
        shown.state = copy_state(snapshot.state)
    board = board_of(run.system, run.config, shown, now)
    me = run.own_session_id(shown)
    snapshot.state.reached = reached
    return board, me, shown.state.due


def _watch_live(run: Run, snapshot: Snapshot, terminal: Terminal, changes: int, caught: list[int]) -> None:
    """Draw the board, wait until it may be another, and draw it again, until someone has seen enough."""
    key, part = "", TextView()
    while not caught:
        if not key:
            snapshot.catch_up(consistent=True)
            board, me, due = _current_board(run, snapshot)
        columns, height = terminal.size
        rows = part.rows(board_body(board, me), columns, height - 1)
        foot = [part.more, "q quits", board_foot(board)]
        terminal.show(rows, " · ".join(words for words in foot if words))
        key = terminal.wait(min(POLL_EVERY_S, seconds_between(run.system.wall(), due)), changes)
        if key in QUIT:
            caught.extend(QUIT[key])
            return
        part.press(key, height - 1)
