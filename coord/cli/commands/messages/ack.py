"""`coord ack`."""

from coord.cli.parser import argument, command
from coord.engine.run import Run
from coord.engine.transaction import Moment
from coord.errors import wrong
from coord.render.messages import message_id, read_message
from eventlog.events import EVERYONE, MessageAcknowledged


@command("ack")
@argument("messages", nargs=-1, required=True)
def ack(run: Run, messages: tuple[str, ...]) -> None:
    """Confirm messages that ask for it.

    \b
    Example:
      coord ack amber-otter-k3f9/17
    """
    present = run.look()
    names = tuple(dict.fromkeys(message_id(present, message) for message in messages))
    sent = [read_message(run.place, name) for name in names]

    def decide(moment: Moment) -> None:
        for event, payload in sent:
            to = () if payload.to == EVERYONE else {moment.state.follow(name) for name in payload.to}
            if event.imported or event.session == moment.me.session or (to and moment.me.session not in to):
                raise wrong(f"{event.id} was not sent to this session ({moment.me.session}). Nothing was confirmed.")
        moment.append(MessageAcknowledged(messages=names))

    outcome = run.act(decide)
    run.say(
        f"✅ Acknowledged: {', '.join(names)}",
        {"messages": list(names), "session": outcome.me.session},
    )
