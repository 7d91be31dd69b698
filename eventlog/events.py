"""The vocabulary: every event that a journal can hold, version 1.

An event is an immutable fact in the past tense. `(session, n)` names it for ever, written `amber-otter-k3f9/17`; the
id of a message or of a claim is the id of the event that made it, and there are no other ids.

Ranges and forms that hold for ever are part of the types here, so a line that breaks them is never acted on: reading
keeps it as `Unknown`. Journals outlive the program, so a field is never renamed or given another meaning: a new need is
a new optional field, a new event type, or a new version with an upcaster.

An event is a tree of values and never part of a circle, so the garbage collector need not know of any (`gc=False`):
looking at them again and again would be 7 % of the time in which a command reads 100,000 of them to look back.

This module imports nothing of ours.
"""

from datetime import datetime, timedelta
from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Raw, Struct, field

VERSION = 1
MAX_INT = 2**53 - 1  # the largest whole number that every JSON parser keeps exactly
MAX_NAME_LENGTH = 512  # characters, of any name: a resource, a session's name, a path
MAX_PATH_LENGTH = 8192  # characters, of a path of the machine, which may hold anything
MAX_TEXT_LENGTH = 1 << 20  # characters, of any free text: a message's body, a note

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86400
MIN_TTL_S, MAX_TTL_S = MINUTE_S, 7 * DAY_S

# --- instants -------------------------------------------------------------------------------------------------------

Instant: TypeAlias = str
"""A moment in UTC as fixed-width text, `2026-11-22T11:20:06.123456Z`: the order of the texts is the order of time."""

NEVER: Instant = "9999-12-31T23:59:59.999999Z"
_EPOCH = datetime(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)


def is_instant(text: str) -> bool:
    """Whether `text` is an instant: this very form, and a day that the calendar has."""
    if len(text) != 27 or text[4] + text[7] + text[10] + text[13] + text[16] + text[19] + text[26] != "--T::.Z":
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return text[11:13] < "24"  # newer Pythons read hour 24 as the next day, which would break the order of texts


def from_micros(micros: int) -> Instant:
    """The instant `micros` microseconds after 1970, held within the years 1 to 9999."""
    try:
        return (_EPOCH + timedelta(microseconds=micros)).isoformat(timespec="microseconds") + "Z"
    except OverflowError:
        return NEVER if micros > 0 else "0001-01-01T00:00:00.000000Z"


def to_micros(at: Instant) -> int:
    """Microseconds from 1970 to the instant `at`."""
    return (datetime.fromisoformat(at[:-1]) - _EPOCH) // _MICROSECOND


def add_time(at: Instant, seconds: float = 0, micros: int = 0) -> Instant:
    """The instant that much after `at`; `NEVER` where the calendar ends."""
    return from_micros(to_micros(at) + round(seconds * 1_000_000) + micros)


def seconds_between(start: Instant, end: Instant) -> float:
    """Seconds from `start` to `end`, negative if `end` is earlier."""
    return (to_micros(end) - to_micros(start)) / 1_000_000


# --- the forms of values --------------------------------------------------------------------------------------------

# `\Z` and not `$`, which would let a line break through at the end.
_PLAIN = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*\Z"  # no control characters, no line breaks
_RESOURCE = r"^[^/\s\x00-\x1f\x7f-\x9f]+/[^\x00-\x1f\x7f-\x9f\u2028\u2029]+\Z"
_SESSION = r"[a-z0-9][a-z0-9._-]*"

Name: TypeAlias = Annotated[str, Meta(max_length=MAX_NAME_LENGTH, pattern=_PLAIN)]
Opaque: TypeAlias = Annotated[str, Meta(max_length=MAX_NAME_LENGTH)]  # compared, and never shown
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
    """The process that a session lives and dies with, so described that another process is never taken for it."""

    machine: Opaque  # which machine, as a hash
    boot: Opaque  # which boot of it
    pid: Count  # the process
    start_ticks: Count  # when it started, in units of the system
    pid_namespace: Opaque = ""  # where its pid counts


