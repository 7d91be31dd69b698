"""A state as a set of facts, and the difference between two states.

A fact is anything whose change a person would notice: what a session does, who holds a claim and until when, who has
not read a message. It has a key, `(kind, id, field)`, and a value. Empty values are not facts.
Counters, times of the last event, and anything that follows from other facts are left out.

A difference contains the facts that are not equal in both states. `reverse` returns the difference in the other
direction. `combine` of two consecutive differences returns the difference between the first and the last state.
"""

from collections.abc import Callable, Collection
from functools import partial
from typing import Any, Literal, TypeAlias, TypeVar, get_args

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
from projections.rules.rows import Rows
from projections.rules.state import Message, Notice, Session, State

T = TypeVar("T")
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
    for session in sorted(state.sessions.values(), key=lambda session: (session.started_at, session.id)):
        add_session(facts, session)
    for claim in state.claims.values():
        _add(facts, "claim", claim.id, claim, _CLAIM_FIELDS)
    for wait in state.waits.values():
        _add(facts, "wait", wait.id, wait, _WAIT_FIELDS)
    names = state.messages.keys() if messages is None else state.messages.keys() & messages
    for message in sorted((state.messages[name] for name in names), key=lambda message: (message.at, message.id)):
        add_message(facts, message)
    return facts


def subjects_of(state: State) -> dict[EventId, str]:
    """Return the subjects of the messages in a state, by message id."""
    return {message.id: message.subject for message in state.messages.values()}


class FactsBefore:
    """The facts of a state, which is then folded further, and the subjects of its messages.

    Rows that are kept outside the state have no facts in it. Those that come back into it later are added here, as they
    were before.
    """

    def __init__(self, state: State) -> None:
        self._facts = facts_of(state)
        self.subjects = subjects_of(state)
        self._places = {("session", session.id): session.started_at for session in state.sessions.values()}
        self._places |= {("message", message.id): message.at for message in state.messages.values()}
        self._has_all = True
        tables: tuple[tuple[Any, Callable[[Any], None]], ...] = (
            (state.sessions, self._add_session),
            (state.messages, self._add_message),
        )
        for rows, add in tables:
            if isinstance(rows, Rows):
                rows.find = partial(_found, rows.find, add)

    @property
    def facts(self) -> Facts:
        """All facts, in the order of `facts_of`."""
        if self._has_all:
            return self._facts
        rank = {kind: number for number, kind in enumerate(get_args(FactKind))}
        keys = sorted(self._facts, key=lambda key: (rank[key[0]], self._places.get(key[:2], ""), self._tie(key)))
        return {key: self._facts[key] for key in keys}

    def _tie(self, key: FactKey) -> str:
        return key[1] if key[:2] in self._places else ""

    def _add_session(self, session: Session) -> None:
        add_session(self._facts, session)
        self._places["session", session.id], self._has_all = session.started_at, False

    def _add_message(self, message: Message) -> None:
        add_message(self._facts, message)
        self.subjects[message.id] = message.subject
        self._places["message", message.id], self._has_all = message.at, False


def _found(find: Callable[[str], T | None], add: Callable[[T], object], key: str) -> T | None:
    row = find(key)
    if row is not None:
        add(row)
    return row


def add_session(facts: Facts, session: Session) -> None:
    """Add the facts of a session."""
    for source, fields in ((session, _SESSION_FIELDS), (session.doing, _ACTIVITY_FIELDS), (session, _END_FIELDS)):
        _add(facts, "session", session.id, source, fields)
    if session.doing.action or session.doing.target:
        facts["session", session.id, "doing"] = " ".join(filter(None, (session.doing.action, session.doing.target)))
    if session.agents:
        facts["session", session.id, "agents"] = tuple(session.agents)
    if session.notices:
        facts["session", session.id, "notices"] = tuple(session.notices)


def add_message(facts: Facts, message: Message) -> None:
    """Add the facts of a message."""
    for field, missing in (
        ("unread_by", message.unread_by),
        ("unacknowledged_by", message.not_acknowledged_by),  # a death changes no message
    ):
        if missing:
            facts["message", message.id, field] = tuple(sorted(missing))


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
