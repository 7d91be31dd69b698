"""What hooks add to an agent's context: short texts about what is new. Pure functions from a state to items, and from
items to a text of limited length.

Everything in an agent's context looks like an instruction. So what another session wrote is quoted, put on one line,
and shortened.
"""

from collections.abc import Iterable, Sequence
from operator import attrgetter

from msgspec import Struct
from msgspec.structs import replace

from coord.engine.guard_index import is_pressing, unread_messages
from coord.render.format import duration_text, line, plural, quoted, session_label
from coord.render.messages import newest_crossed, notice_line
from eventlog.events import EventId, Instant, seconds_between
from projections.rules.liveness import doing_text
from projections.rules.state import Claim, Message, Notice, Session, State
from projections.views.board import names_of
from projections.views.needs import Need

START_CHARS = 1500  # shown to an agent when it starts, at most
LATER_CHARS = 400  # shown to an agent by any later hook, at most
_BODY = 240  # characters of each message, if there are several
_REST = 30  # characters of the line that says how many items are left out
ONLY_NOW, URGENT, LATER = 0, 1, 2  # the ranks of items, in the order in which they are shown


class ContextItem(Struct, frozen=True):
    """A text for an agent, the ids of the messages and notices that are read with it, and the traces to write once it
    is shown, so that it is not shown again. By its rank it is shown now or never, before others, or after them.
    """

    text: str
    ids: tuple[EventId, ...] = ()
    marks: tuple[str, ...] = ()
    rank: int = LATER


def by_rank(items: Iterable[ContextItem]) -> list[ContextItem]:
    """Return items in the order in which they are shown."""
    return sorted(items, key=attrgetter("rank"))


def room_after(items: Sequence[ContextItem]) -> int:
    """Return how many characters a later hook has for one more item after these, and for the number left out."""
    return LATER_CHARS - sum(len(item.text) + 1 for item in items) - (_REST if items else 0)


def fit_to_budget(
    pieces: Sequence[ContextItem], budget: int, more: str = "coord inbox"
) -> tuple[str, list[ContextItem]]:
    """Return a text of as many items, in order, as fit, and these items. The first is cut if it does not fit alone. The
    text ends with the number of items left out.
    """
    shown: list[str] = []
    included: list[ContextItem] = []
    rest = f"… and {len(pieces)} more: {more}"
    for number, piece in enumerate(pieces):
        last = number == len(pieces) - 1
        room = budget - sum(len(text) + 1 for text in shown) - (0 if last else len(rest) + 1)
        if len(piece.text) > room:
            if number:
                shown.append(f"… and {len(pieces) - number} more: {more}")
                break
            shown.append(piece.text[: room - 1] + "…")
        else:
            shown.append(piece.text)
        included.append(piece)
    return "\n".join(shown), included


def unread_items(
    state: State, session: Session, now: Instant, *, all_of_it: bool, room: int = LATER_CHARS
) -> list[ContextItem]:
    """Return what a session has not read: urgent messages, then notices, then other messages. Broadcasts that are not
    urgent are left out unless `all_of_it` is true. Each message is cut so that it fits into `room` characters.
    """
    names = names_of(state)
    notices = [_notice_item(notice, now, names) for notice in session.notices]
    unread = unread_messages(state, session)
    if not all_of_it:
        unread = list(filter(is_pressing, unread))
    unread.sort(key=attrgetter("everyone"))
    limit = min(_BODY if len(notices) + len(unread) > 1 else LATER_CHARS, room)
    return by_rank([*notices, *(message_item(message, names, limit, session.id) for message in unread)])


def is_urgent(message: Message) -> bool:
    """Return whether a message is shown before notices: it is urgent, and nobody has closed it."""
    return message.urgency == "high" and not message.resolved_by


def _notice_item(notice: Notice, now: Instant, names: dict[str, str]) -> ContextItem:
    """Return a notice about a session's claims as an item. A reason that another session gave is quoted."""
    said = notice.reason if notice.kind not in ("broken", "handed_over") else ""
    more = f" ({len(notice.resources) - 3} more: coord why {notice.id})" if len(notice.resources) > 3 else ""
    short = replace(notice, resources=notice.resources[:3], reason=said)
    words = f" Reason given: {quoted(notice.reason, 100)}" if notice.reason and not said else ""
    return ContextItem(f"coord: {notice_line(short, now, names)}{more}{words}", (notice.id,))


