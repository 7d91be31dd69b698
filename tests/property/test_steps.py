"""Walking through the past: wherever a walk comes, the state is the one of that moment, whatever way it came."""

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
    """States are saved and dropped within the few steps of a generated history."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(replay, "_SAVE_INTERVAL", 3)
        patch.setattr(replay, "_MAX_SAVED", 4)
        yield


def whole(events: list[Event]) -> ReplayCursor:
    return ReplayCursor(events, before_instant(events[0].at), after_instant(add_time(events[-1].at, 3600)))


@given(st.data())
def test_any_walk_comes_to_the_state_of_that_moment(data: st.DataObject) -> None:
    events = data.draw(histories())
    walk = whole(events)
    for move in data.draw(st.lists(st.sampled_from((1, 1, 1, -1, -1, 7, -7, 1000, -1000)), max_size=20)):
        walk.go_to(walk.number + move)
        assert image(walk.state) == image(state_at(events, walk.cut))


@given(histories())
def test_forwards_and_then_back_is_the_same_board(events: list[Event]) -> None:
    walk = whole(events)
    images = [image(walk.state)]
    while walk.forward():
        images.append(image(walk.state))
    for expected in reversed(images[:-1]):
        assert walk.back()
        assert image(walk.state) == expected
    assert not walk.back()
    assert walk.number == 0


@given(histories())
def test_each_event_is_one_step_and_time_alone_is_another(events: list[Event]) -> None:
    """Between two events there is a step for each instant at which something ended, and none in which nothing did."""
    walk, made = whole(events), []
    while step := walk.forward():
        made.append(step)
    assert [step.event for step in made if step.event] == events
    assert [step.number for step in made] == list(range(1, len(made) + 1))
    for step in made:
        assert step.event or any(decision.at == step.cut.at and not decision.cause for decision in step.decisions)
    assert [step.cut.key for step in made] == sorted(step.cut.key for step in made)


@given(st.data())
def test_a_walk_stays_between_its_ends(data: st.DataObject) -> None:
    events = data.draw(histories())
    first, last = sorted(data.draw(st.lists(st.integers(0, len(events) - 1), min_size=2, max_size=2)))
    walk = ReplayCursor(events, after_event(events[first]), after_event(events[last]))
    assert image(walk.state) == image(state_at(events, after_event(events[first])))
    while walk.forward():
        pass
    assert image(walk.state) == image(state_at(events, after_event(events[last])))


def test_a_claim_that_expires_between_two_events_is_a_step() -> None:
    story = Story("ada")
    story.asks(1, "ada", "file/a", ttl_s=60)
    story.beats(100, "ada", "build")
    walk = whole(story.history())
    made = [walk.forward() for _ in range(4)]
    assert [step and (step.event is None, step.cut.at) for step in made] == [
        (False, at(0)), (False, at(1)), (True, at(61)), (False, at(100)),
    ]  # fmt: skip
    assert walk.forward() is None


def test_a_copy_is_a_state_of_its_own() -> None:
    state = Story("ada").state()
    copy = copy_state(state)
    assert image(copy) == image(state)
    copy.sessions.clear()
    assert image(copy) != image(state)
