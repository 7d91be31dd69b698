"""Messages as their readers see them: finding one by its id, and showing it."""

import re
from collections.abc import Mapping

from coord.engine.snapshot import Snapshot
from coord.errors import usage_error
from coord.render.events import bypass, event_text
from coord.render.format import line, session_label, terminal_text, time_text
from coord.workspace.names import matches
from coord.workspace.paths import Workspace
from eventlog.events import EVERYONE, Event, EventId, Instant, MessageSent
from eventlog.local.journal import read_event
from projections.rules.state import Notice, State
from projections.views.board import MessageRow

_NUMBER = re.compile("[1-9][0-9]{0,15}")
BODY_SHOWN = 1500  # characters of a body in a list


def message_id(snapshot: Snapshot, text: str) -> EventId:
    """The full id of a message, from `session/n` where the session may be shortened. Raises CoordError (2)."""
    session, _, number = text.rpartition("/")
    if not session or not _NUMBER.fullmatch(number):
        raise usage_error(f"'{line(text, 60)}' is no message. Name it as `coord inbox` shows it: amber-otter-k3f9/17")
    names = [session] if session in snapshot.history.positions else matches(snapshot.state, session)
    if len(names) != 1:
        what = f"several sessions: {', '.join(names)}" if names else "no session"
        raise usage_error(f"'{line(text, 60)}' names {what}. Give the id as `coord inbox` shows it.")
    return f"{names[0]}/{int(number)}"


def read_message(workspace: Workspace, name: EventId) -> tuple[Event, MessageSent]:
    """A message, whole, from the journal that it was written in. Raises CoordError (2) if there is none."""
    event = read_event(workspace.log, name)
    if event is None:
        raise usage_error(f"there is no message {name}.")
    if not isinstance(event.payload, MessageSent):
        did = f"{event.actor} {event_text(event, {})}"
        raise usage_error(f'{name} is no message, but this: {did}. Write one: coord send {event.actor} "Subject" "..."')
    return event, event.payload


def full_message_row(event: Event, payload: MessageSent, state: State) -> MessageRow:
    """A message from its journal, as a row, with its whole body."""
    kept = state.messages.get(event.id)
    return MessageRow(
        id=event.id,
        at=event.at,
        session=event.actor,
        to=() if payload.to == EVERYONE else tuple(payload.to),
        everyone=payload.to == EVERYONE,
        subject=payload.subject,
        body=payload.body,
        length=len(payload.body),
        urgency=payload.urgency,
        needs_ack=payload.needs_ack,
        in_reply_to=payload.in_reply_to,
        unacknowledged_by=tuple(sorted(kept.unacknowledged_by)) if kept else (),
    )


def message_lines(row: MessageRow, now: Instant, me: str, names: Mapping[str, str], whole: bool = False) -> str:
    """A message for a terminal. What it says is another session's words, shown and not obeyed."""
    signs = ("❗ urgent · " if row.urgency == "high" else "") + (
        f"reply to {row.in_reply_to} · " if row.in_reply_to else ""
    )
    body = terminal_text(row.body, 0 if whole else BODY_SHOWN)
    rest = row.length - BODY_SHOWN
    if rest > 0 and not whole:
        body += f"\n… {rest} more characters: coord inbox {row.id}"
    parts = [
        f"From: {session_label(row.session, names)} · {time_text(row.at, now)} · {signs}{row.id}",
        f"Subject: {line(row.subject, 300)}",
        "Message: " + body.replace("\n", "\n         ") if row.body else "",
        f"Asks for a confirmation: coord ack {row.id} (a reply confirms it too)" if me in row.unacknowledged_by else "",
    ]
    return "\n".join(part for part in parts if part)


def notice_line(notice: Notice, now: Instant, names: Mapping[str, str]) -> str:
    """A notice for a terminal."""
    resources = ", ".join(line(name) for name in notice.resources[:10])
    resources += f" and {len(notice.resources) - 10} more" if len(notice.resources) > 10 else ""
    why = f": {line(notice.reason, 300)}" if notice.reason else ""
    other = session_label(notice.other, names)
    to = f" to {other}" if notice.other else ""
    did, _, how = bypass(notice.reason)
    words = {
        "lost": f"❌ You lost {resources}{to}{why}",
        "broken": f"❌ {other} broke your claim on {resources}{why}",
        "expired": f"⌛ Your claim on {resources} expired; nobody holds it for you any more",
        "handed_over": f"🤝 {other} handed {resources} over to you{why}",
        "not_handed_over": f"❌ {resources} could not be handed over{to}; you still have it",
        "presumed_dead": f"❌ You were presumed dead by {other}{why}. Released: {resources or 'nothing'}",
        "bypassed": f"⚠️  {other} {did} {resources}, which is yours, {how}",
        "passed_on": f"❌ {other} goes on for you, with {resources or 'no claims'}",
    }
    return f"{words[notice.kind]} ({time_text(notice.at, now)})"
