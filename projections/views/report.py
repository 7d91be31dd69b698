"""What a report says of a stretch of the past: what each session did, finished and left, and what went wrong.

Everything is taken from the account of the history up to the end of the stretch, and names the events that it comes
from. What happened before the stretch counts only in what of it was still there: a claim that was held, a session that
was live. Who still works, who is silent and what needs someone is the board's to say, which is passed in.

A message is unanswered if no other session replied to it and nobody confirmed it, though it went to sessions by name or
asks for a confirmation. A reply wants an answer only if it asks for a confirmation, or if nobody has read it: else no
talk would ever end. An imported message wants none: who answered it was never recorded.

What a hook claimed for an edit is there to run out. That it did is told with its session, not with what went wrong.
"""

from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from eventlog.events import (
    EVERYONE,
    ClaimBroken,
    ClaimRequested,
    Event,
    EventId,
    Instant,
    MessageAcknowledged,
    MessageRead,
    MessageSent,
    SessionPresumedDead,
    seconds_between,
)
from projections.rules.claims import loss_reason
from projections.rules.resources import overlap
from projections.rules.state import Decision
from projections.views.activity import ReportItem, SessionActivity, item_of_interval, session_activities
from projections.views.board import Board, Need
from projections.views.intervals import ClaimInterval, HistoryAnalysis, IsNew, SessionInterval, happened_after
from projections.views.point_in_time import PointInTime, count_until


class Death(Struct, frozen=True, kw_only=True):
    """A session that was presumed dead, who got what it held at that instant, and what it did if it lived after all."""

    event: EventId
    at: Instant
    session: str
    by: str
    evidence: str
    held: list[ReportItem]  # the claims that it had; `others` are those that got them
    back: EventId = ""  # its next event, if there is one
    back_at: Instant = ""
    last_at: Instant = ""  # the last of that life
    told_at: Instant = ""  # when it read that it had been presumed dead


class Unanswered(Struct, frozen=True, kw_only=True):
    """A message that nobody answered."""

    event: EventId
    at: Instant
    session: str
    to: tuple[str, ...]  # as it was addressed
    everyone: bool
    subject: str
    urgency: str
    needs_ack: bool
    read_by: tuple[str, ...]
    unread_by: tuple[str, ...]


class Totals(Struct, frozen=True):
    """How much there was."""

    events: int
    sessions: int
    granted: int
    messages: int


class Report(Struct, frozen=True):
    """The whole report on the stretch after `since`, up to `until`."""

    since: Instant
    until: Instant
    last_event: EventId  # the last of the whole history up to `until`
    last_at: Instant
    totals: Totals
    needs: list[Need]
    deaths: list[Death]
    lost: list[ReportItem]
    breaks: list[ReportItem]
    refusals: list[ReportItem]
    expired: list[ReportItem]
    unanswered: list[Unanswered]
    waits: list[ReportItem]  # the longest first
    sessions: list[SessionActivity]  # the last heard first
    names: dict[str, str]


def build_report(account: HistoryAnalysis, since: PointInTime, board: Board) -> Report:
    """The report on what came after `since` in an account, given the board at its end."""
    events = account.events[count_until(account.events, since) :]
    is_new = happened_after(account.events, since)
    last = account.events[-1] if account.events else None
    told = _with_context(account.decisions)
    new = [one for one in told if is_new(one.said.at, one.said.cause)]
    by_id = {event.id: event for event in events}
    spans = [span for span in account.intervals if not span.end or is_new(span.end, span.cause)]
    here = session_activities(account, events, spans, is_new, board)
    return Report(
        since=since.at,
        until=board.now,
        last_event=last.id if last else "",
        last_at=last.at if last else "",
        totals=Totals(
            events=len(events),
            sessions=sum(worker.events > 0 for worker in here),
            granted=sum(one.said.what == "granted" for one in new),
            messages=sum(isinstance(event.payload, MessageSent) for event in events),
        ),
        needs=board.needs,
        deaths=_deaths(account, is_new),
        lost=[_item(one.said, one.ahead[:1], loss_reason(one.had)) for one in new if one.said.what == "lost"],
        breaks=[_broken(one.said, by_id) for one in new if one.said.what == "broken"],
        refusals=_refusals(new, by_id),
        expired=_expired(spans),
        unanswered=_unanswered(account, events),
        waits=_waits(told, spans, board.now),
        sessions=here,
        names=board.names,
    )


# --- what went wrong ------------------------------------------------------------------------------------------------


class _DecisionContext(Struct, frozen=True):
    """A decision, the sessions that were in its way at that moment, and what the first of them had."""

    said: Decision
    ahead: tuple[str, ...]
    had: str


def _with_context(decisions: Iterable[Decision]) -> list[_DecisionContext]:
    last: dict[EventId, Decision] = {}  # the grant or the wait of each claim: it can pass to another session
    found = []
    for said in decisions:
        others = [last[name] for name in said.others if name in last]
        ahead = tuple(dict.fromkeys(other.session for other in others))
        found.append(_DecisionContext(said, ahead, others[0].resource if others else ""))
        if said.what in ("granted", "waiting"):
            last[said.claim] = said
    return found


def _item(said: Decision, others: tuple[str, ...], words: str = "") -> ReportItem:
    names = tuple(name for name in dict.fromkeys((said.cause, said.claim)) if name)
    return ReportItem(
        kind=said.what, at=said.at, session=said.session, what=said.resource, others=others, words=words, events=names
    )


def _broken(said: Decision, by_id: Mapping[EventId, Event]) -> ReportItem:
    """Who broke whose claim, and why."""
    event = by_id[said.cause]
    return _item(said, (event.actor,), event.payload.reason if isinstance(event.payload, ClaimBroken) else "")


