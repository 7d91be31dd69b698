"""The claims and waits of a history as intervals of time, built from the decisions of its fold.

`ledger` takes the terms of each grant from the events. The tests of the rules check these intervals.
"""

from dataclasses import dataclass, field

from eventlog.events import (
    NEVER,
    ClaimAccepted,
    ClaimHandedOver,
    ClaimRenewed,
    ClaimRequested,
    Event,
    Instant,
    MessageAcknowledged,
    MessageRead,
    add_time,
)
from projections.rules.fold import fold
from projections.rules.state import Decision, State
from tests.support.model.patterns import matched


@dataclass
class Interval:
    """A grant or a wait, from `start` up to but not including `end`."""

    id: str
    session: str
    agent: str
    resource: str
    mode: str
    worktree: str
    automatic: bool
    start: Instant
    limit: Instant  # when it ends by itself
    imported: bool = False
    waits: bool = False
    to_accept: bool = False  # a grant to a waiter that was not accepted yet
    end: Instant = NEVER
    how: str = ""  # the decision that ended it
    order: int = 0

    def at(self, instant: Instant) -> bool:
        return self.start <= instant < self.end


@dataclass
class Ledger:
    grants: list[Interval] = field(default_factory=list)
    waits: list[Interval] = field(default_factory=list)

    def active(self) -> dict[str, Interval]:
        return {interval.id: interval for interval in self.grants if interval.end == NEVER}

    def instants(self) -> list[Instant]:
        return sorted(
            {instant for interval in (*self.grants, *self.waits) for instant in (interval.start, interval.end)}
        )


_LEAVES = {"withdrawn", "timed_out"}
_ENDS = {"released", "expired", "lapsed", "handed_over", "passed_on", "broken", "finished", "yielded"} | {
    "session_ended",
    "session_dead",
}


def ledger(events: list[Event], decisions: list[Decision]) -> Ledger:
    """The intervals that follow from the decisions. Fails on a decision that makes no sense, such as a second grant."""
    by_id = {event.id: event for event in events}
    grants: dict[str, Interval] = {}
    waits: dict[str, Interval] = {}
    found = Ledger()
    for order, said in enumerate(decisions):
        name = said.claim
        if said.what == "granted":
            queued = waits.pop(name, None)
            if queued:
                queued.end, queued.how = said.at, "granted"
            assert name not in grants, "granted twice"
            grants[name] = _granted(said, by_id, found.grants, order)
            found.grants.append(grants[name])
        elif said.what == "waiting":
            waits[name] = _asked(by_id[name], said.session, said.at, order)
            found.waits.append(waits[name])
        elif said.what in _LEAVES or (said.what in _ENDS and name in waits):
            left = waits.pop(name)
            left.end, left.how = said.at, said.what
        elif said.what in _ENDS:
            ended = grants.pop(name)
            ended.end, ended.how = said.at, said.what
        elif said.what == "renewed":
            claim = grants[said.others[0]]
            payload = by_id[said.cause].payload
            assert isinstance(payload, (ClaimRenewed, ClaimRequested))
            limit, same = add_time(said.at, payload.ttl_s), getattr(payload, "resource", claim.resource)
            shorten = payload.shorten and same == claim.resource and not claim.automatic
            claim.limit, claim.to_accept = limit if shorten else max(claim.limit, limit), False
        elif said.what == "accepted" and name in grants:  # otherwise another claim of the session covers it
            grants[name].to_accept = False
    return found


def _asked(event: Event, session: str, instant: Instant, order: int) -> Interval:
    request = event.payload
    assert isinstance(request, ClaimRequested)
    limit = add_time(event.at, request.wait_s)
    terms = (event.id, session, request.agent, request.resource, request.mode, request.worktree, request.automatic)
    return Interval(*terms, start=instant, limit=limit, imported=bool(event.imported), waits=True, order=order)


def _granted(said: Decision, by_id: dict[str, Event], before: list[Interval], order: int) -> Interval:
    event = by_id[said.claim]
    request = event.payload
    passed = next((interval for interval in reversed(before) if interval.id == said.claim), None)
    if passed:  # to a continuing session, or from a subagent to its session
        terms = (said.claim, said.session, "", passed.resource, passed.mode, passed.worktree, passed.automatic)
        return Interval(*terms, start=said.at, limit=passed.limit, imported=passed.imported, order=order)
    if isinstance(request, ClaimHandedOver):
        given = next(interval for interval in reversed(before) if interval.id == request.claim)
        terms = (said.claim, request.to, "", given.resource, given.mode, given.worktree, given.automatic)
        return Interval(*terms, start=said.at, limit=given.limit, order=order)
    interval = _asked(event, said.session, said.at, order)
    assert isinstance(request, ClaimRequested)
    interval.limit, interval.waits, interval.to_accept = (
        add_time(said.at, request.ttl_s),
        False,
        request.told == "waiting",
    )
    return interval


def assert_losses_are_told(events: list[Event]) -> None:
    """Check that each session that was told granted, or accepted, has the claim, or gets a notice that it is lost,
    which stays until it is read; and that no session that has the claim gets such a notice.
    """
    state, decisions, lost = State(), list[Decision](), set[str]()
    for number, event in enumerate(events, 1):
        fold(state, [event], decisions.append)
        payload = event.payload
        if event.imported or not _believes(payload):
            continue
        notices = [notice for notice in state.sessions[event.actor].notices if notice.id == event.id]
        told = any(notice.kind == "lost" for notice in notices)
        own = [
            interval
            for interval in ledger(events[:number], decisions).active().values()
            if interval.session == event.actor
        ]
        if any(_is_grant_of(interval, event) for interval in own):
            assert not told, f"{event.id}: the session has the claim, and is told that it is lost"
        elif not any(_may_cover(interval, event) for interval in own):
            assert told, f"{event.id}: the session lost the claim, and is not told"
        lost |= {event.id} if told else set()
    seen = (e.payload.messages for e in events if isinstance(e.payload, MessageRead | MessageAcknowledged))
    read = {name for names in seen for name in names}
    kept = {notice.id for session in state.sessions.values() for notice in session.notices}
    assert lost <= kept | read, "an unread notice disappeared"


def _believes(payload: object) -> bool:
    return isinstance(payload, ClaimAccepted) or (isinstance(payload, ClaimRequested) and payload.told == "granted")


def _is_grant_of(interval: Interval, event: Event) -> bool:
    """Whether an interval of the author is the grant that the event is about."""
    if isinstance(event.payload, ClaimAccepted):
        return interval.id == event.payload.claim and event.payload.agent in ("", interval.agent)
    return interval.id == event.id


def _may_cover(interval: Interval, event: Event) -> bool:
    """Whether an interval of the author may cover what the event is about, and is renewed then (rule 2)."""
    payload = event.payload
    assert isinstance(payload, ClaimAccepted | ClaimRequested)
    if isinstance(payload, ClaimRequested):
        weaker = interval.mode == "shared" and payload.mode == "exclusive"
        if weaker or interval.agent != payload.agent or interval.worktree not in ("", payload.worktree):
            return False
    inner, outer = payload.resource, interval.resource
    both = inner.startswith("file/") and outer.startswith("file/")
    return inner == outer or (both and matched(inner[5:]) <= matched(outer[5:]))
