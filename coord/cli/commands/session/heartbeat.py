"""`coord heartbeat`: tell others what this session is doing."""

import re

from coord.cli.parser import argument, command, option
from coord.engine.run import Run, unread_count
from coord.engine.transaction import Transaction
from coord.errors import refused, usage_error
from coord.render.format import eta_text, line, percent_in, quoted, session_label
from eventlog.events import Instant, SessionHeartbeat
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

_PROGRESS = 3  # the place of the progress among the arguments
_PERCENT = r"\s*(-?\d+(?:\.\d+)?)\s*%"


@command("heartbeat")
@argument("action", default="")
@argument("target", default="")
@argument("phase", default="")
@argument("progress", default="")
@argument("next_action", metavar="[NEXT]", default="")
@option("--file", "files", multiple=True, help="A file that you are changing; may be repeated.")
@option("--eta", default="", help="When you expect to finish: 45m, 17:30, tomorrow 9:00.")
@option("--blocked-on", help="What you need before you can continue. An empty text clears it.")
@option(
    "--if-blocked-since",
    metavar="EVENT",
    default="",
    help="Refuse if another event reported the present block.",
)
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
    if_blocked_since: str,
) -> None:
    """Tell others what you are doing.

    With an ACTION, report everything you are doing; omitted fields are cleared. Options alone change the previous
    report. Without arguments, this shows that you are still here. A percentage in any place is the progress.

    \b
    Examples:
      coord heartbeat building church-guidance "BUILD - landing page" 25% "intake form"
      coord heartbeat building church-guidance 25%
      coord heartbeat testing api --file src/api.py --eta 45m
      coord heartbeat waiting deploy --blocked-on "the Stripe key"
    """
    names = _paths(run, files)
    action, target, phase, progress, next_action = _with_progress((action, target, phase, progress, next_action))

    def decide(transaction: Transaction) -> None:
        me = transaction.state.sessions[transaction.me.session]
        _check_blocked_since(me, if_blocked_since)
        given = SessionHeartbeat(
            action=action,
            target=target,
            phase=phase,
            progress=progress,
            percent=percent_in(progress),
            next_action=next_action,
            files=names,
            estimated_completion=_completion(eta, transaction.at),
            blocked_on=blocked_on or "",
        )
        if not action and (given != SessionHeartbeat() or blocked_on is not None):
            given = _combine(me.doing if blocked_on is None else unblocked(me.doing), given)
        transaction.append(given)

    outcome = run.transact(decide)
    session = outcome.snapshot.state.sessions[outcome.me.session]
    run.say(_render_text(outcome.snapshot.state, session, session.last_at), _data(session))


def _data(session: Session) -> dict[str, object]:
    fields = {name: getattr(session.doing, name) for name in _SHOWN_FIELDS}
    return {"session": session.id, **fields, "unread": unread_count(session)}


def _check_blocked_since(session: Session, event: str) -> None:
    """Raise CoordError (1) if an event is given and another one reported what the session is blocked on now."""
    if not event:
        return
    reported = f"{session.id}/{session.blocked_n}" if session.doing.blocked_on else ""
    if reported != event:
        now = f"it is blocked on {quoted(session.doing.blocked_on)} ({reported})" if reported else "it is not blocked"
        raise refused(f"{session.id} is no longer blocked since {line(event)}: {now}. Nothing was recorded.")


def _completion(eta: str, now: Instant) -> Instant:
    """Return the time that `eta` means; empty for an empty text. Raises CoordError (2)."""
    if not eta:
        return ""
    from coord.engine.times.points_in_time import parse_future_instant  # few heartbeats need it

    return parse_future_instant(eta, "--eta", now)


def _paths(run: Run, files: tuple[str, ...]) -> tuple[str, ...]:
    """Return file names relative to the root. Raises CoordError (2)."""
    if not files:
        return ()
    from coord.cli.resources.file_names import check_resource, file_name  # few heartbeats name files

    resources = (check_resource(f"file/{file_name(run.system, run.workspace, name)}") for name in files)
    return tuple(resource.removeprefix("file/") for resource in resources)


def _render_text(state: State, session: Session, at: Instant) -> str:
    doing = session.doing
    what = " ".join(line(part) for part in (doing.action, doing.target) if part) or "here"
    progress = f" ({line(doing.progress)})" if doing.progress else ""
    details = [
        f"blocked on {line(doing.blocked_on)}" if doing.blocked_on else "",
        f"done by {eta_text(doing.estimated_completion, at)}" if doing.estimated_completion else "",
        *_waiting_sessions(state, session.id),
    ]
    return f"✅ {session_label(session.id, names_of(state))}: {what}{progress}" + "".join(
        f"\n   {detail}" for detail in details if detail
    )


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


def _with_progress(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return action, target, phase, progress and next action, with a percentage in another place as the progress.

    The other words keep their order; a single word after a percentage in the third place is the next action. Raises
    CoordError (2) for a percentage below 0 or over 100.
    """
    places = [place for place, word in enumerate(words) if re.fullmatch(rf"{_PERCENT}\s*", word)]
    if places and not re.match(_PERCENT, words[_PROGRESS]):
        place = places[0]
        after = [word for word in words[place + 1 :] if word]
        skipped = [""] if place == _PROGRESS - 1 and len(after) == 1 else []
        rest = [*words[:place], *skipped, *after, "", "", "", ""]
        words = (*rest[:_PROGRESS], words[place], rest[_PROGRESS])
    number = re.match(_PERCENT, words[_PROGRESS])
    if number and not 0 <= float(number[1]) <= 100:
        raise usage_error(f"'{line(words[_PROGRESS], 40)}' is out of range. Nothing was recorded. Write 0% to 100%.")
    return words
