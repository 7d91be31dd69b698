"""Find a message by its id, and read it from its journal."""

import re

from coord.engine.snapshot import Snapshot
from coord.errors import usage_error
from coord.render.events import event_text
from coord.render.format import line
from coord.workspace.names import matches
from coord.workspace.paths import Workspace
from eventlog.events import EVERYONE, Event, EventId, MessageSent
from eventlog.local.journal import read_event
from projections.rules.state import State
from projections.views.board import MessageRow

_NUMBER = re.compile("[1-9][0-9]{0,15}")


def message_id(snapshot: Snapshot, text: str) -> EventId:
    """Return the full id of a message from `session/n`, whose session may be shortened. Raises CoordError (2)."""
    session, _, number = text.rpartition("/")
    if not session or not _NUMBER.fullmatch(number):
        raise usage_error(
            f"'{line(text, 60)}' is not a message id. Write it as `coord inbox` shows it: amber-otter-k3f9/17"
        )
    names = [session] if snapshot.history.position(session) else matches(snapshot.state, session)
    if len(names) != 1:
        what = f"several sessions: {', '.join(names)}" if names else "no session"
        raise usage_error(f"'{line(text, 60)}' names {what}. Write the id as `coord inbox` shows it.")
    return f"{names[0]}/{int(number)}"


def read_message(workspace: Workspace, name: EventId) -> tuple[Event, MessageSent]:
    """Return a message with its whole body, from its journal. Raises CoordError (2) if there is none."""
    event = read_event(workspace.log, name)
    if event is None:
        raise usage_error(f"there is no message {name}.")
    if not isinstance(event.payload, MessageSent):
        did = f"{event.actor} {event_text(event, {})}"
        raise usage_error(
            f"{name} is not a message. It is this event: {did}. To write a message: "
            f'coord send {event.actor} "Subject" "..."'
        )
    return event, event.payload


def full_message_row(event: Event, payload: MessageSent, state: State) -> MessageRow:
    """Return a message from its journal as a row, with its whole body."""
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
        resolved_by=kept.resolved_by if kept else "",
        resolution=kept.resolution if kept else "",
        crosses=kept.crosses if kept else (),
    )
