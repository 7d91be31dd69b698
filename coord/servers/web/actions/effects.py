"""Describe in words what an action will do, before it is done. Pure: the clock and the log are passed in."""

from collections.abc import Callable

from coord.servers.web.actions.claim_effects import (
    break_effect,
    end_effect,
    hand_over_effect,
    release_effect,
    withdraw_effect,
)
from coord.servers.web.actions.context import ActionContext, Effect
from coord.servers.web.actions.message_effects import (
    ack_effect,
    answer_effect,
    inbox_effect,
    reply_effect,
    resolve_effect,
    send_effect,
    unblock_effect,
)

EFFECTS: dict[str, Callable[[ActionContext], Effect]] = {
    "send": send_effect,
    "reply": reply_effect,
    "ack": ack_effect,
    "resolve": resolve_effect,
    "answer": answer_effect,
    "unblock": unblock_effect,
    "break": break_effect,
    "handoff": hand_over_effect,
    "release": release_effect,
    "withdraw": withdraw_effect,
    "end": end_effect,
    "inbox": inbox_effect,
}


def effect_of(name: str, context: ActionContext) -> Effect:
    """Return what an action will do."""
    return EFFECTS[name](context)
