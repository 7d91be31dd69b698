"""Messages: what each session must read and acknowledge.

A broadcast reaches every session that is live when it is sent, and those that were presumed dead within the last hour,
since they may still be alive. Messages are marked as read by id, so a message that arrives late in a merge is unread.

Only live sessions owe an acknowledgement. A session that dies or ends is excused, and owes it again if it is live
again; a session that continues it owes it instead. A reply acknowledges a message for the session that replies.
`message.resolved` closes a message for all recipients: nobody owes an acknowledgement any more. It can still be unread.

A reply crosses a message if its recipient wrote that after the message that is answered, and its sender had not read
it: see `crossed_messages`.

The session of a person can begin after a question was asked. It receives the broadcasts that are still open, as if it
had been live when they were sent: see `is_open`.

An imported message is in no inbox, since it was not sent to the present sessions and nobody knows who read it. An
imported session receives no messages.
"""

from eventlog.events import (
    DAY_S,
    EVERYONE,
    HOUR_S,
    Event,
    EventId,
    Instant,
    MessageAcknowledged,
    MessageRead,
    MessageResolved,
    MessageSent,
    add_time,
)
from projections.rules.state import MAX_RECENT_MESSAGES, PREVIEW_LENGTH, DecisionRecorder, Message, Session, State


def on_sent(state: State, event: Event, payload: MessageSent, record: DecisionRecorder) -> None:
    """Add a message to the inbox of each recipient. Unknown recipients are kept in the message.

    A reply also acknowledges the message that it answers.
    """
    everyone = payload.to == EVERYONE
    if event.imported:
        names = []
    elif everyone:
        names = _recipients_of_broadcast(state, event)
    else:
        names = [state.current_session(name) for name in payload.to]
    known = (name for name in names if name in state.sessions and state.sessions[name].status != "imported")
    recipients = list(dict.fromkeys(known))
    asked = set(recipients) - {event.actor} if payload.needs_ack else set()
    owing = {name for name in asked if state.sessions[name].live}
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
        unacknowledged_by=owing,
        excused=asked - owing,
        imported=event.imported is not None,
        crosses=() if event.imported else crossed_messages(state, event.actor, payload.in_reply_to),
    )
    state.messages[message.id] = message
    for name in recipients:
        state.sessions[name].unread.append(message.id)
    _note_answer(state, message, recipients)
    for name in message.excused:
        state.sessions[name].excused.add(message.id)
    state.recent.append(message.id)
    for old in state.recent[:-MAX_RECENT_MESSAGES]:
        state.recent.remove(old)
        _drop_if_done(state, old)
    if payload.in_reply_to and not event.imported:
        _acknowledge(state, payload.in_reply_to, event.actor)


def crossed_messages(state: State, sender: str, answered: EventId) -> tuple[EventId, ...]:
    """Return the messages that a reply of `sender` to the message `answered` crosses if it is sent now, in order: those
    of the session that it answers, or of one that continues it, that are newer and that the sender has not read.
    """
    author, _, number = answered.rpartition("/")
    reader = state.sessions.get(sender)
    if not author or reader is None or not (number.isascii() and number.isdigit()):
        return ()
    unread = [message for name in reader.unread if (message := state.messages.get(name))]
    return tuple(m.id for m in sorted(unread, key=_order) if _is_newer(state, m, author, int(number)))


def _is_newer(state: State, message: Message, author: str, number: int) -> bool:
    """Return whether a message was sent by a session after its event `number`, or by a session that continues it."""
    if message.session == author:
        return int(message.id.rpartition("/")[2]) > number
    sent_by = state.sessions.get(message.session)
    return sent_by is not None and author in _lineage(state, sent_by)


