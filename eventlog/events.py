"""The vocabulary: every event type that a journal can contain, version 1.

An event is an immutable fact, named in the past tense. Its id is `session/n`, for example `amber-otter-k3f9/17`. A
message or a claim has the id of the event that created it; there are no other ids.

The types include the permanent limits and formats of values: a line that violates them is read as `Unknown`. A field is
never renamed and never gets another meaning. Additions are new optional fields or event types, or a new version.

Events contain no cycles, so the garbage collector need not track them (`gc=False`). This saves 7 % of a long read.
"""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Raw, Struct, field

from eventlog.instants import DAY_S as DAY_S
from eventlog.instants import HOUR_S as HOUR_S
from eventlog.instants import MINUTE_S as MINUTE_S
from eventlog.instants import NEVER as NEVER
from eventlog.instants import Instant as Instant
from eventlog.instants import add_time as add_time
from eventlog.instants import from_micros as from_micros
from eventlog.instants import seconds_between as seconds_between
from eventlog.instants import to_micros as to_micros

VERSION = 1
MAX_INT = 2**53 - 1  # the largest whole number that every JSON parser keeps exactly
MAX_NAME_LENGTH = 512  # characters, for any name: a resource, a session's name, a path in the repository
MAX_PATH_LENGTH = 8192  # characters, for a path on the machine
MAX_TEXT_LENGTH = 1 << 20  # characters, for any free text: a message's body, a note
MIN_TTL_S, MAX_TTL_S = MINUTE_S, 7 * DAY_S

_PLAIN = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*\Z"  # no control characters; `$` would allow a final line break
_RESOURCE = r"^[^/\s\x00-\x1f\x7f-\x9f]+/[^\x00-\x1f\x7f-\x9f\u2028\u2029]+\Z"
_SESSION = r"[a-z0-9][a-z0-9._-]*"

Name: TypeAlias = Annotated[str, Meta(max_length=MAX_NAME_LENGTH, pattern=_PLAIN)]
Opaque: TypeAlias = Annotated[str, Meta(max_length=MAX_NAME_LENGTH)]  # only compared, never shown
Text: TypeAlias = Annotated[str, Meta(max_length=MAX_TEXT_LENGTH)]
Path: TypeAlias = Annotated[str, Meta(max_length=MAX_PATH_LENGTH)]
Resource: TypeAlias = Annotated[str, Meta(max_length=MAX_NAME_LENGTH, pattern=_RESOURCE)]
SessionId: TypeAlias = Annotated[str, Meta(max_length=100, pattern=rf"^{_SESSION}\Z")]
SessionIdOrNone: TypeAlias = Annotated[str, Meta(max_length=100, pattern=rf"^({_SESSION})?\Z")]
EventId: TypeAlias = Annotated[str, Meta(max_length=120, pattern=rf"^{_SESSION}/[1-9][0-9]*\Z")]
Count: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_INT)]
Ttl: TypeAlias = Annotated[int, Meta(ge=MIN_TTL_S, le=MAX_TTL_S)]
Wait: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_TTL_S)]
Percent: TypeAlias = Annotated[int, Meta(ge=0, le=100)]
Mode: TypeAlias = Literal["exclusive", "shared"]
ToldOutcome: TypeAlias = Literal["granted", "waiting", "refused"]
Urgency: TypeAlias = Literal["low", "normal", "high"]
EVERYONE: Literal["everyone"] = "everyone"


class Anchor(Struct, frozen=True, omit_defaults=True, gc=False):
    """The process that a session depends on, described so that no other process is mistaken for it."""

    machine: Opaque  # a hash that identifies the machine
    boot: Opaque  # identifies the boot of the machine
    pid: Count  # the process id
    start_ticks: Count  # start time of the process, in the system's unit
    pid_namespace: Opaque = ""  # the namespace of the pid


class Imported(Struct, frozen=True, omit_defaults=True, gc=False, rename={"acted_as": "as"}):
    """Marks an imported event, with the file that it comes from and that file's content."""

    path: Text  # the path of the file
    digest: Name  # a hash of the file's bytes
    acted_as: SessionIdOrNone = ""  # the session that acted
    fields: dict[str, object] = {}  # the content of the file


class Payload(Struct, frozen=True, omit_defaults=True, tag_field="type", gc=False):
    """The base of all event types. Field names include units; a field that has its default value is not written."""


