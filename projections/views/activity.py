"""What each session did in a period, what it finished, and what it left open.

Finished work is what the session itself reported: the summary at its end, work at 100 %, and claims that it released or
handed over. Open work is what somebody may have to continue: claims that it holds or held when it ended, what it was
blocked on, its notes, and unread messages.

If a session died and revived, its activity before and after counts separately, even with the same text, because it lost
its claims in between.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from eventlog.events import ClaimHandedOver, Event, EventId, Instant, SessionEnded, SessionHeartbeat
from projections.rules.state import Session, State
from projections.views.board import Board, SessionRow
from projections.views.intervals.analysis import HistoryAnalysis
from projections.views.intervals.values import ClaimInterval, IsNew, not_ended_before


class ActivityPeriod(Struct, frozen=True):
    """An action that a session reported, from its first heartbeat `at` to its last `until`.

    It ends when the session reports another action or is presumed dead.
    """

    at: Instant
    until: Instant
    action: str
    target: str
    phases: tuple[str, ...]  # the phases of the work, in order
    began: str  # the first progress reported
    progress: str  # the last progress reported
    percent: int | None
    times: int  # the number of heartbeats
    event: EventId  # the last heartbeat


class ReportItem(Struct, frozen=True, kw_only=True):
    """Something that happened to a session, or that it finished or left open, with the events that show it."""

    kind: str
    at: Instant
    until: Instant = ""  # for something that lasted
    session: str
    what: str = ""  # usually a resource
    others: tuple[str, ...] = ()  # the other sessions involved
    words: str = ""
    events: tuple[EventId, ...] = ()


class SessionActivity(Struct, frozen=True, kw_only=True):
    """The activity of one session in a period. `first_at` is empty if the session wrote no event in it."""

    id: str
    name: str
    client: str
    branch: str
    status: str
    evidence: str  # of its death or its silence
    first_at: Instant
    last_at: Instant  # its latest event, in the period or before
    over_at: Instant  # when it ended or died, if it did
    events: int
    doing: list[ActivityPeriod]
    finished: list[ReportItem]
    left: list[ReportItem]


class _Lookup(Struct):
    """What is known about all sessions, by id."""

    state: State
    rows: dict[str, SessionRow]  # the rows of the board
    session_starts: dict[str, set[Instant]]  # when each session started or revived
    last_ends: dict[str, EventId]  # the last end of each session, if it is among the events


def item_of_interval(interval: ClaimInterval, kind: str = "", others: tuple[str, ...] = ()) -> ReportItem:
    """Return a report item for a claim or a waiting request; its `words` are how it ended."""
    return ReportItem(
        kind=kind or interval.how,
        at=interval.start,
        until=interval.end,
        session=interval.session,
        what=interval.resource,
        others=others,
        words=interval.how,
        events=tuple(name for name in dict.fromkeys((interval.cause, interval.id)) if name),
    )


def session_activities(
    analysis: HistoryAnalysis, events: Sequence[Event], intervals: Iterable[ClaimInterval], is_new: IsNew, board: Board
) -> list[SessionActivity]:
    """Return the activity of all sessions that were live or wrote events in a period, the most recent first.

    `events` are those of the period, and `intervals` those that had not ended before it.
    """
    lookup = _build_lookup(analysis, board)
    events_by_session: dict[str, list[Event]] = {}
    for event in events:
        if not event.imported or analysis.state.sessions[event.actor].status == "imported":
            events_by_session.setdefault(event.actor, []).append(event)
    claims_by_session: dict[str, list[ClaimInterval]] = {}
    for interval in intervals:
        if interval.kind == "claim":
            claims_by_session.setdefault(interval.session, []).append(interval)
    live = {life.session for life in not_ended_before(analysis.session_intervals, is_new)}
    activities = [
        _session_activity(lookup, session, events_by_session.get(session.id, []), claims_by_session.get(session.id, []))
        for session in sorted(analysis.state.sessions.values(), key=lambda session: (session.started_at, session.id))
        if session.id in events_by_session or session.id in live
    ]
    return sorted(activities, key=lambda activity: activity.last_at, reverse=True)


def _build_lookup(analysis: HistoryAnalysis, board: Board) -> _Lookup:
    lookup = _Lookup(analysis.state, {row.id: row for row in board.sessions}, {}, {})
    for life in analysis.session_intervals:
        lookup.session_starts.setdefault(life.session, set()).add(life.start)
    for event in analysis.events:
        if isinstance(event.payload, SessionEnded):
            lookup.last_ends[event.actor] = event.id
    return lookup


def _session_activity(
    lookup: _Lookup, session: Session, events: list[Event], held: list[ClaimInterval]
) -> SessionActivity:
    row = lookup.rows.get(session.id)
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
        doing=_activity_periods(events, lookup.session_starts.get(session.id, set())),
        finished=[*_completed_work(events), *_released_claims(held, by_id)],
        left=[*_remaining_claims(lookup.state, held), *_open_notes(lookup, session, by_id), *_unread(session)],
    )


def _activity_periods(events: Iterable[Event], session_starts: Collection[Instant]) -> list[ActivityPeriod]:
    periods: list[ActivityPeriod] = []
    is_new_period = False
    for event in events:
        payload, is_new_period = event.payload, is_new_period or event.at in session_starts
        if not isinstance(payload, SessionHeartbeat) or not payload.action:
            continue
        last = periods[-1] if periods and not is_new_period else None
        same = last is not None and (last.action, last.target) == (payload.action, payload.target)
        before, is_new_period = (periods.pop() if same else None), False
        phases = (*(before.phases if before else ()), *((payload.phase,) if payload.phase else ()))
        new = ActivityPeriod(
            at=before.at if before else event.at,
            until=event.at,
            action=payload.action,
            target=payload.target,
            phases=tuple(dict.fromkeys(phases)),
            began=before.began if before else payload.progress,
            progress=payload.progress or (before.progress if before else ""),
            percent=payload.percent,
            times=before.times + 1 if before else 1,
            event=event.id,
        )
        periods.append(new)
    return periods


def _completed_work(events: Iterable[Event]) -> Iterator[ReportItem]:
    done: dict[str, ReportItem] = {}
    for event in events:
        payload = event.payload
        if isinstance(payload, SessionHeartbeat) and payload.percent == 100:
            what = " ".join(part for part in (payload.action, payload.target) if part)
            done.setdefault(
                what, ReportItem(kind="complete", at=event.at, session=event.actor, what=what, events=(event.id,))
            )
        elif isinstance(payload, SessionEnded) and payload.summary:
            yield ReportItem(
                kind="summary", at=event.at, session=event.actor, words=payload.summary, events=(event.id,)
            )
    yield from done.values()


def _released_claims(held: Iterable[ClaimInterval], by_id: dict[EventId, Event]) -> Iterator[ReportItem]:
    """Yield the claims that the session released or handed over itself."""
    for interval in held:
        event = by_id.get(interval.cause)
        if event and interval.how == "released":
            yield item_of_interval(interval)
        elif event and isinstance(event.payload, ClaimHandedOver):
            yield replace(item_of_interval(interval, "handed_over", (event.payload.to,)), words=event.payload.note)


_INVOLUNTARY_ENDS = ("session_ended", "session_dead", "passed_on", "expired", "lapsed", "broken", "yielded")


def _remaining_claims(state: State, held: Iterable[ClaimInterval]) -> Iterator[ReportItem]:
    """Yield the claims that the session holds, and those that ended involuntarily (`_INVOLUNTARY_ENDS`)."""
    for interval in held:
        if not interval.end:
            yield item_of_interval(interval, "holds")
        elif interval.how in _INVOLUNTARY_ENDS:
            successor = state.sessions[interval.session].continued_by if interval.how == "passed_on" else ""
            yield item_of_interval(interval, "held", (successor,) if successor else ())


def _open_notes(lookup: _Lookup, session: Session, by_id: Collection[EventId]) -> Iterator[ReportItem]:
    """Yield the session's notes if it ended in the period, what it last reported as blocking, and its next action."""
    end = lookup.last_ends.get(session.id, "")
    heartbeat = f"{session.doing_journal or session.id}/{session.doing_n}"
    for kind, words, event in (
        ("notes", session.notes if end in by_id else "", end),
        ("blocked", session.doing.blocked_on, heartbeat),
        ("next", session.doing.next_action if session.status != "ended" else "", heartbeat),
    ):
        if words:
            yield ReportItem(kind=kind, at=session.last_at, session=session.id, words=words, events=(event,))


def _unread(session: Session) -> Iterator[ReportItem]:
    """Yield one item for unread messages and one for each kind of unread notice; `words` is their number."""
    unread: dict[str, list[EventId]] = {"message": session.unread} if session.unread else {}
    for notice in session.notices:
        unread.setdefault(notice.kind, []).append(notice.id)
    for what, names in unread.items():
        yield ReportItem(
            kind="unread", at=session.last_at, session=session.id, what=what, words=str(len(names)), events=tuple(names)
        )
