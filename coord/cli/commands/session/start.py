"""`coord start`."""

import os
from typing import Any

from msgspec import Struct

from coord.cli.parser import command, option
from coord.engine.run import Run
from coord.engine.transaction import Transaction
from coord.errors import CoordError, refused, usage_error
from coord.render.format import line, plural
from coord.workspace.anchors import describe_process
from coord.workspace.identity import CLIENT_NAMES, Identity, find_anchor, find_identity, session_started
from coord.workspace.names import EVERYONE_WORDS, resolve_session
from eventlog.events import SessionStarted
from projections.rules.state import Session, State


class StartOptions(Struct, frozen=True):
    """What was asked for on the command line."""

    name: str
    client: str
    capabilities: tuple[str, ...]
    new: bool
    no_anchor: bool
    continues: str


@command("start", acts=False)
@option("--name", default="", help="A name that others can call you by.")
@option("--client", default="", help=f"What you are ({', '.join(CLIENT_NAMES)}, ...); found out if not said.")
@option("--capability", "capabilities", multiple=True, help="Something that you can do; may be repeated.")
@option("--new", is_flag=True, help="Begin another session even where this shell already is one.")
@option("--no-anchor", is_flag=True, help="Do not tie it to a process: it ends by `end` alone.")
@option("--continue", "continues", metavar="ID", default="", help="Go on for a session that is over.")
def start(run: Run, **wishes: Any) -> None:
    """Register this shell, or this agent's conversation, as a session.

    Where it already is one, that one is told and nothing is begun; a --name or --capability is added to it. A session
    lives and dies with a process: the agent's client, or the shell that owns the terminal.

    \b
    Examples:
      coord start
      coord start --name frontend --capability css
      coord start --continue amber-otter
      COORD_SESSION=$(coord start --no-anchor --json | jq -r .session)
    """
    wish = StartOptions(**wishes)
    _make_log_folder(run)
    for text in (wish.name, wish.client, *wish.capabilities):
        _check_name(text)
    already: list[bool] = []

    def who(transaction: Transaction) -> Identity:
        found = find_current_session(run, transaction)
        if found and found.session and not wish.new and not wish.continues:
            already.extend([True] * transaction.state.sessions[found.session].live)
            return found
        hello = _start_event(run, transaction, wish, found)
        in_conversation = found and found.conversation  # where a new session takes the place of the one before
        transaction.start_session(found if found and in_conversation else Identity("", "just started"), hello)
        return transaction.me

    outcome = run.transact(lambda transaction: _rename(run, transaction, wish) if already else None, who=who)
    session = outcome.snapshot.state.sessions[outcome.me.session]
    run.say(
        _render_text(run, session, bool(already), outcome.me),
        {"session": session.id, "already": bool(already), **_session_data(session)},
    )
    _suggest_continuing(run, outcome.snapshot.state, session)
    others = [s for s in outcome.snapshot.state.sessions.values() if s.live and s.anchor and s.id != session.id]
    if any(s.anchor == session.anchor for s in others):
        run.note(f"another session has this same process; say which one acts: --session {session.id}")


def _suggest_continuing(run: Run, state: State, me: Session) -> None:
    """Tell of a dead session of the same name that left mail behind: it can be continued."""
    for session in state.sessions.values():
        if me.name and session.name == me.name and session.status == "dead" and session.unread:
            mail = plural(len(session.unread), "unread message")
            run.note(
                f"{session.id} of that name died with {mail}: coord start --new --continue {session.id} goes on for it"
            )


def find_current_session(run: Run, transaction: Transaction) -> Identity | None:
    """Who this shell is already, if it is someone. Two on one shell are no obstacle to a third."""
    try:
        return find_identity(run.system, transaction.state, run.session)
    except CoordError:
        if run.session or run.system.env.get("COORD_SESSION"):
            raise
        return None


def _start_event(run: Run, transaction: Transaction, wish: StartOptions, found: Identity | None) -> SessionStarted:
    """How the new session introduces itself. Raises CoordError if it cannot have that name, or go on for that one."""
    here = transaction.state.sessions.get(found.session) if found else None
    if wish.continues and not wish.new and here and here.live:
        raise refused(f"this shell is {here.id} already. End it first (coord end), or add --new.")
    old = transaction.state.sessions[resolve_session(transaction.state, wish.continues)] if wish.continues else None
    if old and old.status == "imported":
        raise refused(f"{old.id} was imported, so there is nothing to go on with. See what it did: coord why {old.id}")
    if old and old.live and not run.system.death_evidence(old):
        raise refused(f"{old.id} is not over. Act as it with --session {old.id}, or end it first.")
    name = wish.name or (old.name if old else "")
    _free_name(run, transaction, name, "")
    anchor = None if wish.no_anchor else find_anchor(run.system, found.conversation if found else "")
    return session_started(
        run.system,
        run.workspace,
        name=name,
        client=wish.client or (found.client if found else ""),
        client_session=found.conversation if found else "",
        capabilities=wish.capabilities or (old.capabilities if old else ()),
        anchor=anchor[1] if anchor else None,
        continues=old.id if old else "",
    )


def _rename(run: Run, transaction: Transaction, wish: StartOptions) -> None:
    """Add a name, a client or capabilities to a session that is here already."""
    session = transaction.state.sessions[transaction.me.session]
    wanted = (wish.name or session.name, wish.client or session.client, wish.capabilities or session.capabilities)
    if wanted == (session.name, session.client, session.capabilities):
        return
    _free_name(run, transaction, wish.name, session.id)
    values = {name: getattr(session, name) for name in SessionStarted.__struct_fields__}
    transaction.append(SessionStarted(**values | {"name": wanted[0], "client": wanted[1], "capabilities": wanted[2]}))


def _free_name(run: Run, transaction: Transaction, name: str, me: str) -> None:
    for session in transaction.state.sessions.values():
        if (
            name
            and session.name == name
            and session.live
            and session.id != me
            and not run.system.death_evidence(session)
        ):
            raise refused(
                f"{session.id} is called {name} already. Choose another name, so that others can tell you apart."
            )


def _make_log_folder(run: Run) -> None:
    """A log folder that was removed begins anew."""
    try:
        os.makedirs(run.workspace.log, exist_ok=True)
    except OSError as error:
        raise CoordError(4, f"cannot make {run.workspace.log}: {error.strerror}. Nothing was recorded.") from None


def _check_name(text: str) -> None:
    if len(text) > 100 or not text.isprintable() or "," in text or "/" in text or text.lower() in EVERYONE_WORDS:
        raise usage_error(
            f"'{line(text, 60)}' is no name: at most 100 printable characters, no comma or slash, not 'all'."
        )


def _session_data(session: Session) -> dict[str, object]:
    return {
        "name": session.name,
        "client": session.client,
        "anchor_pid": session.anchor.pid if session.anchor else None,
        "branch": session.branch,
        "worktree": session.worktree,
    }


def _render_text(run: Run, session: Session, already: bool, me: Identity) -> str:
    named = f"{session.id} ({line(session.name)})" if session.name else session.id
    if already:
        return f"✅ Session {named} is already here (by {me.how}). `coord start --new` begins another."
    if session.anchor:
        process = run.system.processes.process(session.anchor.pid)
        anchored = f"It lives as long as {describe_process(process) if process else 'its process'}."
    else:
        anchored = f"It is tied to no process. Name it in each shell: export COORD_SESSION={session.id}"
    if session.continues:
        anchored += f" It goes on for {session.continues}."
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
