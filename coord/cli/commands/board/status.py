"""`coord status`: show the board as text."""

from typing import Any

import msgspec

from coord.cli.paging import limit_option
from coord.cli.parser import at_option, command
from coord.engine.board import board_of
from coord.engine.run import Run
from coord.render.board.text import ROWS, board_sections
from projections.views.board import Board

_SECTIONS = ("sessions", "claims", "waiting", "messages", "needs")


@command("status")
@limit_option("rows of each section")
@at_option
def status(run: Run, limit: int | None, at: str | None) -> None:
    """Show who is here and what they do, who holds and waits for what, and what needs attention.

    \b
    Examples:
      coord status
      coord status --at "yesterday 18:00"
    """
    snapshot = run.read_state(at)
    me = run.own_session_id(snapshot)
    most = limit or (None if run.json else ROWS)
    board = board_of(run.system, run.config, snapshot, snapshot.now, most=most)
    run.show(board_sections(board, me, limit or ROWS), _document(run, board, limit) if run.json else None)


def _document(run: Run, board: Board, limit: int | None) -> dict[str, object]:
    """Return the board for JSON. If a number of rows was asked for, also how many were left out."""
    data: dict[str, Any] = msgspec.to_builtins(board)
    if limit:
        sizes = {name: data["counts"].get(name, len(data[name])) for name in _SECTIONS}
        older = sum(max(0, size - limit) for size in sizes.values())
        data |= {name: data[name][:limit] for name in _SECTIONS}
        data |= {"older": older, "next": run.repeat("status", limit=max(sizes.values())) if older else ""}
    return data
