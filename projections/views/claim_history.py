"""The story of what was claimed: each request, grant, wait, refusal, renewal, handover, break, loss and end, once.

An entry is one application of a rule, as the judge recorded it, together with what the events say of it: who asked, for
how long, what the requester was told, who brought it about, and who had what stood in the way. An event of a claim that
changed nothing, such as a release by someone who did not hold it, has an entry too: that nothing came of it is part of
the story. So the stories of all resources together account for every grant and every end, no more and no less.
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
)
from projections.rules.resources import overlap
from projections.rules.state import Decision, DecisionKind

EntryKind: TypeAlias = DecisionKind | Literal["nothing"]


class Obstacle(Struct, frozen=True):
    """A claim, or a request that waits, that stood in the way: whose it was then, and on what."""

    id: EventId
    session: str
    resource: str


class ClaimHistoryEntry(Struct, frozen=True, kw_only=True):
    """What happened to one claim or request at one instant, by which rule."""

    at: Instant
    rule: int
    what: EntryKind
    claim: EventId
    session: str  # whose claim or request it is
    resource: str
    cause: EventId = ""  # the event that brought it about; empty where time alone did
    by: str = ""  # the session that wrote that event
    told: str = ""  # what the requester was told, where this is the answer to its request
    mode: str = ""
    agent: str = ""
    automatic: bool = False  # asked by a hook, for an edit
    ttl_s: int = 0  # for how long it was asked
    wait_s: int = 0  # how long it would wait
    since: Instant = ""  # of the end of a claim or a wait, or of a grant to a waiter: when that began
    words: str = ""  # of the event that brought it about: a note, the reason of a break, the evidence of a death
    others: tuple[Obstacle, ...] = ()  # what stood in the way
    became: EventId = ""  # the claim that a handover made of it


def build_claim_history(events: Iterable[Event], decisions: Iterable[Decision]) -> list[ClaimHistoryEntry]:
    """Every entry of a history, in order. `decisions` are those that its fold recorded."""
    teller = _EntryBuilder({event.id: event for event in events})
    entries = [teller.tell(said) for said in decisions]
    entries += teller.without_effect()
    entries.sort(key=lambda entry: entry.at)  # stable: at one instant the order of the decisions is that of the rules
    return entries


def about_resources(entries: Iterable[ClaimHistoryEntry], resources: Sequence[str]) -> list[ClaimHistoryEntry]:
    """The entries on anything that overlaps one of these resources (rule 1)."""
    return [entry for entry in entries if any(overlap(entry.resource, resource) for resource in resources)]


def about_session(entries: Iterable[ClaimHistoryEntry], session: str) -> list[ClaimHistoryEntry]:
    """The entries on the claims and requests of a session, and on what it did to those of others."""
    return [entry for entry in entries if session in (entry.session, entry.by)]


def about_claim(entries: Iterable[ClaimHistoryEntry], claim: EventId) -> list[ClaimHistoryEntry]:
    """The entries on one claim or request, and on the claims that handing it over made of it."""
    names = {claim}
    found = []
    for entry in entries:
        if entry.claim in names:
            found.append(entry)
            names |= {entry.became} - {""}
    return found


def caused_by(entries: Iterable[ClaimHistoryEntry], event: EventId) -> list[ClaimHistoryEntry]:
    """The entries that one event caused."""
    return [entry for entry in entries if entry.cause == event]


_OF_CLAIMS = (
    *(ClaimAccepted, ClaimBroken, ClaimBypassed, ClaimFinished),
    *(ClaimHandedOver, ClaimReleased, ClaimRenewed),
)


class _EntryBuilder:
    """Goes through the decisions in order, and knows whose each claim and request is at that point."""

    def __init__(self, by_id: dict[EventId, Event]) -> None:
        self.by_id = by_id
        self.held: dict[EventId, Obstacle] = {}
        self.since: dict[EventId, Instant] = {}
        self.caused: set[EventId] = set()

    def tell(self, said: Decision) -> ClaimHistoryEntry:
        began = "" if said.what in ("refused", "waiting", "renewed") else self.since.get(said.claim, "")
        if said.what in ("granted", "waiting"):
            self.held[said.claim] = Obstacle(said.claim, said.session, said.resource)
            self.since[said.claim] = said.at
        self.caused.add(said.cause)
        cause, own = self.by_id.get(said.cause), self.by_id.get(said.claim)
        asked = own.payload if own and isinstance(own.payload, ClaimRequested) else None
        became = said.others[0] if said.what in ("handed_over", "passed_on") else ""
        return ClaimHistoryEntry(
            at=said.at,
            rule=said.rule,
            what=said.what,
            claim=said.claim,
            session=said.session,
            resource=said.resource,
            cause=said.cause,
            by=cause.actor if cause else "",
            told=asked.told if asked and said.cause == said.claim else "",
            mode=asked.mode if asked else "",
            agent=asked.agent if asked else "",
            automatic=asked.automatic if asked else False,
            ttl_s=asked.ttl_s if asked else 0,
            wait_s=asked.wait_s if asked else 0,
            since=began,
            words="" if said.what == "granted" and said.rule == 4 else _words(cause),  # another claim's end
            others=() if became else tuple(self.held[name] for name in said.others if name in self.held),
            became=became,
        )

    def without_effect(self) -> list[ClaimHistoryEntry]:
        """The events of claims that changed nothing: only the present holder's word counts (rule 3)."""
        return [
            ClaimHistoryEntry(
                at=event.at,
                rule=3,
                what="nothing",
                claim=event.payload.claim,
                session=event.actor,
                resource=self._resource(event.payload.claim),
                cause=event.id,
                by=event.actor,
                words=_words(event),
            )
            for event in self.by_id.values()
            if isinstance(event.payload, _OF_CLAIMS) and event.id not in self.caused
        ]

    def _resource(self, claim: EventId) -> str:
        event = self.by_id.get(claim)
        return getattr(event.payload, "resource", "") if event else ""


def _words(event: Event | None) -> str:
    match event.payload if event else None:
        case ClaimRequested(note=text) | ClaimHandedOver(note=text) | ClaimBroken(reason=text):
            return text
        case ClaimFinished(reason=text) | ClaimBypassed(how=text):
            return text
        case SessionPresumedDead(evidence=text) | SessionEnded(summary=text):
            return text
    return ""
