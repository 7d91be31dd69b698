"""`coord ack`: confirm messages."""

import msgspec

from coord.cli.parser import argument, command
from coord.engine.history.messages import full_message_row, message_id, read_message
from coord.engine.run import Run
from coord.engine.transaction import Transaction
from coord.errors import CoordError, refused, usage_error
from coord.render.messages import message_lines
from eventlog.events import EVERYONE, Event, MessageAcknowledged, MessageSent
from projections.rules.state import State
from projections.views.board import names_of


@command("ack", begins=True)
@argument("messages", metavar="MESSAGE...", nargs=-1, required=True)
def ack(run: Run, messages: tuple[str, ...]) -> None:
    """Confirm messages that ask for a confirmation. `coord reply` confirms a message as well.

    A message that you have not read is shown first.

    \b
    Example:
      coord ack amber-otter-k3f9/17
    """
    snapshot = run.read_state()
    message_ids = tuple(dict.fromkeys(message_id(snapshot, message) for message in messages))
    sent = [read_message(run.workspace, each) for each in message_ids]
    snapshot, identity = run.read_as_session()
    me, names = identity.session, names_of(snapshot.state)
    _check_recipient(snapshot.state, me, sent)
    unread = [(event, payload) for event, payload in sent if event.id in snapshot.state.sessions[me].unread]
    rows = [full_message_row(event, payload, snapshot.state) for event, payload in unread]
    if rows and not run.json:  # before the event is written, because it marks them as read
        texts = [message_lines(row, snapshot.now, "", names, whole=True) for row in rows]
        if not run.say(run.fitted("\n\n".join(texts)), None):
            raise refused("nothing was confirmed, because the message that you have not read could not be shown.")

    def decide(transaction: Transaction) -> None:
        _check_recipient(transaction.state, transaction.me.session, sent)
        transaction.append(MessageAcknowledged(messages=message_ids))

    outcome = run.transact(decide)
    run.say(
        f"✅ Confirmed: {', '.join(message_ids)}",
        {"messages": list(message_ids), "session": outcome.me.session, "shown": msgspec.to_builtins(rows)},
    )


def _check_recipient(state: State, me: str, sent: list[tuple[Event, MessageSent]]) -> None:
    """Raise CoordError (2) if one of these messages was not sent to this session."""
    for event, payload in sent:
        to = () if payload.to == EVERYONE else {state.current_session(name) for name in payload.to}
        if event.imported or event.session == me or (to and me not in to):
            raise _not_a_recipient(event, me)


def _not_a_recipient(event: Event, me: str) -> CoordError:
    close = f" To close it for everyone: coord resolve {event.id}" if event.session == me else ""
    return usage_error(f"{event.id} was not sent to this session ({me}). Nothing was confirmed.{close}")
