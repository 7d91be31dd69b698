"""The state at a past point in time is the fold of the events up to it, whatever came later."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventlog.events import Event, add_time
from projections.rules.fold import as_of, fold
from projections.rules.state import State
from projections.views.point_in_time import after_event, after_instant, before_instant, count_until, state_at
from tests.support.histories import GAPS_S, histories
from tests.support.state_bytes import image, saved_and_loaded

pytestmark = pytest.mark.slow


@given(st.data())
def test_the_state_at_an_event_is_the_fold_up_to_it(data: st.DataObject) -> None:
    """`--at EVENT` gives the same state as folding the events up to it one by one."""
    events = data.draw(histories())
    state = State()
    for event in events:
        fold(state, [event])
        then = saved_and_loaded(state)
        assert image(state_at(events, after_event(event))) == image(as_of(then, event.at))


@given(st.data())
def test_the_state_at_a_time_is_what_a_reader_saw_then(data: st.DataObject) -> None:
    """The state at a past time is the one that a reader saw at that time."""
    events: list[Event] = data.draw(histories())
    base = data.draw(st.sampled_from(events)).at
    at = add_time(base, data.draw(st.sampled_from((0, *GAPS_S))))
    written = [event for event in events if event.at <= at]
    assert image(state_at(events, after_instant(at))) == image(as_of(fold(State(), written), at))


@given(histories())
def test_a_point_in_time_counts_the_events_up_to_it(events: list[Event]) -> None:
    """An event id means the point just after the event; a time means the point after all events at that time."""
    for index, event in enumerate(events):
        assert count_until(events, after_event(event)) == index + 1
        assert count_until(events, after_instant(event.at)) == sum(e.at <= event.at for e in events)
        assert count_until(events, before_instant(event.at)) == sum(e.at < event.at for e in events)
    assert count_until(events, after_instant("")) == 0
