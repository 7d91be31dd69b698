"""A timeline: sessions as lanes and claims as bars, for a period of the past. Other packages draw it.

Everything in the period appears once. A session that was live or wrote events is a lane, in the order of its first
event. A claim or a waiting request is a bar in its session's lane. Refusals, losses, breaks, void handovers and deaths
are marks. A message goes from one lane to others. A link shows what passed from one session to another.

The bars of a lane are arranged in rows so that none overlaps another. A waiting request and the claim that it became
are in one row.
"""

from collections.abc import Iterable, Sequence
from heapq import heappop, heappush

from msgspec import Struct

from eventlog.events import EVERYONE, Event, EventId, Instant, MessageSent, to_micros
from projections.views.board import names_of
from projections.views.intervals.analysis import HistoryAnalysis
from projections.views.intervals.values import ClaimInterval, IsNew, SessionInterval, happened_after, not_ended_before
from projections.views.point_in_time import PointInTime, count_until
from projections.views.timeline.rows import (
    Link,
    Mark,
    TimelineMessage,
    Transfers,
    continuation,
    death_mark,
    decision_mark,
    message_row,
)

_MIN_BAR_FRACTION = 300  # a bar is at least this part of the period long, so that it can be seen
_MIN_PERIOD_MICROS = 2_000_000  # a shorter period counts as this long for that fraction


class Lane(Struct, frozen=True, kw_only=True):
    """One session in the period."""

    session: str
    name: str
    client: str
    first_at: Instant = ""  # its first and last event in the period; empty if it wrote none
    last_at: Instant = ""
    lives: list[SessionInterval]
    rows: list[list[ClaimInterval]]  # the bars of a row are in order and do not overlap


class Timeline(Struct, frozen=True, kw_only=True):
    """Everything that happened after `since`, up to `until`."""

    since: Instant
    until: Instant
    events: int
    names: dict[str, str]
    lanes: list[Lane]
    marks: list[Mark]
    messages: list[TimelineMessage]
    links: list[Link]


def build_timeline(analysis: HistoryAnalysis, since: PointInTime, until: Instant) -> Timeline:
    """Return the timeline of everything after `since` in an analysis of the history up to `until`.

    If `since` is before the first event, the timeline starts at the first event. Without events, it has no length.
    """
    events = analysis.events[count_until(analysis.events, since) :]
    begin = max(since.at, analysis.events[0].at) if analysis.events else until
    is_new = happened_after(analysis.events, since)
    intervals = not_ended_before(analysis.intervals, is_new)
    lives = not_ended_before(analysis.session_intervals, is_new)
    caused = {event.id: event for event in analysis.events}
    over = [(life, caused[life.cause].actor) for life in lives if life.cause]
    marks = [*_decision_marks(analysis, is_new, caused), *(m for life, by in over if (m := death_mark(life, by)))]
    messages = [
        message_row(event, event.payload, _recipients(analysis, event, event.payload))
        for event in events
        if isinstance(event.payload, MessageSent)
    ]
    active: dict[str, tuple[Instant, Instant]] = {}
    for event in events:
        active[event.actor] = (active.get(event.actor, (event.at,))[0], event.at)
    present = [*active, *(item.session for items in (lives, intervals, marks) for item in items)]
    present += [name for message in messages if not message.everyone for name in message.to]
    min_micros = max(to_micros(until) - to_micros(begin), _MIN_PERIOD_MICROS) // _MIN_BAR_FRACTION + 1
    return Timeline(
        since=begin,
        until=until,
        events=len(events),
        names=names_of(analysis.state),
        lanes=_lanes(analysis, set(present), active, lives, intervals, min_micros),
        marks=sorted(marks, key=lambda mark: mark.at),
        messages=messages,
        links=[*_links(analysis, is_new), *(link for life, to in over if (link := continuation(life, to)))],
    )


def _recipients(analysis: HistoryAnalysis, event: Event, payload: MessageSent) -> tuple[str, ...]:
    """Return the recipients of a message; for an imported message, the known sessions that it was addressed to."""
    if not event.imported:
        return tuple(sorted(analysis.recipients.get(event.id, ())))
    return tuple(name for name in payload.to if name in analysis.state.sessions) if payload.to != EVERYONE else ()


# --- lanes and rows -------------------------------------------------------------------------------------------------


def _lanes(
    analysis: HistoryAnalysis,
    present: set[str],
    active: dict[str, tuple[Instant, Instant]],
    lives: Iterable[SessionInterval],
    intervals: Iterable[ClaimInterval],
    min_micros: int,
) -> list[Lane]:
    lives_by_session: dict[str, list[SessionInterval]] = {}
    for life in lives:
        lives_by_session.setdefault(life.session, []).append(life)
    claims_by_session: dict[str, list[ClaimInterval]] = {}
    for interval in intervals:
        claims_by_session.setdefault(interval.session, []).append(interval)
    names, nothing = names_of(analysis.state), ("", "")
    return [
        Lane(
            session=session,
            name=names.get(session, ""),
            client=analysis.state.sessions[session].client,
            first_at=active.get(session, nothing)[0],
            last_at=active.get(session, nothing)[1],
            lives=lives_by_session.get(session, []),
            rows=pack_rows(claims_by_session.get(session, []), min_micros),
        )
        for session in dict.fromkeys([*(event.actor for event in analysis.events), *sorted(present)])
        if session in present
    ]


def pack_rows(intervals: Sequence[ClaimInterval], min_micros: int) -> list[list[ClaimInterval]]:
    """Arrange intervals in rows, each in the first free row; a bar is at least `min_micros` microseconds long."""
    rows: list[list[ClaimInterval]] = []
    free: list[int] = []
    busy: list[tuple[float, int]] = []  # when each occupied row becomes free, and the row
    for chain in _chains(intervals):
        start = to_micros(chain[0].start)
        while busy and busy[0][0] <= start:
            heappush(free, heappop(busy)[1])
        if not free:
            free.append(len(rows))
            rows.append([])
        row = heappop(free)
        rows[row] += chain
        end = to_micros(chain[-1].end) if chain[-1].end else float("inf")
        heappush(busy, (max(end, start + min_micros * len(chain)), row))
    return rows


def _chains(intervals: Sequence[ClaimInterval]) -> list[list[ClaimInterval]]:
    """Return the intervals in the order of their start, each wait together with the claim that it became."""
    waits = {(it.id, it.end): [it] for it in intervals if it.kind == "wait" and it.how == "granted"}
    chains = []
    for interval in intervals:
        if interval.kind == "claim" and (before := waits.get((interval.id, interval.start))):
            before.append(interval)
        else:
            chains.append(waits.get((interval.id, interval.end), [interval]) if interval.kind == "wait" else [interval])
    return sorted(chains, key=lambda chain: chain[0].start)


# --- marks and links ------------------------------------------------------------------------------------------------


def _decision_marks(analysis: HistoryAnalysis, is_new: IsNew, events: dict[EventId, Event]) -> Iterable[Mark]:
    for decision in analysis.decisions:
        if is_new(decision.at, decision.cause) and (mark := decision_mark(decision, events.get(decision.cause))):
            yield mark


def _links(analysis: HistoryAnalysis, is_new: IsNew) -> Iterable[Link]:
    transfers = Transfers()
    for decision in analysis.decisions:
        if is_new(decision.at, decision.cause) and (link := transfers.observe(decision)):
            yield link
