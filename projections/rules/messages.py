"""Messages: what each session must read and acknowledge.

A broadcast reaches every session that is live when it is sent, and those that were presumed dead within the last hour,
since they may still be alive. Messages are marked as read by id, so a message that arrives late in a merge is unread.

An imported message is in no inbox, since it was not sent to the present sessions and nobody knows who read it. An
imported session receives no messages.
"""

from eventlog.events import EVERYONE, HOUR_S, Event, EventId, MessageAcknowledged, MessageRead, MessageSent, add_time
from projections.rules.state import MAX_RECENT_MESSAGES, PREVIEW_LENGTH, DecisionRecorder, Message, Session, State


def on_sent(state: State, event: Event, payload: MessageSent, record: DecisionRecorder) -> None:
    """Add a message to the inbox of each recipient. Unknown recipients are kept in the message."""
    everyone = payload.to == EVERYONE
    if event.imported:
        names = []
    elif everyone:
        names = [s.id for s in state.sessions.values() if _is_recipient(s, event)]
    else:
        names = [state.current_session(name) for name in payload.to]
    known = (name for name in names if name in state.sessions and state.sessions[name].status != "imported")
    recipients = list(dict.fromkeys(known))
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
        unacknowledged_by=set(recipients) - {event.actor} if payload.needs_ack else set(),
    )
    state.messages[message.id] = message
    for name in recipients:
        state.sessions[name].unread.append(message.id)
    state.recent.append(message.id)
    for old in state.recent[:-MAX_RECENT_MESSAGES]:
        state.recent.remove(old)
        _drop_if_done(state, old)


def _is_recipient(session: Session, event: Event) -> bool:
    """Return whether a broadcast goes to this session."""
    died_recently = session.status == "dead" and session.over_at > add_time(event.at, -HOUR_S)
    return (session.live or died_recently) and session.id != event.actor


def on_read(state: State, event: Event, payload: MessageRead, record: DecisionRecorder) -> None:
    """Mark these messages and notices as read by the session."""
    _mark_read(state, event.actor, payload.messages)


def on_acknowledged(state: State, event: Event, payload: MessageAcknowledged, record: DecisionRecorder) -> None:
    """Mark these messages as acknowledged and read by the session."""
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


def unacknowledged(state: State, session: Session) -> list[Message]:
    """Return the messages that a session has read and must still acknowledge."""
    return [
        message
        for message in state.messages.values()
        if session.id in message.unacknowledged_by and message.id not in session.unread
    ]


def transfer_messages(state: State, old: Session, new: Session) -> None:
    """Give the unread and unacknowledged messages of a session to the session that continues it.

    It need not acknowledge a message that it sent itself.
    """
    for message in list(state.messages.values()):
        for pending in (message.unread_by, message.unacknowledged_by):
            if old.id in pending:
                pending.discard(old.id)
                pending.add(new.id)
        if message.session in message.unacknowledged_by:
            message.unacknowledged_by.discard(message.session)
            _drop_if_done(state, message.id)
    new.unread = list(dict.fromkeys(old.unread + new.unread))
    new.notices = old.notices + new.notices
    old.unread, old.notices = [], []


def drop_broadcasts(state: State, session: Session) -> None:
    """Remove broadcasts from the inbox of a session that ended; messages to it by name stay there."""
    for message in [message for message in state.messages.values() if message.everyone]:
        message.unread_by.discard(session.id)
        message.unacknowledged_by.discard(session.id)
        _drop_if_done(state, message.id)
    session.unread = [name for name in session.unread if name in state.messages and not state.messages[name].everyone]
