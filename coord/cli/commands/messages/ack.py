"""`coord ack`: confirm messages."""

from coord.cli.parser import argument, command
from coord.engine.messages import message_id, read_message
from coord.engine.run import Run
from coord.engine.transaction import Transaction
from coord.errors import usage_error
from eventlog.events import EVERYONE, MessageAcknowledged


@command("ack")
@argument("messages", nargs=-1, required=True)
def ack(run: Run, messages: tuple[str, ...]) -> None:
    """Confirm messages that ask for a confirmation. `coord reply` confirms a message as well.

    \b
    Example:
      coord ack amber-otter-k3f9/17
    """
    snapshot = run.read_state()
    message_ids = tuple(dict.fromkeys(message_id(snapshot, message) for message in messages))
    sent = [read_message(run.workspace, each) for each in message_ids]

    def decide(transaction: Transaction) -> None:
        for event, payload in sent:
            to = () if payload.to == EVERYONE else {transaction.state.current_session(name) for name in payload.to}
            if event.imported or event.session == transaction.me.session or (to and transaction.me.session not in to):
                raise usage_error(
                    f"{event.id} was not sent to this session ({transaction.me.session}). Nothing was confirmed."
                )
        transaction.append(MessageAcknowledged(messages=message_ids))

    outcome = run.transact(decide)
    run.say(
        f"✅ Acknowledged: {', '.join(message_ids)}",
        {"messages": list(message_ids), "session": outcome.me.session},
    )
