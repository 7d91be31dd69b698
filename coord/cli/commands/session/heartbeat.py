"""`coord heartbeat`."""

from coord.cli.parser import argument, command, option
from coord.cli.resources import check_resource, file_name
from coord.engine.durations import parse_duration_s
from coord.engine.run import Run, unread_count
from coord.engine.transaction import Transaction
from coord.errors import CoordError
from coord.render.format import line, percent_in, session_label, time_text
from eventlog.events import Instant, SessionHeartbeat, add_time
from projections.rules.claims import find_obstacles
from projections.rules.state import State
from projections.views.board import names_of


@command("heartbeat")
@argument("action", default="")
@argument("target", default="")
@argument("phase", default="")
@argument("progress", default="")
@argument("next_action", metavar="[NEXT]", default="")
@option("--file", "files", multiple=True, help="A file that you are touching; may be repeated.")
@option("--eta", default="", help="When you expect to be done: 45m, or words.")
@option("--blocked-on", default="", help="What you cannot go on without.")
def heartbeat(
    run: Run,
    action: str,
    target: str,
    phase: str,
    progress: str,
    next_action: str,
    files: tuple[str, ...],
    eta: str,
    blocked_on: str,
) -> None:
    """Say what you are doing, all of it: what you leave out is over.

    Without an ACTION what you said before stays, and the options are added to it; without anything at all it says only
    that you are still there.

    \b
    Examples:
      coord heartbeat building church-guidance "BUILD - landing page" 25% "intake form"
      coord heartbeat testing api --file src/api.py --eta 45m
      coord heartbeat waiting deploy --blocked-on "the Stripe key"
    """
    names = tuple(
        check_resource(f"file/{file_name(run.system, run.workspace, name)}").removeprefix("file/") for name in files
    )

    def decide(transaction: Transaction) -> None:
        said = SessionHeartbeat(
            action=action,
            target=target,
            phase=phase,
            progress=progress,
            percent=percent_in(progress),
            next_action=next_action,
            files=names,
            estimated_completion=_eta(eta, transaction.at),
            blocked_on=blocked_on,
        )
        adds = not action and said != SessionHeartbeat()
        transaction.append(_added(said, transaction.state.sessions[transaction.me.session].doing) if adds else said)

    outcome = run.transact(decide)
    session = outcome.snapshot.state.sessions[outcome.me.session]
    doing = session.doing
    what = " ".join(line(part) for part in (doing.action, doing.target) if part) or "here"
    how_far = f" ({line(doing.progress)})" if doing.progress else ""
    facts = [
        f"blocked on {line(doing.blocked_on)}" if doing.blocked_on else "",
        f"done by {line(doing.estimated_completion)}" if doing.estimated_completion else "",
        *_waiting_for(outcome.snapshot.state, session.id),
    ]
    more = "".join(f"\n   {fact}" for fact in facts if fact)
    told = ("action", "target", "phase", "progress", "percent", "next_action", "estimated_completion", "blocked_on")
    run.say(
        f"✅ {session.id}: {what}{how_far}{more}",
        {"session": session.id, **{name: getattr(doing, name) for name in told}, "unread": unread_count(session)},
    )


def _waiting_for(state: State, me: str) -> list[str]:
    """Who waits for something that this session holds."""
    names = names_of(state)
    return [
        f"⏳ {session_label(wait.session, names)} waits for your {line(ahead.resource)}"
        for wait in state.waits.values()
        for ahead in find_obstacles(state, wait)
        if ahead.session == me and ahead.id in state.claims
    ]


def _added(said: SessionHeartbeat, before: SessionHeartbeat) -> SessionHeartbeat:
    """What was said before, and what is said now in its place."""
    values = {name: getattr(said, name) or getattr(before, name) for name in said.__struct_fields__}
    return SessionHeartbeat(**values | {"action": before.action or "working"})


def _eta(text: str, at: Instant) -> str:
    """A length of time becomes the time it leads to; other words stay as they are."""
    try:
        return time_text(add_time(at, parse_duration_s(text, "--eta")), "0001-01-02T00:00:00.000000Z") if text else ""
    except CoordError:
        return text
