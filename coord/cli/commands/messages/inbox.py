"""`coord inbox`: read messages, and notices about this session's claims."""

from collections.abc import Iterable, Sequence

import msgspec

from coord.cli.parser import argument, at_option, command, option
from coord.engine.durations import parse_wait_s
from coord.engine.messages import full_message_row, message_id, read_message
from coord.engine.run import Run
from coord.engine.snapshot import Snapshot
from coord.errors import REFUSED, CoordError, no_log, no_session, usage_error
from coord.platform.watch import Interrupted, collect_signals, wait_for
from coord.render.format import duration_text
from coord.render.messages import message_lines, notice_line
from coord.render.needs import own_need_text
from coord.workspace.identity import identify
from coord.workspace.names import resolve_session
from eventlog.events import EVERYONE, Event, Instant, MessageRead, MessageSent, add_time
from projections.rules.fold import as_of
from projections.rules.state import Notice, Session, State
from projections.views.board import MessageRow, message_row, names_of
from projections.views.needs import own_needs

_SHOWN = 20


@command("inbox")
@argument("message", required=False)
@option("--peek", is_flag=True, help="Show the messages, and leave them unread.")
@option("--all", "everything", is_flag=True, help=f"Show the newest {_SHOWN} messages to you, read or unread.")
@option("--wait", help="Wait until something arrives, for at most this long: 10m.")
@at_option
def inbox(run: Run, message: str | None, peek: bool, everything: bool, wait: str | None, at: str | None) -> None:
    """Show your unread messages and notices, and mark them as read; or show one MESSAGE in full.

    With --at, it shows what was unread at that time, and marks nothing as read. This also works for a session that has
    ended since. With --wait, the exit code is 1 if nothing arrives in time.

    \b
    Examples:
      coord inbox
      coord inbox --wait 10m
      coord inbox amber-otter-k3f9/17
      coord inbox --at -90m --session amber-otter
    """
    wait_limit_s = parse_wait_s(wait)
    if at is not None and (message is not None or everything or wait is not None):
        raise usage_error("--at shows what was unread then; it cannot be used with a message, --all or --wait.")
    snapshot, me = _past_snapshot(run, at) if at is not None else _current_snapshot(run)
    if message is not None:
        return _show_message(run, snapshot, message, me, peek)
    if everything:
        return _show_all(run, snapshot, me)
    snapshot = _wait(run, me, wait_limit_s) if wait_limit_s else snapshot
    state, now = as_of(snapshot.state, snapshot.now), snapshot.now
    session = state.sessions[me]
    unread = session.unread[:_SHOWN]
    rows = [_full_row(run, state, each) if run.json else message_row(state, each) for each in unread]
    left = len(session.unread) - len(rows)
    notices = session.notices if run.json else session.notices[:_SHOWN]
    left += len(session.notices) - len(notices)
    run.say(_render_text(state, session, notices, rows, now), _data(me, notices, rows, left))
    shown = tuple(dict.fromkeys([*unread, *(notice.id for notice in notices)]))
    if shown and not peek and at is None:  # only after printing: what was not shown must stay unread
        run.transact(lambda transaction: transaction.append(MessageRead(messages=shown)))
    else:
        run.note_problems(snapshot)
    return None


def _current_snapshot(run: Run) -> tuple[Snapshot, str]:
    snapshot, identity = run.read_as_session()
    return snapshot, identity.session


def _past_snapshot(run: Run, at: str) -> tuple[Snapshot, str]:
    """Return the past state, and the session whose inbox to show: this one, or one that it continues.

    Raises CoordError (3) if none of them existed then.
    """
    state = run.read_state().state
    me = resolve_session(state, run.session) if run.session else identify(run.system, state).session
    then = run.read_state(at)
    if existing := [name for name in _lineage(state, me) if name in then.state.sessions]:
        return then, existing[0]
    raise no_session(f"{me} did not exist yet at that time.")


def _own_session(state: State, me: str) -> Session:
    if me not in state.sessions:
        raise no_log(f"session {me} is no longer in the log: its journal was removed. See: coord status")
    return state.sessions[me]


def _full_row(run: Run, state: State, message: str) -> MessageRow:
    """Return a message with its whole body, of which the state has only the beginning."""
    row = message_row(state, message)
    return row if row.length == len(row.body) else full_message_row(*read_message(run.workspace, message), state)


