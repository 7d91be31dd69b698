"""The board as sections of text: the output of `coord status` and `coord claims`, and the screen of `coord watch`."""

from collections.abc import Sequence

from coord.render.format import FREED_NEXT, Names, ago, eta_text, line, plural, session_label, time_text, until
from coord.render.needs import need_line, step_lines
from coord.render.styled import INDENT, Row, Section, facts, session_pieces, styled
from eventlog.events import Instant
from projections.rules.liveness import doing_text
from projections.views.board import Board, ClaimRow, MessageRow, SessionRow, WaitRow, names_on
from projections.views.needs import Need

ROWS = 20  # shown of each section
NO_CLAIMS = "No claims."
_SIGNS = {
    "live": "",
    "silent": "🟡 silent: ",
    "dead": "🔴 dead: ",
    "continued": "↪ continued: ",
    "ended": "⚪ ended: ",
    "imported": "📥 imported: ",
}
_STATUS_STYLES = {"silent": "warn", "dead": "bad"}


def board_sections(board: Board, me: str, most: int = ROWS) -> list[Section]:
    """Return the whole board, with at most this many rows of each section; `me` is the id of the session that reads it,
    or empty.
    """
    rows = [_note(board_foot(board)), *(Row(styled(text, "warn" if "⚠️" in text else "quiet")) for text in board.link)]
    return [*board_body(board, me, most), Section("", rows)]


def board_foot(board: Board) -> str:
    """Return the last line of the board: the counts, and the time."""
    here, claims = board.counts.here, board.counts.claims
    counts = f"{plural(here, 'session')} · {plural(claims, 'claim')} · {plural(board.events, 'event')}"
    return f"{counts} · {time_text(board.now, board.now)}"


def board_body(board: Board, me: str, most: int = ROWS) -> list[Section]:
    """Return the board without its last line, with at most this many rows of each section."""
    now, counts, names = board.now, board.counts, names_on(board)
    sections = []
    if board.needs:
        rows = [row for need in board.needs[:most] for row in _need(need, now, me, names)]
        sections.append(Section("⚠️  COORDINATION NEEDED", [*rows, *_more(counts.needs, most)]))
    here = [row for row in board.sessions if row.status in ("live", "silent")]
    gone = [row for row in board.sessions if row.status not in ("live", "silent")]
    rows = [_session(row, now, me, names) for row in here[:most]] or [_note("none: `coord start` starts one")]
    sections.append(Section("🟢 ACTIVE SESSIONS", [*rows, *_more(counts.here, most)]))
    if gone:
        rows = [_session(row, now, me, names) for row in gone[:most]]
        sections.append(Section("⚪ GONE IN THE LAST HOUR", [*rows, *_more(counts.sessions - counts.here, most)]))
    rows = [_claim(row, now, me, names) for row in board.claims[:most]] or [_note("none")]
    sections.append(Section("🔒 ACTIVE CLAIMS", [*rows, *_more(counts.claims, most)]))
    if board.waiting:
        rows = [_wait(row, now, names) for row in board.waiting[:most]]
        sections.append(Section("⏳ WAITING", [*rows, *_more(counts.waiting, most)]))
    if board.messages:
        sections.append(Section("📨 RECENT MESSAGES", [_message(row, now, names) for row in board.messages[:5]]))
    return sections


def _need(need: Need, now: Instant, me: str, names: Names) -> list[Row]:
    """Return what needs someone, and a row below it for each step that ends it."""
    steps = [Row([(f"{INDENT}→ ", "quiet"), (text, "")]) for text in step_lines(need, me, names)]
    about = need.about if need.kind == "unacknowledged" else need.session or need.about
    return [Row([("- ", ""), (need_line(need, now, names), "warn")], about=about), *steps]