class Imported(Struct, frozen=True, omit_defaults=True, gc=False, rename={"acted_as": "as"}):
    """Marks an event that was brought in from elsewhere: from which file, and what that file said."""

    path: Text  # the file
    digest: Name  # of its bytes
    acted_as: SessionIdOrNone = ""  # the session that acted
    fields: dict[str, object] = {}  # what the file said


# --- the events -----------------------------------------------------------------------------------------------------


class Payload(Struct, frozen=True, omit_defaults=True, tag_field="type", gc=False):
    """What happened. Units are in the names; a field at its default is not written."""


class SessionStarted(Payload, frozen=True, tag="session.started"):
    """A session is here. It may come again: a resume re-anchors the same session."""

    client: Name = "shell"  # claude-code, codex, gemini, shell, ...
    name: Name = ""  # what others may call it
    client_session: Name = ""  # the client's id of its conversation
    machine: Name = ""  # where it runs
    anchor: Anchor | None = None  # the process that it lives and dies with, if any
    folder: Path = ""  # of the log: a journal belongs to one folder on one machine
    branch: Name = ""  # that is checked out where it works
    worktree: Path = ""  # where it works
    capabilities: tuple[Name, ...] = ()  # what it says it can do
    continues: SessionIdOrNone = ""  # the session that it goes on for


class SessionHeartbeat(Payload, frozen=True, tag="session.heartbeat"):
    """What a session is doing. One without an action says only that the session is there."""

    action: Text = ""  # what it does
    target: Text = ""  # to what
    phase: Text = ""  # in which phase
    progress: Text = ""  # the words as given
    percent: Percent | None = None  # where the words are a percentage
    next_action: Text = ""  # what comes next
    files: tuple[Name, ...] = ()  # that it touches
    estimated_completion: Text = ""  # a time, or words
    blocked_on: Text = ""  # what it cannot go on without
    asks_person: bool = False  # that is its person: a permission, or an answer
    automatic: bool = False  # said by a hook, not by the agent


class SessionEnded(Payload, frozen=True, tag="session.ended"):
    """A session is done: everything that it holds is released."""

    reason: Text = ""  # why, if it was not asked to
    summary: Text = ""  # what was done
    notes: Text = ""  # for whoever goes on


class SessionPresumedDead(Payload, frozen=True, tag="session.presumed_dead"):
    """An observer saw that a session's anchor is gone."""

    session: SessionId  # who
    anchor: Anchor  # by the loss of which anchor
    evidence: Text = ""  # what was seen


class AgentStarted(Payload, frozen=True, tag="agent.started"):
    """A subagent of the session begins."""

    agent: Name  # the client's id of it
    kind: Name = ""  # what kind it is, as the client says


class AgentStopped(Payload, frozen=True, tag="agent.stopped"):
    """A subagent of the session is done: what it holds passes to the session, and it waits for nothing more."""

    agent: Name  # the client's id of it


class ClaimRequested(Payload, frozen=True, tag="claim.requested", kw_only=True):
    """A session asks for a resource, and what it was told at that moment."""

    resource: Resource  # TYPE/NAME
    mode: Mode  # exclusive or shared
    ttl_s: Ttl  # how long it shall last, in seconds
    wait_s: Wait = 0  # how long it waits for it, in seconds; 0: not at all
    agent: Name = ""  # the subagent that asks
    worktree: Name = ""  # if bound to one
    automatic: bool = False  # made by a hook
    told: ToldOutcome  # what the requester was told: granted, waiting or refused
    note: Text = ""  # what for


class ClaimAccepted(Payload, frozen=True, tag="claim.accepted"):
    """The holder of a waiting request has taken up its grant. The resource is said again, for whoever lost it."""

    claim: EventId  # the request
    resource: Resource  # what it was on
    agent: Name = ""  # the subagent that does it; empty for the session, which may do it for all of them


class ClaimRenewed(Payload, frozen=True, tag="claim.renewed"):
    """The holder asks for more time, counted from now."""

    claim: EventId  # which one
    ttl_s: Ttl  # how long from now, in seconds
    agent: Name = ""  # the subagent that does it; empty for the session, which may do it for all of them


