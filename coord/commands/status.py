"""`coord status`."""

import msgspec

from coord.options import at_option, command
from coord.run import Run
from coord.screen import board_text
from coord.views import board_of


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
