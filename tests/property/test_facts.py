"""The difference of two points in time: it is empty for equal points, can be reversed, and can be combined."""

from hypothesis import given
from hypothesis import strategies as st

from eventlog.events import Event
from projections.views.point_in_time import after_event, state_at
from projections.views.state_diff import Difference, affected_messages, combine, diff_facts, facts_of, reverse
from tests.support.histories import Story, histories


def between(events: list[Event], first: int, last: int) -> Difference:
    one, other = (facts_of(state_at(events, after_event(events[index]))) for index in (first, last))
    return diff_facts(one, other)


def draw_indices(data: st.DataObject, events: list[Event], count: int) -> list[int]:
    return [data.draw(st.integers(0, len(events) - 1)) for _ in range(count)]


@given(st.data())
def test_consecutive_differences_combine_to_one(data: st.DataObject) -> None:
    """`diff(a, b)` combined with `diff(b, c)` is `diff(a, c)`, in any order of the three points."""
    events = data.draw(histories())
    a, b, c = draw_indices(data, events, 3)
    assert combine(between(events, a, b), between(events, b, c)) == between(events, a, c)


@given(st.data())
def test_a_reversed_difference_goes_back(data: st.DataObject) -> None:
    events = data.draw(histories())
    a, b = draw_indices(data, events, 2)
    assert reverse(between(events, a, b)) == between(events, b, a)
    assert combine(between(events, a, b), between(events, b, a)) == {}


@given(histories())
def test_a_point_in_time_does_not_differ_from_itself(events: list[Event]) -> None:
    assert between(events, -1, -1) == {}


@given(histories())
def test_an_event_changes_only_the_messages_it_affects(events: list[Event]) -> None:
    for index in range(1, len(events)):
        states = [state_at(events, after_event(event)) for event in events[index - 1 : index + 1]]
        few = [facts_of(state, affected_messages(events[index])) for state in states]
        assert diff_facts(*few) == diff_facts(*map(facts_of, states))


def test_changes_that_matter_to_a_reader_are_differences() -> None:
    """Each of these changes is a difference. That a session wrote again is not one."""
    story = Story("ada", "ben")
    claim = story.asks(1, "ada", "file/a")
    story.beats(2, "ada", "build", progress="10%")
    wait = story.asks(3, "ben", "file/a", "waiting", wait_s=600)
    sent = story.sends(4, "ben", "ada")
    story.beats(5, "ben")
    story.reads(6, "ada", sent)
    handed = story.hands_over(7, "ada", claim, "ben")
    story.ends(8, "ada")
    events = story.history()
    seen = [set(between(events, i, i + 1)) for i in range(len(events) - 1)]
    assert ("session", "ben", "status") in seen[0]
    assert ("claim", claim.id, "session") in seen[1]
    assert {("session", "ada", "doing"), ("session", "ada", "progress")} == seen[2]
    assert ("wait", wait.id, "until") in seen[3]
    assert {("message", sent.id, "unread_by")} == seen[4]
    assert not seen[5]
    assert {("message", sent.id, "unread_by")} == seen[6]
    assert {("claim", claim.id, "resource"), ("claim", handed.id, "resource")} <= seen[7]
    assert ("session", "ben", "notices") in seen[7]
    assert ("session", "ada", "status") in seen[8]