def _recipients_of_broadcast(state: State, event: Event) -> list[str]:
    """Return the sessions that a broadcast goes to: the live ones, and those presumed dead within the last hour."""
    an_hour_ago, reachable = add_time(event.at, -HOUR_S), _reachable(state)
    known = {name: session for name in reachable if (session := state.sessions.get(name))}
    reached = [n for n, s in known.items() if s.live or (s.status == "dead" and s.over_at > an_hour_ago)]
    reachable.intersection_update(reached)
    return [name for name in reached if name != event.actor]


def _reachable(state: State) -> set[str]:
    """Return the sessions that the next broadcast can go to, and possibly others, so that it does not look at all.

    The set is derived from the state and never saved.
    """
    known: set[str] | None = state.__dict__.get("reachable")
    if known is None:
        known = state.__dict__["reachable"] = {s.id for s in state.sessions.values() if s.live or s.status == "dead"}
    return known


def _note_answer(state: State, message: Message, recipients: list[str]) -> None:
    """Record that a person has written to the sessions that are blocked. A broadcast answers nobody."""
    sender = state.sessions.get(message.session) if recipients else None
    if sender and sender.person and not message.everyone:
        for session in map(state.sessions.__getitem__, recipients):
            if session.blocked_since:
                session.answered_at = message.at


def note_alive(state: State, session: str) -> None:
    """Record that a broadcast can go to a session again, because it has just written an event."""
    _reachable(state).add(session)


def on_read(state: State, event: Event, payload: MessageRead, record: DecisionRecorder) -> None:
    """Mark these messages and notices as read by the session."""
    _mark_read(state, event.actor, payload.messages)


def on_acknowledged(state: State, event: Event, payload: MessageAcknowledged, record: DecisionRecorder) -> None:
    """Mark these messages as acknowledged and read by the session."""
    for name in payload.messages:
        _acknowledge(state, name, event.actor)
    _mark_read(state, event.actor, payload.messages)


def _acknowledge(state: State, name: EventId, session_id: str) -> None:
    if message := state.messages.get(name):
        message.unacknowledged_by.discard(session_id)
        message.excused.discard(session_id)
        message.answered_by |= {session_id} - {message.session}
        _drop_if_done(state, name)


def on_resolved(state: State, event: Event, payload: MessageResolved, record: DecisionRecorder) -> None:
    """Close these messages for all recipients. They stay unread where they are. The first event that closes one counts.

    Any session can close a message: the event records which one did, and why.
    """
    for name in payload.messages:
        message = state.messages.get(name)
        if message and not message.resolved_by:
            message.resolved_by, message.resolution = event.actor, payload.note[:PREVIEW_LENGTH]
            message.unacknowledged_by, message.excused = set(), set()
            _drop_if_done(state, name)


def _mark_read(state: State, session_id: str, ids: tuple[EventId, ...]) -> None:
    session, names = state.sessions[session_id], set(ids)
    noticed = {notice.id for notice in session.notices}  # not looked up, since an id is that of only one event
    session.unread = [name for name in session.unread if name not in names]
    session.notices = [notice for notice in session.notices if notice.id not in names]
    for name in ids:
        if name not in noticed and (message := state.messages.get(name)):
            message.unread_by.discard(session_id)
            _drop_if_done(state, name)


def _drop_if_done(state: State, name: EventId) -> None:
    message = state.messages.get(name)
    if message is None or message.unread_by or message.unacknowledged_by or message.excused:
        return
    if name not in state.recent:
        del state.messages[name]


def unacknowledged(state: State, session: Session) -> list[Message]:
    """Return the messages that a session has read and must still acknowledge, the oldest first."""
    owed = [message for message in state.messages.values() if session.id in message.unacknowledged_by]
    return sorted((message for message in owed if message.id not in session.unread), key=_order)


def messages_of(state: State, session: Session) -> list[Message]:
    """Return the messages that a session has not read, must acknowledge, or is excused from, the oldest first."""
    kept = [state.messages.get(name) for name in (*session.unread, *session.excused)]
    owed = [message for message in state.messages.values() if session.id in message.unacknowledged_by]
    found = {message.id: message for message in (*kept, *owed) if message and _concerns(message, session.id)}
    return sorted(found.values(), key=_order)


