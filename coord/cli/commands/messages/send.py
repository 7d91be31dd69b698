"""`coord send`: send a message."""

from collections.abc import Iterable, Sequence

from coord.cli.parser import argument, command, option
from coord.engine.run import Run
from coord.engine.transaction import Transaction
from coord.errors import no_session, usage_error
from coord.render.format import line, plural, session_label
from coord.workspace.names import EVERYONE_WORDS, live_sessions_text, resolve_session
from eventlog.events import EVERYONE, MAX_TEXT_LENGTH, EventId, MessageSent, Urgency
from projections.rules.sessions import is_idle
from projections.rules.state import State
from projections.views.board import names_of

URGENCIES = ("low", "normal", "high")


@command("send", begins=True)
@argument("to", metavar="TO")
@argument("subject")
@argument("body", required=False)
@option("--urgency", choices=URGENCIES, default="normal", help="How soon it should be read. `high` is shown as urgent.")
@option(
    "--needs-ack",
    is_flag=True,
    help="Ask for a confirmation. A missing one is shown on the board: at once for urgency high, else after a while.",
)
def send(run: Run, to: str, subject: str, body: str | None, urgency: Urgency, needs_ack: bool) -> None:
    """Send a message to one session, to several, or to everyone.

    TO is the id or name of a session, several with commas between them, or `broadcast`. With `-` as BODY, the text is
    read from standard input.

    \b
    Examples:
      coord send broadcast "SPECS complete" "my-droplet ready for BUILD"
      coord send amber-otter "Question" "Do you need the email templates?"
      git diff | coord send backend "What do you think?" -
    """
    text = run.body(body)
    check_length(subject, text)

    names = [name.strip() for name in to.split(",") if name.strip()]
    everyone = any(name.lower() in EVERYONE_WORDS for name in names)
    if not names or (everyone and len(names) > 1):
        raise usage_error(
            "the recipient is missing. Nothing was sent. Name a session, "
            "several separated by commas, or `broadcast` alone."
        )

    def decide(transaction: Transaction) -> tuple[str, list[str]]:
        session_ids = (
            tuple(dict.fromkeys(resolve_recipient(transaction.state, name) for name in names))
            if not everyone
            else EVERYONE
        )
        event = transaction.append(
            MessageSent(to=session_ids, subject=subject, body=text, urgency=urgency, needs_ack=needs_ack)
        )
        return event.id, sorted(transaction.state.messages[event.id].unread_by) if everyone else list(session_ids)

    outcome = run.transact(decide)
    message, recipients = outcome.value
    state, me = outcome.snapshot.state, outcome.me.session
    if everyone:
        live = sum(state.sessions[name].live for name in recipients)
        who = f"everyone ({plural(live, 'session')})" if live else "everyone (nobody else is here)"
    else:
        who = ", ".join(session_label(name, names_of(state)) for name in recipients)
    how, rings = ("", []) if everyone else find_rings(run, state, me, recipients, message)
    run.say(
        f"✅ Sent to {who}: {line(subject)}{how}",
        {"message": message, "session": me, "to": EVERYONE if everyone else recipients, "rings": rings},
    )
    if not everyone:
        warn_of_recipients(run, state, me, recipients)


def find_rings(
    run: Run, state: State, me: str, recipients: Iterable[str], message: EventId
) -> tuple[str, list[dict[str, str]]]:
    """Return how the acting session `me` can wake the recipients that are idle: as text, and for the JSON document."""
    sessions = [state.sessions[name] for name in recipients if name != me]
    client = state.sessions[me].client
    idle = [session for session in sessions if session.live and session.client == client and is_idle(session.doing)]
    if not idle:
        return "", []
    from coord.cli.commands.messages._ring import rings_of  # few messages have such a recipient

    names, rings = names_of(state), rings_of(run, idle, message)
    rows = [f"\n🔔 {session_label(ring.session, names)} is idle. To wake it: {ring.how}" for ring in rings]
    return "".join(rows), [{"session": ring.session, "how": ring.how} for ring in rings]


def warn_of_recipients(run: Run, state: State, me: str, recipients: Sequence[str]) -> None:
    """Print a note for each recipient that is the acting session `me`, or that is recorded as dead, because it will
    probably not read the message.
    """
    for name in recipients:
        session = state.sessions[name]
        if name == me:
            run.note("this is your own session: the message is in your own inbox. To see the others: coord status")
        if session.status == "dead":
            who = session_label(name, names_of(state))
            run.note(f"{who} is dead ({session.over_because}); only a session that continues it can read this message")


def resolve_recipient(state: State, text: str) -> str:
    """Return the id of the session that `text` names. Raises CoordError (3) if it cannot read the message."""
    name = resolve_session(state, text)
    session = state.sessions[name]
    if session.status == "ended":
        raise no_session(f"{name} has ended and will not read it. Nothing was sent; {live_sessions_text(state)}")
    if session.status == "imported":
        raise no_session(f"{name} was imported and cannot read messages. Nothing was sent; {live_sessions_text(state)}")
    return name


def check_length(subject: str, body: str) -> None:
    """Check that a message has a subject, and that neither part is too long. Raises CoordError (2)."""
    if not subject.strip():
        raise usage_error("the subject is empty. Nothing was sent.")
    if len(subject) > 1000:
        raise usage_error(
            f"the subject has {len(subject)} characters; at most 1000 are allowed. Nothing was sent. "
            "Use the body for a longer text."
        )
    if len(body) > MAX_TEXT_LENGTH:
        raise usage_error(
            f"the body has {len(body)} characters; at most {MAX_TEXT_LENGTH} are allowed. "
            "Nothing was sent. Put the text into a file and send its path."
        )
