"""`coord ack`."""

import click

from coord.mail import message_id, read_message
from coord.options import command
from coord.run import Run
from eventlog.events import MessageAcknowledged


@command("ack")
@click.argument("messages", nargs=-1, required=True)
def ack(run: Run, messages: tuple[str, ...]) -> None:
    r"""Confirm messages that ask for it.

    \b
    Example:
      coord ack amber-otter-k3f9/17
    """
    present = run.look()
    names = tuple(dict.fromkeys(message_id(present, message) for message in messages))
    for name in names:
        read_message(run.place, name)
    outcome = run.act(lambda moment: moment.append(MessageAcknowledged(messages=names)))
    run.say(
        f"✅ Acknowledged: {', '.join(names)}",
        {"messages": list(names), "session": outcome.me.session},
    )
