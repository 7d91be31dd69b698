"""The history of claims: each request, grant, wait, refusal, renewal, handover, break, loss and end, once.

An entry is one decision of the rules, with details from the events: who asked, for how long, the answer that the
requester got, who caused it, and who held the conflicting claims. An event that changed nothing, such as a release by a
session that does not hold the claim, also has an entry. Together, the entries of all resources account for every grant
and every end exactly once.
"""

from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

from msgspec import Struct

from eventlog.events import (
    ClaimAccepted,
    ClaimBroken,
    ClaimBypassed,
    ClaimFinished,
    ClaimHandedOver,
    ClaimReleased,
    ClaimRenewed,
    ClaimRequested,
    Event,
    EventId,
    Instant,
    SessionEnded,
    SessionPresumedDead,
    SessionPresumedIdle,
)
from projections.rules.resources import overlap
from projections.rules.state import Decision, DecisionKind

EntryKind: TypeAlias = DecisionKind | Literal["nothing"]


class Obstacle(Struct, frozen=True):
    """A claim or waiting request that prevented a grant, with its session at that time and its resource."""

    id: EventId
    session: str
    resource: str


class ClaimHistoryEntry(Struct, frozen=True, kw_only=True):
    """What happened to one claim or request at one instant, and by which rule."""

    at: Instant
    rule: int
    what: EntryKind
    claim: EventId
    session: str  # the session of the claim or request
    resource: str
    cause: EventId = ""  # the event that caused it; empty if time alone did
    by: str = ""  # the session that wrote that event
    told: str = ""  # the answer that the requester got, if this is the decision on its request
    mode: str = ""
    agent: str = ""
    automatic: bool = False  # requested by a hook, for an edit
    ttl_s: int = 0  # the requested duration
    wait_s: int = 0  # how long the request waits
    since: Instant = ""  # when the claim, or the wait that this grants, began
    words: str = ""  # text of the causing event: a note, the reason of a break, the evidence of a death
    others: tuple[Obstacle, ...] = ()  # the conflicting claims and requests
    became: EventId = ""  # the claim that a handover created from it


def build_claim_history(events: Iterable[Event], decisions: Iterable[Decision]) -> list[ClaimHistoryEntry]:
    """Return all entries of a history, in order; `decisions` are those that its fold recorded."""
    builder = EntryBuilder({event.id: event for event in events})
    entries = [builder.add(decision) for decision in decisions]
    entries += [builder.without_effect(event) for event in builder.by_id.values() if builder.had_no_effect(event)]
    entries.sort(key=lambda entry: entry.at)  # stable, so that decisions at one instant stay in the order of the rules
    return entries


def about_resources(entries: Iterable[ClaimHistoryEntry], resources: Sequence[str]) -> list[ClaimHistoryEntry]:
    """Return the entries about resources that overlap one of these (rule 1)."""
    return [entry for entry in entries if any(overlap(entry.resource, resource) for resource in resources)]


def about_session(entries: Iterable[ClaimHistoryEntry], session: str) -> list[ClaimHistoryEntry]:
    """Return the entries about a session's claims and requests, and those that it caused for other sessions."""
    return [entry for entry in entries if session in (entry.session, entry.by)]


def about_claim(entries: Iterable[ClaimHistoryEntry], claim: EventId) -> list[ClaimHistoryEntry]:
    """Return the entries about one claim or request, and about the claims that handovers created from it."""
    names = {claim}
    related = []
    for entry in entries:
        if entry.claim in names:
            related.append(entry)
            names |= {entry.became} - {""}
    return related


def caused_by(entries: Iterable[ClaimHistoryEntry], event: EventId) -> list[ClaimHistoryEntry]:
    """Return the entries that one event caused."""
    return [entry for entry in entries if entry.cause == event]


CLAIM_EVENTS = (
    *(ClaimAccepted, ClaimBroken, ClaimBypassed, ClaimFinished),
    *(ClaimHandedOver, ClaimReleased, ClaimRenewed),
)


class EntryBuilder:
    """Builds entries from decisions in order, and tracks the holder of each claim and request."""

    def __init__(self, by_id: dict[EventId, Event]) -> None:
        self.by_id = by_id
        self.held: dict[EventId, Obstacle] = {}
        self.since: dict[EventId, Instant] = {}
        self.caused: set[EventId] = set()

    def add(self, decision: Decision) -> ClaimHistoryEntry:
        """Return the entry for the next decision."""
        began = "" if decision.what in ("refused", "waiting", "renewed") else self.since.get(decision.claim, "")
        if decision.what in ("granted", "waiting"):
            self.held[decision.claim] = Obstacle(decision.claim, decision.session, decision.resource)
            self.since[decision.claim] = decision.at
        self.caused.add(decision.cause)
        cause, own = self.by_id.get(decision.cause), self.by_id.get(decision.claim)
        asked = own.payload if own and isinstance(own.payload, ClaimRequested) else None
        from_queue = decision.what == "granted" and decision.rule == 4  # the causing event belongs to another claim
        became = decision.others[0] if decision.what in ("handed_over", "passed_on") else ""
        return ClaimHistoryEntry(
            at=decision.at,
            rule=decision.rule,
            what=decision.what,
            claim=decision.claim,
            session=decision.session,
            resource=decision.resource,
            cause=decision.cause,
            by=cause.actor if cause else "",
            told=asked.told if asked and decision.cause == decision.claim else "",
            mode=asked.mode if asked else "",
            agent=asked.agent if asked else "",
            automatic=asked.automatic if asked else False,
            ttl_s=asked.ttl_s if asked else 0,
            wait_s=asked.wait_s if asked else 0,
            since=began,
            words="" if from_queue else _event_text(cause),
            others=() if became else tuple(self.held[name] for name in decision.others if name in self.held),
            became=became,
        )

    def had_no_effect(self, event: Event) -> bool:
        """Return whether a claim event caused none of the decisions that were added."""
        return isinstance(event.payload, CLAIM_EVENTS) and event.id not in self.caused

    def without_effect(self, event: Event) -> ClaimHistoryEntry:
        """Return the entry for a claim event that changed nothing, since only the present holder can act (rule 3)."""
        claim = getattr(event.payload, "claim", "")
        return ClaimHistoryEntry(
            at=event.at,
            rule=3,
            what="nothing",
            claim=claim,
            session=event.actor,
            resource=self._resource(claim),
            cause=event.id,
            by=event.actor,
            words=_event_text(event),
        )

    def _resource(self, claim: EventId) -> str:
        event = self.by_id.get(claim)
        return getattr(event.payload, "resource", "") if event else ""


def _event_text(event: Event | None) -> str:
    match event.payload if event else None:
        case ClaimRequested(note=text) | ClaimHandedOver(note=text) | ClaimBroken(reason=text):
            return text
        case ClaimFinished(reason=text) | ClaimBypassed(how=text):
            return text
        case SessionPresumedDead(evidence=text) | SessionPresumedIdle(evidence=text) | SessionEnded(summary=text):
            return text
    return ""
