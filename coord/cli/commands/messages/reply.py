"""`coord reply`: answer a message."""

from coord.cli.commands.messages.send import (
    check_length,
    find_rings,
    resolve_recipient,
    warn_of_recipients,
)
from coord.cli.parser import argument, command
from coord.engine.history.messages import message_id, read_message
from coord.engine.run import Run
from coord.engine.transaction import Transaction
from coord.errors import usage_error
from coord.render.format import line, session_label
from eventlog.events import MessageAcknowledged, MessageSent
from projections.views.board import names_of


@command("reply", begins=True)
@argument("message")
@argument("body")
def reply(run: Run, message: str, body: str) -> None:
    """Answer a message, and confirm it. With `-` as BODY, the text is read from standard input.

    \b
    Example:
      coord reply amber-otter-k3f9/17 "Yes, please: church-guidance needs email delivery"
    """
    text = run.body(body)
    question_id = message_id(run.read_state(), message)
    event, question = read_message(run.workspace, question_id)
    subject = question.subject if question.subject.startswith("Re: ") else f"Re: {question.subject}"
    check_length(subject[:1000], text)
    if not text.strip():
        raise usage_error("the answer is empty. Nothing was sent.")

    def decide(transaction: Transaction) -> tuple[str, str, tuple[str, ...]]:
        to = resolve_recipient(transaction.state, event.actor)
        sent = transaction.append(MessageSent(to=(to,), subject=subject[:1000], body=text, in_reply_to=question_id))
        crosses = transaction.state.messages[sent.id].crosses
        transaction.append(MessageAcknowledged(messages=(question_id,)))
        return sent.id, to, crosses

    outcome = run.transact(decide)
    sent, to, crosses = outcome.value
    state, me = outcome.snapshot.state, outcome.me.session
    who = session_label(to, names_of(state))
    how, rings = find_rings(run, state, me, [to], sent)
    run.say(
        f"✅ Sent to {who}: {line(subject)}{how}",
        {
            "message": sent,
            "session": me,
            "to": [to],
            "in_reply_to": question_id,
            "crosses": list(crosses),
            "rings": rings,
        },
    )
    if crosses:
        run.note(f"{who} had written again, and you have not read that: {crosses[-1]}")
    warn_of_recipients(run, state, me, [to])
