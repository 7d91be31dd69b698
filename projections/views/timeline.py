"""Sessions as lanes, claims as bars: a stretch of the past as something that can be drawn.

The model of a picture, without its measures. Whatever was there in the stretch is in it once: a session that was live
or heard is a lane, in the order of arrival; a claim that was held or a request that waited is a bar of its session's
lane; a refusal, a loss, a break, a void handover and a death are marks; a message is sent from a lane to lanes; and
what passed from one session to another is a link. A request that was told granted and is not is lost, not refused.

The bars of a lane are packed into rows so that none covers another: what overlaps in time lies in different rows. A
request that waited and the claim that came of it lie in one row, one after the other.
"""

from collections.abc import Iterable, Sequence
from heapq import heappop, heappush
from typing import Literal

from msgspec import Struct

from eventlog.events import EVERYONE, ClaimRequested, Event, EventId, Instant, MessageSent, SessionStarted, to_micros
from projections.rules.state import Decision
from projections.views.board import names_of
from projections.views.intervals import ClaimInterval, HistoryAnalysis, IsNew, SessionInterval, happened_after
from projections.views.point_in_time import PointInTime, count_until

MarkKind = Literal["died", "lost", "broken", "refused", "void"]
LinkKind = Literal["handed_over", "passed_on", "continued"]
_MIN_BAR_FRACTION = 300  # a bar takes at least this part of the stretch: what is shorter cannot be seen
_MIN_BAR_MICROS = 2_000_000  # and of so many microseconds where that is shorter


class Lane(Struct, frozen=True, kw_only=True):
    """One session in the stretch."""

    session: str
    name: str
    client: str
    first_at: Instant = ""  # when it was first and last heard in the stretch; empty if it was not
    last_at: Instant = ""
    lives: list[SessionInterval]
    rows: list[list[ClaimInterval]]  # those of a row are in order and do not overlap


class Mark(Struct, frozen=True, kw_only=True):
    """Something that happened to a session at one instant."""

    kind: MarkKind
    id: EventId  # the event that brought it about
    at: Instant
    session: str  # to whom
    by: str = ""  # who brought it about
    claim: EventId = ""
    resource: str = ""
    words: str = ""  # the reason of a break, the evidence of a death
    others: tuple[EventId, ...] = ()  # the claims and requests in the way


class TimelineMessage(Struct, frozen=True, kw_only=True):
    """A message."""

    id: EventId
    at: Instant
    session: str
    to: tuple[str, ...]  # the sessions that got it
    everyone: bool
    subject: str
    urgency: str


class Link(Struct, frozen=True, kw_only=True):
    """What passed from one session to another: a claim, or all that a session was."""

    kind: LinkKind
    id: EventId  # the event that did it
    at: Instant
    session: str
    to: str
    claim: EventId = ""  # as it was called before
    became: EventId = ""  # and is called since


class Timeline(Struct, frozen=True, kw_only=True):
    """What happened after `since`, up to `until`."""

    since: Instant
    until: Instant
    events: int
    names: dict[str, str]
    lanes: list[Lane]
    marks: list[Mark]
    messages: list[TimelineMessage]
    links: list[Link]


def build_timeline(account: HistoryAnalysis, since: PointInTime, until: Instant) -> Timeline:
    """The timeline of what comes after `since` in an account of the history up to `until`.

    A `since` before the first event counts as the first event. Where there is no event, nothing has a length.
    """
    events = account.events[count_until(account.events, since) :]
    begin = max(since.at, account.events[0].at) if account.events else until
    is_new = happened_after(account.events, since)
    spans = [span for span in account.intervals if not span.end or is_new(span.end, span.cause)]
    lives = [life for life in account.lives if not life.end or is_new(life.end, life.cause)]
    by = {event.id: event.actor for event in account.events}
    told = {event.id: event.payload for event in account.events if isinstance(event.payload, ClaimRequested)}
    marks = [*_marks(account, is_new, by, told), *_death_marks(lives, by)]
    sent = [
        TimelineMessage(
            id=event.id, at=event.at, session=event.actor, to=_recipients(account, event, event.payload),
            everyone=event.payload.to == EVERYONE, subject=event.payload.subject, urgency=event.payload.urgency,
        )
        for event in events
        if isinstance(event.payload, MessageSent)
    ]  # fmt: skip
    heard: dict[str, tuple[Instant, Instant]] = {}
    for event in events:
        heard[event.actor] = (heard.get(event.actor, (event.at,))[0], event.at)
    there = [*heard, *(item.session for found in (lives, spans, marks) for item in found)]
    there += [name for message in sent if not message.everyone for name in message.to]
    least = max(to_micros(until) - to_micros(begin), _MIN_BAR_MICROS) // _MIN_BAR_FRACTION + 1
    return Timeline(
        since=begin,
        until=until,
        events=len(events),
        names=names_of(account.state),
        lanes=_lanes(account, set(there), heard, lives, spans, least),
        marks=sorted(marks, key=lambda mark: mark.at),
        messages=sent,
        links=[*_links(account, is_new, by), *_continued(lives, by)],
    )


