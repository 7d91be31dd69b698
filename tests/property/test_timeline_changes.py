"""The changes of a timeline, in any division, give the same tables as the timeline of the whole history."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from eventlog.events import NEVER, Event, Instant, add_time
from projections.rules.fold import fold
from projections.rules.state import State
from projections.views.intervals.analysis import analyze_history
from projections.views.point_in_time import PointInTime
from projections.views.replay import copy_state
from projections.views.timeline.changes import TABLES, LaneRow, Tables, TimelineChanges, bar_key, is_over, sessions_of
from projections.views.timeline.period import Timeline, build_timeline
from tests.support.histories import GAPS_S, Story, histories

pytestmark = pytest.mark.slow


def tables_of(timeline: Timeline) -> Tables:
    """A timeline as tables. If two bars have the same key, the later one has it."""
    fields = [name for name in LaneRow.__struct_fields__ if name != "lives"]
    bars = [bar for lane in timeline.lanes for row in lane.rows for bar in row]
    return {
        "lanes": {
            lane.session: LaneRow(lives=tuple(lane.lives), **{name: getattr(lane, name) for name in fields})
            for lane in timeline.lanes
        },
        "bars": {bar_key(bar): bar for bar in sorted(bars, key=lambda bar: bar.end or NEVER)},
        "marks": {f"{mark.id} {mark.kind} {mark.claim}": replace(mark, others=()) for mark in timeline.marks},
        "messages": {message.id: message for message in timeline.messages},
        "links": {f"{link.id} {link.claim}": link for link in timeline.links},
    }


def whole(events: list[Event], start: State, now: Instant) -> Tables:
    """The tables of the timeline after a state."""
    since = PointInTime(start.at, start.last)
    return tables_of(build_timeline(analyze_history(events, now, start=copy_state(start)), since, now))


def merge(tables: Tables, changed: Tables) -> None:
    for name in TABLES:
        for key, row in changed[name].items():
            if row is None:
                tables[name].pop(key, None)
            else:
                tables[name][key] = row


@st.composite
def pieces(draw: st.DrawFn) -> tuple[State, list[list[Event]], list[Instant]]:
    """A state, the events after it in pieces, and a time after each piece: up to which time has passed."""
    events = draw(histories(max_events=40, stray=draw(st.booleans())))
    first = draw(st.integers(0, len(events)) | st.just(0))
    start = fold(State(), events[:first])
    cuts = sorted(draw(st.lists(st.integers(first, len(events)), max_size=8)))
    ends = [first, *cuts, len(events)]
    parts = [events[a:b] for a, b in pairwise(ends)]
    gaps = st.sampled_from((0, *GAPS_S, 600, 9000))
    return start, parts, [add_time(events[max(end, 1) - 1].at, draw(gaps)) for end in ends[1:]]


@given(pieces())
def test_the_tables_are_those_of_the_whole_timeline(case: tuple[State, list[list[Event]], list[Instant]]) -> None:
    start, parts, times = case
    changes, seen = TimelineChanges(copy_state(start)), list[Event]()
    for events, now in zip(parts, times, strict=True):
        changes.add(events)
        changes.advance(now)
        seen += events
        assert changes.tables() == whole(seen, start, now)


@given(pieces(), st.data())
def test_the_changes_of_any_reader_add_up(
    case: tuple[State, list[list[Event]], list[Instant]], data: st.DataObject
) -> None:
    """A reader that misses some of the changes gets them later, from the number of events that it has."""
    start, parts, times = case
    changes = TimelineChanges(copy_state(start))
    tables, count, reached = changes.tables(), changes.count, ""
    for events, now in zip(parts, times, strict=True):
        changes.add(events)
        changes.advance(now)
        if events is parts[-1] or data.draw(st.booleans()):
            merge(tables, changes.changed_since(count, reached))
            count, reached = changes.count, changes.advanced_to
            assert tables == changes.tables()


@given(pieces(), st.data())
def test_a_reader_of_one_window_can_continue_in_another(
    case: tuple[State, list[list[Event]], list[Instant]], data: st.DataObject
) -> None:
    """Numbers of events mean the same in every window: what changed after a number is the same from a later start."""
    start, parts, _ = case
    events = [event for part in parts for event in part]
    later = data.draw(st.integers(0, len(events)))
    first, second = TimelineChanges(copy_state(start)), TimelineChanges(fold(copy_state(start), events[:later]))
    first.add(events)
    second.add(events[later:])
    count = data.draw(st.integers(start.events + later, first.count))
    found, expected = second.changed_since(count), first.changed_since(count)
    for name in ("marks", "messages", "links"):
        assert found[name] == expected[name]
    assert found["bars"].keys() == expected["bars"].keys()
    assert found["lanes"].keys() == expected["lanes"].keys()


def test_an_event_changes_only_its_rows() -> None:
    story = Story("amber", "brown")
    for number in range(50):
        claim = story.asks(1 + 2 * number, "amber", f"port/{number}")
        story.releases(2 + 2 * number, "amber", claim)
    changes = TimelineChanges(State())
    changes.add(story.history())
    count = changes.count
    changes.add([story.beats(200, "brown")])
    changed = changes.changed_since(count)
    assert {name: list(rows) for name, rows in changed.items() if rows} == {"lanes": ["brown"]}


@given(pieces(), st.data())
def test_forgetting_the_past_changes_nothing_later(
    case: tuple[State, list[list[Event]], list[Instant]], data: st.DataObject
) -> None:
    """What had ended before a time is removed. All other rows are the same, and each has its lane."""
    start, parts, times = case
    changes, at, forgotten = TimelineChanges(copy_state(start)), data.draw(st.sampled_from(times)), False
    for events, now in zip(parts, times, strict=True):
        changes.add(events)
        changes.advance(now)
        if now >= at and data.draw(st.booleans()):
            changes.forget_before(at)
            forgotten = True
    found, expected = changes.tables(), whole([event for part in parts for event in part], start, times[-1])
    for name in TABLES if not forgotten else ("bars", "marks", "messages", "links"):
        kept = {key: row for key, row in expected[name].items() if not (row and is_over(row, at))} or {}
        assert {key: row for key, row in found[name].items() if not (row and is_over(row, at))} == kept
    assert {name for rows in found.values() for row in rows.values() if row for name in sessions_of(row)} <= set(
        found["lanes"]
    )
