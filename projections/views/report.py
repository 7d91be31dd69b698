"""A report on a period: what each session did, finished and left open, and what went wrong.

Everything comes from the analysis of the history up to the end of the period, and each item names its events. A claim
or a session that began before the period is included if it was still held or live in the period. The status of sessions
and what needs attention come from the board, which is passed in.

A message is unanswered if no other session replied to it or acknowledged it, nobody closed it, and it was sent to named
sessions or asks for an acknowledgement. A reply needs an answer only if it asks for an acknowledgement or is unread;
otherwise no conversation would ever end. An imported message needs no answer, since its answers were not recorded.

Automatic claims are expected to expire, so their expiry is listed with their session, not with what went wrong.
"""

from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from eventlog.events import (
    EVERYONE,
    MINUTE_S,
    ClaimBroken,
    ClaimRequested,
    Event,
    EventId,
    Instant,
    MessageAcknowledged,
    MessageRead,
    MessageResolved,
    MessageSent,
    seconds_between,
)
from projections.rules.claim_events.requests import loss_reason
from projections.rules.state import Decision
from projections.views.activity import ReportItem, SessionActivity, item_of_interval, session_activities
from projections.views.board import Board
from projections.views.deaths import Death, find_deaths
from projections.views.intervals.analysis import HistoryAnalysis
from projections.views.intervals.values import BlockedInterval, ClaimInterval, happened_after, not_ended_before
from projections.views.needs import Need
from projections.views.point_in_time import PointInTime, count_until


class Unanswered(Struct, frozen=True, kw_only=True):
    """A message that nobody answered."""

    event: EventId
    at: Instant
    session: str
    to: tuple[str, ...]  # the recipients as addressed
    everyone: bool
    subject: str
    urgency: str
    needs_ack: bool
    read_by: tuple[str, ...]
    unread_by: tuple[str, ...]


class Totals(Struct, frozen=True):
    """The numbers of events, active sessions, grants and messages in the period."""

    events: int
    sessions: int
    granted: int
    messages: int


class Report(Struct, frozen=True):
    """The whole report on the period after `since` up to `until`."""

    since: Instant
    until: Instant
    last_event: EventId  # the last event of the history up to `until`
    last_at: Instant
    totals: Totals
    needs: list[Need]
    deaths: list[Death]
    lost: list[ReportItem]
    breaks: list[ReportItem]
    refusals: list[ReportItem]
    expired: list[ReportItem]
    unanswered: list[Unanswered]
    waits: list[ReportItem]  # longest first
    sessions: list[SessionActivity]  # most recently active first
    names: dict[str, str]
    blocked: list[ReportItem] = []  # sessions that were blocked for a minute or more and no longer are, longest first


def build_report(analysis: HistoryAnalysis, since: PointInTime, board: Board) -> Report:
    """Return the report on everything after `since` in an analysis, given the board at its end."""
    events = analysis.events[count_until(analysis.events, since) :]
    is_new = happened_after(analysis.events, since)
    last_at, session, number = analysis.state.last
    contexts = _with_context(analysis.earlier, analysis.decisions)
    new_contexts = [context for context in contexts if is_new(context.decision.at, context.decision.cause)]
    by_id = {event.id: event for event in events}
    intervals = not_ended_before(analysis.intervals, is_new)
    activities = session_activities(analysis, events, intervals, is_new, board)
    return Report(
        since=since.at,
        until=board.now,
        last_event=f"{session}/{number}" if session else "",
        last_at=last_at,
        totals=Totals(
            events=len(events),
            sessions=sum(activity.events > 0 for activity in activities),
            granted=sum(context.decision.what == "granted" for context in new_contexts),
            messages=sum(isinstance(event.payload, MessageSent) for event in events),
        ),
        needs=board.needs,
        deaths=find_deaths(analysis, is_new),
        lost=[_lost(context) for context in new_contexts if context.decision.what == "lost"],
        breaks=[_broken(context.decision, by_id) for context in new_contexts if context.decision.what == "broken"],
        refusals=_refusals(new_contexts, by_id),
        expired=_expired(intervals),
        unanswered=_unanswered(analysis, events),
        waits=_waits(contexts, intervals, board.now),
        sessions=activities,
        names=board.names,
        blocked=_blocked(not_ended_before(analysis.blocked_intervals, is_new)),
    )


# --- what went wrong ------------------------------------------------------------------------------------------------


class _DecisionContext(Struct, frozen=True):
    """A decision, the sessions whose claims or requests it conflicted with, and the resource of the first of them."""

    decision: Decision
    obstacle_sessions: tuple[str, ...]
    obstacle: str


