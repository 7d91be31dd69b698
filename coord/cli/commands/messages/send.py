"""`coord send`."""

from collections.abc import Sequence

from coord.cli.parser import argument, command, complete_session, option
from coord.engine.run import Run
from coord.engine.transaction import Moment
from coord.errors import no_session, wrong
from coord.render.format import called, line, plural
from coord.workspace.names import EVERYONE_WORDS, listing, resolve
from eventlog.events import EVERYONE, LONGEST_TEXT, MessageSent, Urgency
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
        raise wrong("to whom? Name a session, several with commas, or `broadcast` alone.")

    def decide(moment: Moment) -> tuple[str, list[str]]:
        names = tuple(dict.fromkeys(recipient(moment.state, name) for name in wanted)) if not everyone else EVERYONE
        event = moment.append(MessageSent(to=names, subject=subject, body=text, urgency=urgency, needs_ack=needs_ack))
        return event.id, sorted(moment.state.messages[event.id].unread_by) if everyone else list(names)

    outcome = run.act(decide)
    name, recipients = outcome.value
    sessions = outcome.present.state.sessions
    if everyone:
        here = sum(sessions[name].live for name in recipients)
        who = f"everyone ({plural(here, 'session')})" if here else "everyone (nobody else is here)"
    else:
        who = ", ".join(called(name, names_of(outcome.present.state)) for name in recipients)
    run.say(
        f"✅ Sent to {who}: {line(subject)}",
        {"message": name, "session": outcome.me.session, "to": EVERYONE if everyone else recipients},
    )
    if not everyone:
        note_the_dead(run, outcome.present.state, recipients)


def note_the_dead(run: Run, state: State, recipients: Sequence[str]) -> None:
    """Say of those who were presumed dead that they will hardly read it."""
    for name in recipients:
        session = state.sessions[name]
        if session.status == "dead":
            who = called(name, names_of(state))
            run.note(f"{who} is dead ({session.over_because}); whoever continues it will read this: start --continue")


def recipient(state: State, text: str) -> str:
    """The session that a message is for. Raises CoordError (3) if there is none, or it has ended or was imported."""
    name = resolve(state, text)
    session = state.sessions[name]
    if session.status == "ended":
        raise no_session(f"{name} has ended and will not read it. Nothing was sent; {listing(state)}")
    if session.status == "imported":
        raise no_session(f"{name} was imported and reads nothing here. Nothing was sent; {listing(state)}")
    return name


def check_length(subject: str, body: str) -> None:
    """Refuse what no reader should be made to read, before anything is written."""
    if not subject.strip():
        raise wrong("give the message a subject.")
    if len(subject) > 1000:
        raise wrong(f"the subject has {len(subject)} characters; 1000 are allowed. Put the rest into the body.")
    if len(body) > LONGEST_TEXT:
        raise wrong(
            f"the body has {len(body)} characters; {LONGEST_TEXT} are allowed. Put it into a file and send its path."
        )
