"""The fold takes a history in order and each event once; to look at a moment changes nothing of what comes after."""

import pytest

from eventlog.events import Event
from projections.rules.fold import as_of, fold
from projections.rules.state import State
from projections.views.point_in_time import after_event, after_instant, before_instant, count_until, state_at
from tests.support.histories import Story, at


def parts(story: Story, second: float) -> tuple[list[Event], list[Event]]:
    """What comes up to a second, and what comes later."""
    history = story.history()
    return [e for e in history if e.at <= at(second)], [e for e in history if e.at > at(second)]


def test_an_event_is_taken_once() -> None:
    story = Story("amber", "brown")
    state = story.state()
    with pytest.raises(ValueError, match="sorts before"):
        fold(state, story.history()[-1:])
    assert state.events == 2


def test_an_event_that_sorts_before_what_was_folded_is_refused() -> None:
    story = Story("amber", "brown")
    story.beats(2, "brown")
    story.beats(1, "amber")
    story.beats(2, "amber")
    late, twin = story.events[-2:]
    state = fold(State(), [event for event in story.history() if event not in (late, twin)])
    for event in (late, twin):  # also at the same instant, by a session that sorts before
        with pytest.raises(ValueError, match="sorts before"):
            fold(state, [event])


def test_an_event_at_the_looked_at_moment_still_counts() -> None:
    story = Story("amber")
    story.beats(10, "amber", "build")
    before, after = parts(story, 5)
    assert fold(as_of(fold(State(), before), at(10)), after).sessions["amber"].doing.action == "build"
    with pytest.raises(ValueError, match="sorts before"):
        fold(as_of(fold(State(), before), at(10.000001)), after)


def test_time_does_not_go_back_to_before_what_was_looked_at() -> None:
    story = Story("amber")
    story.asks(1, "amber", "port/1", ttl_s=60)
    story.beats(70, "amber", "build")
    before, after = parts(story, 5)
    state = as_of(as_of(fold(State(), before), at(100)), at(50))
    assert (state.claims, state.reached) == ({}, at(100))
    assert as_of(story.state(), at(2)).reached == at(70), "nor to before the last event"
    with pytest.raises(ValueError, match="sorts before"):
        fold(state, after)


def test_what_ends_at_the_instant_of_an_event_has_ended_for_it() -> None:
    story = Story("amber", "brown")
    story.asks(1, "amber", "port/1", ttl_s=60)
    asked = story.asks(61, "brown", "port/1")
    assert list(story.state().claims) == [asked.id]


def test_a_moment_is_before_at_or_after_what_happens_at_it() -> None:
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
