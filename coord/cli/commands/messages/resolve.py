"""`coord resolve`: close messages for all their recipients."""

from coord.cli.parser import argument, command, option
from coord.engine.history.messages import message_id, read_message
from coord.engine.run import Run
from coord.engine.transaction import Transaction
from coord.errors import refused, usage_error
from coord.render.format import session_label
from coord.workspace.people import is_person
from eventlog.events import MAX_TEXT_LENGTH, Event, MessageResolved
from projections.rules.state import State
from projections.views.board import names_of


@command("resolve", begins=True)
@argument("messages", metavar="MESSAGE...", nargs=-1, required=True)
@option("--note", metavar="TEXT", default="", help="Why; the recipients see it.")
def resolve(run: Run, messages: tuple[str, ...], note: str) -> None:
    """Close messages for all their recipients: nobody needs to confirm them any more, and the reminders stop.

    You can close the messages that this session sent. A person can also close the messages of other sessions; the log
    records who did. The messages stay unread for recipients that have not read them.

    \b
    Examples:
      coord resolve amber-otter-k3f9/17
      coord resolve amber-otter-k3f9/17 --note "deployed without it"
    """
    if len(note) > MAX_TEXT_LENGTH:
        raise usage_error(f"the note has {len(note)} characters; at most {MAX_TEXT_LENGTH} are allowed.")
    snapshot = run.read_state()
    message_ids = tuple(dict.fromkeys(message_id(snapshot, message) for message in messages))
    sent = [read_message(run.workspace, each)[0] for each in message_ids]

    def decide(transaction: Transaction) -> list[str]:
        state = transaction.state
        for event in sent:
            _check_closable(run, transaction, event)
        closed = [name for name in message_ids if (kept := state.messages.get(name)) and kept.resolved_by]
        closing = tuple(name for name in message_ids if name not in closed)
        if closing:
            transaction.append(MessageResolved(messages=closing, note=note))
        return closed

    outcome = run.transact(decide)
    closed = outcome.value
    closing = [name for name in message_ids if name not in closed]
    rows = [f"✅ Closed: {', '.join(closing)}"] if closing else []
    rows += [_already_closed(outcome.snapshot.state, name) for name in closed]
    run.say("\n".join(rows), {"messages": closing, "already": closed, "session": outcome.me.session, "note": note})


def _check_closable(run: Run, transaction: Transaction, event: Event) -> None:
    """Raise CoordError if this session may not close a message: it is neither its sender's nor a person's."""
    state, me = transaction.state, transaction.me
    if event.imported:
        raise usage_error(f"{event.id} was imported, so nobody needs to confirm it. Nothing was closed.")
    if state.current_session(event.session) == me.session or is_person(run.system, me, state.sessions[me.session]):
        return
    sender = session_label(event.session, names_of(state))
    raise refused(
        f"{event.id} was sent by {sender}; only that session or a person can close it. Nothing was closed. "
        f"To confirm it for yourself: coord ack {event.id}"
    )


def _already_closed(state: State, name: str) -> str:
    return f"{name} was closed already, by {session_label(state.messages[name].resolved_by, names_of(state))}."
