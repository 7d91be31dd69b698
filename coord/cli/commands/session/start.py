"""`coord start`: register a shell or an agent's conversation as a session."""

import os
from typing import Any

from msgspec import Struct

from coord.cli.parser import command, option
from coord.engine.run import Run
from coord.engine.transaction import Transaction
from coord.errors import CoordError, refused, usage_error
from coord.render.format import line, plural
from coord.workspace.anchors import describe_process
from coord.workspace.identity import (
    CLIENT_NAMES,
    Identity,
    earlier_conversations,
    find_anchor,
    find_identity,
    session_started,
)
from coord.workspace.names import EVERYONE_WORDS, resolve_session
from coord.workspace.paths import protect_log
from coord.workspace.people import is_at_terminal
from eventlog.events import SessionStarted
from projections.rules.state import Session, State, recent_sessions


class StartOptions(Struct, frozen=True):
    """The options of the command line."""

    name: str
    client: str
    capabilities: tuple[str, ...]
    new: bool
    no_anchor: bool
    continues: str


@command("start", acts=False)
@option("--name", default="", help="A name by which others can address you.")
@option(
    "--client",
    default="",
    suggestions=CLIENT_NAMES,
    help=f"The program that the session runs in: {', '.join(CLIENT_NAMES)}, ... Detected by default.",
)
@option("--capability", "capabilities", multiple=True, help="Something that this session can do; may be repeated.")
@option("--new", is_flag=True, help="Start a new session, even if this shell already has one.")
@option("--no-anchor", is_flag=True, help="Do not tie the session to a process; it lives until `coord end`.")
@option(
    "--continue",
    "continues",
    metavar="ID",
    default="",
    help="Take over the claims and unread messages of a session that ended or died.",
)
def start(run: Run, **options: Any) -> None:
    """Register this shell or this agent's conversation as a session.

    If this shell already has a session, that session is kept, and --name, --client and --capability change it. A
    session lives as long as a process: the agent's client, or the shell that owns the terminal.

    \b
    Examples:
      coord start
      coord start --name frontend --capability css
      coord start --continue amber-otter
      COORD_SESSION=$(coord start --no-anchor --json | jq -r .session)
    """
    wanted = StartOptions(**options)
    _make_log_folder(run)
    for text in (wanted.name, wanted.client, *wanted.capabilities):
        _check_name(text)
    already = updates = False

    def who(transaction: Transaction) -> Identity:
        nonlocal already, updates
        protect_log(run.workspace)
        current = find_current_session(run, transaction)
        if current and not wanted.new and not wanted.continues:
            if current.session:
                already = updates = transaction.state.sessions[current.session].live
                return current
            if earlier_conversations(run.system, transaction.state, current):
                updates = True  # the transaction starts the session, which continues them
                return current
        event = _start_event(run, transaction, wanted, current)
        in_conversation = current and current.conversation  # the new session replaces the previous one in it
        transaction.start_session(current if current and in_conversation else Identity("", "just started"), event)
        return transaction.me

    outcome = run.transact(lambda transaction: _update_session(run, transaction, wanted) if updates else None, who=who)
    session = outcome.snapshot.state.sessions[outcome.me.session]
    run.say(
        _render_text(run, session, already, outcome.me),
        {"session": session.id, "already": already, **_session_data(session)},
    )
    _suggest_continuing(run, outcome.snapshot.state, session)
    others = [s for s in outcome.snapshot.state.sessions.values() if s.live and s.anchor and s.id != session.id]
    if any(s.anchor == session.anchor for s in others):
        run.note(
            f"another session has the same process. In each command, name the session that acts: --session {session.id}"
        )


def _suggest_continuing(run: Run, state: State, me: Session) -> None:
    """Print a note for each session of the same name that died within the last day with unread messages, since it can
    be continued.
    """
    for session in recent_sessions(state):
        if me.name and session.name == me.name and session.status == "dead" and session.unread:
            unread = plural(len(session.unread), "unread message")
            run.note(
                f"{session.id} of that name died with {unread}; to take them over: "
                f"coord start --new --continue {session.id}"
            )


