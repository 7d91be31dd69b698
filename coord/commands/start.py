"""`coord start`."""

import click

from coord.anchors import describe
from coord.errors import CoordError, wrong
from coord.identity import CLIENT_NAMES, Identity, anchor_here, find, introduction
from coord.options import command
from coord.run import Run
from coord.text import line, plural
from coord.transaction import Moment
from projections.state import Session


@command("start", acts=False)
@click.option("--name", default="", help="A name that others can call you by.")
@click.option("--client", default="", help=f"What you are ({', '.join(CLIENT_NAMES)}, ...); found out if not said.")
@click.option("--capability", "capabilities", multiple=True, help="Something that you can do; may be repeated.")
@click.option("--new", is_flag=True, help="Begin another session even where this shell already is one.")
@click.option("--no-anchor", is_flag=True, help="Do not tie it to a process: it ends by `end` alone.")
def start(run: Run, name: str, client: str, capabilities: tuple[str, ...], new: bool, no_anchor: bool) -> None:
    """Register this shell, or this agent's conversation, as a session.

    Where it already is one, that one is told and nothing is begun. A session lives and dies with a process: the agent's
    client, or the shell that owns the terminal.

    \b
    Examples:
      coord start
      coord start --name frontend --capability css
      COORD_SESSION=$(coord start --no-anchor --json | jq -r .session)
    """
    _prepare(run)
    for text in (name, client, *capabilities):
        _check_name(text)
    already: list[bool] = []

    def who(moment: Moment) -> Identity:
        found = None if new else find(run.world, moment.state)
        if found and found.session:
            session = moment.state.sessions[found.session]
            if session.live:
                already.append(True)
            return found
        anchor = None if no_anchor else anchor_here(run.world)
        hello = introduction(
            run.world,
            run.place,
            name=name,
            client=client or (found.client if found else ""),
            client_session=found.conversation if found else "",
            capabilities=capabilities,
            anchor=anchor[1] if anchor else None,
        )
        moment.introduce(found or Identity("", "just started"), hello)
        return moment.me

    outcome = run.act(lambda moment: None, who=who)
    session = outcome.present.state.sessions[outcome.me.session]
    run.say(
        _words(run, session, bool(already), outcome.me),
        {"session": session.id, "already": bool(already), **_facts(session)},
    )
    others = [s for s in outcome.present.state.sessions.values() if s.live and s.id != session.id]
    if any(s.anchor == session.anchor for s in others if s.anchor):
        run.note(f"another session has this same shell; in it, say which: export COORD_SESSION={session.id}")


def _prepare(run: Run) -> None:
    """A log folder that was removed begins anew."""
    import os

    try:
        os.makedirs(run.place.log, exist_ok=True)
    except OSError as error:
        raise CoordError(4, f"cannot make {run.place.log}: {error.strerror}. Nothing was recorded.") from None


def _check_name(text: str) -> None:
    if len(text) > 100 or not text.isprintable():
        raise wrong(f"'{line(text, 60)}' is no name: at most 100 printable characters.")


def _facts(session: Session) -> dict[str, object]:
    return {
        "name": session.name,
        "client": session.client,
        "anchor_pid": session.anchor.pid if session.anchor else None,
        "branch": session.branch,
        "worktree": session.worktree,
    }


def _words(run: Run, session: Session, already: bool, me: Identity) -> str:
    named = f"{session.id} ({line(session.name)})" if session.name else session.id
    if already:
        return f"✅ Session {named} is already here ({me.how}). `coord start --new` begins another."
    if session.anchor:
        process = run.world.processes.process(session.anchor.pid)
        anchored = f"It lives as long as {describe(process) if process else 'its process'}."
    else:
        anchored = f"It is tied to no process. Name it in each shell: export COORD_SESSION={session.id}"
    unread = len(session.unread)
    return (
        f"✅ Session {named} registered\n"
        f"{anchored}\n\n"
        "Next:\n"
        f"  coord status                        who is here, and what is taken{_mail(unread)}\n"
        "  coord claim file src/app.py         take something before you change it\n"
        '  coord heartbeat building "the app"  say what you are doing\n'
        "  coord inbox                         read what others wrote to you"
    )


def _mail(unread: int) -> str:
    return f" ({plural(unread, 'message')} for you)" if unread else ""
