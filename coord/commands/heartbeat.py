"""`coord heartbeat`."""

import re

import click

from coord.durations import seconds
from coord.errors import CoordError
from coord.naming import checked, file_name
from coord.options import command
from coord.run import Run
from coord.text import clock, line
from coord.transaction import Moment
from eventlog.events import Instant, SessionHeartbeat, later

_PERCENT = re.compile(r"\s*(\d{1,3})(?:\.\d+)?\s*%")


@command("heartbeat")
@click.argument("action", default="")
@click.argument("target", default="")
@click.argument("phase", default="")
@click.argument("progress", default="")
@click.argument("next_action", metavar="[NEXT]", default="")
@click.option("--file", "files", multiple=True, help="A file that you are touching; may be repeated.")
@click.option("--eta", default="", help="When you expect to be done: 45m, or words.")
@click.option("--blocked-on", default="", help="What you cannot go on without.")
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
    """Say what you are doing. Without an ACTION it says only that you are still there.

    \b
    Examples:
      coord heartbeat building church-guidance "BUILD - landing page" 25% "intake form"
      coord heartbeat testing api --file src/api.py --eta 45m
      coord heartbeat waiting deploy --blocked-on "the Stripe key"
    """
    names = tuple(checked(f"file/{file_name(run.world, run.place, name)}").removeprefix("file/") for name in files)
    found = _PERCENT.match(progress)
    percent = int(found[1]) if found and int(found[1]) <= 100 else None

    def decide(moment: Moment) -> None:
        moment.append(
            SessionHeartbeat(
                action=action or ("blocked" if blocked_on else "working" if files or eta else ""),
                target=target,
                phase=phase,
                progress=progress,
                percent=percent,
                next_action=next_action,
                files=names,
                estimated_completion=_eta(eta, moment.at),
                blocked_on=blocked_on,
            )
        )

    outcome = run.act(decide)
    session = outcome.present.state.sessions[outcome.me.session]
    doing = " ".join(line(part) for part in (session.action, session.target) if part) or "here"
    how_far = f" ({line(session.progress)})" if session.progress else ""
    unread = len(session.unread) + len(session.notices)
    mail = f"\n📬 {unread} unread: coord inbox" if unread else ""
    run.say(
        f"✅ {session.id}: {doing}{how_far}{mail}",
        {
            "session": session.id,
            "action": session.action,
            "target": session.target,
            "phase": session.phase,
            "progress": session.progress,
            "percent": session.percent,
            "next_action": session.next_action,
            "estimated_completion": session.estimated_completion,
            "unread": unread,
        },
    )


def _eta(text: str, at: Instant) -> str:
    """A length of time becomes the time it leads to; other words stay as they are."""
    try:
        return clock(later(at, seconds(text, "--eta")), "0001-01-02T00:00:00.000000Z") if text else ""
    except CoordError:
        return text
