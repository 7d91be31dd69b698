"""What an action does to messages and to a blocked session: who gets it and when, and what it ends."""

from collections.abc import Iterable

from coord.render.format import line, plural, quoted
from coord.servers.web.actions.outlook import Effect, Outlook, delay
from coord.workspace.names import EVERYONE_WORDS
from eventlog.events import EVERYONE, MessageAcknowledged, MessageSent
from projections.rules.sessions import is_idle
from projections.rules.state import Message

_MOST_QUOTED = 400  # characters of a message that is answered


def _reached(outlook: Outlook, sent: Message) -> list[str]:
    """Return who gets a message, and when each will see it."""
    names = sorted(name for name in sent.unread_by if name in outlook.state.sessions)
    if sent.everyone:
        names = [name for name in names if outlook.state.sessions[name].live and name not in outlook.gone]
    if not names:
        return ["Nobody gets it: no other session is here." if sent.everyone else "Choose who gets it."]
    if len(names) > 5:
        idle = [name for name in names if is_idle(outlook.state.sessions[name].doing)]
        later = f", {len(idle)} of them only when they work again" if idle else ""
        return [f"{plural(len(names), 'session')} get{'s' if len(names) == 1 else ''} it{later}."]
    return [f"{outlook.label(name)} sees it{delay(outlook, name)}." for name in names]


def _sent(outlook: Outlook, to: Iterable[str] | str, reply_to: str = "", *, needs_ack: bool = False) -> Message:
    recipients = EVERYONE if isinstance(to, str) else tuple(to)
    payload = MessageSent(to=recipients, subject="?", in_reply_to=reply_to, needs_ack=needs_ack)
    return outlook.after(outlook.me, payload).messages[_next_id(outlook)]


def _next_id(outlook: Outlook) -> str:
    known = outlook.state.sessions.get(outlook.me)
    return f"{outlook.me}/{known.last_n + 1 if known else 2}"


def send_effect(outlook: Outlook) -> Effect:
    """Return who gets the message, and when."""
    names = [name.strip() for name in outlook.text("to").split(",") if name.strip()]
    if not names:
        return Effect(["Choose who gets it."])
    everyone = any(name.lower() in EVERYONE_WORDS for name in names)
    rows = _reached(outlook, _sent(outlook, "all" if everyone else names, needs_ack=bool(outlook.given["needs_ack"])))
    if outlook.given["needs_ack"]:
        when = "at once" if outlook.given["urgency"] == "high" else "after a while"
        rows.append(f"A missing confirmation is shown under “Needs you” {when}.")
    return Effect(rows)


def reply_effect(outlook: Outlook) -> Effect:
    """Return who gets the answer, and what it confirms."""
    name = outlook.text("message")
    author = outlook.state.current_session(name.rpartition("/")[0])
    if author not in outlook.state.sessions:
        return Effect(refused=f"message {line(name)} is no longer in the log.")
    sent = _sent(outlook, [author], name)
    message = outlook.state.messages.get(name)
    rows = _reached(outlook, sent)
    if message:
        said = " ".join(f"{message.subject}: {message.body}".rstrip(": ").split())
        rows.insert(0, f"You answer {quoted(said, _MOST_QUOTED)} from {outlook.label(message.session)}.")
    if message and outlook.me in message.not_acknowledged_by:
        rows.append(f"It also confirms {quoted(message.subject, 60)} for you.")
    if sent.crosses:
        rows.append(f"{outlook.label(author)} has written again, and you have not read that yet.")
    return Effect(rows)


def ack_effect(outlook: Outlook) -> Effect:
    """Return what is confirmed, and who must still do so."""
    message = outlook.state.messages.get(outlook.text("message"))
    if message is None or outlook.me not in message.not_acknowledged_by:
        return Effect(refused="it no longer waits for your confirmation.")
    after = outlook.after(outlook.me, MessageAcknowledged(messages=(message.id,))).messages.get(message.id)
    missing = after.unacknowledged_by if after else set()
    rows = [f"{outlook.label(message.session)} can see that you have read {quoted(message.subject, 60)}."]
    rows += [f"Still missing: {outlook.labels(missing)}."] if missing else ["Nobody else must confirm it."]
    return Effect(rows)


def resolve_effect(outlook: Outlook) -> Effect:
    """Return who need not confirm the message any more."""
    message = outlook.state.messages.get(outlook.text("message"))
    if message is None or message.resolved_by:
        return Effect(refused="it is closed already.")
    missing = message.not_acknowledged_by
    who = f"{outlook.labels(missing)} need{'s' if len(missing) == 1 else ''} not confirm" if missing else "It closes"
    rows = [f"{who} {quoted(message.subject, 60)}{' any more' if missing else ''}; reminders of it stop."]
    rows += [f"It stays unread for {outlook.labels(message.unread_by)}."] if message.unread_by else []
    return Effect(rows)


def unblock_effect(outlook: Outlook) -> Effect:
    """Return what is no longer shown as blocked."""
    session = outlook.session()
    if session is None or not session.doing.blocked_on:
        return Effect(refused=f"{outlook.label(outlook.text('session'))} is no longer blocked.")
    rows = [f"{outlook.label(session.id)} is no longer shown as blocked on {quoted(session.doing.blocked_on)}."]
    if session.doing.asks_person:
        rows.append("If its window still asks, it goes on only after an answer there.")
    return Effect(rows, {"blocked": [f"{session.id}/{session.blocked_n}"]})


def answer_effect(outlook: Outlook) -> Effect:
    """Return who gets the answer, and whether it is still blocked."""
    session = outlook.session()
    if session is None:
        return Effect(refused="this session is no longer known.")
    rows, unblock = _reached(outlook, _sent(outlook, [session.id])), unblock_effect(outlook)
    if outlook.given["unblock"]:
        return Effect([*rows, *unblock.text], unblock.seen)
    return Effect([*rows, f"It stays blocked on {quoted(session.doing.blocked_on)}."] if unblock.text else rows)


def inbox_effect(outlook: Outlook) -> Effect:
    """Return how much is marked as read."""
    me = outlook.state.sessions.get(outlook.me)
    messages, notices = (me.unread, me.notices) if me else ([], [])
    if not messages and not notices:
        return Effect(refused="you have read everything.")
    count = [plural(len(rows), word) for rows, word in ((messages, "message"), (notices, "notice")) if rows]
    shown = (
        ["They are shown here, and marked as read."]
        if len(messages) + len(notices) > 1
        else ["It is shown here, and marked as read."]
    )
    shown += ["Only the oldest 20 are shown at a time."] if max(len(messages), len(notices)) > 20 else []
    return Effect([f"You have {' and '.join(count)} that you have not read.", *shown])
