"""The moment document of the page: a board and the state at its time, as JSON values.

Its texts are those of `coord status` and `coord claims`. Nothing here reads a file or a clock.
"""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct, to_builtins

from coord.render.board.text import NO_CLAIMS, board_sections, claims_section
from coord.render.format import line, session_label, terminal_text
from coord.render.styled import Row, Section
from coord.servers.web.actions.needs import actions_of
from coord.workspace.notify.decision import need_key
from eventlog.events import NEVER
from projections.rules.liveness import doing_text
from projections.rules.messages import messages_of
from projections.rules.state import State
from projections.views.board import Board, MessageRow, claim_rows, message_row, names_of, names_on
from projections.views.needs import Need, need_text
from projections.views.point_in_time import newest, sort_key

MAX_CLAIMS, MAX_SESSIONS, MAX_MESSAGES = 200, 500, 200


class Viewer(Struct, frozen=True):
    """Who looks at the page: the session of the person, or empty, and whether the page is read-only."""

    me: str = ""
    folder: str = ""  # the name of the repository
    read_only: bool = False
    problems: tuple[str, ...] = ()  # of the journals and of the server


def moment_document(board: Board, state: State, viewer: Viewer, *, live: bool) -> dict[str, Any]:
    """Return the document of a moment. The board is that of `state`, with at most `ROWS` rows of each kind."""
    (_, session, n), me = state.last, viewer.me
    event = f"{session}/{n}" if session else ""
    names = names_of(state)
    sessions = _sessions(board, state)
    shown = {row["id"] for row in sessions} | names_on(board).keys()
    return {
        "at": board.now,
        "live": live,
        "position": f"{state.events}/{event}",
        "event": event,
        "events": board.events,
        "counts": to_builtins(board.counts),
        "needs": [_need(need, board, me) for need in board.needs],
        "board": [section_document(section) for section in board_sections(board, me)],
        "claims": [section_document(_claims(board, state, me))],
        "messages": [_message(row, state, me) for row in _messages(board, state, me)],
        "sessions": sessions,
        "names": {name: session_label(name, names) for name in sorted(shown)},
        "me": {"session": me, "name": names.get(me, "")} if me else None,
        "read_only": viewer.read_only,
        "problems": list(viewer.problems),
        "folder": viewer.folder,
        "next_change": state.due if state.due != NEVER else "",
    }


def section_document(section: Section) -> dict[str, Any]:
    """Return a section of text with its styles."""
    return {"head": section.head, "rows": [_row(row) for row in section.rows]}


def _row(row: Row) -> dict[str, Any]:
    return {
        "columns": [_pieces(column) for column in row.columns],
        "extra": _pieces(row.extra),
        "text": _pieces(row.text),
        "below": _pieces(row.below),
        "about": row.about,
    }


def _pieces(pieces: Iterable[tuple[str, str]]) -> list[list[str]]:
    return [[text, style] for text, style in pieces]


def _need(need: Need, board: Board, me: str) -> dict[str, Any]:
    names = names_on(board)
    text = line(need_text(need, lambda session: session_label(session, names)), 400)
    values: dict[str, Any] = to_builtins(need)
    del values["names"], values["to"]
    return {
        **values,
        "id": need_key(need),
        "text": text,
        "subject": line(need.subject, 400),
        "excerpt": line(need.excerpt, 400),
        "steps": [to_builtins(step) for step in need.steps],
        "actions": [to_builtins(action) for action in actions_of(need, me)],
    }


def _claims(board: Board, state: State, me: str) -> Section:
    """Return the section of `coord claims`, with more rows."""
    gone = {row.session: row.holder_gone for row in board.claims if row.holder_gone}
    gone |= {row.id: row.evidence for row in board.sessions if row.status == "dead" and state.sessions[row.id].live}
    rows = claim_rows(state, gone)
    shown, older = newest(rows, lambda row: sort_key(row.granted_at, row.id), MAX_CLAIMS)
    more = f"… and {len(older)} more: coord claims --limit {len(rows)}" if older else ""
    return claims_section(shown, board.now, me, names_of(state), more if rows else NO_CLAIMS)


def _messages(board: Board, state: State, me: str) -> list[MessageRow]:
    """Return the recent messages, and those that the person has not read or confirmed, the newest first."""
    rows = {row.id: row for row in board.messages}
    own = messages_of(state, state.sessions[me]) if me in state.sessions else []
    rows |= {message.id: message_row(state, message.id) for message in own[-MAX_MESSAGES:] if message.id not in rows}
    return sorted(rows.values(), key=lambda row: sort_key(row.at, row.id), reverse=True)


def _message(row: MessageRow, state: State, me: str) -> dict[str, Any]:
    unread = bool(me) and row.id in state.sessions[me].unread
    for_me = bool(me) and (me in row.to or unread or (row.everyone and row.session != me))
    values: dict[str, Any] = to_builtins(row)
    del values["resolution"], values["crosses"]
    shown = {"subject": line(row.subject, 300), "body": terminal_text(row.body)}
    return {**values, **shown, "for_me": for_me, "unread": unread}


def _sessions(board: Board, state: State) -> list[dict[str, str]]:
    """Return the sessions of the board and other live ones, the live ones first."""
    rows: dict[str, dict[str, str]] = {}
    for row in board.sessions:
        doing = doing_text(line(row.action), line(row.target), row.blocked_on)
        rows[row.id] = _session(row.id, row.name, row.status, row.client, doing)
    for session in state.sessions.values():
        if session.live and session.id not in rows:
            doing = doing_text(line(session.doing.action), line(session.doing.target), session.doing.blocked_on)
            rows[session.id] = _session(session.id, session.name, session.status, session.client, doing)
    is_gone = {"live": False, "silent": False}
    return sorted(rows.values(), key=lambda row: is_gone.get(row["status"], True))[:MAX_SESSIONS]


def _session(session: str, name: str, status: str, client: str, doing: str) -> dict[str, str]:
    return {"id": session, "name": line(name), "status": status, "client": line(client), "doing": line(doing, 200)}