def _with_context(earlier: Iterable[Decision], decisions: Iterable[Decision]) -> list[_DecisionContext]:
    # The latest grant or wait, since a claim can pass to another session.
    last: dict[EventId, Decision] = {decision.claim: decision for decision in earlier}
    contexts = []
    for decision in decisions:
        others = [last[name] for name in decision.others if name in last]
        sessions = tuple(dict.fromkeys(other.session for other in others))
        contexts.append(_DecisionContext(decision, sessions, others[0].resource if others else ""))
        if decision.what in ("granted", "waiting"):
            last[decision.claim] = decision
    return contexts


def _item(decision: Decision, others: tuple[str, ...], words: str = "") -> ReportItem:
    names = tuple(name for name in dict.fromkeys((decision.cause, decision.claim)) if name)
    return ReportItem(
        kind=decision.what,
        at=decision.at,
        session=decision.session,
        what=decision.resource,
        others=others,
        words=words,
        events=names,
    )


def _lost(context: _DecisionContext) -> ReportItem:
    """Return the item of a lost claim, with who has it and why."""
    return _item(context.decision, context.obstacle_sessions[:1], loss_reason(context.obstacle))


def _broken(decision: Decision, by_id: Mapping[EventId, Event]) -> ReportItem:
    """Return the item of a broken claim, with who broke it and why."""
    event = by_id[decision.cause]
    return _item(decision, (event.actor,), event.payload.reason if isinstance(event.payload, ClaimBroken) else "")


def _refusals(contexts: Iterable[_DecisionContext], by_id: Mapping[EventId, Event]) -> list[ReportItem]:
    """Return the refusals, with the obstacles. Repeated identical refusals are one item with all its events.

    A request with the answer `granted` is lost, not refused.
    """
    refusals: dict[tuple[str, str, tuple[str, ...]], ReportItem] = {}
    for context in contexts:
        decision = context.decision
        payload = by_id[decision.cause].payload if decision.what == "refused" else None
        if isinstance(payload, ClaimRequested) and payload.told != "granted":
            item = _item(decision, context.obstacle_sessions, payload.note)
            key = (decision.session, decision.resource, context.obstacle_sessions)
            if before := refusals.pop(key, None):
                item = replace(item, at=before.at, until=decision.at, events=before.events + item.events)
            refusals[key] = item
    return list(refusals.values())


def _expired(intervals: Iterable[ClaimInterval]) -> list[ReportItem]:
    """Return the claims that expired and the grants that lapsed, in the order of their end."""
    expired = [it for it in intervals if it.how in ("expired", "lapsed") and not it.automatic]
    return sorted(map(item_of_interval, expired), key=lambda item: item.until)


def _blocked(intervals: Iterable[BlockedInterval]) -> list[ReportItem]:
    """Return the times at which a session needed someone. What is still so is in `needs`."""
    items = [
        ReportItem(
            kind="blocked",
            at=it.start,
            until=it.end,
            session=it.session,
            words=it.blocked_on,
            events=(it.began, it.cause),
        )
        for it in intervals
        if it.end and seconds_between(it.start, it.end) >= MINUTE_S
    ]
    return sorted(items, key=lambda item: -seconds_between(item.at, item.until))


def _waits(contexts: Iterable[_DecisionContext], intervals: Iterable[ClaimInterval], now: Instant) -> list[ReportItem]:
    obstacles = {c.decision.claim: c.obstacle_sessions for c in contexts if c.decision.what == "waiting"}
    waits = [item_of_interval(it, "wait", obstacles.get(it.id, ())) for it in intervals if it.kind == "wait"]
    return sorted(waits, key=lambda item: -seconds_between(item.at, item.until or now))


def _unanswered(analysis: HistoryAnalysis, events: Iterable[Event]) -> list[Unanswered]:
    answered: set[EventId] = set()
    read: dict[EventId, list[str]] = {}
    sent: dict[EventId, tuple[Event, MessageSent]] = {}
    for event in events:
        match event.payload:
            case MessageSent(in_reply_to=before) as payload if not event.imported:
                sent[event.id] = (event, payload)
                if before in sent and sent[before][0].actor != event.actor:
                    answered.add(before)
            case MessageAcknowledged(messages=names) | MessageResolved(messages=names):
                answered.update(names)
            case MessageRead(messages=names):
                for name in names:
                    read.setdefault(name, []).append(event.actor)
    return [
        _unanswered_row(event, payload, read.get(event.id, ()), analysis.recipients[event.id])
        for event, payload in sent.values()
        if event.id not in answered and _needs_answer(payload, event.id in read)
    ]


def _needs_answer(payload: MessageSent, was_read: bool) -> bool:
    return payload.needs_ack or (payload.to != EVERYONE and not (payload.in_reply_to and was_read))


def _unanswered_row(
    event: Event, payload: MessageSent, read_by: Iterable[str], recipients: Iterable[str]
) -> Unanswered:
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
