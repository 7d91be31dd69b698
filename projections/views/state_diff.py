"""A state as a set of facts, and the difference between two states.

A fact is anything whose change a person would notice: what a session does, who holds a claim and until when, who has
not read a message. It has a key, `(kind, id, field)`, and a value. Empty values are not facts.
Counters, times of the last event, and anything that follows from other facts are left out.

A difference contains the facts that are not equal in both states. `reverse` returns the difference in the other
direction. `combine` of two consecutive differences returns the difference between the first and the last state.
"""

from collections.abc import Collection
from typing import Literal, TypeAlias

from eventlog.events import (
    Event,
    EventId,
    MessageAcknowledged,
    MessageRead,
    MessageResolved,
    MessageSent,
    SessionEnded,
    SessionStarted,
)
from projections.rules.state import Notice, State

FactKind: TypeAlias = Literal["session", "claim", "wait", "message"]
FactKey: TypeAlias = tuple[FactKind, str, str]
"""The key of a fact: the kind of object, its id, and the name of the property."""

FactValue: TypeAlias = str | tuple[str, ...] | tuple[Notice, ...]
Facts: TypeAlias = dict[FactKey, FactValue]
Difference: TypeAlias = dict[FactKey, tuple[FactValue | None, FactValue | None]]
"""For each fact that differs: the value before and after; None if the fact does not exist."""

_SESSION_FIELDS = ("status", "name", "client", "branch", "worktree", "capabilities", "continues", "continued_by")
_ACTIVITY_FIELDS = ("phase", "progress", "next_action", "files", "estimated_completion", "blocked_on")
_END_FIELDS = ("over_because", "summary", "notes")
_CLAIM_FIELDS = ("resource", "mode", "session", "agent", "worktree", "note", "granted_at", "ends_at", "accept_by")
_WAIT_FIELDS = ("resource", "mode", "session", "agent", "worktree", "until")


def facts_of(state: State, messages: Collection[EventId] | None = None) -> Facts:
    """Return all facts of a state. If `messages` is given, other messages are left out."""
    facts: Facts = {}
    for session in state.sessions.values():
        for source, fields in ((session, _SESSION_FIELDS), (session.doing, _ACTIVITY_FIELDS), (session, _END_FIELDS)):
            _add(facts, "session", session.id, source, fields)
        if session.doing.action or session.doing.target:
            facts["session", session.id, "doing"] = " ".join(filter(None, (session.doing.action, session.doing.target)))
        if session.agents:
            facts["session", session.id, "agents"] = tuple(session.agents)
        if session.notices:
            facts["session", session.id, "notices"] = tuple(session.notices)
    for claim in state.claims.values():
        _add(facts, "claim", claim.id, claim, _CLAIM_FIELDS)
    for wait in state.waits.values():
        _add(facts, "wait", wait.id, wait, _WAIT_FIELDS)
    for name in state.messages if messages is None else state.messages.keys() & messages:
        message = state.messages[name]
        for field, missing in (
            ("unread_by", message.unread_by),
            ("unacknowledged_by", message.not_acknowledged_by),  # a death changes no message
        ):
            if missing:
                facts["message", name, field] = tuple(sorted(missing))
    return facts


def affected_messages(event: Event) -> Collection[EventId] | None:
    """Return the ids of the messages whose facts an event can change, or None if it can change any.

    There can be thousands of unread messages, and most events change few. A lease or wait that runs out changes none.
    """
    payload = event.payload
    if isinstance(payload, MessageSent):
        return {event.id, payload.in_reply_to}
    if isinstance(payload, MessageRead | MessageAcknowledged | MessageResolved):
        return set(payload.messages)
    return None if isinstance(payload, SessionStarted | SessionEnded) else ()


def _add(facts: Facts, kind: FactKind, name: str, source: object, fields: tuple[str, ...]) -> None:
    for field in fields:
        if value := getattr(source, field):
            facts[kind, name, field] = value


def diff_facts(before: Facts, after: Facts) -> Difference:
    """Return the facts that differ, in the order of the facts, those of `before` first."""
    keys = dict.fromkeys([*before, *after])
    pairs = ((key, before.get(key), after.get(key)) for key in keys)
    return {key: (old, new) for key, old, new in pairs if old != new}


def combine(first: Difference, second: Difference) -> Difference:
    """Return two consecutive differences as one. Facts that changed back are not in it."""
    combined: Difference = dict(first)
    for key, (old, new) in second.items():
        combined[key] = (first[key][0] if key in first else old, new)
    return {key: (old, new) for key, (old, new) in combined.items() if old != new}


def reverse(change: Difference) -> Difference:
    """Return the same difference in the other direction."""
    return {key: (new, old) for key, (old, new) in change.items()}