class ClaimReleased(Payload, frozen=True, tag="claim.released"):
    """The holder gives a claim back, or a waiting request is withdrawn."""

    claim: EventId  # the claim, or the waiting request
    agent: Name = ""  # the subagent that does it; empty for the session, which may do it for all of them


class ClaimHandedOver(Payload, frozen=True, tag="claim.handed_over"):
    """The holder gives a claim to another session, without a gap. The resource is said again, for whoever lost it."""

    claim: EventId  # which one
    resource: Resource  # what it is on
    to: SessionId  # the new holder
    note: Text = ""  # what it should know
    agent: Name = ""  # the subagent that does it; empty for the session, which may do it for all of them


class ClaimBroken(Payload, frozen=True, tag="claim.broken"):
    """Someone other than the holder ended a claim, on the record."""

    claim: EventId  # which one
    reason: Text  # why; the holder reads it


class ClaimFinished(Payload, frozen=True, tag="claim.finished"):
    """Someone saw that the work for which a hook had claimed a file is over. It counts for automatic claims alone."""

    claim: EventId  # which one
    reason: Text  # what was seen: a commit, a revert, 20 minutes without a write


class ClaimBypassed(Payload, frozen=True, tag="claim.bypassed"):
    """The session changed or committed a file that another one had claimed; the holder is told."""

    claim: EventId  # whose claim that was
    resource: Resource  # the file
    how: Text  # by what: a shell command, a commit


class MessageSent(Payload, frozen=True, tag="message.sent"):
    """A message to some sessions, or to everyone who is here."""

    to: tuple[Name, ...] | Literal["everyone"]  # the sessions, or "everyone"
    subject: Text  # one line
    body: Text = ""  # the text
    in_reply_to: Annotated[str, Meta(max_length=120)] = ""  # the message that it answers
    urgency: Urgency = "normal"  # low, normal or high
    needs_ack: bool = False  # whether a confirmation is asked for


class MessageRead(Payload, frozen=True, tag="message.read"):
    """These messages were shown to their recipient. Never "all before": late ones must stay unread."""

    messages: tuple[EventId, ...]  # their ids


class MessageAcknowledged(Payload, frozen=True, tag="message.acknowledged"):
    """The recipient confirms these messages."""

    messages: tuple[EventId, ...]  # their ids


class Unknown(Payload, frozen=True, tag="unknown"):
    """An event of a newer version, kept as it stands: counted and shown, never acted on, dropped or rewritten."""

    name: str  # the type that the line gives, or why its event could not be understood
    raw: Raw


AnyPayload: TypeAlias = (
    SessionStarted | SessionHeartbeat | SessionEnded | SessionPresumedDead | AgentStarted | AgentStopped
    | ClaimRequested | ClaimAccepted | ClaimRenewed | ClaimReleased | ClaimHandedOver | ClaimBroken | ClaimFinished
    | ClaimBypassed | MessageSent | MessageRead | MessageAcknowledged | Unknown
)  # fmt: skip


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One line of a journal, without its hash."""

    v: int  # the version of the vocabulary; always written
    at: Instant  # hybrid time: the wall clock, and later than all that was seen
    session: SessionId  # whose journal it is
    n: Annotated[int, Meta(ge=1, le=MAX_INT)]  # its number there, from 1 without a gap
    payload: AnyPayload = field(name="event")  # what happened
    imported: Imported | None = None  # where it was brought in from, if it was

    @property
    def id(self) -> str:
        """The name of this event for ever: `session/n`."""
        return f"{self.session}/{self.n}"

    @property
    def actor(self) -> str:
        """The session that acted: the one whose journal this is; of an imported event, the one it is imported as."""
        return self.imported.acted_as or self.session if self.imported else self.session

    @property
    def key(self) -> tuple[Instant, str, int]:
        """The place of this event in the total order of a history."""
        return (self.at, self.session, self.n)
