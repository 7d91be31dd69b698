"""The state: what is true after a history, as plain values that can be saved and loaded.

A claim or a wait is removed when it ends. A message is removed when it is read, acknowledged and no longer recent.
Their history stays in the log. Sessions stay, because their ids lead to the sessions that continue them.

The caller can keep the rows of sessions that ended long ago, and of their messages, somewhere else: see `Rows`. The
rules and the views give the same result wherever a row is. They find such rows by id, by `Session.unread` and
`Session.excused`, and by `Rows.listed`. Where they look at all sessions, only recent ones count; where they look at all
messages, only those that concern a live session or are open.
"""

from collections.abc import Callable
from typing import Literal, TypeAlias

from msgspec import Struct, field

from eventlog.events import NEVER, Anchor, EventId, Instant, Mode, SessionHeartbeat, Urgency

MAX_RECENT_MESSAGES = 20  # messages kept for the board
PREVIEW_LENGTH = 2000  # characters of a subject or body kept in the state; the rest is in the journal

Status: TypeAlias = Literal["live", "dead", "continued", "ended", "imported"]
"""`dead`: presumed dead. `continued`: another session continues it. Both are live again after their next event.
`imported`: known only from imported events. The session existed somewhere else and does not act here.
"""


class ClaimRequest(Struct, kw_only=True, array_like=True, gc=False):
    """The fields that claims and waiting requests share: who requests what, and how."""

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
    provisional: bool = False  # whether it was made without the other machines, so that it yields to agreed requests


class Claim(ClaimRequest):
    """A lease: active from `granted_at` until just before `ends_at`."""

    granted_at: Instant
    expires_at: Instant
    token: int  # the fencing token of this grant; 0 if it was imported
    accept_by: Instant = ""  # the deadline of a grant to a waiting request, until it is accepted
    agreed_until: Instant = NEVER  # from then on it yields to requests that all machines agreed on

    @property
    def ends_at(self) -> Instant:
        """When it ends if no event changes that before."""
        return self.accept_by or self.expires_at


class WaitingRequest(ClaimRequest):
    """A request in the queue; it times out at `until`."""

    until: Instant
    waiter: Anchor | None = None  # the process that waits; None for a request of an older version

    @property
    def ends_at(self) -> Instant:
        """When it times out."""
        return self.until


class Notice(Struct, frozen=True, omit_defaults=True):
    """An unread notice for a session.

    Its id is that of the event that caused it. No event causes an expiry; its notice has the id of the claim.
    """

    id: EventId
    at: Instant
    kind: Literal[
        "lost",
        "broken",
        "expired",
        "handed_over",
        "not_handed_over",
        "presumed_dead",
        "passed_on",
        "bypassed",
        "copied",  # the session `other` has the same conversation, in another process
    ]
    resources: tuple[str, ...]
    other: str = ""  # the session, claim or request on the other side
    reason: str = ""


class Message(Struct, kw_only=True):
    """A message that is unread, unacknowledged or recent."""

    id: EventId
    at: Instant
    session: str
    to: tuple[str, ...]
    everyone: bool
    subject: str
    body: str  # its beginning, at most PREVIEW_LENGTH characters
    length: int  # of the whole body
    in_reply_to: str
    urgency: Urgency
    needs_ack: bool
    unread_by: set[str]
    unacknowledged_by: set[str]  # the sessions that must still acknowledge it; all of them are live
    excused: set[str] = field(default_factory=set)  # dead and ended sessions that must do so if they are live again
    answered_by: set[str] = field(default_factory=set)  # other sessions that have answered or acknowledged it
    resolved_by: str = ""  # the session that closed it for all recipients
    resolution: str = ""  # why it was closed
    imported: bool = False
    crosses: tuple[EventId, ...] = ()  # of a reply: later messages of its recipient, which its sender had not read

    @property
    def not_acknowledged_by(self) -> set[str]:
        """The recipients that have not acknowledged it, whether they are live or not."""
        return self.unacknowledged_by | self.excused


