"""Deaths in a period: who was presumed dead on what evidence, who got the claims, and whether the session revived."""

from collections.abc import Collection, Iterable

from msgspec import Struct

from eventlog.events import Event, EventId, Instant, MessageAcknowledged, MessageRead, SessionPresumedDead
from projections.rules.resources import overlap
from projections.rules.state import Decision
from projections.views.activity import ReportItem, item_of_interval
from projections.views.intervals.analysis import HistoryAnalysis
from projections.views.intervals.values import IsNew, SessionInterval


class Death(Struct, frozen=True, kw_only=True):
    """A session that was presumed dead, who got its claims then, and what it did if it was alive after all."""

    event: EventId
    at: Instant
    session: str
    by: str
    evidence: str
    held: list[ReportItem]  # the claims that it held; `others` are the sessions that got them
    back: EventId = ""  # its next event, if any
    back_at: Instant = ""
    last_at: Instant = ""  # its latest event after it revived
    told_at: Instant = ""  # when it read the notice of its death


def find_deaths(analysis: HistoryAnalysis, is_new: IsNew) -> list[Death]:
    """Return the deaths in the period, with their evidence and what followed."""
    # By the death event: the interval that it ended, and the session's next one.
    ended: dict[EventId, tuple[SessionInterval, SessionInterval | None]] = {}
    following: dict[str, SessionInterval] = {}
    for life in reversed(analysis.session_intervals):
        if life.how == "dead" and is_new(life.end, life.cause):
            ended[life.cause] = (life, following.get(life.session))
        following[life.session] = life
    events_by_place = {(event.actor, event.at): event for event in analysis.events if ended}
    read_at, held = _first_read(analysis.events, ended), _claims_of_dead(analysis, ended)
    deaths = []
    for event in analysis.events:
        if event.id in ended and isinstance(event.payload, SessionPresumedDead):
            life, back = ended[event.id]
            death = Death(
                event=event.id,
                at=event.at,
                session=life.session,
                by=event.actor,
                evidence=life.evidence,
                held=held.get(event.id, []),
                back=events_by_place[back.session, back.start].id if back else "",
                back_at=back.start if back else "",
                last_at=back.last_at if back else "",
                told_at=read_at.get((event.id, life.session), ""),
            )
            deaths.append(death)
    return deaths


def _first_read(events: Iterable[Event], names: Collection[EventId]) -> dict[tuple[EventId, str], Instant]:
    """Return when each recipient first read or acknowledged these notices, by id and session."""
    read_at: dict[tuple[EventId, str], Instant] = {}
    for event in events:
        if names and isinstance(event.payload, MessageRead | MessageAcknowledged):
            for name in event.payload.messages:
                if name in names:
                    read_at.setdefault((name, event.actor), event.at)
    return read_at


def _claims_of_dead(analysis: HistoryAnalysis, deaths: Collection[EventId]) -> dict[EventId, list[ReportItem]]:
    """Return the claims of the dead sessions, by the death event, with the waiting sessions that got them then."""
    granted: dict[EventId, list[Decision]] = {}
    for decision in analysis.decisions:
        if decision.what == "granted" and decision.cause in deaths:
            granted.setdefault(decision.cause, []).append(decision)
    held: dict[EventId, list[ReportItem]] = {}
    for interval in analysis.intervals:
        if interval.kind == "claim" and interval.how == "session_dead" and interval.cause in deaths:
            successors = [
                decision.session
                for decision in granted.get(interval.cause, ())
                if overlap(decision.resource, interval.resource)
            ]
            item = item_of_interval(interval, "held", tuple(dict.fromkeys(successors)))
            held.setdefault(interval.cause, []).append(item)
    return held