def _concerns(message: Message, session: str) -> bool:
    return any(session in names for names in (message.unread_by, message.unacknowledged_by, message.excused))


def _order(message: Message) -> tuple[Instant, EventId]:
    return message.at, message.id


def transfer_messages(state: State, old: Session, new: Session) -> None:
    """Give the unread and unacknowledged messages of a session to the session that continues it.

    It need not acknowledge a message that it sent itself.
    """
    for message in messages_of(state, old):
        if old.id in message.unread_by:
            message.unread_by.discard(old.id)
            message.unread_by.add(new.id)
        if old.id in message.unacknowledged_by or old.id in message.excused:
            message.unacknowledged_by.discard(old.id)
            message.excused.discard(old.id)
            message.unacknowledged_by.add(new.id)
        if message.session in message.unacknowledged_by:
            message.unacknowledged_by.discard(message.session)
            _drop_if_done(state, message.id)
    new.unread = list(dict.fromkeys(old.unread + new.unread))
    new.notices = old.notices + new.notices
    old.unread, old.notices, old.excused = [], [], set()


def drop_broadcasts(state: State, session: Session) -> None:
    """Remove broadcasts from the inbox of a session that ended; messages to it by name stay there."""
    for message in [message for message in messages_of(state, session) if message.everyone]:
        message.unread_by.discard(session.id)
        message.unacknowledged_by.discard(session.id)
        message.excused.discard(session.id)
        _drop_if_done(state, message.id)
    session.unread = [name for name in session.unread if name in state.messages and not state.messages[name].everyone]


def excuse(state: State, session: Session) -> None:
    """Record that a session which is no longer live need not acknowledge anything while it is not."""
    for message in state.messages.values():
        if session.id in message.unacknowledged_by:
            message.unacknowledged_by.discard(session.id)
            message.excused.add(session.id)
            session.excused.add(message.id)


def owe_again(state: State, session: Session) -> None:
    """Record that a session which is live again must acknowledge what it was excused from."""
    for name in session.excused:
        message = state.messages.get(name)
        if message and session.id in message.excused:
            message.excused.discard(session.id)
            message.unacknowledged_by.add(session.id)
    session.excused = set()


def is_open(message: Message, now: Instant) -> bool:
    """Return whether a broadcast still needs somebody.

    It is not resolved, and either asks for an acknowledgement that a session still owes or that nobody has given, or is
    urgent and at most a day old.
    """
    if not message.everyone or message.resolved_by or message.imported:
        return False
    asks = message.needs_ack and (bool(message.unacknowledged_by) or not message.answered_by)
    return asks or (message.urgency == "high" and message.at > add_time(now, -DAY_S))


def receive_open_broadcasts(state: State, session: Session, now: Instant) -> None:
    """Add the open broadcasts to the inbox of a person's session that begins now.

    The sessions that it continues are the same person. What they sent or answered is left out, and so is an urgent
    message from before the last event of the latest of them, which has shown it.
    """
    old = state.sessions.get(session.continues)
    since = old.last_at if old and old.person else ""
    received = [m for m in state.messages.values() if is_open(m, now) and (m.needs_ack or m.at > since)]
    same = _lineage(state, session) if received else ()
    for message in sorted(received, key=_order):
        if message.session in same or not message.answered_by.isdisjoint(same) or session.id in message.unread_by:
            continue
        message.unread_by.add(session.id)
        session.unread.append(message.id)
        if message.needs_ack:
            message.unacknowledged_by.add(session.id)


def _lineage(state: State, session: Session) -> set[str]:
    """Return the ids of a session and of those that it continues."""
    ids: set[str] = set()
    name = session.id
    while name and name not in ids:
        ids.add(name)
        name = state.sessions[name].continues if name in state.sessions else ""
    return ids
