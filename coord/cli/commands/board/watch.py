"""`coord watch`: show the board live in a terminal."""

import msgspec

from coord.cli.commands.board._attention import Attention
from coord.cli.parser import command, option
from coord.engine.board import current_board
from coord.engine.run import Run
from coord.engine.snapshot import Snapshot
from coord.errors import CoordError
from coord.platform.watch import POLL_EVERY_S, collect_signals, watch_folder
from coord.render.board.text import ROWS, board_body, board_foot, board_sections
from coord.render.console.screen import QUIT, SectionView, Terminal, is_usable
from coord.workspace.paths import has_person_config
from eventlog.events import Instant, seconds_between
from projections.views.board import Board

_KEYS = "q quits · w wraps · ↑↓ scroll"  # the first stays visible in a narrow window


@command("watch")
@option("--once", is_flag=True, help="Print the board once, fitted to the window, and exit.")
@option("--notify", is_flag=True, help="Ring when something new needs you and this window does not have the focus.")
def watch(run: Run, once: bool, notify: bool) -> None:
    """Show the board live in this terminal. It is drawn again when something changes; q quits.

    Lines that are too long for the window are cut; press w to wrap them, and the arrow keys to scroll. Without a
    terminal, or with --json, the board is printed once.

    With --notify, the terminal rings when something new needs you, and shows a desktop notification if it can: once
    for each need, and at most four times an hour for needs that are not urgent.

    \b
    Examples:
      coord watch
      coord watch --notify
      coord watch --once
    """
    snapshot = run.read_state()
    if once or run.json or not is_usable(run.system.env):
        _print_once(run, snapshot)
        if not once and not run.json:
            run.note("coord cannot draw on this terminal, so the board was printed once")
        return
    caught: list[int] = []
    terminal = Terminal(run.system.env, reports_focus=notify or has_person_config(run.system.env))
    with collect_signals(caught), watch_folder(run.workspace.log) as changes, terminal:
        attention = Attention(run, terminal, rings=notify)
        try:
            _watch_live(run, snapshot, terminal, attention, changes, caught)
        finally:
            attention.close()
    if caught:
        raise CoordError(128 + caught[0], "")


def _print_once(run: Run, snapshot: Snapshot) -> None:
    board, me, _ = _current_board(run, snapshot)
    run.show(board_sections(board, me), msgspec.to_builtins(board) if run.json else None)


def _current_board(run: Run, snapshot: Snapshot) -> tuple[Board, str, Instant]:
    """Return the current board, this session's id, and the time of the next change that needs no event."""
    board, current = current_board(run.system, run.config, snapshot, None if run.json else ROWS)
    return board, run.own_session_id(current), current.state.due


def _watch_live(
    run: Run, snapshot: Snapshot, terminal: Terminal, attention: Attention, changes: int, caught: list[int]
) -> None:
    """Draw the board, and draw it again after each change or key, until a key or a signal ends it."""
    key, view = "", SectionView()
    while not caught:
        attention.note_key(key)
        if not key:
            snapshot.catch_up(consistent=True)
            board, me, due = _current_board(run, snapshot)
        columns, height = terminal.size
        rows = view.rows(board_body(board, me), columns, height - 1)
        foot = [view.more, _KEYS, board_foot(board)]
        terminal.show(rows, " · ".join(part for part in foot if part))
        if not key:
            attention.note_board(board)
        key = terminal.wait(min(POLL_EVERY_S, seconds_between(run.system.wall(), due)), changes)
        if key in QUIT:
            caught.extend(QUIT[key])
            return
        view.press(key, height - 1)
