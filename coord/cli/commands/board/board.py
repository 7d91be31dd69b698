"""`coord board`."""

import msgspec

from coord.cli.parser import at_option, command, option
from coord.engine.board import board_of, rewrite_board
from coord.engine.run import Run
from coord.errors import usage_error
from coord.render.board.markdown import board_markdown


@command("board", acts=False)
@option("--write", is_flag=True, help="Write COORDINATION/STATUS_BOARD.md anew.")
@at_option
def board(run: Run, write: bool, at: str | None) -> None:
    """Print the board as Markdown, as STATUS_BOARD.md has it after every change.

    \b
    Examples:
      coord board
      coord board --write
      coord board --at -90m
    """
    if write and at is not None:
        raise usage_error("STATUS_BOARD.md shows the present: --write and --at do not go together.")
    if write:
        rewrite_board(run.system, run.workspace, run.config)
        run.say(f"✅ Wrote {run.workspace.board}", {"written": run.workspace.board})
        return
    snapshot = run.read_state(at)
    shown = board_of(run.system, run.config, snapshot, snapshot.now)
    run.say(board_markdown(shown), msgspec.to_builtins(shown))
