"""The folded state: what is true after a history, as plain values that can be saved and read back.

A claim, a wait or a message leaves it when it ends or was read; its story stays in the log. Sessions stay, since their
names lead to those that continue them.
"""

from collections.abc import Callable
from typing import Literal, TypeAlias

from msgspec import Struct, field

from eventlog.events import NEVER, Anchor, EventId, Instant, Mode, SessionHeartbeat, Urgency

MAX_RECENT_MESSAGES = 20  # messages that the board can show
PREVIEW_LENGTH = 2000  # characters of a body that the state keeps; the rest is in the journal

Status: TypeAlias = Literal["live", "dead", "continued", "ended", "imported"]
"""`dead`: presumed dead. `continued`: another session goes on for it. Either lives again with its next event.
`imported`: known from an import alone; it was somewhere else, and nobody acts as it here.
"""


class ClaimRequest(Struct, kw_only=True):
    """What claims and waiting requests have in common: who wants what, how."""

    id: EventId
    session: str
    agent: str
    resource: str
    mode: Mode
    worktree: str
    ttl_s: int
    automatic: bool
    note: str
    asked_at: Instant
    imported: bool = False


class Claim(ClaimRequest):
    """A lease: active from `granted_at` up to, not including, `ends_at`."""

    granted_at: Instant
    expires_at: Instant
    token: int  # the fencing token of this grant; 0 if it was imported
    accept_by: Instant = ""  # a grant to a waiter, until it is accepted

    @property
    def ends_at(self) -> Instant:
        """When it ends if nobody does anything."""
        return self.accept_by or self.expires_at


class WaitingRequest(ClaimRequest):
    """A request in the queue."""

    until: Instant


class Notice(Struct, frozen=True, omit_defaults=True):
    """Something that a session must be told and has not read. Named by the event that it comes from; the end of a claim
    by time alone comes from no event, and is named by the claim.
    """

    id: EventId
    at: Instant
    kind: Literal[
        "lost", "broken", "expired", "handed_over", "not_handed_over", "presumed_dead", "passed_on", "bypassed"
    ]
    resources: tuple[str, ...]
    other: str = ""  # the session, claim or request on the other side
    reason: str = ""


class Message(Struct, kw_only=True):
    """A message that someone has still to read or confirm, or a recent one."""

    id: EventId
    at: Instant
    session: str
    to: tuple[str, ...]
    everyone: bool
    subject: str
    body: str  # its beginning, at most PREVIEW characters
    length: int  # of the whole body
    in_reply_to: str
    urgency: Urgency
    needs_ack: bool
    unread_by: set[str]
    unacknowledged_by: set[str]


class Session(Struct, kw_only=True, array_like=True):
    """One worker, and what it last said."""

    id: str
    status: Status = "live"
    started_at: Instant
    last_at: Instant  # of its latest event
    client: str = ""
    name: str = ""
    client_session: str = ""
    machine: str = ""
    anchor: Anchor | None = None
    folder: str = ""
    branch: str = ""
    worktree: str = ""
    capabilities: tuple[str, ...] = ()
    continues: str = ""
    continued_by: str = ""
    doing: SessionHeartbeat = SessionHeartbeat()  # what it last said of that
    doing_since: Instant = ""
    over_at: Instant = ""  # when it ended or was presumed dead; its latest event if it was imported
    over_because: str = ""
    summary: str = ""
    notes: str = ""
    unread: list[EventId] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    agents: dict[str, str] = field(default_factory=dict)  # its subagents at work, and of what kind each is

    @property
    def live(self) -> bool:
        """Whether it can hold claims and be handed work."""
        return self.status == "live"


class State(Struct):
    """Everything that the projections know. `last` is the place in the total order of the last event folded."""

    sessions: dict[str, Session] = field(default_factory=dict)
    claims: dict[EventId, Claim] = field(default_factory=dict)
    waits: dict[EventId, WaitingRequest] = field(default_factory=dict)  # in the order of asking
    messages: dict[EventId, Message] = field(default_factory=dict)
    recent: list[EventId] = field(default_factory=list)  # the newest messages
    unknown: dict[str, int] = field(default_factory=dict)  # events of newer versions, by type
    imported: set[str] = field(default_factory=set)  # the files that were brought in, by what they hold and their path
    events: int = 0
    last: tuple[Instant, str, int] = ("", "", 0)
    token: int = 0  # the last fencing token that was given
    due: Instant = NEVER  # the next instant at which a claim or a wait ends by itself
    reached: Instant = ""  # how far time has passed, where that is later than the last event

    @property
    def at(self) -> Instant:
        """The time of the last event."""
        return self.last[0]

    def precedes(self, key: tuple[Instant, str, int]) -> bool:
        """Whether that place in the total order is behind all that was folded, so that the fold can go on there."""
        return self.last < key and self.reached <= key[0]

    def current_session(self, session: str) -> str:
        """The session that an id leads to: itself while it lives, else the last of those that continued it."""
        seen: set[str] = set()
        while session not in seen and (found := self.sessions.get(session)) and not found.live and found.continued_by:
            seen.add(session)
            session = found.continued_by
        return session


DecisionKind: TypeAlias = Literal[
    "granted",
    "renewed",
    "waiting",
    "refused",
    "accepted",
    "released",
    "withdrawn",
    "expired",
    "lapsed",
    "timed_out",
    "handed_over",
    "passed_on",
    "broken",
    "finished",
    "bypassed",
    "session_ended",
    "session_dead",
    "lost",
    "void",
]


class Decision(Struct, frozen=True):
    """One application of a rule to one claim or request: what the judge said, and why."""

    at: Instant
    rule: int
    what: DecisionKind
    claim: EventId
    session: str
    resource: str
    cause: EventId = ""  # the event that brought it about; empty where time alone did
    others: tuple[EventId, ...] = ()  # the claims and requests in the way, or the one that it became


DecisionRecorder: TypeAlias = Callable[[Decision], object]


def ignore_decision(decision: Decision) -> None:
    """The record of one who does not want to know."""
