"""`coord diff`: show what changed between two times."""

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

from coord.cli.paging import limit_option
from coord.cli.parser import argument, command
from coord.engine.history.full import Past
from coord.engine.run import Run
from coord.render.console.progress import chunks
from coord.render.diff import TITLES, DiffContext, closed_in, diff_document, diff_lines
from coord.render.format import Names, duration_text, line, list_first, plural, session_label, time_text
from eventlog.events import EVERYONE, Event, EventId, MessageSent, seconds_between
from projections.rules.fold import as_of, fold
from projections.rules.state import Decision
from projections.views.board import names_of
from projections.views.point_in_time import PointInTime
from projections.views.state_diff import Facts, FactsBefore, diff_facts, facts_of, subjects_of

_SHOWN = 20  # lines of each kind


@command("diff", acts=False, takes_times=True)
@argument("first", metavar="TIME1")
@argument("second", metavar="[TIME2]", required=False)
@limit_option(f"changes of each kind; the default is {_SHOWN}")
def diff(run: Run, first: str, second: str | None, limit: int | None) -> None:
    """Show what changed between TIME1 and TIME2, or between TIME1 and now.

    Only differences between the two states are shown. For what began and ended in between, use `coord log`.

    \b
    Examples:
      coord diff -90m
      coord diff "yesterday 18:00" 9:00
      coord diff amber-otter-k3f9/17 amber-otter-k3f9/23
    """
    past = run.open_past(lambda past: min(_bounds(past, first, second), key=lambda point: point.key))
    begin, end = _bounds(past, first, second)
    swapped = begin.key > end.key
    if swapped:
        begin, end = end, begin
        run.note("TIME2 is before TIME1, so they were swapped")
    run.note_problems(past.snapshot)
    comparison = compare(past, begin, end)
    changes = diff_document(diff_facts(comparison.before, comparison.after))
    shown = _newest_of_each_kind(changes, limit) if limit else changes
    older = len(changes) - len(shown)
    run.say(
        run.fitted("\n\n".join(_text_parts(run, past, comparison, limit or _SHOWN))),
        {
            "from": begin.at,
            "to": end.at,
            "swapped": swapped,
            "events": len(comparison.events),
            "changes": shown,
            "decisions": [msgspec.structs.asdict(decision) for decision in comparison.decisions],
            "messages": [event.id for event in comparison.events if isinstance(event.payload, MessageSent)],
            "older": older,
            "next": run.repeat("diff", limit=len(changes)) if older else "",
        },
    )


def _bounds(past: Past, first: str, second: str | None) -> tuple[PointInTime, PointInTime]:
    """Return the two points in time. Raises CoordError (2)."""
    return past.cut_or_beginning(first, "TIME1"), past.cut_or_beginning(second, "TIME2")


def _newest_of_each_kind(changes: Sequence[dict[str, object]], limit: int) -> list[dict[str, object]]:
    left: dict[object, int] = {kind: sum(change["kind"] == kind for change in changes) - limit for kind in TITLES}
    shown = []
    for change in changes:
        left[change["kind"]] -= 1
        if left[change["kind"]] < 0:
            shown.append(change)
    return shown


class _Comparison(Struct, frozen=True):
    """The states at two points in time, what happened between them, and the subjects of the messages in both states."""

    begin: PointInTime
    end: PointInTime
    before: Facts
    after: Facts
    events: Sequence[Event]
    decisions: Sequence[Decision]
    subjects: Mapping[EventId, str]
    names: Names


def compare(past: Past, begin: PointInTime, end: PointInTime) -> _Comparison:
    """Compare the states at two points in time. This changes `past`."""
    decisions: list[Decision] = []
    state = past.state(begin)
    before = FactsBefore(state)
    events = past.until(end)[len(past.until(begin)) :]
    for piece in chunks("replaying", events):
        fold(state, piece, decisions.append)
    as_of(state, end.at, decisions.append)
    after, subjects = facts_of(state), before.subjects | subjects_of(state)
    names = names_of(state)
    names |= {s.id: s.name for s in state.sessions.values() if s.name and (s.live or s.over_at >= begin.at)}
    return _Comparison(begin, end, before.facts, after, events, decisions, subjects, names)


def _text_parts(run: Run, past: Past, comparison: _Comparison, limit: int) -> list[str]:
    """Return the heading with the times, and one part for each kind of change."""
    context = DiffContext(comparison.names, comparison.subjects, closed_in(comparison.events))
    lines = diff_lines(comparison.before, comparison.after, comparison.decisions, context, past.now)
    sent = [
        _sent_message_line(event, event.payload, comparison.after, context)
        for event in comparison.events
        if isinstance(event.payload, MessageSent)
    ]
    new = {event.id for event in comparison.events}
    lines["message"] = sent + [row for row in lines["message"] if row.split(" ", 2)[1].rstrip(":") not in new]
    times = " to ".join(time_text(cut.at, past.now, seconds=True) for cut in (comparison.begin, comparison.end))
    length = duration_text(seconds_between(comparison.begin.at, comparison.end.at))
    head = f"From {times} ({length}), {plural(len(comparison.events), 'event')}:"
    parts = ["\n".join([TITLES[kind], *_bounded(run, rows, limit)]) for kind, rows in lines.items() if rows]
    return [head, *parts] if parts else [f"{head} nothing changed."]


def _bounded(run: Run, rows: list[str], limit: int) -> list[str]:
    more = len(rows) - limit
    return rows if more <= 0 else [f"… and {more} more: {run.repeat('diff', limit=len(rows))}", *rows[-limit:]]


def _sent_message_line(event: Event, payload: MessageSent, after: Facts, context: DiffContext) -> str:
    """Return the line of a message that was sent in between, with the sessions that have not read it at the end."""
    names = context.names
    to = "everyone" if payload.to == EVERYONE else ", ".join(session_label(name, names) for name in payload.to)
    unread_by = after.get(("message", event.id, "unread_by"), ())
    unread = f" · unread by {list_first([session_label(str(name), names) for name in unread_by])}" if unread_by else ""
    return f"+ {event.id} from {session_label(event.actor, names)} to {line(to)}: {line(payload.subject, 80)}{unread}"