class Session(Struct, kw_only=True, array_like=True):
    """One session, and what it last reported."""

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
    doing: SessionHeartbeat = SessionHeartbeat()  # its last heartbeat that has an action
    doing_since: Instant = ""
    over_at: Instant = ""  # when it ended or was presumed dead; the time of its latest event if it is imported
    over_because: str = ""
    summary: str = ""
    notes: str = ""
    unread: list[EventId] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    agents: dict[str, str] = field(default_factory=dict)  # its running subagents, with their kinds
    person: bool = False  # whether a person works in it
    blocked_since: Instant = ""  # when it reported what it is blocked on; empty if it is not blocked
    excused: set[EventId] = field(default_factory=set)  # includes all messages that have it in `Message.excused`
    blocked_n: int = 0  # the number of the event with which it reported that
    live_since: Instant = ""  # when it started, or was last live again
    live_n: int = 0  # the number of the event with which it was
    doing_n: int = 0  # the number of its last heartbeat that has an action
    doing_journal: str = ""  # the journal of that heartbeat, if it is imported
    last_n: int = 0  # the number of its latest event; 0 if that is imported
    host: str = ""  # the name of its machine, if it was written
    answered_at: Instant = ""  # when a person last wrote to it alone, or to it among others, while it was blocked

    @property
    def live(self) -> bool:
        """Whether it can hold claims and receive handovers."""
        return self.status == "live"

    def host_except(self, machine: str) -> str:
        """Return the name of its machine, if it is known and not `machine`; empty otherwise."""
        return self.host if machine and self.machine not in ("", machine) else ""


class State(Struct, dict=True):
    """Everything that is known after a history. `last` is the sort key of the last event folded."""

    sessions: dict[str, Session] = field(default_factory=dict)
    claims: dict[EventId, Claim] = field(default_factory=dict)
    waits: dict[EventId, WaitingRequest] = field(default_factory=dict)  # in the order of the requests
    messages: dict[EventId, Message] = field(default_factory=dict)
    recent: list[EventId] = field(default_factory=list)  # the newest messages
    expired: dict[EventId, Claim] = field(default_factory=dict)  # whose machine has written nothing since they expired
    unknown: dict[str, int] = field(default_factory=dict)  # events of newer versions, by type
    imported: set[str] = field(default_factory=set)  # the imported files, by digest and path
    types: set[str] = field(default_factory=set)  # the types of all resources that were ever requested
    clients: set[str] = field(default_factory=set)  # the clients of all sessions that ever started
    session_count: int = 0  # including the sessions whose rows are kept elsewhere
    events: int = 0
    last: tuple[Instant, str, int] = ("", "", 0)
    token: int = 0  # the last fencing token
    due: Instant = NEVER  # the next instant at which a claim or a wait ends by itself
    reached: Instant = ""  # how far time has advanced, if that is after the last event

    @property
    def at(self) -> Instant:
        """The time of the last event."""
        return self.last[0]

    def precedes(self, key: tuple[Instant, str, int]) -> bool:
        """Return whether an event with this sort key can be folded into the state."""
        return self.last < key and self.reached <= key[0]

    def current_session(self, session: str) -> str:
        """Return the session itself while it is live, else the last session that continues it."""
        seen: set[str] = set()
        while session not in seen and (old := self.sessions.get(session)) and not old.live and old.continued_by:
            seen.add(session)
            session = old.continued_by
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
    "yielded",
    "session_ended",
    "session_dead",
    "lost",
    "void",
]


class Decision(Struct, frozen=True, array_like=True):
    """One application of a rule to one claim or request: the outcome and its reasons."""

    at: Instant
    rule: int
    what: DecisionKind
    claim: EventId
    session: str
    resource: str
    cause: str = ""  # the id of the event that caused it; empty if time alone did
    others: tuple[EventId, ...] = ()  # the conflicting claims and requests, or the claim that it became


DecisionRecorder: TypeAlias = Callable[[Decision], object]


def ignore_decision(decision: Decision) -> None:
    """Discard a decision."""