class SessionStarted(Payload, frozen=True, tag="session.started"):
    """A session started or resumed. A resume replaces the session's anchor."""

    client: Name = "shell"  # claude-code, codex, gemini, shell, ...
    name: Name = ""  # a name that others can use for the session
    client_session: Name = ""  # the client's id of the conversation
    machine: Name = ""  # the machine that the session runs on
    anchor: Anchor | None = None  # the process that the session depends on, if any
    folder: Path = ""  # the log folder; a journal belongs to one folder on one machine
    branch: Name = ""  # the git branch that is checked out
    worktree: Path = ""  # the root of the worktree that the session works in
    capabilities: tuple[Name, ...] = ()  # what the session can do, in its own words
    continues: SessionIdOrNone = ""  # the session whose work it continues
    person: bool = False  # whether a person works in it; open broadcasts from before it are in its inbox
    host: Name = ""  # the name of its machine; only in a folder that has a remote


class SessionHeartbeat(Payload, frozen=True, tag="session.heartbeat"):
    """What a session is doing. A heartbeat without an action only shows that the session is active."""

    action: Text = ""  # what the session does
    target: Text = ""  # what the action applies to
    phase: Text = ""  # the phase of the work
    progress: Text = ""  # the progress as given: a percentage or any text
    percent: Percent | None = None  # the progress as a number, if it is a percentage
    next_action: Text = ""  # what comes next
    files: tuple[Name, ...] = ()  # the files that the session works on
    estimated_completion: Text = ""  # a time or any text
    blocked_on: Text = ""  # what the session waits for
    asks_person: bool = False  # whether it waits for its user: a permission or an answer
    automatic: bool = False  # written by a hook, not by the agent


class SessionEnded(Payload, frozen=True, tag="session.ended"):
    """A session ended: everything that it holds is released."""

    reason: Text = ""  # why it ended; empty if `coord end` ended it
    summary: Text = ""  # what was done
    notes: Text = ""  # notes for the session that continues the work


class SessionPresumedDead(Payload, frozen=True, tag="session.presumed_dead"):
    """An observer saw that a session's anchor is gone."""

    session: SessionId  # the session that is presumed dead
    anchor: Anchor  # the anchor that is gone
    evidence: Text = ""  # what was seen


class SessionPresumedIdle(Payload, frozen=True, tag="session.presumed_idle"):
    """An observer saw that a session's agent is no longer at work, although no hook reported the end of its turn."""

    session: SessionId  # the session
    n: Count  # the number of the session's last event that the observer saw; void if there is a later one
    evidence: Text = ""  # what was seen


class AgentStarted(Payload, frozen=True, tag="agent.started"):
    """A subagent of the session started."""

    agent: Name  # the client's id of the subagent
    kind: Name = ""  # the kind of subagent, in the client's terms


class AgentStopped(Payload, frozen=True, tag="agent.stopped"):
    """A subagent of the session stopped: its claims pass to the session, and its waiting requests are withdrawn."""

    agent: Name  # the client's id of the subagent


class ClaimRequested(Payload, frozen=True, tag="claim.requested", kw_only=True):
    """A session requests a resource; the event records the answer that the session got."""

    resource: Resource  # the resource, as TYPE/NAME
    mode: Mode  # exclusive or shared
    ttl_s: Ttl  # how long the claim lasts, in seconds
    wait_s: Wait = 0  # how long the request waits, in seconds; 0: it does not wait
    agent: Name = ""  # the subagent that requests it; empty for the session itself
    worktree: Name = ""  # the worktree it is limited to, if any: `main`, `worktrees/NAME`, or a path (older)
    automatic: bool = False  # whether a hook made the request, for an edit
    told: ToldOutcome  # the answer that the requester got: granted, waiting or refused
    waiter: Anchor | None = None  # the process that waits for the grant, if the request waits
    note: Text = ""  # what the claim is for
    shorten: bool = False  # whether a claim of the requester on exactly this resource may end earlier than before
    provisional: bool = False  # whether other machines could not be asked: it yields to requests that they agreed on


class ClaimAccepted(Payload, frozen=True, tag="claim.accepted"):
    """The holder accepts the grant of its waiting request. `resource` is used if the request is missing."""

    claim: EventId  # the waiting request that was granted
    resource: Resource  # the resource of the request
    agent: Name = ""  # the acting subagent; empty for the session, which can act for all of its subagents
    provisional: bool = False  # whether other machines could not be asked: it yields to requests that they agreed on


class ClaimRenewed(Payload, frozen=True, tag="claim.renewed"):
    """The holder extends a claim, counted from now, or shortens it."""

    claim: EventId  # the claim
    ttl_s: Ttl  # how long the claim lasts from now, in seconds
    agent: Name = ""  # the acting subagent; empty for the session, which can act for all of its subagents
    shorten: bool = False  # whether the claim may end earlier than before
    provisional: bool = False  # whether other machines could not be asked: it yields to requests that they agreed on


