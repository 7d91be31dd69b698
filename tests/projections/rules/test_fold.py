"""The fold takes events in order and each once, and `as_of` does not change the effect of later events."""

import pytest

from eventlog.events import Event
from projections.rules.fold import as_of, fold
from projections.rules.state import State
from projections.views.point_in_time import after_event, after_instant, before_instant, count_until, state_at
from tests.support.histories import Story, at


def parts(story: Story, second: float) -> tuple[list[Event], list[Event]]:
    """Return the events up to a second, and the later ones."""
    history = story.history()
    return [e for e in history if e.at <= at(second)], [e for e in history if e.at > at(second)]


def test_an_event_is_folded_only_once() -> None:
    story = Story("amber", "brown")
    state = story.state()
    with pytest.raises(ValueError, match="sorts before"):
        fold(state, story.history()[-1:])
    assert state.events == 2


def test_an_event_before_the_last_folded_one_is_refused() -> None:
    story = Story("amber", "brown")
    story.beats(2, "brown")
    story.beats(1, "amber")
    story.beats(2, "amber")
    late, twin = story.events[-2:]
    state = fold(State(), [event for event in story.history() if event not in (late, twin)])
    for event in (late, twin):  # one is earlier, one at the same instant from a session that sorts before
        with pytest.raises(ValueError, match="sorts before"):
            fold(state, [event])


def test_an_event_at_the_as_of_time_can_still_be_folded() -> None:
    story = Story("amber")
    story.beats(10, "amber", "build")
    before, after = parts(story, 5)
    assert fold(as_of(fold(State(), before), at(10)), after).sessions["amber"].doing.action == "build"
    with pytest.raises(ValueError, match="sorts before"):
        fold(as_of(fold(State(), before), at(10.000001)), after)


def test_time_never_goes_back() -> None:
    story = Story("amber")
    story.asks(1, "amber", "port/1", ttl_s=60)
    story.beats(70, "amber", "build")
    before, after = parts(story, 5)
    state = as_of(as_of(fold(State(), before), at(100)), at(50))
    assert (state.claims, state.reached) == ({}, at(100))
    assert as_of(story.state(), at(2)).reached == at(70), "not before the last event"
    with pytest.raises(ValueError, match="sorts before"):
        fold(state, after)


def test_a_claim_that_ends_at_an_events_instant_ends_before_it() -> None:
    story = Story("amber", "brown")
    story.asks(1, "amber", "port/1", ttl_s=60)
    asked = story.asks(61, "brown", "port/1")
    assert list(story.state().claims) == [asked.id]


def test_a_point_in_time_is_before_at_or_after_an_event() -> None:
    story = Story()
    first, second = story.beats(1, "amber", "build"), story.beats(1, "brown", "test")
    history = story.history()
    assert [count_until(history, cut) for cut in (before_instant(at(1)), after_event(first), after_event(second))] == [
        0,
        1,
        2,
    ]
    assert count_until(history, after_instant(at(1))) == 2
    assert list(state_at(history, after_event(first)).sessions) == ["amber"]
    assert list(state_at(history, after_instant(at(1))).sessions) == ["amber", "brown"]
