"""Receipts: to whom a message went, and who read and confirmed it when.

To whom it went was decided when it was sent: everyone means those who heard it then, and a session that another goes on
for means that one. What someone had not read, or not confirmed, when it was continued passes to the session that
continues it. The message's own lists in the state say who still has to: here is only written down what changes them.
"""

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from eventlog.events import (
    Event,
    EventId,
    Instant,
    MessageAcknowledged,
    MessageRead,
    MessageSent,
    SessionEnded,
    SessionStarted,
)
from projections.rules.fold import fold
from projections.rules.sessions import has_effect
from projections.rules.state import Message, State


class Receipt(Struct):
    """What became of a message for one who was to read it."""

    session: str
    status: Literal["unread", "read", "passed_on", "dropped"] = "unread"  # dropped: it ended without reading
    at: Instant = ""  # when that was so
    by: EventId = ""  # the event that made it so
    passed_to: str = ""  # who went on for it before it had read, or confirmed what it had read
    confirmed_at: Instant = ""
    confirmed_by: EventId = ""


class Receipts(Struct):
    """A message and its receipts, in the order of its recipients. `unknown` are those that were no session."""

    message: Event
    rows: list[Receipt]
    unknown: list[str]
    replies: list[EventId]


def build_receipts(events: Iterable[Event], message: Event) -> Receipts:
    """The receipts of a message that is one of these events, which are in order."""
    assert isinstance(message.payload, MessageSent)
    state = State()
    found = Receipts(message, [], [], [])
    follow: _ReceiptTracker | None = None
    for event in events:
        counted = has_effect(state, event)
        fold(state, [event])
        if follow:
            if counted:
                follow.observe(event)
        elif event.id == message.id:
            named = message.payload.to if isinstance(message.payload.to, tuple) else ()
            found.unknown = [name for name in named if state.current_session(name) not in state.sessions]
            if kept := state.messages.get(message.id):
                follow = _ReceiptTracker(found, kept, list(state.sessions))
    return found


class _ReceiptTracker:
    """Goes with a message: `kept` is the message as the state has it, which each event changes in place."""

    def __init__(self, found: Receipts, kept: Message, sessions: Iterable[str]) -> None:
        self.found, self.kept = found, kept
        self.pending = {name: Receipt(name) for name in sessions if name in kept.unread_by}
        self.unconfirmed = {name: self.pending[name] for name in kept.unacknowledged_by}
        found.rows += self.pending.values()

    def observe(self, event: Event) -> None:
        """Write down what an event, which was just folded, changed."""
        payload, name = event.payload, self.found.message.id
        if isinstance(payload, MessageSent) and payload.in_reply_to == name:
            self.found.replies.append(event.id)
        if isinstance(payload, MessageAcknowledged) and name in payload.messages:
            for row in self.found.rows:
                if row.session == event.actor and not row.confirmed_at:
                    row.confirmed_at, row.confirmed_by = event.at, event.id
        if isinstance(payload, MessageRead | MessageAcknowledged | SessionStarted | SessionEnded):
            self._reading(event)
            self._confirming(event)

    def _reading(self, event: Event) -> None:
        for name in [name for name in self.pending if name not in self.kept.unread_by]:
            row = self.pending.pop(name)
            row.at, row.by = event.at, event.id
            if isinstance(event.payload, MessageRead | MessageAcknowledged):
                row.status = "read"
            elif isinstance(event.payload, SessionStarted):
                row.status, row.passed_to = "passed_on", event.actor
                if event.actor not in self.pending:
                    self.pending[event.actor] = Receipt(event.actor)
                    self.found.rows.append(self.pending[event.actor])
            else:
                row.status = "dropped"

    def _confirming(self, event: Event) -> None:
        """Whoever continues a session that had read the message confirms for it."""
        for name in [name for name in self.unconfirmed if name not in self.kept.unacknowledged_by]:
            row = self.unconfirmed.pop(name)
            if isinstance(event.payload, SessionStarted):
                if row.status == "read":
                    row.passed_to = event.actor
                else:
                    row = self.pending.get(event.actor, row)
                self.unconfirmed.setdefault(event.actor, row)
            elif isinstance(event.payload, MessageAcknowledged) and not row.confirmed_at:
                row.confirmed_at, row.confirmed_by = event.at, event.id
