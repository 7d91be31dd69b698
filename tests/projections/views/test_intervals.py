"""The analysis of a history by example: what is new after a point in time, which events count, and session
intervals.
"""

from eventlog.events import ClaimRequested, SessionStarted
from projections.views.intervals.analysis import analyze_history
from projections.views.intervals.values import happened_after
from projections.views.point_in_time import after_event, after_instant, before_instant
from projections.views.state_diff import facts_of
from tests.support.histories import Story, at
from tests.support.imported_events import asks, brings_in


def test_expiry_at_a_point_in_time_is_not_after_it() -> None:
    story = Story("amber")
    story.asks(1, "amber", "port/1", ttl_s=60)
    late = story.beats(61, "amber")
    history = story.history()
    for since, new in ((before_instant(at(61)), False), (after_instant(at(61)), False), (after_instant(at(60)), True)):
        assert happened_after(history, since)(at(61), "") == new
    assert happened_after(history, before_instant(at(61)))(late.at, late.id)
    assert not happened_after(history, after_event(late))(late.at, late.id)


def test_events_without_effect_are_not_in_the_analysis() -> None:
    story = Story("amber")
    first = brings_in(story, 1, asks("port/1"), path="a.claim")
    brings_in(story, 2, asks("port/2"), path="a.claim")
    analysis = analyze_history(story.history(), at(3))
    assert [event.id for event in analysis.events] == [story.events[0].id, first.id]
    assert [interval.resource for interval in analysis.intervals] == ["port/1"]


def test_a_restarted_session_has_two_intervals() -> None:
    story = Story("amber")
    end = story.ends(1, "amber")
    story.beats(2, "amber")
    story.beats(3, "amber")
    (interval,) = analyze_history(story.history(), at(4)).session_intervals
    assert (interval.end, interval.cause, interval.last_at) == (at(1), end.id, at(3))
    story.tell(5, "amber", SessionStarted())
    assert [
        (interval.start, interval.end) for interval in analyze_history(story.history(), at(6)).session_intervals
    ] == [
        (at(0), at(1)),
        (at(5), ""),
    ]


def test_an_imported_session_ends_with_its_latest_event() -> None:
    story = Story()
    for second in (1, 2, 3):
        brings_in(story, second, asks(f"port/{second}"))
    (interval,) = analyze_history(story.history(), at(4)).session_intervals
    assert (interval.start, interval.end, interval.how) == (at(1), at(3), "imported")


def test_a_handed_over_claim_is_a_new_interval() -> None:
    story = Story("amber", "brown")
    asked = ClaimRequested(
        resource="port/1", mode="shared", ttl_s=600, agent="sub-1", note="for the demo", told="granted"
    )
    given = story.hands_over(2, "amber", story.tell(1, "amber", asked), "brown")
    first, second = analyze_history(story.history(), at(3)).intervals
    assert (first.session, first.agent, first.end, first.how) == ("amber", "sub-1", at(2), "handed_over")
    assert (second.id, second.session, second.agent, second.end) == (given.id, "brown", "", "")
    assert (second.mode, second.note) == ("shared", "for the demo")


def test_empty_values_are_not_facts() -> None:
    story = Story("amber", "brown")
    story.asks(1, "amber", "port/1")
    story.sends(2, "amber", "brown")
    facts = facts_of(story.state())
    assert all(facts.values())
    assert facts["claim", "amber/2", "session"] == "amber"
    assert ("claim", "amber/2", "note") not in facts
