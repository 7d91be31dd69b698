"""`coord inbox`: read messages, and notices about this session's claims."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from coord.cli.paging import before_option, cut_before, limit_option, newest_page
from coord.cli.parser import argument, at_option, command, option
from coord.engine.guard_index import has_news
from coord.engine.history.messages import full_message_row, message_id, read_message
from coord.engine.run import Run
from coord.engine.snapshot import Snapshot
from coord.engine.times.durations import parse_wait_s
from coord.errors import REFUSED, CoordError, no_log, no_session, usage_error
from coord.platform.watch import Interrupted, collect_signals, wait_for
from coord.render.format import duration_text, list_first, plural, session_label
from coord.render.messages import message_lines, notice_line
from coord.render.needs import own_need_text
from coord.workspace.identity import identify
from coord.workspace.names import known_session, resolve_session
from eventlog.events import EVERYONE, Event, EventId, Instant, MessageRead, MessageSent, add_time
from projections.rules.fold import as_of
from projections.rules.state import Notice, Session, State
from projections.views.board import MessageRow, message_row, names_of
from projections.views.needs import own_needs
from projections.views.point_in_time import sort_key

_SHOWN = 20


@command("inbox", begins=True)
@argument("message", required=False)
@option("--peek", is_flag=True, help="Show the messages, and leave them unread.")
@option("--all", "everything", is_flag=True, help="Show the newest messages to you, read or unread.")
@option("--wait", help="Wait until something arrives for you, for at most this long: 10m.")
@limit_option(f"messages; the default is {_SHOWN}")
@before_option
@at_option
def inbox(run: Run, message: str | None, **options: Any) -> None:
    """Show your unread messages and notices, and mark them as read; or show one MESSAGE in full.

    The oldest unread messages come first, and what is not shown stays unread. With --at, it shows what was unread at
    that time, and marks nothing as read. This also works for a session that ended after that time.

    With --wait, a broadcast that is not urgent does not end the wait: it is shown at the end. The exit code is 1 if
    nothing arrives in time.

    \b
    Examples:
      coord inbox
      coord inbox --wait 10m
      coord inbox amber-otter-k3f9/17
      coord inbox --all --limit 50 --before yesterday
      coord inbox --at -90m --session amber-otter
    """
    peek, everything, at = options["peek"], options["everything"], options["at"]
    wait_limit_s = parse_wait_s(options["wait"])
    if at is not None and (message is not None or everything or options["wait"] is not None):
        raise usage_error("--at shows what was unread at that time; it cannot be used with a message, --all or --wait.")
    if message is not None and (everything or options["limit"] or options["before"] is not None):
        raise usage_error("one message is shown in full; --all, --limit and --before can be used only for lists.")
    snapshot, me = _past_snapshot(run, at) if at is not None else _current_snapshot(run)
    if message is not None:
        return _show_message(run, snapshot, message, me, peek)
    if everything:
        return _show_all(run, snapshot, me, options["limit"] or _SHOWN, options["before"])
    snapshot = _wait(run, me, wait_limit_s) if wait_limit_s else snapshot
    state, now = as_of(snapshot.state, snapshot.now), snapshot.now
    session = known_session(state, me)
    unread = _choose_unread(run, state, session, options["limit"], options["before"])
    rows = [_full_row(run, state, each) if run.json else message_row(state, each) for each in unread.messages]
    next_page = _next_command(run, unread, peek or at is not None)
    written = run.say(
        run.fitted(_render_text(state, session, unread, rows, now, next_page)),
        _data(me, unread.notices, rows, unread.left) | {"next": next_page},
    )
    shown = tuple(dict.fromkeys([*unread.messages, *(notice.id for notice in unread.notices)]))
    if shown and written and not peek and at is None:  # what was not shown must stay unread
        run.transact(lambda transaction: transaction.append(MessageRead(messages=shown)))
    else:
        run.note_problems(snapshot)
    return None


class _Unread(NamedTuple):
    """The unread messages and notices to show, oldest first, and how many are left, also with `--before`."""

    messages: Sequence[EventId]
    notices: Sequence[Notice]
    left: int  # unread messages and notices that are not shown
    left_in_list: int  # those of them that `--before` does not exclude


def _choose_unread(run: Run, state: State, session: Session, limit: int | None, before: str | None) -> _Unread:
    messages, notices = session.unread, session.notices
    if before is not None:
        sent = {name: sort_key(state.messages[name].at, name) for name in messages}
        cut = cut_before(run, before, list(sent.values()))
        messages = [name for name in messages if sent[name] < cut]
        notices = [notice for notice in notices if sort_key(notice.at, notice.id) < cut]
    shown = messages[: limit or _SHOWN]
    shown_notices = notices if run.json and limit is None else notices[: limit or _SHOWN]
    count = len(shown) + len(shown_notices)
    left = len(session.unread) + len(session.notices) - count
    return _Unread(shown, shown_notices, left, len(messages) + len(notices) - count)


def _next_command(run: Run, unread: _Unread, keeps_unread: bool) -> str:
    """Return the command that shows more of the unread messages, or "" if there are none."""
    if not unread.left:
        return ""
    if not unread.left_in_list:
        return run.repeat("inbox", before=None)
    everything = unread.left_in_list + len(unread.messages)
    return run.repeat("inbox", wait=None, **({"limit": everything} if keeps_unread else {}))


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


def _full_row(run: Run, state: State, message: str) -> MessageRow:
    """Return a message with its whole body, of which the state has only the beginning."""
    row = message_row(state, message)
    if row.length == len(row.body):
        return row
    try:
        return full_message_row(*read_message(run.workspace, message), state)
    except CoordError:
        raise no_log(f"message {message} can no longer be read: its journal was removed. See: coord status") from None


def _wait(run: Run, me: str, wait_limit_s: int) -> Snapshot:
    """Wait until this session has something to read, and return that state. A broadcast that is not urgent ends the
    wait only if it is unread already. Raises CoordError (1) if there is nothing to read at the limit.
    """
    deadline = add_time(run.system.wall(), wait_limit_s)
    looks: list[Instant] = []

    def look() -> tuple[Snapshot | None, Instant]:
        snapshot = run.read_state()
        state = as_of(snapshot.state, snapshot.now)
        session = known_session(state, me)
        found = has_news(state, session) or run.system.wall() >= deadline or (not looks and bool(session.unread))
        looks.append(snapshot.now)
        return (snapshot if found else None), min(deadline, state.due)

    caught: list[int] = []
    try:
        with collect_signals(caught):
            snapshot = wait_for(run.workspace.log, look, run.system.wall, caught)
    except Interrupted as signal:
        raise CoordError(128 + signal.args[0], "no longer waiting; nothing was marked as read") from None
    session = known_session(snapshot.state, me)
    if not session.unread and not session.notices:
        run.say(f"Nothing arrived in {duration_text(wait_limit_s)}.", _data(me, [], [], 0))
        raise CoordError(REFUSED, "")
    return snapshot


def _show_message(run: Run, snapshot: Snapshot, text: str, me: str, peek: bool) -> None:
    event, payload = read_message(run.workspace, message_id(snapshot, text))
    row = full_message_row(event, payload, snapshot.state)
    text = message_lines(row, snapshot.now, me, names_of(snapshot.state), whole=True)
    if (
        run.say(run.fitted(text), msgspec.to_builtins(row))
        and not peek
        and event.id in known_session(snapshot.state, me).unread
    ):
        run.transact(lambda transaction: transaction.append(MessageRead(messages=(event.id,))))


def _show_all(run: Run, snapshot: Snapshot, me: str, limit: int, before: str | None) -> None:
    """Show the newest messages from the journals, because a state does not keep messages that everyone has read."""
    mine = set(_lineage(snapshot.state, me))
    received = [(e, p) for e, p in _messages(run) if (e.session != me if p.to == EVERYONE else mine & set(p.to))]
    page = newest_page(run, "inbox", received, lambda row: row[0].key, limit, before)
    rows = [full_message_row(event, payload, snapshot.state) for event, payload in page.rows]
    texts = [message_lines(row, snapshot.now, me, names_of(snapshot.state)) for row in rows]
    nothing = "No messages yet." if before is None else "No older messages."
    shown = "\n\n".join(filter(None, [page.hint("message"), *texts])) or nothing
    run.say(run.fitted(shown), _data(me, [], rows, 0) | page.data)


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
    state: State, session: Session, unread: _Unread, rows: Sequence[MessageRow], now: Instant, next_page: str
) -> str:
    names = names_of(state)
    direct = [row for row in rows if not row.everyone]
    broadcast = [row for row in rows if row.everyone]
    own = own_needs(state, session.id)
    circles = [f"⚠️  {own_need_text(need, names)}" for need in own if need.kind == "circle"]
    parts = ["\n".join(circles), "\n".join(notice_line(notice, now, names) for notice in unread.notices)]
    for head, messages in (("📬 DIRECT MESSAGES", direct), ("📢 BROADCASTS", broadcast)):
        if messages:
            parts.append("\n\n".join([head, *(message_lines(row, now, session.id, names) for row in messages)]))
    if from_others := [row.id for row in rows if state.current_session(row.session) != session.id]:
        parts.append(f'To answer: coord reply {from_others[-1]} "..."')
    parts.append("\n".join(_still_owed(state, session.id, rows)))
    if unread.left:
        parts.append(f"… and {unread.left} more unread: {next_page}")
    if not any(parts):
        parts.append("📭 No unread messages. (coord inbox --all shows older ones)")
    parts.append(_to_confirm([need.about for need in own if need.kind == "unacknowledged"]))
    return "\n\n".join(part for part in parts if part)


def _to_confirm(messages: Sequence[EventId]) -> str:
    """Return a line about the messages that this session has read and not confirmed; empty if there are none."""
    if not messages:
        return ""
    return f"{plural(len(messages), 'message')} must still be confirmed: coord ack {' '.join(messages)}"


def _still_owed(state: State, me: str, rows: Sequence[MessageRow]) -> Iterator[str]:
    """Yield a line for each question of this session that is answered here, and that others must still confirm."""
    for name in dict.fromkeys(row.in_reply_to for row in rows):
        question = state.messages.get(name)
        if question and question.unacknowledged_by and state.current_session(question.session) == me:
            others = list_first([session_label(other, names_of(state)) for other in sorted(question.unacknowledged_by)])
            yield f"{name} must still be confirmed by {others}. To close it for everyone: coord resolve {name}"


def _data(me: str, notices: Sequence[Notice], rows: Sequence[MessageRow], left: int) -> dict[str, object]:
    return {
        "session": me,
        "notices": [msgspec.structs.asdict(notice) for notice in notices],
        "messages": msgspec.to_builtins(rows),
        "unread_left": left,
    }
