"""What a report says of a stretch of the past: what each session did, finished and left, and what went wrong.

Everything is taken from the account of the history up to the end of the stretch, and names the events that it comes
from. What happened before the stretch counts only in what of it was still there: a claim that was held, a session that
was live. Who still works, who is silent and what needs someone is the board's to say, which is passed in.

A message is unanswered if nobody replied to it or confirmed it, though it went to sessions by name or asks for a
confirmation. A reply wants an answer only if it asks for a confirmation, or if nobody has read it: else no talk would
ever end.
"""

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from eventlog.events import (
    EVERYONE,
    Event,
    EventId,
    Instant,
    MessageAcknowledged,
    MessageRead,
    MessageSent,
    seconds_between,
)
from projections.board import Board, Need
from projections.past import Cut, count_until
from projections.spans import Account, IsNew, Span, after
from projections.story import Entry, story
from projections.workers import Item, Worker, of_span, workers


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
    deaths: list[Item]
    lost: list[Item]
    breaks: list[Item]
    refusals: list[Item]
    expired: list[Item]
    unanswered: list[Unanswered]
    waits: list[Item]  # the longest first
    sessions: list[Worker]  # the last heard first
    names: dict[str, str]


def report(account: Account, since: Cut, board: Board) -> Report:
    """The report on what came after `since` in an account, given the board at its end."""
    events = account.events[count_until(account.events, since) :]
    is_new = after(account.events, since)
    last = account.events[-1] if account.events else None
    told = story(account.events, account.decisions)
    entries = [entry for entry in told if is_new(entry.at, entry.cause)]
    spans = [span for span in account.spans if not span.end or is_new(span.end, span.cause)]
    sent = {event.id: event.payload for event in events if isinstance(event.payload, MessageSent)}
    here = workers(account, events, spans, is_new, board)
    return Report(
        since=since.at,
        until=board.now,
        last_event=last.id if last else "",
        last_at=last.at if last else "",
        totals=Totals(
            events=len(events),
            sessions=sum(worker.events > 0 for worker in here),
            granted=sum(entry.what == "granted" for entry in entries),
            messages=len(sent),
        ),
        needs=board.needs,
        deaths=_deaths(account, is_new),
        lost=[
            _item(entry, entry.others[0].session if entry.others else "") for entry in entries if entry.what == "lost"
        ],
        breaks=[_item(entry, entry.by) for entry in entries if entry.what == "broken"],
        refusals=_refusals(entries),
        expired=[of_span(span) for span in spans if span.how in ("expired", "lapsed") and not span.automatic],
        unanswered=_unanswered(account, events),
        waits=_waits(told, spans, board.now),
        sessions=here,
        names=board.names,
    )


# --- what went wrong ------------------------------------------------------------------------------------------------


def _item(entry: Entry, other: str) -> Item:
    return Item(
        kind=entry.what,
        at=entry.at,
        session=entry.session,
        what=entry.resource,
        others=(other,) if other else (),
        words=entry.words,
        events=tuple(name for name in dict.fromkeys((entry.cause, entry.claim)) if name),
    )


def _refusals(entries: Iterable[Entry]) -> list[Item]:
    """Who was refused what, and who was in the way; again and again the same is one, with all its events. A request
    that was told granted is lost, not refused.
    """
    found: dict[tuple[str, str, tuple[str, ...]], Item] = {}
    for entry in entries:
        if entry.what == "refused" and entry.told != "granted":
            ahead = tuple(dict.fromkeys(other.session for other in entry.others))
            item = replace(_item(entry, ""), others=ahead)
            before = found.pop((entry.session, entry.resource, ahead), None)
            if before:
                item = replace(item, at=before.at, until=entry.at, events=before.events + item.events)
            found[entry.session, entry.resource, ahead] = item
    return list(found.values())


def _deaths(account: Account, is_new: IsNew) -> list[Item]:
    """Who was presumed dead, by whom, on what evidence; `until` is when it spoke again after all."""
    found = []
    by = {event.id: event.actor for event in account.events}
    for number, life in enumerate(account.lives):
        if life.how == "dead" and is_new(life.end, life.cause):
            back = next((again.start for again in account.lives[number + 1 :] if again.session == life.session), "")
            item = Item(
                kind="dead", at=life.end, until=back, session=life.session, others=(by[life.cause],),
                words=life.evidence, events=(life.cause,),
            )  # fmt: skip
            found.append(item)
    return found


def _waits(told: Iterable[Entry], spans: Iterable[Span], now: Instant) -> list[Item]:
    behind = {entry.claim: tuple(dict.fromkeys(o.session for o in entry.others)) for entry in told if entry.others}
    found = [of_span(span, "wait", behind.get(span.id, ())) for span in spans if span.kind == "wait"]
    return sorted(found, key=lambda item: -seconds_between(item.at, item.until or now))


def _unanswered(account: Account, events: Iterable[Event]) -> list[Unanswered]:
    replied: set[EventId] = set()
    read: dict[EventId, list[str]] = {}
    sent: list[tuple[Event, MessageSent]] = []
    for event in events:
        match event.payload:
            case MessageSent(in_reply_to=answered) as payload:
                sent.append((event, payload))
                replied.add(answered)
            case MessageAcknowledged(messages=names):
                replied.update(names)
            case MessageRead(messages=names):
                for name in names:
                    read.setdefault(name, []).append(event.actor)
    return [
        _message(event, payload, read.get(event.id, ()), account.recipients[event.id])
        for event, payload in sent
        if event.id not in replied and _wants_an_answer(payload, event.id in read)
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
