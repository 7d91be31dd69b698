"""A state as facts, and the difference of two.

A fact is one thing that a person can see and would call different if it were: what a session does, who holds a claim
and until when, who has still to read a message. It has a key, `(kind, id, field)`, and a value; what is empty is no
fact. Counters, times of the last sign of life, and what follows from other facts are left out.

So a difference is what the two sets of facts do not share, and three laws hold: a state does not differ from itself;
turned round, a difference is that of the states the other way; and `combine` of two differences that follow each
other is
the difference of the first state and the last.
"""

from collections.abc import Collection
from typing import Literal, TypeAlias

from eventlog.events import Event, EventId, MessageAcknowledged, MessageRead, MessageSent, SessionEnded, SessionStarted
from projections.rules.state import Notice, State

FactKind: TypeAlias = Literal["session", "claim", "wait", "message"]
FactKey: TypeAlias = tuple[FactKind, str, str]
"""What a fact is about: the kind of thing, its id, and which of its properties."""

FactValue: TypeAlias = str | tuple[str, ...] | tuple[Notice, ...]
Facts: TypeAlias = dict[FactKey, FactValue]
Difference: TypeAlias = dict[FactKey, tuple[FactValue | None, FactValue | None]]
"""For each fact that is not the same: the value before and after; None where there is no such fact."""

_OF_SESSION = ("status", "name", "client", "branch", "worktree", "capabilities", "continues", "continued_by")
_OF_DOING = ("phase", "progress", "next_action", "files", "estimated_completion", "blocked_on")
_OF_END = ("over_because", "summary", "notes")
_OF_CLAIM = ("resource", "mode", "session", "agent", "worktree", "note", "granted_at", "ends_at", "accept_by")
_OF_WAIT = ("resource", "mode", "session", "agent", "worktree", "until")


def facts_of(state: State, messages: Collection[EventId] | None = None) -> Facts:
    """All facts of a state; of the messages only those about `messages`, if these are given."""
    found: Facts = {}
    for session in state.sessions.values():
        for thing, fields in ((session, _OF_SESSION), (session.doing, _OF_DOING), (session, _OF_END)):
            _add(found, "session", session.id, thing, fields)
        if session.doing.action or session.doing.target:
            found["session", session.id, "doing"] = " ".join(filter(None, (session.doing.action, session.doing.target)))
        if session.agents:
            found["session", session.id, "agents"] = tuple(session.agents)
        if session.notices:
            found["session", session.id, "notices"] = tuple(session.notices)
    for claim in state.claims.values():
        _add(found, "claim", claim.id, claim, _OF_CLAIM)
    for wait in state.waits.values():
        _add(found, "wait", wait.id, wait, _OF_WAIT)
    for name in state.messages if messages is None else state.messages.keys() & messages:
        for field in ("unread_by", "unacknowledged_by"):
            if missing := getattr(state.messages[name], field):
                found["message", name, field] = tuple(sorted(missing))
    return found


def affected_messages(event: Event) -> Collection[EventId] | None:
    """The only messages whose facts an event can change; None if it can change any. There can be thousands of unread
    ones, and a step changes few; what ends by time alone changes none.
    """
    payload = event.payload
    if isinstance(payload, MessageSent):
        return {event.id}
    if isinstance(payload, MessageRead | MessageAcknowledged):
        return set(payload.messages)
    return None if isinstance(payload, SessionStarted | SessionEnded) else ()


def _add(found: Facts, kind: FactKind, name: str, thing: object, fields: tuple[str, ...]) -> None:
    for field in fields:
        if value := getattr(thing, field):
            found[kind, name, field] = value


def diff_facts(before: Facts, after: Facts) -> Difference:
    """What is not the same, in the order in which the facts stand there, those that are gone first."""
    keys = dict.fromkeys([*before, *after])
    pairs = ((key, before.get(key), after.get(key)) for key in keys)
    return {key: (old, new) for key, old, new in pairs if old != new}


def combine(first: Difference, second: Difference) -> Difference:
    """Two differences that follow each other as one: what came back is no difference."""
    whole: Difference = dict(first)
    for key, (old, new) in second.items():
        whole[key] = (first[key][0] if key in first else old, new)
    return {key: (old, new) for key, (old, new) in whole.items() if old != new}


def reverse(change: Difference) -> Difference:
    """The same difference, looked at from its end."""
    return {key: (new, old) for key, (old, new) in change.items()}
