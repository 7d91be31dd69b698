"""Receipts: to whom a message went, and who read and confirmed it when.

To whom it went was decided when it was sent: everyone means those who heard it then, and a session that another goes on
for means that one. What someone had not read when it was continued passes to the session that continues it.
"""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from eventlog.events import Event, EventId, Instant, MessageAcknowledged, MessageRead, MessageSent, SessionStarted
from projections.fold import fold
from projections.state import State


class Receipt(Struct):
    """What became of a message for one who was to read it."""

    session: str
    status: Literal["unread", "read", "passed_on", "dropped"] = "unread"  # dropped: it ended without reading
    at: Instant = ""  # when that was so
    by: EventId = ""  # the event that made it so
    passed_to: str = ""
    confirmed_at: Instant = ""
    confirmed_by: EventId = ""


class Receipts(Struct):
    """A message and its receipts, in the order of its recipients. `unknown` are those that were no session."""

    message: Event
    rows: list[Receipt]
    unknown: list[str]
    replies: list[EventId]


def receipts(events: Sequence[Event], message: Event) -> Receipts:
    """The receipts of a message that is one of these events, which are in order."""
    assert isinstance(message.payload, MessageSent)
    state = State()
    found = Receipts(message, [], [], [])
    pending: dict[str, Receipt] = {}
    for event in events:
        fold(state, [event])
        if event.id == message.id:
            pending = {name: Receipt(name) for name in _unread(state, message.id)}
            found.rows += pending.values()
            named = message.payload.to if isinstance(message.payload.to, tuple) else ()
            found.unknown = [name for name in named if state.follow(name) not in state.sessions]
        elif found.rows or event.key > message.key:
            _follow(found, pending, state, event)
    return found


def _unread(state: State, message: EventId) -> list[str]:
    return [session.id for session in state.sessions.values() if message in session.unread]


def _follow(found: Receipts, pending: dict[str, Receipt], state: State, event: Event) -> None:
    payload, message = event.payload, found.message.id
    if isinstance(payload, MessageSent) and payload.in_reply_to == message:
        found.replies.append(event.id)
    if isinstance(payload, MessageAcknowledged) and message in payload.messages:
        for row in found.rows:
            if row.session == event.actor and not row.confirmed_at:
                row.confirmed_at, row.confirmed_by = event.at, event.id
    still = _unread(state, message) if pending else []
    for name in [name for name in pending if name not in still]:
        row = pending.pop(name)
        row.at, row.by = event.at, event.id
        if isinstance(payload, MessageRead | MessageAcknowledged):
            row.status = "read"
        elif isinstance(payload, SessionStarted):
            row.status, row.passed_to = "passed_on", event.actor
            if event.actor in still and event.actor not in pending:
                pending[event.actor] = Receipt(event.actor)
                found.rows.append(pending[event.actor])
        else:
            row.status = "dropped"
