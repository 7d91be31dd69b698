"""`coord status`."""

import msgspec

from coord.cli.parser import at_option, command
from coord.engine.board import board_of
from coord.engine.run import Run
from coord.render.board.text import board_text


@command("status")
@at_option
def status(run: Run, at: str | None) -> None:
    """Show who is here and on what, who holds what, who waits, and what needs someone.

    \b
    Examples:
      coord status
      coord status --at "yesterday 18:00"
    """
    present = run.look(at)
    me = run.perhaps_me(present)
    board = board_of(run.world, run.config, present, present.now)
    run.say(board_text(board, me), msgspec.to_builtins(board))
