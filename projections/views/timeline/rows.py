"""Marks, messages and links of a timeline, and how each follows from a decision, an event or the end of a session."""

from typing import Literal

from msgspec import Struct

from eventlog.events import EVERYONE, ClaimRequested, Event, EventId, Instant, MessageSent
from projections.rules.state import Decision
from projections.views.intervals.values import SessionInterval

MarkKind = Literal["died", "lost", "broken", "refused", "void"]
LinkKind = Literal["handed_over", "passed_on", "continued"]


class Mark(Struct, frozen=True, kw_only=True):
    """Something that happened to a session at one instant."""

    kind: MarkKind
    id: EventId  # the event that caused it
    at: Instant
    session: str  # the affected session
    by: str = ""  # the session that caused it
    claim: EventId = ""
    resource: str = ""
    words: str = ""  # the reason of a break, the evidence of a death
    others: tuple[EventId, ...] = ()  # the conflicting claims and requests


class TimelineMessage(Struct, frozen=True, kw_only=True):
    """A message from one lane to others."""

    id: EventId
    at: Instant
    session: str
    to: tuple[str, ...]  # the sessions that received it
    everyone: bool
    subject: str
    urgency: str


class Link(Struct, frozen=True, kw_only=True):
    """Something that passed from one session to another: a claim, or everything that a session had."""

    kind: LinkKind
    id: EventId  # the event that caused it
    at: Instant
    session: str
    to: str
    claim: EventId = ""  # the claim before
    became: EventId = ""  # the claim afterwards


def decision_mark(decision: Decision, event: Event | None) -> Mark | None:
    """Return the mark for a decision, or None. `event` is the one that caused it; None if time alone did.

    A request with the answer `granted` that was not granted is lost, not refused.
    """
    payload = event.payload if event else None
    kind: MarkKind
    if decision.what == "refused" and not (isinstance(payload, ClaimRequested) and payload.told == "granted"):
        kind = "refused"
    elif decision.what in ("lost", "broken", "void"):
        kind = decision.what
    elif decision.what == "yielded":
        kind = "lost"
    else:
        return None
    return Mark(
        kind=kind,
        id=decision.cause,
        at=decision.at,
        session=decision.session,
        by=event.actor if event else "",
        claim=decision.claim,
        resource=decision.resource,
        words=getattr(payload, "reason", ""),
        others=decision.others,
    )


def death_mark(life: SessionInterval, by: str) -> Mark | None:
    """Return the mark for a session that died, or None. `by` is the session that recorded it."""
    if life.how != "dead":
        return None
    return Mark(kind="died", id=life.cause, at=life.end, session=life.session, by=by, words=life.evidence)


def message_row(event: Event, payload: MessageSent, to: tuple[str, ...]) -> TimelineMessage:
    """Return the row of a message that the sessions `to` received."""
    return TimelineMessage(
        id=event.id,
        at=event.at,
        session=event.actor,
        to=to,
        everyone=payload.to == EVERYONE,
        subject=payload.subject,
        urgency=payload.urgency,
    )


class Transfers:
    """The links of claims. They follow from two decisions: the end of a claim, and the grant of what it became."""

    def __init__(self) -> None:
        self._ended: dict[EventId, Decision] = {}  # by the claim that it becomes

    def observe(self, decision: Decision) -> Link | None:
        """Return the link that a decision completes, or None."""
        if decision.what in ("handed_over", "passed_on"):
            self._ended[decision.others[0]] = decision
        elif decision.what == "granted" and (was := self._ended.pop(decision.claim, None)):
            return Link(
                kind="handed_over" if was.what == "handed_over" else "passed_on",
                id=was.cause,
                at=decision.at,
                session=was.session,
                to=decision.session,
                claim=was.claim,
                became=decision.claim,
            )
        return None


def continuation(life: SessionInterval, to: str) -> Link | None:
    """Return the link to the session `to` that continues one, or None if none does."""
    if life.how != "continued":
        return None
    return Link(kind="continued", id=life.cause, at=life.end, session=life.session, to=to)
