"""What an action does to messages and to a blocked session: who gets it and when, and what it ends."""

from collections.abc import Iterable

from coord.render.format import line, plural, quoted
from coord.servers.web.actions.context import ActionContext, Effect, delay
from coord.workspace.names import EVERYONE_WORDS
from eventlog.events import EVERYONE, MessageAcknowledged, MessageSent
from projections.rules.sessions import is_idle
from projections.rules.state import Message

_MOST_QUOTED = 400  # characters of a message that is answered


def _reached(context: ActionContext, sent: Message) -> list[str]:
    """Return who gets a message, and when each will see it."""
    names = sorted(name for name in sent.unread_by if name in context.state.sessions)
    if sent.everyone:
        names = [name for name in names if context.state.sessions[name].live and name not in context.gone]
    if not names:
        return ["Nobody gets it: no other session is here." if sent.everyone else "Choose who gets it."]
    if len(names) > 5:
        idle = [name for name in names if is_idle(context.state.sessions[name].doing)]
        later = f", {len(idle)} of them only when they work again" if idle else ""
        return [f"{plural(len(names), 'session')} get{'s' if len(names) == 1 else ''} it{later}."]
    return [f"{context.label(name)} sees it{delay(context, name)}." for name in names]


def _sent(context: ActionContext, to: Iterable[str] | str, reply_to: str = "", *, needs_ack: bool = False) -> Message:
    recipients = EVERYONE if isinstance(to, str) else tuple(to)
    payload = MessageSent(to=recipients, subject="?", in_reply_to=reply_to, needs_ack=needs_ack)
    return context.after(context.me, payload).messages[_next_id(context)]


def _next_id(context: ActionContext) -> str:
    known = context.state.sessions.get(context.me)
    return f"{context.me}/{known.last_n + 1 if known else 2}"


def send_effect(context: ActionContext) -> Effect:
    """Return who gets the message, and when."""
    names = [name.strip() for name in context.text("to").split(",") if name.strip()]
    if not names:
        return Effect(["Choose who gets it."])
    everyone = any(name.lower() in EVERYONE_WORDS for name in names)
    rows = _reached(context, _sent(context, "all" if everyone else names, needs_ack=bool(context.given["needs_ack"])))
    if context.given["needs_ack"]:
        when = "at once" if context.given["urgency"] == "high" else "after a while"
        rows.append(f"A missing confirmation is shown under “Needs you” {when}.")
    return Effect(rows)


def reply_effect(context: ActionContext) -> Effect:
    """Return who gets the answer, and what it confirms."""
    name = context.text("message")
    author = context.state.current_session(name.rpartition("/")[0])
    if author not in context.state.sessions:
        return Effect(refused=f"message {line(name)} is no longer in the log.")
    sent = _sent(context, [author], name)
    message = context.state.messages.get(name)
    rows = _reached(context, sent)
    if message:
        said = " ".join(f"{message.subject}: {message.body}".rstrip(": ").split())
        rows.insert(0, f"You answer {quoted(said, _MOST_QUOTED)} from {context.label(message.session)}.")
    if message and context.me in message.not_acknowledged_by:
        rows.append(f"It also confirms {quoted(message.subject, 60)} for you.")
    if sent.crosses:
        rows.append(f"{context.label(author)} has written again, and you have not read that yet.")
    return Effect(rows)


def ack_effect(context: ActionContext) -> Effect:
    """Return what is confirmed, and who must still do so."""
    message = context.state.messages.get(context.text("message"))
    if message is None or context.me not in message.not_acknowledged_by:
        return Effect(refused="it no longer waits for your confirmation.")
    after = context.after(context.me, MessageAcknowledged(messages=(message.id,))).messages.get(message.id)
    missing = after.unacknowledged_by if after else set()
    rows = [f"{context.label(message.session)} can see that you have read {quoted(message.subject, 60)}."]
    rows += [f"Still missing: {context.labels(missing)}."] if missing else ["Nobody else must confirm it."]
    return Effect(rows)


def resolve_effect(context: ActionContext) -> Effect:
    """Return who need not confirm the message any more."""
    message = context.state.messages.get(context.text("message"))
    if message is None or message.resolved_by:
        return Effect(refused="it is closed already.")
    missing = message.not_acknowledged_by
    who = f"{context.labels(missing)} need{'s' if len(missing) == 1 else ''} not confirm" if missing else "It closes"
    rows = [f"{who} {quoted(message.subject, 60)}{' any more' if missing else ''}; reminders of it stop."]
    rows += [f"It stays unread for {context.labels(message.unread_by)}."] if message.unread_by else []
    return Effect(rows)


def unblock_effect(context: ActionContext) -> Effect:
    """Return what is no longer shown as blocked."""
    session = context.session()
    if session is None or not session.doing.blocked_on:
        return Effect(refused=f"{context.label(context.text('session'))} is no longer blocked.")
    rows = [f"{context.label(session.id)} is no longer shown as blocked on {quoted(session.doing.blocked_on)}."]
    if session.doing.asks_person:
        rows.append("If its window still shows the question, it continues only after an answer there.")
    return Effect(rows, {"blocked": [f"{session.id}/{session.blocked_n}"]})


def answer_effect(context: ActionContext) -> Effect:
    """Return who gets the answer, and whether it is still blocked."""
    session = context.session()
    if session is None:
        return Effect(refused="this session is no longer known.")
    rows, unblock = _reached(context, _sent(context, [session.id])), unblock_effect(context)
    if context.given["unblock"]:
        return Effect([*rows, *unblock.text], unblock.seen)
    return Effect([*rows, f"It stays blocked on {quoted(session.doing.blocked_on)}."] if unblock.text else rows)


def inbox_effect(context: ActionContext) -> Effect:
    """Return what is shown and marked as read."""
    me = context.state.sessions.get(context.me)
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
