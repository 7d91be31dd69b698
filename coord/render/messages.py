"""Messages and notices as text for a terminal."""

from collections.abc import Sequence

from coord.render.events import bypass
from coord.render.format import Names, line, session_label, terminal_text, time_text
from eventlog.events import EventId, Instant
from projections.rules.state import Notice
from projections.views.board import MessageRow

BODY_SHOWN = 1500  # characters of a message body in a list
_CROSSED_SHOWN = 5  # messages that a reply crosses, the newest ones


def message_lines(row: MessageRow, now: Instant, me: str, names: Names, whole: bool = False) -> str:
    """Return a message for a terminal; its body is cut at `BODY_SHOWN` characters unless `whole`."""
    signs = ("❗ urgent · " if row.urgency == "high" else "") + (
        f"reply to {row.in_reply_to} · " if row.in_reply_to else ""
    )
    own = " (your own session)" if row.session == me else ""
    body = terminal_text(row.body, 0 if whole else BODY_SHOWN)
    resolution = f": {line(row.resolution, 300)}" if row.resolution else ""
    rest = row.length - BODY_SHOWN
    if rest > 0 and not whole:
        body += f"\n… {rest} more characters: coord inbox {row.id}"
    parts = [
        f"From: {session_label(row.session, names)}{own} · {time_text(row.at, now)} · {signs}{row.id}",
        f"Subject: {line(row.subject, 300)}",
        "Message: " + body.replace("\n", "\n         ") if row.body else "",
        f"Sent before it read {'your ' if me in row.to else ''}{', '.join(row.crosses[-_CROSSED_SHOWN:])}"
        if row.crosses
        else "",
        f"Asks for a confirmation: coord ack {row.id} (a reply confirms it too)" if me in row.unacknowledged_by else "",
        f"Closed by {session_label(row.resolved_by, names)}{resolution}" if row.resolved_by else "",
    ]
    return "\n".join(part for part in parts if part)


def newest_crossed(crosses: Sequence[EventId]) -> str:
    """Return the newest message that a reply crosses, and how many more there are."""
    more = f" and {len(crosses) - 1} more" if len(crosses) > 1 else ""
    return f"{crosses[-1]}{more}"


def notice_line(notice: Notice, now: Instant, names: Names) -> str:
    """Return a notice as one line for a terminal."""
    resources = ", ".join(line(name) for name in notice.resources[:10])
    resources += f" and {len(notice.resources) - 10} more" if len(notice.resources) > 10 else ""
    why = f": {line(notice.reason, 300)}" if notice.reason else ""
    other = session_label(notice.other, names)
    to = f" to {other}" if notice.other else ""
    did, _, how = bypass(notice.reason)
    texts = {
        "lost": f"❌ You lost {resources}{to}{why}",
        "broken": f"❌ {other} broke your claim on {resources}{why}",
        "expired": f"⌛ Your claim on {resources} expired; you no longer hold it",
        "handed_over": f"🤝 {other} handed {resources} over to you{why}",
        "not_handed_over": f"❌ {resources} could not be handed over{to}; you still have it",
        "presumed_dead": f"❌ You were presumed dead by {other}{why}. Released: {resources or 'nothing'}",
        "bypassed": f"⚠️  {other} {did} {resources}, which you hold, {how}",
        "copied": f"⚠️  {other} has the same conversation as you, in another process. It is a session of its own, with "
        "its own claims and messages. Tell your user, who may want to end one of the two",
        "passed_on": f"❌ {other} continues your session, with {resources or 'no claims'}",
    }
    return f"{texts[notice.kind]} ({time_text(notice.at, now)})"