class ClaimReleased(Payload, frozen=True, tag="claim.released"):
    """The holder releases a claim, or withdraws a waiting request."""

    claim: EventId  # the claim, or the waiting request
    agent: Name = ""  # the acting subagent; empty for the session, which can act for all of its subagents


class ClaimHandedOver(Payload, frozen=True, tag="claim.handed_over"):
    """The holder gives a claim to another session, without a gap. `resource` is used if the claim is missing."""

    claim: EventId  # the claim
    resource: Resource  # the resource of the claim
    to: SessionId  # the new holder
    note: Text = ""  # what the new holder should know
    agent: Name = ""  # the acting subagent; empty for the session, which can act for all of its subagents
    provisional: bool = False  # whether other machines could not be asked: it yields to requests that they agreed on


class ClaimBroken(Payload, frozen=True, tag="claim.broken"):
    """A session ended a claim of another one, or a waiting request whose `waiter` is gone; the reason is recorded."""

    claim: EventId  # the claim, or the waiting request
    reason: Text  # why; the holder is notified of it


class ClaimFinished(Payload, frozen=True, tag="claim.finished"):
    """A session saw that the edit that caused an automatic claim is finished. Other claims are not affected."""

    claim: EventId  # the claim
    reason: Text  # the observation: a commit, a revert, or 20 minutes without a write


class ClaimBypassed(Payload, frozen=True, tag="claim.bypassed"):
    """The session changed or committed a file that another session had claimed; the holder is notified."""

    claim: EventId  # the claim that was bypassed
    resource: Resource  # the file
    how: Text  # how: a shell command or a commit


class MessageSent(Payload, frozen=True, tag="message.sent"):
    """A message to named sessions, or to all sessions that are present."""

    to: tuple[Name, ...] | Literal["everyone"]  # the recipients, or "everyone"
    subject: Text  # one line
    body: Text = ""  # the text
    in_reply_to: Annotated[str, Meta(max_length=120)] = ""  # the message that this one answers
    urgency: Urgency = "normal"  # low, normal or high
    needs_ack: bool = False  # whether the recipients are asked to acknowledge it


class MessageRead(Payload, frozen=True, tag="message.read"):
    """These messages were shown to their recipient. A message that is not listed, such as a late one, stays unread."""

    messages: tuple[EventId, ...]  # the ids of the messages


class MessageAcknowledged(Payload, frozen=True, tag="message.acknowledged"):
    """The recipient acknowledges these messages."""

    messages: tuple[EventId, ...]  # the ids of the messages


class MessageResolved(Payload, frozen=True, tag="message.resolved"):
    """The session closes these messages for all recipients: nobody needs to acknowledge them any more."""

    messages: tuple[EventId, ...]  # the ids of the messages
    note: Text = ""  # why


class Unknown(Payload, frozen=True, tag="unknown"):
    """An event that this version does not understand. It is kept unchanged, counted and shown, and never acted on."""

    name: str  # the type as written, and the reason if it violates the vocabulary
    raw: Raw


AnyPayload: TypeAlias = (
    SessionStarted | SessionHeartbeat | SessionEnded | SessionPresumedDead | SessionPresumedIdle | AgentStarted
    | AgentStopped | ClaimRequested | ClaimAccepted | ClaimRenewed | ClaimReleased | ClaimHandedOver | ClaimBroken
    | ClaimFinished | ClaimBypassed | MessageSent | MessageRead | MessageAcknowledged | MessageResolved | Unknown
)  # fmt: skip


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One line of a journal, without its hash."""

    v: int  # the version of the vocabulary
    at: Instant  # hybrid time: the clock's time, or just after the latest event seen
    session: SessionId  # the session whose journal it is in
    n: Annotated[int, Meta(ge=1, le=MAX_INT)]  # its number in the journal, from 1, without gaps
    payload: AnyPayload = field(name="event")  # what happened, by type
    imported: Imported | None = None  # its origin, if it was imported

    @property
    def id(self) -> str:
        """The permanent id of this event: `session/n`."""
        return f"{self.session}/{self.n}"

    @property
    def actor(self) -> str:
        """The session that acted: the journal's session; for an imported event, the session that it was imported as."""
        return self.imported.acted_as or self.session if self.imported else self.session

    @property
    def key(self) -> tuple[Instant, str, int]:
        """The sort key of this event in the total order of a history."""
        return (self.at, self.session, self.n)
