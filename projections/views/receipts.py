"""Receipts: who received a message, and when each recipient read and acknowledged it.

The recipients are determined when the message is sent, except a person's session that begins while the message is
open. A recipient that was already continued by then is replaced by
the session that continues it. If a recipient is continued later, a message that it has not read or acknowledged passes
on to that session. The state has the list of pending recipients of each message; this module records the changes to
that list.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Literal

from msgspec import Struct

from eventlog.events import (
    Event,
    EventId,
    Instant,
    MessageAcknowledged,
    MessageRead,
    MessageResolved,
    MessageSent,
    SessionEnded,
    SessionStarted,
)
from projections.rules.fold import fold
from projections.rules.sessions import has_effect
from projections.rules.state import Message, Session, State


class Receipt(Struct):
    """The receipt of a message for one recipient."""

    session: str
    status: Literal["unread", "read", "passed_on", "dropped"] = "unread"  # dropped: its session ended without reading
    at: Instant = ""  # when the status changed
    by: EventId = ""  # the event that changed it
    passed_to: str = ""  # the session that continued it before it read or acknowledged the message
    confirmed_at: Instant = ""
    confirmed_by: EventId = ""


class Receipts(Struct):
    """A message and its receipts, in the order of its recipients. `unknown` are recipients that were not sessions."""

    message: Event
    rows: list[Receipt]
    unknown: list[str]
    replies: list[EventId]
    resolved_by: str = ""  # the session that closed it for all recipients
    resolved: EventId = ""  # the event that closed it
    resolution: str = ""  # why


def build_receipts(events: Iterable[Event], message: Event, start: State | None = None) -> Receipts:
    """Return the receipts of a message in these events, as `receipts_of` does."""
    return receipts_of(events, [message], start)[message.id]


def receipts_of(
    events: Iterable[Event], messages: Iterable[Event], start: State | None = None
) -> dict[EventId, Receipts]:
    """Return the receipts of each of these messages, by its id, in one pass over the events, which are in order.

    `start` is the state before the first event, and before all of the messages. It is changed.
    """
    state = start or State()
    receipts = {message.id: Receipts(message, [], [], []) for message in messages}
    trackers: dict[EventId, _ReceiptTracker] = {}
    for event in events:
        effective = has_effect(state, event)
        fold(state, [event])
        if effective:
            for name in _changed_by(event, trackers):
                trackers[name].observe(event)
        if event.id in receipts and event.id not in trackers and isinstance(event.payload, MessageSent):
            named = event.payload.to if isinstance(event.payload.to, tuple) else ()
            unknown = [name for name in named if state.current_session(name) not in state.sessions]
            receipts[event.id].unknown = unknown
            if pending := state.messages.get(event.id):
                trackers[event.id] = _ReceiptTracker(receipts[event.id], pending, state.sessions)
    return receipts


def _changed_by(event: Event, messages: Collection[EventId]) -> list[EventId]:
    """Return those of the messages whose receipts an event can change."""
    payload = event.payload
    if isinstance(payload, SessionStarted | SessionEnded):
        return list(messages)
    if isinstance(payload, MessageRead | MessageAcknowledged | MessageResolved):
        return [name for name in dict.fromkeys(payload.messages) if name in messages]
    return [payload.in_reply_to] if isinstance(payload, MessageSent) and payload.in_reply_to in messages else []


class _ReceiptTracker:
    """Tracks one message. `kept` is the message in the state; folding an event can change it."""

    def __init__(self, receipts: Receipts, kept: Message, sessions: Mapping[str, Session]) -> None:
        self.receipts, self.kept = receipts, kept
        began = sorted((sessions[name].started_at, name) for name in kept.unread_by)
        self.pending = {name: Receipt(name) for _, name in began}
        self.unconfirmed = {name: self.pending[name] for name in kept.not_acknowledged_by}
        receipts.rows += self.pending.values()

    def observe(self, event: Event) -> None:
        """Record the changes made by an event that was just folded."""
        payload, name = event.payload, self.receipts.message.id
        if isinstance(payload, MessageSent) and payload.in_reply_to == name:
            self.receipts.replies.append(event.id)
            self._update_confirmations(event)
        if isinstance(payload, MessageAcknowledged) and name in payload.messages:
            for row in self.receipts.rows:
                if row.session == event.actor and not row.confirmed_at:
                    row.confirmed_at, row.confirmed_by = event.at, event.id
        if isinstance(payload, MessageResolved) and name in payload.messages and not self.receipts.resolved:
            self.receipts.resolved, self.receipts.resolved_by = event.id, event.actor
            self.receipts.resolution = payload.note
            self.unconfirmed = {}
        if isinstance(payload, MessageRead | MessageAcknowledged | SessionStarted | SessionEnded):
            self._update_readers(event)
            self._update_confirmations(event)
        if event.actor in self.kept.unread_by and event.actor not in self.pending:  # a person's session begins
            self.pending[event.actor] = Receipt(event.actor)
            self.receipts.rows.append(self.pending[event.actor])
            if event.actor in self.kept.unacknowledged_by:
                self.unconfirmed[event.actor] = self.pending[event.actor]

    def _update_readers(self, event: Event) -> None:
        for name in [name for name in self.pending if name not in self.kept.unread_by]:
            row = self.pending.pop(name)
            row.at, row.by = event.at, event.id
            if isinstance(event.payload, MessageRead | MessageAcknowledged):
                row.status = "read"
            elif isinstance(event.payload, SessionStarted):
                row.status, row.passed_to = "passed_on", event.actor
                if event.actor not in self.pending:
                    self.pending[event.actor] = Receipt(event.actor)
                    self.receipts.rows.append(self.pending[event.actor])
            else:
                row.status = "dropped"

    def _update_confirmations(self, event: Event) -> None:
        """Record acknowledgements. A session that continues a reader of the message can acknowledge in its place."""
        for name in [name for name in self.unconfirmed if name not in self.kept.not_acknowledged_by]:
            row = self.unconfirmed.pop(name)
            if isinstance(event.payload, SessionStarted):
                if row.status == "read":
                    row.passed_to = event.actor
                else:
                    row = self.pending.get(event.actor, row)
                self.unconfirmed.setdefault(event.actor, row)
            elif isinstance(event.payload, MessageAcknowledged | MessageSent) and not row.confirmed_at:
                row.confirmed_at, row.confirmed_by = event.at, event.id
