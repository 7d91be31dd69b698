"""`coord diff`."""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from coord.cli.parser import argument, command
from coord.engine.history import FullHistory
from coord.engine.run import Run
from coord.render.console.progress import chunks
from coord.render.diff import TITLES, DiffContext, diff_document, diff_lines, list_first, subjects_in
from coord.render.events import names_in
from coord.render.format import duration_text, line, plural, session_label, time_text
from eventlog.events import EVERYONE, Event, MessageSent, seconds_between
from projections.rules.fold import as_of, fold
from projections.rules.state import Decision
from projections.views.point_in_time import PointInTime
from projections.views.state_diff import Facts, diff_facts, facts_of

_SHOWN = 20  # lines of each kind


@command("diff", acts=False, takes_times=True)
@argument("first", metavar="TIME1")
@argument("second", metavar="[TIME2]", required=False)
def diff(run: Run, first: str, second: str | None) -> None:
    """Show what is different between two moments; TIME2 is now if it is not given.

    What came and went again in between is no difference: `coord log` shows it.

    \b
    Examples:
      coord diff -90m
      coord diff "yesterday 18:00" 9:00
      coord diff amber-otter-k3f9/17 amber-otter-k3f9/23
    """
    past = run.full_history()
    begin, end = past.cut_or_beginning(first, "TIME1"), past.cut_or_beginning(second, "TIME2")
    swapped = begin.key > end.key
    if swapped:
        begin, end = end, begin
        run.note("the second moment is the earlier one; shown in the order of time")
    run.note_problems(past.snapshot)
    found = _compare(past, begin, end)
    run.say(
        "\n\n".join(_parts(past, found)),
        {
            "from": begin.at,
            "to": end.at,
            "swapped": swapped,
            "events": len(found.events),
            "changes": diff_document(diff_facts(found.before, found.after)),
            "decisions": [msgspec.structs.asdict(decision) for decision in found.decisions],
            "messages": [event.id for event in found.events if isinstance(event.payload, MessageSent)],
        },
    )


class _Comparison(Struct, frozen=True):
    """Two moments, and what happened between them."""

    begin: PointInTime
    end: PointInTime
    before: Facts
    after: Facts
    events: Sequence[Event]
    decisions: Sequence[Decision]


def _compare(past: FullHistory, begin: PointInTime, end: PointInTime) -> _Comparison:
    decisions: list[Decision] = []
    state = past.state(begin)
    before = facts_of(state)
    events = past.until(end)[len(past.until(begin)) :]
    for piece in chunks("replaying", events):
        fold(state, piece, decisions.append)
    return _Comparison(begin, end, before, facts_of(as_of(state, end.at, decisions.append)), events, decisions)


def _parts(past: FullHistory, found: _Comparison) -> list[str]:
    """The text: from when to when, and what is different, by kind of thing."""
    known = DiffContext(names_in(past.events), subjects_in(past.events))
    lines = diff_lines(found.before, found.after, found.decisions, known, past.now)
    sent = [_sent(e, e.payload, found.after, known) for e in found.events if isinstance(e.payload, MessageSent)]
    new = {event.id for event in found.events}
    lines["message"] = sent + [row for row in lines["message"] if row.split(" ", 2)[1].rstrip(":") not in new]
    times = " to ".join(time_text(cut.at, past.now, seconds=True) for cut in (found.begin, found.end))
    span = duration_text(seconds_between(found.begin.at, found.end.at))
    head = f"From {times} ({span}), {plural(len(found.events), 'event')}:"
    parts = ["\n".join([TITLES[kind], *_bounded(rows)]) for kind, rows in lines.items() if rows]
    return [head, *parts] if parts else [f"{head} nothing is different."]


def _bounded(rows: list[str]) -> list[str]:
    more = len(rows) - _SHOWN
    return rows[-_SHOWN:] if more <= 0 else [f"… and {more} more: --json shows all", *rows[-_SHOWN:]]


def _sent(event: Event, payload: MessageSent, after: Facts, known: DiffContext) -> str:
    """A message that was sent in between, and who has not read it at the end."""
    to = "everyone" if payload.to == EVERYONE else ", ".join(session_label(name, known.names) for name in payload.to)
    unread = after.get(("message", event.id, "unread_by"), ())
    rest = f" · unread by {list_first([session_label(str(name), known.names) for name in unread])}" if unread else ""
    return (
        f"+ {event.id} from {session_label(event.actor, known.names)} to {line(to)}: {line(payload.subject, 80)}{rest}"
    )
