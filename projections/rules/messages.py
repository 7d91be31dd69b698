"""Messages: who has what to read and to confirm.

A broadcast reaches every session that is here at that moment, and those that were presumed dead within the last hour:
they may live after all. Read is said by id, never "all before", so a message that arrives late by a merge is unread.

An imported message is in nobody's inbox: who read it was never recorded, and it was not meant for those who are here.
Nor does anything come into the inbox of an imported session.
"""

from eventlog.events import EVERYONE, HOUR_S, Event, EventId, MessageAcknowledged, MessageRead, MessageSent, add_time
from projections.rules.state import MAX_RECENT_MESSAGES, PREVIEW_LENGTH, DecisionRecorder, Message, Session, State


def on_sent(state: State, event: Event, payload: MessageSent, record: DecisionRecorder) -> None:
    """A message comes into the inbox of each recipient; unknown recipients are kept in its record."""
    everyone = payload.to == EVERYONE
    if event.imported:
        names = []
    elif everyone:
        names = [s.id for s in state.sessions.values() if _is_recipient(s, event)]
    else:
        names = [state.current_session(name) for name in payload.to]
    there = (name for name in names if name in state.sessions and state.sessions[name].status != "imported")
    recipients = list(dict.fromkeys(there))
    message = Message(
        id=event.id,
        at=event.at,
        session=event.actor,
        to=() if everyone else tuple(payload.to),
        everyone=everyone,
        subject=payload.subject[:PREVIEW_LENGTH],
        body=payload.body[:PREVIEW_LENGTH],
        length=len(payload.body),
        in_reply_to=payload.in_reply_to,
        urgency=payload.urgency,
        needs_ack=payload.needs_ack,
        unread_by=set(recipients),
        unacknowledged_by=set(recipients) if payload.needs_ack else set(),
    )
    state.messages[message.id] = message
    for name in recipients:
        state.sessions[name].unread.append(message.id)
    state.recent.append(message.id)
    for old in state.recent[:-MAX_RECENT_MESSAGES]:
        state.recent.remove(old)
        _drop_if_done(state, old)


def _is_recipient(session: Session, event: Event) -> bool:
    lately = session.status == "dead" and session.over_at > add_time(event.at, -HOUR_S)
    return (session.live or lately) and session.id != event.actor


def on_read(state: State, event: Event, payload: MessageRead, record: DecisionRecorder) -> None:
    """These messages and notices were shown to the session."""
    _mark_read(state, event.actor, payload.messages)


def on_acknowledged(state: State, event: Event, payload: MessageAcknowledged, record: DecisionRecorder) -> None:
    """The session confirms these messages; it has then read them."""
    for name in payload.messages:
        if message := state.messages.get(name):
            message.unacknowledged_by.discard(event.actor)
    _mark_read(state, event.actor, payload.messages)


def _mark_read(state: State, session_id: str, ids: tuple[EventId, ...]) -> None:
    session, names = state.sessions[session_id], set(ids)
    session.unread = [name for name in session.unread if name not in names]
    session.notices = [notice for notice in session.notices if notice.id not in names]
    for name in ids:
        if message := state.messages.get(name):
            message.unread_by.discard(session_id)
            _drop_if_done(state, name)


def _drop_if_done(state: State, name: EventId) -> None:
    message = state.messages.get(name)
    if message and not message.unread_by and not message.unacknowledged_by and name not in state.recent:
        del state.messages[name]


def transfer_messages(state: State, old: Session, new: Session) -> None:
    """What a session has not read or confirmed passes to the one that continues it."""
    for message in state.messages.values():
        for waiting in (message.unread_by, message.unacknowledged_by):
            if old.id in waiting:
                waiting.discard(old.id)
                waiting.add(new.id)
    new.unread = list(dict.fromkeys(old.unread + new.unread))
    new.notices = old.notices + new.notices
    old.unread, old.notices = [], []


def drop_broadcasts(state: State, session: Session) -> None:
    """A session that ended will not read what was said to everyone; what was said to it alone stays, unanswered."""
    for message in [message for message in state.messages.values() if message.everyone]:
        message.unread_by.discard(session.id)
        message.unacknowledged_by.discard(session.id)
        _drop_if_done(state, message.id)
    session.unread = [name for name in session.unread if name in state.messages and not state.messages[name].everyone]
