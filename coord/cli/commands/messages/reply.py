"""`coord reply`."""

from coord.cli.commands.messages.send import check_length, note_the_dead, recipient
from coord.cli.parser import argument, command
from coord.engine.run import Run
from coord.engine.transaction import Moment
from coord.errors import wrong
from coord.render.format import called, line
from coord.render.messages import message_id, read_message
from eventlog.events import MessageAcknowledged, MessageSent
from projections.views.board import names_of


@command("reply")
@argument("message")
@argument("body")
def reply(run: Run, message: str, body: str) -> None:
    """Answer a message. The answer confirms it as well. BODY `-` is read from standard input.

    \b
    Example:
      coord reply amber-otter-k3f9/17 "Yes, please: church-guidance needs email delivery"
    """
    text = run.body(body)
    name = message_id(run.look(), message)
    event, asked = read_message(run.place, name)
    subject = asked.subject if asked.subject.startswith("Re: ") else f"Re: {asked.subject}"
    check_length(subject[:1000], text)
    if not text.strip():
        raise wrong("the answer is empty. Nothing was sent.")

    def decide(moment: Moment) -> tuple[str, str]:
        to = recipient(moment.state, event.actor)
        sent = moment.append(MessageSent(to=(to,), subject=subject[:1000], body=text, in_reply_to=name))
        moment.append(MessageAcknowledged(messages=(name,)))
        return sent.id, to

    outcome = run.act(decide)
    sent, to = outcome.value
    run.say(
        f"✅ Sent to {called(to, names_of(outcome.present.state))}: {line(subject)}",
        {"message": sent, "session": outcome.me.session, "to": [to], "in_reply_to": name},
    )
    note_the_dead(run, outcome.present.state, [to])
