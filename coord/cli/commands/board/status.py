"""`coord status`: show the board as text."""

import msgspec

from coord.cli.parser import at_option, command
from coord.engine.board import board_of
from coord.engine.run import Run
from coord.render.board.text import board_sections


@command("status")
@at_option
def status(run: Run, at: str | None) -> None:
    """Show who is here and what they do, who holds and waits for what, and what needs attention.

    \b
    Examples:
      coord status
      coord status --at "yesterday 18:00"
    """
    snapshot = run.read_state(at)
    me = run.own_session_id(snapshot)
    board = board_of(run.system, run.config, snapshot, snapshot.now)
    run.show(board_sections(board, me), msgspec.to_builtins(board))
