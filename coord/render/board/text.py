"""The board as text for a terminal: the output of `coord status` and `coord claims`."""

from collections.abc import Sequence

from coord.render.format import FREED_NEXT, Names, ago, eta_text, line, plural, session_label, time_text, until
from coord.render.needs import need_lines
from eventlog.events import Instant
from projections.views.board import Board, ClaimRow, MessageRow, SessionRow, WaitRow

ROWS = 20  # shown of each section
_SIGNS = {
    "live": "",
    "silent": "🟡 silent: ",
    "dead": "🔴 dead: ",
    "continued": "↪ continued: ",
    "ended": "⚪ ended: ",
    "imported": "📥 imported: ",
}


def board_text(board: Board, me: str, most: int = ROWS) -> str:
    """Return the whole board; `me` is the id of the session that reads it, or empty."""
    return f"{board_body(board, me, most)}\n\n{board_foot(board)}"


def board_foot(board: Board) -> str:
    """Return the last line of the board: the counts, and the time."""
    here = sum(row.status in ("live", "silent") for row in board.sessions)
    counts = f"{plural(here, 'session')} · {plural(len(board.claims), 'claim')} · {plural(board.events, 'event')}"
    return f"{counts} · {time_text(board.now, board.now)}"


def board_body(board: Board, me: str, most: int = ROWS) -> str:
    """Return the board without its last line, with at most this many rows of each section."""
    now = board.now
    parts = []
    if board.needs:
        rows = [f"- {row}" for row in need_lines(board.needs[:most], now, me, board.names)]
        parts.append("\n".join(["⚠️  COORDINATION NEEDED", *rows, *_more(board.needs, most)]))
    here = [row for row in board.sessions if row.status in ("live", "silent")]
    gone = [row for row in board.sessions if row.status not in ("live", "silent")]
    rows = [_session(row, now, me, board.names) for row in here[:most]] or ["none: `coord start` starts one"]
    parts.append("\n".join(["🟢 ACTIVE SESSIONS", *rows, *_more(here, most)]))
    if gone:
        rows = [_session(row, now, me, board.names) for row in gone[:most]]
        parts.append("\n".join(["⚪ GONE IN THE LAST HOUR", *rows, *_more(gone, most)]))
    parts.append(
        "\n".join(["🔒 ACTIVE CLAIMS", *(claim_lines(board.claims, now, me, names=board.names, most=most) or ["none"])])
    )
    if board.waiting:
        rows = [_wait(row, now, board.names) for row in board.waiting[:most]]
        parts.append("\n".join(["⏳ WAITING", *rows, *_more(board.waiting, most)]))
    if board.messages:
        rows = [_message(row, now, board.names) for row in board.messages[:5]]
        parts.append("\n".join(["📨 RECENT MESSAGES", *rows]))
    return "\n\n".join(parts)


def _session(row: SessionRow, now: Instant, me: str, names: Names) -> str:
    you = " ← you" if row.id == me else ""
    here = row.status in ("live", "silent")
    doing = " ".join(line(part) for part in (row.action, row.target) if part) or ("no status yet" if here else "")
    progress = (
        f" ({row.percent}% complete)" if row.percent is not None else f" ({line(row.progress)})" if row.progress else ""
    )
    head = f"{_SIGNS[row.status]}{session_label(row.id, names)}{doing and f': {doing}'}{progress}{you}"
    facts = [
        line(row.phase),
        row.next_action and f"next: {line(row.next_action)}",
        row.blocked_on and f"blocked on {line(row.blocked_on)}",
        row.agents and f"subagents: {line(', '.join(row.agents))}",
        row.estimated_completion and f"done by {eta_text(row.estimated_completion, now)}",
        row.files and f"files: {line(', '.join(row.files))}",
        row.doing_since and f"since {time_text(row.doing_since, now)}",
        f"last seen {ago(row.last_at, now)}",
        line(row.evidence, 200),
        row.summary and f"did: {line(row.summary, 200)}",
        row.notes and f"notes: {line(row.notes, 200)}",
        row.unread and here and f"{row.unread} unread",
        line(row.branch) and f"on {line(row.branch)}",
        row.client != "shell" and row.client,
    ]
    return f"{head}\n    {' · '.join(str(fact) for fact in facts if fact)}"


def claim_lines(rows: Sequence[ClaimRow], now: Instant, me: str, *, names: Names, most: int) -> list[str]:
    """Return one line for each claim, for at most this many."""
    return [*(_claim(row, now, me, names) for row in rows[:most]), *_more(rows, most)]


def _claim(row: ClaimRow, now: Instant, me: str, names: Names) -> str:
    holder = (
        session_label(row.session, names)
        + (f" / {line(row.agent)}" if row.agent else "")
        + (" (you)" if row.session == me else "")
    )
    facts = [
        "shared" if row.mode == "shared" else "",
        f"since {time_text(row.granted_at, now)}",
        until(row.ends_at, now, row.automatic),
        "" if row.accepted else "not yet accepted",
        "imported: conflicts with no claim" if row.imported else "",
        f"holder dead ({row.holder_gone}): {FREED_NEXT}" if row.holder_gone else "",
        f"for: {line(row.note)}" if row.note else "",
    ]
    return f"{line(row.resource)} - {holder} · {' · '.join(fact for fact in facts if fact)}"


def _wait(row: WaitRow, now: Instant, names: Names) -> str:
    behind = ", ".join(session_label(session, names) for session in row.behind)
    who, since = session_label(row.session, names), time_text(row.asked_at, now)
    gone = f" · gone ({row.waiter_gone}): {FREED_NEXT}" if row.waiter_gone else ""
    return f"{line(row.resource)} - {who} · since {since} · until {time_text(row.until, now)} · behind {behind}{gone}"


def _message(row: MessageRow, now: Instant, names: Names) -> str:
    to = "everyone" if row.everyone else ", ".join(session_label(session, names) for session in row.to)
    body = f" - {line(row.body, 100)}" if row.body else ""
    urgent = "❗ " if row.urgency == "high" else ""
    return f"{urgent}{session_label(row.session, names)} to {line(to)}, {ago(row.at, now)}: {line(row.subject)}{body}"


def _more(rows: Sequence[object], most: int) -> list[str]:
    return [f"… and {len(rows) - most} more: coord status --limit {len(rows)}"] if len(rows) > most else []
