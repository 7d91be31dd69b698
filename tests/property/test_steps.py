"""The replay cursor: wherever it goes, its state is the state at that point in time, whichever way it came."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventlog.events import Event, add_time
from projections.views import replay
from projections.views.point_in_time import after_event, after_instant, before_instant, state_at
from projections.views.replay import ReplayCursor, copy_state
from tests.support.histories import Story, at, histories
from tests.support.state_bytes import image

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True, scope="module")
def saved_often() -> Iterator[None]:
    """Save and drop states so often that generated histories, which are short, test it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(replay, "_SAVE_INTERVAL", 3)
        patch.setattr(replay, "_MAX_SAVED", 4)
        yield


def whole_history(events: list[Event]) -> ReplayCursor:
    return ReplayCursor(events, before_instant(events[0].at), after_instant(add_time(events[-1].at, 3600)))


@given(st.data())
def test_after_any_moves_the_state_is_that_of_the_point_in_time(data: st.DataObject) -> None:
    events = data.draw(histories())
    cursor = whole_history(events)
    for move in data.draw(st.lists(st.sampled_from((1, 1, 1, -1, -1, 7, -7, 1000, -1000)), max_size=20)):
        cursor.go_to(cursor.number + move)
        assert image(cursor.state) == image(state_at(events, cursor.cut))


@given(histories())
def test_going_back_shows_the_same_states_as_going_forward(events: list[Event]) -> None:
    cursor = whole_history(events)
    images = [image(cursor.state)]
    while cursor.forward():
        images.append(image(cursor.state))
    for expected in reversed(images[:-1]):
        assert cursor.back()
        assert image(cursor.state) == expected
    assert not cursor.back()
    assert cursor.number == 0


@given(histories())
def test_each_event_and_each_end_by_time_is_one_step(events: list[Event]) -> None:
    """Between two events there is a step for each time at which something ended, and no other step."""
    cursor, steps = whole_history(events), []
    while step := cursor.forward():
        steps.append(step)
    assert [step.event for step in steps if step.event] == events
    assert [step.number for step in steps] == list(range(1, len(steps) + 1))
    for step in steps:
        assert step.event or any(decision.at == step.cut.at and not decision.cause for decision in step.decisions)
    assert [step.cut.key for step in steps] == sorted(step.cut.key for step in steps)


@given(st.data())
def test_a_cursor_stays_between_its_limits(data: st.DataObject) -> None:
    events = data.draw(histories())
    first, last = sorted(data.draw(st.lists(st.integers(0, len(events) - 1), min_size=2, max_size=2)))
    cursor = ReplayCursor(events, after_event(events[first]), after_event(events[last]))
    assert image(cursor.state) == image(state_at(events, after_event(events[first])))
    while cursor.forward():
        pass
    assert image(cursor.state) == image(state_at(events, after_event(events[last])))


def test_a_claim_that_expires_between_two_events_is_a_step() -> None:
    story = Story("ada")
    story.asks(1, "ada", "file/a", ttl_s=60)
    story.beats(100, "ada", "build")
    cursor = whole_history(story.history())
    steps = [cursor.forward() for _ in range(4)]
    assert [step and (step.event is None, step.cut.at) for step in steps] == [
        (False, at(0)), (False, at(1)), (True, at(61)), (False, at(100)),
    ]  # fmt: skip
    assert cursor.forward() is None


def test_a_copy_of_a_state_is_independent() -> None:
    state = Story("ada").state()
    copy = copy_state(state)
    assert image(copy) == image(state)
    copy.sessions.clear()
    assert image(copy) != image(state)