def _refusals(told: Iterable[_DecisionContext], by_id: Mapping[EventId, Event]) -> list[ReportItem]:
    """Who was refused what, and who was in the way; again and again the same is one, with all its events. A request
    that was told granted is lost, not refused.
    """
    found: dict[tuple[str, str, tuple[str, ...]], ReportItem] = {}
    for one in told:
        said, asked = one.said, by_id[one.said.cause].payload if one.said.what == "refused" else None
        if isinstance(asked, ClaimRequested) and asked.told != "granted":
            item = _item(said, one.ahead, asked.note)
            before = found.pop((said.session, said.resource, one.ahead), None)
            if before:
                item = replace(item, at=before.at, until=said.at, events=before.events + item.events)
            found[said.session, said.resource, one.ahead] = item
    return list(found.values())


def _expired(spans: Iterable[ClaimInterval]) -> list[ReportItem]:
    """The claims, and grants that nobody took up, that ran out, in that order."""
    found = [item_of_interval(span) for span in spans if span.how in ("expired", "lapsed") and not span.automatic]
    return sorted(found, key=lambda item: item.until)


def _deaths(account: HistoryAnalysis, is_new: IsNew) -> list[Death]:
    """Who was presumed dead, by whom, on what evidence, and what came of it."""
    over: dict[
        EventId, tuple[SessionInterval, SessionInterval | None]
    ] = {}  # by the death, the life that it ended and the next
    following: dict[str, SessionInterval] = {}
    for life in reversed(account.lives):
        if life.how == "dead" and is_new(life.end, life.cause):
            over[life.cause] = (life, following.get(life.session))
        following[life.session] = life
    first = {(event.actor, event.at): event for event in account.events if over}
    told, held = _first_read(account.events, over), _claims_of_dead(account, over)
    found = []
    for event in account.events:
        if event.id in over and isinstance(event.payload, SessionPresumedDead):
            life, back = over[event.id]
            death = Death(
                event=event.id,
                at=event.at,
                session=life.session,
                by=event.actor,
                evidence=life.evidence,
                held=held.get(event.id, []),
                back=first[back.session, back.start].id if back else "",
                back_at=back.start if back else "",
                last_at=back.last_at if back else "",
                told_at=told.get((event.id, life.session), ""),
            )
            found.append(death)
    return found


def _first_read(events: Iterable[Event], names: Collection[EventId]) -> dict[tuple[EventId, str], Instant]:
    """When these were first read or confirmed, by whom."""
    found: dict[tuple[EventId, str], Instant] = {}
    for event in events:
        if names and isinstance(event.payload, MessageRead | MessageAcknowledged):
            for name in event.payload.messages:
                if name in names:
                    found.setdefault((name, event.actor), event.at)
    return found


def _claims_of_dead(account: HistoryAnalysis, deaths: Collection[EventId]) -> dict[EventId, list[ReportItem]]:
    """What the dead had held, by their deaths, and who got it at that instant, having waited for it."""
    granted: dict[EventId, list[Decision]] = {}
    for said in account.decisions:
        if said.what == "granted" and said.cause in deaths:
            granted.setdefault(said.cause, []).append(said)
    found: dict[EventId, list[ReportItem]] = {}
    for span in account.intervals:
        if span.kind == "claim" and span.how == "session_dead" and span.cause in deaths:
            heirs = [said.session for said in granted.get(span.cause, ()) if overlap(said.resource, span.resource)]
            found.setdefault(span.cause, []).append(item_of_interval(span, "held", tuple(dict.fromkeys(heirs))))
    return found


def _waits(told: Iterable[_DecisionContext], spans: Iterable[ClaimInterval], now: Instant) -> list[ReportItem]:
    behind = {one.said.claim: one.ahead for one in told if one.said.what == "waiting"}
    found = [item_of_interval(span, "wait", behind.get(span.id, ())) for span in spans if span.kind == "wait"]
    return sorted(found, key=lambda item: -seconds_between(item.at, item.until or now))


def _unanswered(account: HistoryAnalysis, events: Iterable[Event]) -> list[Unanswered]:
    answered: set[EventId] = set()
    read: dict[EventId, list[str]] = {}
    sent: dict[EventId, tuple[Event, MessageSent]] = {}
    for event in events:
        match event.payload:
            case MessageSent(in_reply_to=before) as payload if not event.imported:
                sent[event.id] = (event, payload)
                if before in sent and sent[before][0].actor != event.actor:
                    answered.add(before)
            case MessageAcknowledged(messages=names):
                answered.update(names)
            case MessageRead(messages=names):
                for name in names:
                    read.setdefault(name, []).append(event.actor)
    return [
        _message(event, payload, read.get(event.id, ()), account.recipients[event.id])
        for event, payload in sent.values()
        if event.id not in answered and _wants_an_answer(payload, event.id in read)
    ]


def _wants_an_answer(payload: MessageSent, was_read: bool) -> bool:
    return payload.needs_ack or (payload.to != EVERYONE and not (payload.in_reply_to and was_read))


def _message(event: Event, payload: MessageSent, read_by: Iterable[str], recipients: Iterable[str]) -> Unanswered:
    return Unanswered(
        event=event.id,
        at=event.at,
        session=event.actor,
        to=() if payload.to == EVERYONE else tuple(payload.to),
        everyone=payload.to == EVERYONE,
        subject=payload.subject,
        urgency=payload.urgency,
        needs_ack=payload.needs_ack,
        read_by=tuple(dict.fromkeys(read_by)),
        unread_by=tuple(sorted(set(recipients) - set(read_by))),
    )