def find_current_session(run: Run, transaction: Transaction) -> Identity | None:
    """Return the identity of this shell or conversation, or None if there is none, or more than one.

    Raises CoordError if a session was named that does not exist.
    """
    try:
        return find_identity(run.system, transaction.state, run.session)
    except CoordError:
        if run.session or run.system.env.get("COORD_SESSION"):
            raise
        return None


def _start_event(run: Run, transaction: Transaction, wanted: StartOptions, current: Identity | None) -> SessionStarted:
    """Return the event of the new session. Raises CoordError if the name is taken, or no session can be continued."""
    here = transaction.state.sessions.get(current.session) if current else None
    if wanted.continues and not wanted.new and here and here.live:
        raise refused(
            f"this shell already has session {here.id}. Nothing was changed. "
            "End that session first (coord end), or add --new."
        )
    old = transaction.state.sessions[resolve_session(transaction.state, wanted.continues)] if wanted.continues else None
    if old and old.status == "imported":
        raise refused(f"{old.id} was imported and cannot be continued. See what it did: coord why {old.id}")
    if old and old.live and not run.system.death_evidence(old):
        raise refused(
            f"{old.id} is still live, so it cannot be continued. Act as it with --session {old.id}, or "
            f"end it first: coord end --session {old.id}"
        )
    name = wanted.name or (old.name if old else "")
    _check_name_is_free(run, transaction, name, "")
    anchor = None if wanted.no_anchor else find_anchor(run.system, current.conversation if current else "")
    return session_started(
        run.system,
        run.workspace,
        name=name,
        client=wanted.client or (current.client if current else ""),
        client_session=current.conversation if current else "",
        capabilities=wanted.capabilities or (old.capabilities if old else ()),
        anchor=anchor[1] if anchor else None,
        continues=old.id if old else "",
        person=is_at_terminal(run.system),
    )


def _update_session(run: Run, transaction: Transaction, wanted: StartOptions) -> None:
    """Give an existing session the name, client and capabilities that the options name."""
    session = transaction.state.sessions[transaction.me.session]
    before = {name: getattr(session, name) for name in SessionStarted.__struct_fields__}
    given = {"name": wanted.name, "client": wanted.client, "capabilities": wanted.capabilities}
    after = before | {name: value for name, value in given.items() if value}
    if after != before:
        _check_name_is_free(run, transaction, wanted.name, session.id)
        transaction.append(SessionStarted(**after))


def _check_name_is_free(run: Run, transaction: Transaction, name: str, me: str) -> None:
    for session in transaction.state.sessions.values():
        if (
            name
            and session.name == name
            and session.live
            and session.id != me
            and not run.system.death_evidence(session)
        ):
            raise refused(
                f"{session.id} already has the name {name}. Nothing was changed. Choose another "
                "name, so that others can tell you apart."
            )


def _make_log_folder(run: Run) -> None:
    """Create the log folder if it was removed."""
    try:
        os.makedirs(run.workspace.log, exist_ok=True)
    except OSError as error:
        raise CoordError(4, f"cannot make {run.workspace.log}: {error.strerror}. Nothing was recorded.") from None


def _check_name(text: str) -> None:
    if len(text) > 100 or not text.isprintable() or "," in text or "/" in text or text.lower() in EVERYONE_WORDS:
        raise usage_error(
            f"'{line(text, 60)}' is not a valid name. A name has at most 100 printable characters, no comma and "
            "no slash, and is not 'all'."
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
        return f"✅ This is already session {named}, identified by {me.how}. To start another: coord start --new"
    if session.anchor:
        process = run.system.processes.process(session.anchor.pid)
        described = f" {describe_process(process)}" if process else ""
        lifetime = f"It ends when its process{described} ends, or with: coord end"
    else:
        lifetime = f"It is not tied to a process. In each shell, name it: export COORD_SESSION={session.id}"
    if session.continues:
        lifetime += f"\nIt continues {session.continues}."
    return (
        f"✅ Session {named} registered\n"
        f"{lifetime}\n\n"
        "Next:\n"
        "  coord status                        see who is here, and what is claimed\n"
        "  coord claim file src/app.py         claim a file before you change it\n"
        '  coord heartbeat building "the app"  tell others what you are doing\n'
        f"  coord inbox                         read your messages"
    )
