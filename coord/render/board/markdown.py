"""The board as Markdown: the content of STATUS_BOARD.md."""

from collections.abc import Iterable, Sequence

from coord.render.format import Names, markdown_text, plural, session_label, time_text
from eventlog.events import Instant
from projections.rules.liveness import doing_text
from projections.views.board import Board, MessageRow, SessionRow, names_on

ROWS = 30  # shown of each table
_SIGNS = {"live": "🟢", "silent": "🟡", "dead": "🔴", "continued": "↪", "ended": "⚪", "imported": "📥"}


def board_markdown(board: Board) -> str:
    """Return the whole page."""
    now, counts, names = board.now, board.counts, names_on(board)
    parts = [
        "# 📋 Status board\n",
        f"{time_text(now, '', seconds=True)} · {plural(counts.here, 'session')} here · "
        f"{plural(counts.claims, 'claim')} · {plural(counts.waiting, 'request')} waiting · "
        f"{plural(board.events, 'event')} in the log\n",
    ]
    parts += [f"{text}\n" for text in map(markdown_text, board.link)]
    if board.needs:
        from coord.render.needs import need_markdown  # most boards have no such rows

        parts += [
            "## ⚠️ Coordination needed\n",
            *(f"- {need_markdown(need, now, board.names)}" for need in board.needs[:ROWS]),
            "",
        ]
        parts += _more(counts.needs)
    parts += ["## 🟢 Sessions\n", *_sessions(board, names), "## 🔒 Claims\n", *_claims(board, names)]
    if board.waiting:
        rows = (
            (
                wait.resource,
                session_label(wait.session, names),
                time_text(wait.asked_at, now),
                time_text(wait.until, now),
                ", ".join(session_label(session, names) for session in wait.behind)
                + (f" · gone ({wait.waiter_gone})" if wait.waiter_gone else ""),
            )
            for wait in board.waiting[:ROWS]
        )
        parts += [
            "## ⏳ Waiting\n",
            *_table(("resource", "session", "since", "until", "behind"), rows),
            *_more(counts.waiting),
        ]
    parts += ["## 📨 Recent messages\n", *_messages(board, names)]
    return "\n".join(parts)


def _sessions(board: Board, names: Names) -> Iterable[str]:
    if not board.sessions:
        return ["None: `coord start` starts one.\n"]
    heads = ("", "session", "doing", "phase", "progress", "next", "since", "last update")
    rows = (_session(row, board.now, names) for row in board.sessions[:ROWS])
    return [*_table(heads, rows), *_more(board.counts.sessions)]


def _session(row: SessionRow, now: Instant, names: Names) -> Sequence[str]:
    doing = doing_text(row.action, row.target, row.blocked_on)
    if row.blocked_on:
        doing += f" — blocked on {row.blocked_on}"
    if row.agents:
        doing += f" — subagents: {', '.join(row.agents)}"
    if row.same_conversation:
        others = ", ".join(session_label(session, names) for session in row.same_conversation)
        doing += f" — same conversation as {others}"
    if row.status not in ("live", "silent"):
        why = row.evidence or row.summary
        doing = (f"{row.status}: {why}" if why else row.status) + (f" — was {doing}" if doing else "")
    since = time_text(row.doing_since, now) if row.doing_since else ""
    sign = _SIGNS[row.status] + (" silent" if row.status == "silent" else "")
    return (
        sign,
        session_label(row.id, names, full=True) + (f" on {row.elsewhere}" if row.elsewhere else ""),
        doing,
        row.phase,
        row.progress,
        row.next_action,
        since,
        time_text(row.last_at, now),
    )


def _claims(board: Board, names: Names) -> Iterable[str]:
    if not board.claims:
        return ["None.\n"]
    rows = (
        (
            claim.resource + (" (shared)" if claim.mode == "shared" else ""),
            session_label(claim.session, names)
            + (f" / {claim.agent}" if claim.agent else "")
            + (f" on {claim.elsewhere}" if claim.elsewhere else ""),
            time_text(claim.granted_at, board.now),
            ("it is committed" if claim.automatic else time_text(claim.ends_at, board.now))
            + ("" if claim.accepted else ", not yet accepted")
            + (", provisional" if claim.provisional_from else "")
            + (", imported" if claim.imported else ""),
            claim.note,
        )
        for claim in board.claims[:ROWS]
    )
    return [*_table(("resource", "holder", "since", "until", "note"), rows), *_more(board.counts.claims)]


def _messages(board: Board, names: Names) -> Iterable[str]:
    if not board.messages:
        return ["None.\n"]
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


def _more(count: int) -> list[str]:
    return [f"… and {count - ROWS} more: `coord status --limit {count}`\n"] if count > ROWS else []
