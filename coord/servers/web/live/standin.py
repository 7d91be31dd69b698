"""The moment document, in few words, until `coord.servers.web.documents` has it."""

from msgspec import to_builtins

from coord.render.board.text import board_sections
from coord.render.styled import Section
from eventlog.events import Instant
from projections.rules.state import State
from projections.views.board import Board


def moment_document(board: Board, state: State, at: Instant) -> dict[str, object]:
    """Return the document of a moment."""
    return {
        "at": at,
        "live": True,
        "position": "",
        "event": "",
        "counts": to_builtins(board.counts),
        "events": board.events,
        "needs": [],
        "board": [_section(section) for section in board_sections(board, "")],
        "claims": [],
        "messages": [],
        "sessions": [],
        "names": dict(board.names),
        "me": None,
        "read_only": False,
        "problems": [],
        "folder": "",
        "next_change": state.due,
    }


def _section(section: Section) -> dict[str, object]:
    rows = [
        {"columns": row.columns, "extra": row.extra, "text": row.text, "below": row.below, "about": ""}
        for row in section.rows
    ]
    return {"head": section.head, "rows": rows}