def _session(row: SessionRow, now: Instant, me: str, names: Names) -> Row:
    here = row.status in ("live", "silent")
    doing = doing_text(line(row.action), line(row.target), row.blocked_on) or ("no status yet" if here else "")
    progress = f"{row.percent}% complete" if row.percent is not None else line(row.progress)
    head = [
        *styled(_SIGNS[row.status], _STATUS_STYLES.get(row.status, "")),
        *session_pieces(row.id, names, full=True),
        *styled(doing and f": {doing}"),
        *styled(progress and f" ({progress})", "good"),
        *styled(" ← you" if row.id == me else "", "head"),
    ]
    last_seen = f"last seen {ago(row.last_at, now)}"
    below = facts(
        styled(line(row.phase)),
        _labelled("next: ", row.next_action),
        styled(row.blocked_on and f"blocked on {line(row.blocked_on)}", "bad"),
        styled(_same_conversation(row, names), "warn"),
        _labelled("subagents: ", ", ".join(row.agents)),
        _labelled("done by ", row.estimated_completion and eta_text(row.estimated_completion, now)),
        _labelled("files: ", ", ".join(row.files)),
        styled(row.doing_since and f"since {time_text(row.doing_since, now)}", "quiet"),
        styled(last_seen, "warn" if row.status == "silent" else "quiet"),
        styled(line(row.evidence, 200)),
        styled(row.summary and f"did: {line(row.summary, 200)}"),
        styled(row.notes and f"notes: {line(row.notes, 200)}"),
        styled(f"{row.unread} unread" if row.unread and here else "", "warn"),
        styled(line(row.branch) and f"on {line(row.branch)}", "quiet"),
        styled(row.elsewhere and f"machine: {line(row.elsewhere, 60)}", "quiet"),
        styled(row.client if row.client != "shell" else "", "quiet"),
    )
    return Row(head, below=below, about=row.id)


def _same_conversation(row: SessionRow, names: Names) -> str:
    others = ", ".join(session_label(session, names) for session in row.same_conversation)
    return f"same conversation as {others}" if others else ""


def _labelled(label: str, text: str) -> list[tuple[str, str]]:
    return [(label, "quiet"), (line(text), "")] if text else []


def claims_section(rows: Sequence[ClaimRow], now: Instant, me: str, names: Names, note: str = "") -> Section:
    """Return a row for each claim, and one for a note, if any."""
    return Section("", [*(_claim(row, now, me, names) for row in rows), *([_note(note)] if note else [])])


def _claim(row: ClaimRow, now: Instant, me: str, names: Names) -> Row:
    holder = [
        *session_pieces(row.session, names),
        *styled(row.agent and f" / {line(row.agent)}"),
        *styled(" (you)" if row.session == me else "", "head"),
        *styled(row.elsewhere and f" on {line(row.elsewhere, 60)}", "quiet"),
    ]
    text = facts(
        styled("shared" if row.mode == "shared" else ""),
        styled(until(row.ends_at, now, row.automatic)),
        styled("" if row.accepted else "not yet accepted", "warn"),
        styled(provisional_text(row, now), "warn"),
        styled("imported: conflicts with no claim" if row.imported else ""),
        styled(f"holder dead ({row.holder_gone}): {FREED_NEXT}" if row.holder_gone else "", "bad"),
        _labelled("for: ", row.note),
    )
    since = styled(f"since {time_text(row.granted_at, now)}", "quiet")
    return Row(text, (styled(line(row.resource)), holder), since, about=row.resource)


def provisional_text(row: ClaimRow, now: Instant) -> str:
    """Return whether the other machines have not agreed on a claim; empty if they have."""
    if not row.provisional_from:
        return ""
    later = f" from {time_text(row.provisional_from, now)} on" if row.provisional_from > now else ""
    return f"provisional{later}: other machines have not agreed"


def _wait(row: WaitRow, now: Instant, names: Names) -> Row:
    behind = ", ".join(session_label(session, names) for session in row.behind)
    text = facts(
        styled(f"until {time_text(row.until, now)}"),
        styled(f"behind {behind}"),
        styled(f"gone ({row.waiter_gone}): {FREED_NEXT}" if row.waiter_gone else "", "bad"),
    )
    since = styled(f"since {time_text(row.asked_at, now)}", "quiet")
    return Row(text, (styled(line(row.resource)), session_pieces(row.session, names)), since, about=row.resource)


def _message(row: MessageRow, now: Instant, names: Names) -> Row:
    to = "everyone" if row.everyone else ", ".join(session_label(session, names) for session in row.to)
    pieces = [
        *styled("❗ " if row.urgency == "high" else "", "bad"),
        *session_pieces(row.session, names),
        *styled(f" to {line(to)}, "),
        *styled(ago(row.at, now), "quiet"),
        *styled(f": {line(row.subject)}"),
        *styled(f" - {line(row.body, 100)}" if row.body else "", "quiet"),
    ]
    return Row(pieces, about=row.id)


def _note(text: str) -> Row:
    return Row(styled(text, "quiet"))


def _more(count: int, most: int) -> list[Row]:
    return [_note(f"… and {count - most} more: coord status --limit {count}")] if count > most else []
