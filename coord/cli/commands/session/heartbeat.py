"""`coord heartbeat`: tell others what this session is doing."""

from coord.cli.parser import argument, command, option
from coord.cli.resources import check_resource, file_name
from coord.engine.durations import parse_duration_s
from coord.engine.run import Run, unread_count
from coord.engine.transaction import Transaction
from coord.errors import CoordError
from coord.render.format import line, percent_in, session_label, time_text
from eventlog.events import Instant, SessionHeartbeat, add_time
from projections.rules.claims import find_obstacles
from projections.rules.sessions import unblocked
from projections.rules.state import Session, State
from projections.views.board import names_of

_SHOWN_FIELDS = (
    "action",
    "target",
    "phase",
    "progress",
    "percent",
    "next_action",
    "estimated_completion",
    "blocked_on",
)


@command("heartbeat")
@argument("action", default="")
@argument("target", default="")
@argument("phase", default="")
@argument("progress", default="")
@argument("next_action", metavar="[NEXT]", default="")
@option("--file", "files", multiple=True, help="A file that you are changing; may be repeated.")
@option("--eta", default="", help="When you expect to finish: 45m, or any text.")
@option("--blocked-on", help="What you need before you can continue; an empty text: nothing any more.")
def heartbeat(
    run: Run,
    action: str,
    target: str,
    phase: str,
    progress: str,
    next_action: str,
    files: tuple[str, ...],
    eta: str,
    blocked_on: str | None,
) -> None:
    """Tell others what you are doing.

    With an ACTION, this replaces everything that you said before. Without an ACTION, the options are added to that;
    without any option it only shows that you are still here.

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
        given = SessionHeartbeat(
            action=action,
            target=target,
            phase=phase,
            progress=progress,
            percent=percent_in(progress),
            next_action=next_action,
            files=names,
            estimated_completion=_eta(eta, transaction.at),
            blocked_on=blocked_on or "",
        )
        if not action and (given != SessionHeartbeat() or blocked_on is not None):
            before = transaction.state.sessions[transaction.me.session].doing
            given = _combine(before if blocked_on is None else unblocked(before), given)
        transaction.append(given)

    outcome = run.transact(decide)
    session = outcome.snapshot.state.sessions[outcome.me.session]
    fields = {name: getattr(session.doing, name) for name in _SHOWN_FIELDS}
    run.say(
        _render_text(outcome.snapshot.state, session),
        {"session": session.id, **fields, "unread": unread_count(session)},
    )


def _render_text(state: State, session: Session) -> str:
    doing = session.doing
    what = " ".join(line(part) for part in (doing.action, doing.target) if part) or "here"
    progress = f" ({line(doing.progress)})" if doing.progress else ""
    details = [
        f"blocked on {line(doing.blocked_on)}" if doing.blocked_on else "",
        f"done by {line(doing.estimated_completion)}" if doing.estimated_completion else "",
        *_waiting_sessions(state, session.id),
    ]
    return f"✅ {session.id}: {what}{progress}" + "".join(f"\n   {detail}" for detail in details if detail)


def _waiting_sessions(state: State, me: str) -> list[str]:
    """Return a line for each session that waits for a claim of this one."""
    names = names_of(state)
    return [
        f"⏳ {session_label(wait.session, names)} waits for your {line(ahead.resource)}"
        for wait in state.waits.values()
        for ahead in find_obstacles(state, wait)
        if ahead.session == me and ahead.id in state.claims
    ]


def _combine(before: SessionHeartbeat, given: SessionHeartbeat) -> SessionHeartbeat:
    """Return the previous heartbeat, with the fields that are given now replaced."""
    values = {name: getattr(given, name) or getattr(before, name) for name in given.__struct_fields__}
    return SessionHeartbeat(**values | {"action": before.action or "working"})


def _eta(text: str, at: Instant) -> str:
    """Return the time of day that lies a duration such as `45m` after `at`; other text is returned unchanged."""
    try:
        return time_text(add_time(at, parse_duration_s(text, "--eta")), "0001-01-02T00:00:00.000000Z") if text else ""
    except CoordError:
        return text
