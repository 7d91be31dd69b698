"""What each session did in a stretch of the past, what it finished, and what it left.

Finished is what it said so of: a summary at its end, what it did to 100 %, the claims that it gave back or handed over
by itself. Left is what somebody may have to pick up: what it still holds, what it held when it was over, what it was
blocked on, its notes, and what it has not read.

What it said before it died and what it said once it lived again are two things, even in the same words: between them it
lost what it held.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from eventlog.events import ClaimHandedOver, Event, EventId, Instant, SessionEnded, SessionHeartbeat
from projections.rules.state import Session, State
from projections.views.board import Board, SessionRow
from projections.views.intervals import ClaimInterval, HistoryAnalysis, IsNew


class ActivityPeriod(Struct, frozen=True):
    """What a session said that it does, once for as long as it lived and said the same: `at` first, `until` last."""

    at: Instant
    until: Instant
    action: str
    target: str
    phases: tuple[str, ...]  # that it went through
    began: str  # how far it was at first
    progress: str  # how far it was at last
    percent: int | None
    times: int
    event: EventId  # the last that said so


class ReportItem(Struct, frozen=True, kw_only=True):
    """One thing that happened to a session, or that it has done or left, and the events that say so."""

    kind: str
    at: Instant
    until: Instant = ""  # of what lasted
    session: str
    what: str = ""  # mostly a resource
    others: tuple[str, ...] = ()  # the sessions on the other side
    words: str = ""
    events: tuple[EventId, ...] = ()


class SessionActivity(Struct, frozen=True, kw_only=True):
    """One session in the stretch. `first_at` is empty if nothing was heard of it then."""

    id: str
    name: str
    client: str
    branch: str
    status: str
    evidence: str  # of its death or its silence
    first_at: Instant
    last_at: Instant  # when it was last heard, in the stretch or before
    over_at: Instant  # when it ended or died, if it did
    events: int
    doing: list[ActivityPeriod]
    finished: list[ReportItem]
    left: list[ReportItem]


class _Lookup(Struct):
    """What is known of all sessions, by their names."""

    state: State
    rows: dict[str, SessionRow]  # of the board
    session_starts: dict[str, set[Instant]]  # when each began to live, and to live again
    words: dict[tuple[str, type], EventId]  # the last heartbeat that said something, and the last end


def item_of_interval(span: ClaimInterval, kind: str = "", others: tuple[str, ...] = ()) -> ReportItem:
    """A claim that was held or a request that waited, as an item; its words are how it ended."""
    return ReportItem(
        kind=kind or span.how,
        at=span.start,
        until=span.end,
        session=span.session,
        what=span.resource,
        others=others,
        words=span.how,
        events=tuple(name for name in dict.fromkeys((span.cause, span.id)) if name),
    )


def session_activities(
    account: HistoryAnalysis, events: Sequence[Event], spans: Iterable[ClaimInterval], is_new: IsNew, board: Board
) -> list[SessionActivity]:
    """The sessions that were live or heard in a stretch, the last heard first. `events` are those of the stretch, and
    `spans` those that were not over before it.
    """
    ground = _build_lookup(account, board)
    own: dict[str, list[Event]] = {}
    for event in events:
        if not event.imported or account.state.sessions[event.actor].status == "imported":
            own.setdefault(event.actor, []).append(event)
    held: dict[str, list[ClaimInterval]] = {}
    for span in spans:
        if span.kind == "claim":
            held.setdefault(span.session, []).append(span)
    live = {life.session for life in account.lives if not life.end or is_new(life.end, life.cause)}
    found = [
        _session_activity(ground, session, own.get(session.id, []), held.get(session.id, []))
        for session in account.state.sessions.values()
        if session.id in own or session.id in live
    ]
    return sorted(found, key=lambda worker: worker.last_at, reverse=True)


def _build_lookup(account: HistoryAnalysis, board: Board) -> _Lookup:
    ground = _Lookup(account.state, {row.id: row for row in board.sessions}, {}, {})
    for life in account.lives:
        ground.session_starts.setdefault(life.session, set()).add(life.start)
    for event in account.events:
        said = event.payload
        if isinstance(said, SessionEnded) or (isinstance(said, SessionHeartbeat) and said.action):
            ground.words[event.actor, type(said)] = event.id
    return ground


def _session_activity(
    ground: _Lookup, session: Session, events: list[Event], held: list[ClaimInterval]
) -> SessionActivity:
    row = ground.rows.get(session.id)
    by_id = {event.id: event for event in events}
    return SessionActivity(
        id=session.id,
        name=session.name,
        client=session.client,
        branch=session.branch,
        status=row.status if row else session.status,
        evidence=row.evidence if row else session.over_because,
        first_at=events[0].at if events else "",
        last_at=session.last_at,
        over_at=session.over_at,
        events=len(events),
        doing=_doing(events, ground.session_starts.get(session.id, set())),
        finished=[*_completed_work(events), *_released_claims(held, by_id)],
        left=[*_remaining_claims(ground.state, held), *_open_notes(ground, session, by_id), *_unread(session)],
    )


def _doing(events: Iterable[Event], births: Collection[Instant]) -> list[ActivityPeriod]:
    found: list[ActivityPeriod] = []
    anew = False
    for event in events:
        said, anew = event.payload, anew or event.at in births
        if not isinstance(said, SessionHeartbeat) or not said.action:
            continue
        same = found and not anew and (found[-1].action, found[-1].target) == (said.action, said.target)
        before, anew = (found.pop() if same else None), False
        phases = (*(before.phases if before else ()), *((said.phase,) if said.phase else ()))
        new = ActivityPeriod(
            at=before.at if before else event.at,
            until=event.at,
            action=said.action,
            target=said.target,
            phases=tuple(dict.fromkeys(phases)),
            began=before.began if before else said.progress,
            progress=said.progress or (before.progress if before else ""),
            percent=said.percent,
            times=before.times + 1 if before else 1,
            event=event.id,
        )
        found.append(new)
    return found


def _completed_work(events: Iterable[Event]) -> Iterator[ReportItem]:
    done: dict[str, ReportItem] = {}
    for event in events:
        said = event.payload
        if isinstance(said, SessionHeartbeat) and said.percent == 100:
            what = " ".join(part for part in (said.action, said.target) if part)
            done.setdefault(
                what, ReportItem(kind="complete", at=event.at, session=event.actor, what=what, events=(event.id,))
            )
        elif isinstance(said, SessionEnded) and said.summary:
            yield ReportItem(kind="summary", at=event.at, session=event.actor, words=said.summary, events=(event.id,))
    yield from done.values()


def _released_claims(held: Iterable[ClaimInterval], by_id: dict[EventId, Event]) -> Iterator[ReportItem]:
    """What it released or handed over by an event of its own."""
    for span in held:
        event = by_id.get(span.cause)
        if event and span.how == "released":
            yield item_of_interval(span)
        elif event and isinstance(event.payload, ClaimHandedOver):
            yield replace(item_of_interval(span, "handed_over", (event.payload.to,)), words=event.payload.note)


_LOST_HOLD = ("session_ended", "session_dead", "passed_on", "expired", "lapsed", "broken")


def _remaining_claims(state: State, held: Iterable[ClaimInterval]) -> Iterator[ReportItem]:
    """What it holds, and what it held when it was over or time ran out."""
    for span in held:
        if not span.end:
            yield item_of_interval(span, "holds")
        elif span.how in _LOST_HOLD:
            heir = state.sessions[span.session].continued_by if span.how == "passed_on" else ""
            yield item_of_interval(span, "held", (heir,) if heir else ())


def _open_notes(ground: _Lookup, session: Session, by_id: Collection[EventId]) -> Iterator[ReportItem]:
    """What is open in words: its notes, if it ended in the stretch, and what it said of itself, whenever that was."""
    end = ground.words.get((session.id, SessionEnded), "")
    said = ground.words.get((session.id, SessionHeartbeat), "")
    for kind, words, event in (
        ("notes", session.notes if end in by_id else "", end),
        ("blocked", session.doing.blocked_on, said),
        ("next", session.doing.next_action if session.status != "ended" else "", said),
    ):
        if words:
            yield ReportItem(kind=kind, at=session.last_at, session=session.id, words=words, events=(event,))


def _unread(session: Session) -> Iterator[ReportItem]:
    """What it has not read: messages, and what it was to be told, by kind; in words how many, and all by name."""
    unread: dict[str, list[EventId]] = {"message": session.unread} if session.unread else {}
    for notice in session.notices:
        unread.setdefault(notice.kind, []).append(notice.id)
    for what, names in unread.items():
        yield ReportItem(
            kind="unread", at=session.last_at, session=session.id, what=what, words=str(len(names)), events=tuple(names)
        )
