"""`coord send`."""

from collections.abc import Sequence

from coord.cli.parser import argument, command, complete_session, option
from coord.engine.run import Run
from coord.engine.transaction import Transaction
from coord.errors import no_session, usage_error
from coord.render.format import line, plural, session_label
from coord.workspace.names import EVERYONE_WORDS, live_sessions_text, resolve_session
from eventlog.events import EVERYONE, MAX_TEXT_LENGTH, MessageSent, Urgency
from projections.rules.state import State
from projections.views.board import names_of

URGENCIES = ("low", "normal", "high")


@command("send")
@argument("to", metavar="TO", shell_complete=complete_session)
@argument("subject")
@argument("body", required=False)
@option("--urgency", choices=URGENCIES, default="normal", help="How soon it should be read.")
@option("--needs-ack", is_flag=True, help="Ask for a confirmation; if it is urgent, the board shows who owes it.")
def send(run: Run, to: str, subject: str, body: str | None, urgency: Urgency, needs_ack: bool) -> None:
    """Send a message to a session, to several (separated by commas), or to everyone (`broadcast`).

    BODY `-` is read from standard input.

    \b
    Examples:
      coord send broadcast "SPECS complete" "my-droplet ready for BUILD"
      coord send amber-otter "Question" "Do you need the email templates?"
      git diff | coord send backend "What do you think?" -
    """
    text = run.body(body)
    check_length(subject, text)

    wanted = [name.strip() for name in to.split(",") if name.strip()]
    everyone = any(name.lower() in EVERYONE_WORDS for name in wanted)
    if not wanted or (everyone and len(wanted) > 1):
        raise usage_error("to whom? Name a session, several with commas, or `broadcast` alone.")

    def decide(transaction: Transaction) -> tuple[str, list[str]]:
        names = (
            tuple(dict.fromkeys(resolve_recipient(transaction.state, name) for name in wanted))
            if not everyone
            else EVERYONE
        )
        event = transaction.append(
            MessageSent(to=names, subject=subject, body=text, urgency=urgency, needs_ack=needs_ack)
        )
        return event.id, sorted(transaction.state.messages[event.id].unread_by) if everyone else list(names)

    outcome = run.transact(decide)
    name, recipients = outcome.value
    sessions = outcome.snapshot.state.sessions
    if everyone:
        here = sum(sessions[name].live for name in recipients)
        who = f"everyone ({plural(here, 'session')})" if here else "everyone (nobody else is here)"
    else:
        who = ", ".join(session_label(name, names_of(outcome.snapshot.state)) for name in recipients)
    run.say(
        f"✅ Sent to {who}: {line(subject)}",
        {"message": name, "session": outcome.me.session, "to": EVERYONE if everyone else recipients},
    )
    if not everyone:
        warn_of_dead_recipients(run, outcome.snapshot.state, recipients)


def warn_of_dead_recipients(run: Run, state: State, recipients: Sequence[str]) -> None:
    """Say of those who were presumed dead that they will hardly read it."""
    for name in recipients:
        session = state.sessions[name]
        if session.status == "dead":
            who = session_label(name, names_of(state))
            run.note(f"{who} is dead ({session.over_because}); whoever continues it will read this: start --continue")


def resolve_recipient(state: State, text: str) -> str:
    """The session that a message is for. Raises CoordError (3) if there is none, or it has ended or was imported."""
    name = resolve_session(state, text)
    session = state.sessions[name]
    if session.status == "ended":
        raise no_session(f"{name} has ended and will not read it. Nothing was sent; {live_sessions_text(state)}")
    if session.status == "imported":
        raise no_session(f"{name} was imported and reads nothing here. Nothing was sent; {live_sessions_text(state)}")
    return name


def check_length(subject: str, body: str) -> None:
    """Refuse what no reader should be made to read, before anything is written."""
    if not subject.strip():
        raise usage_error("give the message a subject.")
    if len(subject) > 1000:
        raise usage_error(f"the subject has {len(subject)} characters; 1000 are allowed. Put the rest into the body.")
    if len(body) > MAX_TEXT_LENGTH:
        raise usage_error(
            f"the body has {len(body)} characters; {MAX_TEXT_LENGTH} are allowed. Put it into a file and send its path."
        )
