"""The board as Markdown: the content of STATUS_BOARD.md."""

from collections.abc import Iterable, Sequence

from coord.render.format import Names, markdown_text, plural, session_label, time_text
from eventlog.events import Instant
from projections.views.board import Board, MessageRow, SessionRow, names_on

_ROWS = 50  # shown of each table
_SIGNS = {"live": "🟢", "silent": "🟡", "dead": "🔴", "continued": "↪", "ended": "⚪", "imported": "📥"}


def board_markdown(board: Board) -> str:
    """Return the whole page."""
    now = board.now
    here = [row for row in board.sessions if row.status in ("live", "silent")]
    parts = [
        "# 📋 Status board\n",
        f"{time_text(now, '', seconds=True)} · {plural(len(here), 'session')} here · "
        f"{plural(len(board.claims), 'claim')} · {plural(len(board.waiting), 'request')} waiting · "
        f"{plural(board.events, 'event')} in the log\n",
    ]
    if board.needs:
        from coord.render.needs import need_markdown  # most boards have no such rows

        parts += [
            "## ⚠️ Coordination needed\n",
            *(f"- {need_markdown(need, now, board.names)}" for need in board.needs[:_ROWS]),
            "",
        ]
        parts += _more(board.needs)
    parts += ["## 🟢 Sessions\n", *_sessions(board), "## 🔒 Claims\n", *_claims(board)]
    if board.waiting:
        names = names_on(board)
        rows = (
            (
                wait.resource,
                session_label(wait.session, names),
                time_text(wait.asked_at, now),
                time_text(wait.until, now),
                ", ".join(session_label(session, names) for session in wait.behind)
                + (f" · gone ({wait.waiter_gone})" if wait.waiter_gone else ""),
            )
            for wait in board.waiting[:_ROWS]
        )
        parts += [
            "## ⏳ Waiting\n",
            *_table(("resource", "session", "since", "until", "behind"), rows),
            *_more(board.waiting),
        ]
    parts += ["## 📨 Recent messages\n", *_messages(board)]
    return "\n".join(parts)


def _sessions(board: Board) -> Iterable[str]:
    if not board.sessions:
        return ["None: `coord start` starts one.\n"]
    heads = ("", "session", "doing", "phase", "progress", "next", "since", "last update")
    rows = (_session(row, board.now, names_on(board)) for row in board.sessions[:_ROWS])
    return [*_table(heads, rows), *_more(board.sessions)]


def _session(row: SessionRow, now: Instant, names: Names) -> Sequence[str]:
    doing = " ".join(part for part in (row.action, row.target) if part)
    if row.blocked_on:
        doing += f" — blocked on {row.blocked_on}"
    if row.agents:
        doing += f" — subagents: {', '.join(row.agents)}"
    if row.status not in ("live", "silent"):
        why = row.evidence or row.summary
        doing = (f"{row.status}: {why}" if why else row.status) + (f" — was {doing}" if doing else "")
    since = time_text(row.doing_since, now) if row.doing_since else ""
    sign = _SIGNS[row.status] + (" silent" if row.status == "silent" else "")
    return (
        sign,
        session_label(row.id, names, full=True),
        doing,
        row.phase,
        row.progress,
        row.next_action,
        since,
        time_text(row.last_at, now),
    )


def _claims(board: Board) -> Iterable[str]:
    if not board.claims:
        return ["None.\n"]
    names = names_on(board)
    rows = (
        (
            claim.resource + (" (shared)" if claim.mode == "shared" else ""),
            session_label(claim.session, names) + (f" / {claim.agent}" if claim.agent else ""),
            time_text(claim.granted_at, board.now),
            ("it is committed" if claim.automatic else time_text(claim.ends_at, board.now))
            + ("" if claim.accepted else ", not yet accepted")
            + (", imported" if claim.imported else ""),
            claim.note,
        )
        for claim in board.claims[:_ROWS]
    )
    return [*_table(("resource", "holder", "since", "until", "note"), rows), *_more(board.claims)]


def _messages(board: Board) -> Iterable[str]:
    if not board.messages:
        return ["None.\n"]
    names = names_on(board)
    shown = [_message(row, board.now, names) for row in board.messages[:10]]
    return [*shown, ""]


def _message(row: MessageRow, now: Instant, names: Names) -> str:
    to = "everyone" if row.everyone else ", ".join(session_label(session, names) for session in row.to)
    urgent = "❗ " if row.urgency == "high" else ""
    body = f" — {markdown_text(row.body, 200)}" if row.body else ""
    who = markdown_text(session_label(row.session, names))
    return f"- {urgent}{time_text(row.at, now)}, {who} to {markdown_text(to)}: **{markdown_text(row.subject)}**{body}"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    lines += ["| " + " | ".join(markdown_text(cell, 200) for cell in row) + " |" for row in rows]
    return [*lines, ""]


def _more(rows: Sequence[object]) -> list[str]:
    return [f"… and {len(rows) - _ROWS} more: `coord status --limit {len(rows)}`\n"] if len(rows) > _ROWS else []