def _wait(run: Run, me: str, wait_limit_s: int) -> Snapshot:
    """Wait until this session has something to read, and return that state. Raises CoordError (1) at the limit."""
    deadline = add_time(run.system.wall(), wait_limit_s)

    def look() -> tuple[Snapshot | None, Instant]:
        snapshot = run.read_state()
        state = as_of(snapshot.state, snapshot.now)
        session = _own_session(state, me)
        is_over = run.system.wall() >= deadline
        return (snapshot if session.unread or session.notices or is_over else None), min(deadline, state.due)

    caught: list[int] = []
    try:
        with collect_signals(caught):
            snapshot = wait_for(run.workspace.log, look, run.system.wall, caught)
    except Interrupted as signal:
        raise CoordError(128 + signal.args[0], "no longer waiting; nothing was marked as read") from None
    session = _own_session(snapshot.state, me)
    if not session.unread and not session.notices:
        run.say(f"Nothing arrived in {duration_text(wait_limit_s)}.", _data(me, [], [], 0))
        raise CoordError(REFUSED, "")
    return snapshot


def _show_message(run: Run, snapshot: Snapshot, text: str, me: str, peek: bool) -> None:
    event, payload = read_message(run.workspace, message_id(snapshot, text))
    row = full_message_row(event, payload, snapshot.state)
    run.say(message_lines(row, snapshot.now, me, names_of(snapshot.state), whole=True), msgspec.to_builtins(row))
    if not peek and event.id in snapshot.state.sessions[me].unread:
        run.transact(lambda transaction: transaction.append(MessageRead(messages=(event.id,))))


def _show_all(run: Run, snapshot: Snapshot, me: str) -> None:
    """Show the newest messages from the journals, because a state does not keep messages that everyone has read."""
    mine = set(_lineage(snapshot.state, me))
    received = [(e, p) for e, p in _messages(run) if (e.session != me if p.to == EVERYONE else mine & set(p.to))]
    rows = [full_message_row(event, payload, snapshot.state) for event, payload in received[-_SHOWN:]]
    older = len(received) - len(rows)
    text = (
        "\n\n".join(message_lines(row, snapshot.now, me, names_of(snapshot.state)) for row in rows)
        or "No messages yet."
    )
    run.say(
        (f"({older} older messages not shown)\n\n" if older else "") + text, _data(me, [], rows, 0) | {"older": older}
    )


def _lineage(state: State, me: str) -> list[str]:
    """Return this session and those that it continues, the latest first: it receives their messages too."""
    lineage: list[str] = []
    while me and me not in lineage:
        lineage.append(me)
        me = state.sessions[me].continues if me in state.sessions else ""
    return lineage


def _messages(run: Run) -> Iterable[tuple[Event, MessageSent]]:
    for event in run.full_history().events:
        if isinstance(event.payload, MessageSent) and not event.imported:
            yield event, event.payload


def _render_text(
    state: State, session: Session, notices: Sequence[Notice], rows: Sequence[MessageRow], now: Instant
) -> str:
    names, left = names_of(state), len(session.unread) - len(rows) + len(session.notices) - len(notices)
    direct = [row for row in rows if not row.everyone]
    broadcast = [row for row in rows if row.everyone]
    circles = [f"⚠️  {own_need_text(need, names)}" for need in own_needs(state, session.id) if need.kind == "circle"]
    parts = ["\n".join(circles), "\n".join(notice_line(notice, now, names) for notice in notices)]
    for head, messages in (("📬 DIRECT MESSAGES", direct), ("📢 BROADCASTS", broadcast)):
        if messages:
            parts.append("\n\n".join([head, *(message_lines(row, now, session.id, names) for row in messages)]))
    if rows:
        parts.append(f'To answer: coord reply {rows[-1].id} "..."')
    if left:
        parts.append(f"… and {left} more unread: coord inbox")
    return "\n\n".join(part for part in parts if part) or "📭 No unread messages. (coord inbox --all shows older ones)"


def _data(me: str, notices: Sequence[Notice], rows: Sequence[MessageRow], left: int) -> dict[str, object]:
    return {
        "session": me,
        "notices": [msgspec.structs.asdict(notice) for notice in notices],
        "messages": msgspec.to_builtins(rows),
        "unread_left": left,
    }
