"""The data of an exported page: the timeline of a span, each moment in it, and the stories of what appears in it.

There is a moment after each event, and one whenever something changed because time passed, such as the end of a lease.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

from coord.engine.history.full import Past
from coord.render.console.progress import ProgressBar
from coord.servers.export.packing import pack, pack_moments, pack_stories
from eventlog.events import Event, EventId, Instant
from projections.rules.fold import as_of, fold
from projections.rules.state import State
from projections.views.point_in_time import PointInTime, count_until
from projections.views.replay import copy_state
from projections.views.timeline.changes import Tables, TimelineChanges

MOST_EVENTS = 20_000

Describe: TypeAlias = Callable[[State, Instant], Mapping[str, Any]]
"""Returns the document of a moment: a state at a time. It may advance the state to that time."""


class Subjects(Struct, frozen=True):
    """What has a story: everything in a timeline that a reader can open."""

    sessions: list[str]
    resources: list[str]
    events: list[EventId]


class Span(Struct, frozen=True):
    """The events between two points of a history, and the state before them."""

    start: State
    since: Instant
    until: Instant
    events: list[Event]


def read_span(past: Past, since: PointInTime, until: PointInTime) -> Span:
    """Return the span between two points in time. Afterwards, `past` cannot give earlier states."""
    events = list(past.until(until)[count_until(past.events, since) :])
    start = past.state(since)
    return Span(start, max(since.at, start.at) or (events[0].at if events else until.at), until.at, events)


def span_data(
    span: Span, describe: Describe, stories: Callable[[Subjects], Iterable[tuple[str, object]]], search: object
) -> dict[str, Any]:
    """Return the data of the page; `stories` returns the stories of these subjects."""
    timeline = TimelineChanges(copy_state(span.start))
    timeline.add(span.events)
    timeline.advance(span.until)
    tables = timeline.changed_since(0)
    document = {"since": span.since, "until": span.until, "reset": True, "earlier": False, "tables": tables}
    return {
        "timeline": pack(document),
        "moments": pack_moments(moments(span, describe)),
        "stories": pack_stories(stories(subjects(tables))),
        "search": pack(search),
    }


def moments(span: Span, describe: Describe) -> Iterator[tuple[EventId, Mapping[str, Any]]]:
    """Yield each moment with the event that made it; the event is empty if only time passed."""
    state = copy_state(span.start)
    shown = describe(state, span.since)
    yield "", shown
    bar = ProgressBar("writing the moments", len(span.events))
    for event in [*span.events, None]:
        for later in _changes_of_time(state, shown, event.at if event else span.until, describe):
            shown = later
            yield "", shown
        if event:
            shown = describe(fold(state, [event]), event.at)
            yield event.id, shown
        bar.step()
    bar.close()
    if shown["at"] < span.until:
        yield "", describe(state, span.until)


def _changes_of_time(
    state: State, shown: Mapping[str, Any], end: Instant, describe: Describe
) -> Iterator[Mapping[str, Any]]:
    """Yield the moments before `end` at which something changes because time passes."""
    while (due := min(filter(None, (state.due, shown["next_change"])), default=end)) < end:
        later = describe(as_of(state, due), due)
        if later["at"] == shown["at"] and later["next_change"] == shown["next_change"]:
            return  # what is due does not change by itself
        shown = later
        yield shown


def subjects(tables: Tables) -> Subjects:
    """Return what has a story in a timeline."""
    rows = {name: [row for row in msgspec.to_builtins(tables[name]).values() if row] for name in tables}
    resources = [row["resource"] for name in ("bars", "marks") for row in rows[name] if row["resource"]]
    others = [row for name in rows if name != "lanes" for row in rows[name]]
    events = [row[field] for row in others for field in ("id", "claim") if row.get(field)]
    return Subjects(list(tables["lanes"]), list(dict.fromkeys(resources)), list(dict.fromkeys(events)))