def _recipients(account: HistoryAnalysis, event: Event, payload: MessageSent) -> tuple[str, ...]:
    """Who got a message; of an imported one, which nobody got here, those of its recipients that are known."""
    if not event.imported:
        return tuple(sorted(account.recipients.get(event.id, ())))
    return tuple(name for name in payload.to if name in account.state.sessions) if payload.to != EVERYONE else ()


# --- lanes and rows -------------------------------------------------------------------------------------------------


def _lanes(
    account: HistoryAnalysis,
    there: set[str],
    heard: dict[str, tuple[Instant, Instant]],
    lives: Iterable[SessionInterval],
    spans: Iterable[ClaimInterval],
    least: int,
) -> list[Lane]:
    clients: dict[str, str] = {}
    for event in account.events:
        known = clients.setdefault(event.actor, "")
        clients[event.actor] = event.payload.client if isinstance(event.payload, SessionStarted) else known
    lived: dict[str, list[SessionInterval]] = {}
    for life in lives:
        lived.setdefault(life.session, []).append(life)
    had: dict[str, list[ClaimInterval]] = {}
    for span in spans:
        had.setdefault(span.session, []).append(span)
    names, nothing = names_of(account.state), ("", "")
    return [
        Lane(
            session=session, name=names.get(session, ""), client=clients.get(session, ""),
            first_at=heard.get(session, nothing)[0], last_at=heard.get(session, nothing)[1],
            lives=lived.get(session, []), rows=pack_rows(had.get(session, []), least),
        )
        for session in dict.fromkeys([*clients, *sorted(there)])
        if session in there
    ]  # fmt: skip


def pack_rows(spans: Sequence[ClaimInterval], least: int) -> list[list[ClaimInterval]]:
    """Spans in rows, each in the first row that is free, where a bar takes at least `least` microseconds."""
    rows: list[list[ClaimInterval]] = []
    free: list[int] = []
    busy: list[tuple[float, int]] = []  # until when, which row
    for chain in _chains(spans):
        start = to_micros(chain[0].start)
        while busy and busy[0][0] <= start:
            heappush(free, heappop(busy)[1])
        if not free:
            free.append(len(rows))
            rows.append([])
        row = heappop(free)
        rows[row] += chain
        end = to_micros(chain[-1].end) if chain[-1].end else float("inf")
        heappush(busy, (max(end, start + least * len(chain)), row))
    return rows


def _chains(spans: Sequence[ClaimInterval]) -> list[list[ClaimInterval]]:
    """Each span with the one that it became: a wait with its claim."""
    waits = {(span.id, span.end): [span] for span in spans if span.kind == "wait" and span.how == "granted"}
    found = []
    for span in spans:
        if span.kind == "claim" and (before := waits.get((span.id, span.start))):
            before.append(span)
        else:
            found.append(waits.get((span.id, span.end), [span]) if span.kind == "wait" else [span])
    return sorted(found, key=lambda chain: chain[0].start)


# --- marks and links ------------------------------------------------------------------------------------------------


def _marks(
    account: HistoryAnalysis, is_new: IsNew, by: dict[EventId, str], told: dict[EventId, ClaimRequested]
) -> Iterable[Mark]:
    payloads = {event.id: event.payload for event in account.events}
    for said in account.decisions:
        kind = _kind(said, told)
        if kind and is_new(said.at, said.cause):
            yield Mark(
                kind=kind, id=said.cause, at=said.at, session=said.session, by=by.get(said.cause, ""), claim=said.claim,
                resource=said.resource, words=getattr(payloads.get(said.cause), "reason", ""), others=said.others,
            )  # fmt: skip


def _kind(said: Decision, told: dict[EventId, ClaimRequested]) -> MarkKind | None:
    if said.what == "refused":
        return None if told[said.claim].told == "granted" else "refused"
    return said.what if said.what in ("lost", "broken", "void") else None


def _death_marks(lives: Iterable[SessionInterval], by: dict[EventId, str]) -> Iterable[Mark]:
    for life in lives:
        if life.how == "dead":
            yield Mark(
                kind="died", id=life.cause, at=life.end, session=life.session, by=by.get(life.cause, ""),
                words=life.evidence,
            )  # fmt: skip


def _links(account: HistoryAnalysis, is_new: IsNew, by: dict[EventId, str]) -> Iterable[Link]:
    passing: dict[EventId, Decision] = {}
    for said in account.decisions:
        if said.what in ("handed_over", "passed_on") and is_new(said.at, said.cause):
            passing[said.others[0]] = said
        elif said.what == "granted" and (was := passing.pop(said.claim, None)):
            kind: LinkKind = "handed_over" if was.what == "handed_over" else "passed_on"
            yield Link(
                kind=kind, id=was.cause, at=said.at, session=was.session, to=said.session, claim=was.claim,
                became=said.claim,
            )  # fmt: skip


def _continued(lives: Iterable[SessionInterval], by: dict[EventId, str]) -> Iterable[Link]:
    for life in lives:
        if life.how == "continued":
            yield Link(kind="continued", id=life.cause, at=life.end, session=life.session, to=by[life.cause])
