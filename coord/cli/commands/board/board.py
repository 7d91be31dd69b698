"""`coord board`: print the board as Markdown."""

import msgspec

from coord.cli.parser import at_option, command, option
from coord.engine.board import board_of, rewrite_board
from coord.engine.run import Run
from coord.errors import usage_error
from coord.render.board.markdown import ROWS, board_markdown


@command("board", acts=False)
@option("--write", is_flag=True, help="Write COORDINATION/STATUS_BOARD.md instead of printing the board.")
@at_option
def board(run: Run, write: bool, at: str | None) -> None:
    """Print the board as Markdown, or write it to STATUS_BOARD.md.

    Every command that changes something also rewrites STATUS_BOARD.md, so --write is rarely needed.

    \b
    Examples:
      coord board
      coord board --write
      coord board --at -90m
    """
    if write and at is not None:
        raise usage_error("STATUS_BOARD.md shows the present state, so --write cannot be used with --at.")
    if write:
        rewrite_board(run.system, run.workspace, run.config)
        run.say(f"✅ Wrote {run.workspace.board}", {"written": run.workspace.board})
        return
    snapshot = run.read_state(at)
    current = board_of(run.system, run.config, snapshot, snapshot.now, most=None if run.json else ROWS)
    run.say(board_markdown(current), msgspec.to_builtins(current) if run.json else None)
