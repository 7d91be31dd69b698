"""The actions that the page offers for each need. The first one ends the need."""

from collections.abc import Callable

from msgspec import Struct

from projections.views.needs import Need


class NeedAction(Struct, frozen=True):
    """A button of a need: the action, its label, and the fields whose values are known."""

    action: str
    label: str
    fields: dict[str, str | bool]


def actions_of(need: Need, me: str) -> list[NeedAction]:
    """Return the actions of a need. `me` is the person's session, or empty. A past need has no actions."""
    return _ACTIONS[need.kind](need, me) if need.steps and need.kind in _ACTIONS else []


def _send(label: str, session: str, subject: str, **fields: str | bool) -> NeedAction:
    return NeedAction("send", label, {"to": session, "subject": subject, **fields})


def _lost(need: Need) -> list[NeedAction]:
    return [_send("Tell it to stop", need.session, "Stop: you have lost a claim", urgency="high")]


def _blocked(need: Need) -> list[NeedAction]:
    fields: dict[str, str | bool] = {"session": need.session}
    unblock = NeedAction("unblock", "It continues" if need.asks_person else "No longer blocked", fields)
    return [NeedAction("answer", "Answer", fields), unblock]


def _circle(need: Need) -> list[NeedAction]:
    rows = [(words[2], words[4]) for step in need.steps for words in step.commands if words[1] == "release"]
    return [
        NeedAction("withdraw", f"Withdraw the request for {resource}", {"session": session, "resource": resource})
        for resource, session in rows
    ]


def _unacknowledged(need: Need, me: str) -> list[NeedAction]:
    fields: dict[str, str | bool] = {"message": need.about}
    own = [NeedAction("ack", "Confirm", fields), NeedAction("reply", "Reply", fields)] if me in need.sessions else []
    return [*own, NeedAction("resolve", "Close for everyone", fields)]


def _dead(need: Need) -> list[NeedAction]:
    return [NeedAction("end", "End it", {"session": need.session})]


def _silent(need: Need) -> list[NeedAction]:
    frees = [
        NeedAction("break", f"Break {words[2]}", {"resource": words[2], "session": need.session})
        for step in need.steps
        for words in step.commands
        if words[1] == "break"
    ]
    ask = _send("Ask", need.session, "Still working?", needs_ack=True)
    return [*(frees or _dead(need)), ask]


_ACTIONS: dict[str, Callable[[Need, str], list[NeedAction]]] = {
    "lost": lambda need, me: _lost(need),
    "blocked": lambda need, me: _blocked(need),
    "circle": lambda need, me: _circle(need),
    "unacknowledged": _unacknowledged,
    "dead": lambda need, me: _dead(need),
    "silent": lambda need, me: _silent(need),
}