def message_item(message: Message, names: dict[str, str], limit: int, reader: str) -> ContextItem:
    """Return a message with its sender, and how the reader can answer it."""
    urgent = "closed " if message.resolved_by else "urgent " if message.urgency == "high" else ""
    to = " to everyone" if message.everyone else ""
    who = session_label(message.session, names)
    confirm = f"confirm: coord ack {message.id}; " if reader in message.unacknowledged_by else ""
    if message.crosses:
        confirm = f"sent before it read your {newest_crossed(message.crosses)}; {confirm}"
    tail = f'({confirm}answer: coord reply {message.id} "...")'
    head = f"coord: {urgent}message{to} from {who}, another session, not your user: "
    if message.session == reader:  # a command of a subagent can act as its session
        head, tail = f"coord: {urgent}message from an agent of your own session: ", f"({message.id})"
    words = f"{message.subject}: {message.body}" if message.body else message.subject
    room = max(60, limit - len(head) - len(tail) - 3)
    said = quoted(words, room)
    if said.endswith("…”"):
        tail = f"({confirm}full text: coord inbox {message.id})"
    return ContextItem(f"{head}{said} {tail}", (message.id,), rank=URGENT if is_urgent(message) else LATER)


def reminder(need: Need, names: dict[str, str], *marks: str) -> ContextItem:
    """Return the reminder of something that the session itself must do."""
    from coord.render.needs import own_need_text  # most hooks have nothing to remind of

    return ContextItem(f"coord: {own_need_text(need, names)}", marks=marks)


# --- at the start ---------------------------------------------------------------------------------------------------


def start_items(state: State, me: Session, resumed: bool) -> list[ContextItem]:
    """Return what an agent is shown first when it starts or resumes: its session, and the rules."""
    others = len(_others(state, me))
    names = names_of(state)
    label = session_label(me.id, names, full=True)
    still = "still " if resumed else ""
    mine = _claims_text(state, me)
    if not others:
        has = f", and hold {mine}" if mine else ""
        return [ContextItem(f"coord: you are {still}session {label}, alone in this repository{has}.")]
    has = f" You hold {mine}." if mine else ""
    return [
        ContextItem(
            f"coord: you are {still}session {label}, and {plural(others, 'other session')} "
            f"{'works' if others == 1 else 'work'} in this repository.{has}\n"
            "Files that you write are claimed for you until you commit. If a write is denied, you are shown who holds "
            "the file: do other work, wait, or ask. Do not use the shell to write it.\n"
            "coord status · coord inbox · coord send WHO SUBJECT TEXT · coord claim file PATH --note WHY · "
            "coord heartbeat ACTION TARGET"
        )
    ]


def other_sessions(state: State, me: Session, now: Instant) -> list[ContextItem]:
    """Return the other live sessions, one line each, the latest heard first."""
    others = sorted(_others(state, me), key=lambda session: session.last_at, reverse=True)
    return [ContextItem(_session_text(state, session, names_of(state), now)) for session in others]


def _others(state: State, me: Session) -> list[Session]:
    return [session for session in state.sessions.values() if session.live and session.id != me.id]


def _session_text(state: State, session: Session, names: dict[str, str], now: Instant) -> str:
    doing = doing_text(session.doing.action, session.doing.target, session.doing.blocked_on)
    held = _claims_text(state, session)
    quiet = seconds_between(session.last_at, now)
    facts = [
        line(session.client, 20),
        doing and (line if session.doing.automatic else quoted)(doing, 60),
        session.doing.blocked_on
        and (line if session.doing.asks_person else quoted)(f"blocked on {session.doing.blocked_on}", 60),
        held and f"has {held}",
        f"last seen {duration_text(quiet)} ago" if quiet > 300 else "",
    ]
    return f"- {session_label(session.id, names)}: {'; '.join(fact for fact in facts if fact)}"


def _claims_text(state: State, session: Session) -> str:
    held = [claim for claim in state.claims.values() if claim.session == session.id]
    return _first_resources(held)


def _first_resources(claims: Iterable[Claim], most: int = 3) -> str:
    found = list(dict.fromkeys(line(claim.resource, 60) for claim in claims))
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return ", ".join(found[:most]) + more
