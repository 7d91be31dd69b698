"""Times as people write them: each form means one instant, and any other text is an error of one line."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.engine.times.points_in_time import find_event, parse_cut, parse_future_instant, parse_instant, parse_since
from coord.errors import USAGE, CoordError
from coord.render.format import time_text
from eventlog.codec import is_instant
from eventlog.events import add_time, from_micros, to_micros
from projections.views.point_in_time import after_event, after_instant, before_instant
from tests.support.histories import Story
from tests.support.time_zones import zone

NOW = "2026-11-24T09:30:00.000000Z"  # a Tuesday


@pytest.fixture
def berlin() -> Iterator[None]:
    """One hour ahead of UTC in winter, two in summer."""
    with zone("CET-1CEST,M3.5.0,M10.5.0/3"):
        yield


MEANS = {
    "now": "2026-11-24T09:30:00.000000Z",
    "-90m": "2026-11-24T08:00:00.000000Z",
    "90m": "2026-11-24T08:00:00.000000Z",
    "90m ago": "2026-11-24T08:00:00.000000Z",
    "-1d12h": "2026-11-22T21:30:00.000000Z",
    "10:15": "2026-11-24T09:15:00.000000Z",
    "10:15:30": "2026-11-24T09:15:30.000000Z",
    "18:00": "2026-11-23T17:00:00.000000Z",  # the last time that it was 18:00
    "today": "2026-11-23T23:00:00.000000Z",
    "today 10:00": "2026-11-24T09:00:00.000000Z",
    "yesterday": "2026-11-22T23:00:00.000000Z",
    "yesterday 18:00": "2026-11-23T17:00:00.000000Z",
    "Monday 8:05": "2026-11-23T07:05:00.000000Z",
    "tue 18:00": "2026-11-17T17:00:00.000000Z",
    "2026-11-22": "2026-11-21T23:00:00.000000Z",
    "2026-11-22 18:00": "2026-11-22T17:00:00.000000Z",
    "2026-11-22T18:00:01.5": "2026-11-22T17:00:01.500000Z",
    "2026-07-01 18:00": "2026-07-01T16:00:00.000000Z",  # daylight saving time
    "2026-11-22 18:00 CET": "2026-11-22T17:00:00.000000Z",
    "2026-07-01 18:00 CEST": "2026-07-01T16:00:00.000000Z",
    "2026-10-25 02:30 CEST": "2026-10-25T00:30:00.000000Z",  # clocks showed 02:30 twice
    "2026-10-25 02:30 CET": "2026-10-25T01:30:00.000000Z",
    "2026-10-25 02:30 +01:00": "2026-10-25T01:30:00.000000Z",
    "2025-11-20 12:00 CEST": "2025-11-20T10:00:00.000000Z",  # a name means its offset, also in winter
    "2026-03-29 02:30 cet": "2026-03-29T01:30:00.000000Z",
    "18:00 UTC": "2026-11-23T18:00:00.000000Z",
    "18:00 GMT": "2026-11-23T18:00:00.000000Z",
    "18:00Z": "2026-11-23T18:00:00.000000Z",
    "18:00 -03": "2026-11-23T21:00:00.000000Z",
    "today 10:00+0545": "2026-11-24T04:15:00.000000Z",
    "yesterday 18:00 CET": "2026-11-23T17:00:00.000000Z",
    "monday UTC": "2026-11-23T00:00:00.000000Z",
    "2026-11-22T18:00Z": "2026-11-22T18:00:00.000000Z",
    "2026-11-22T18:00:00+05:30": "2026-11-22T12:30:00.000000Z",
    "2026-11-22T11:20:06.123456Z": "2026-11-22T11:20:06.123456Z",
}
NO_TIMES = (
    *("", " ", "soon", "tomorrow", "25:00", "10:70", "2026-13-01", "2026-11-22 6pm", "-90", "90x", "m", "1e99d"),
    *("\x1b[31m", "99999999999999d", "yesterday yesterday", "0001-01-01", "9999-12-31 23:59", "18:00 XYZ", "١٨:٠٠"),
    *("in 45m", "18:00 +25:00", "18:00 yesterday", "10 am", "2026-11-22 18:00 IST", "18:00 Europe/Berlin"),
)


@pytest.mark.parametrize("text", MEANS)
def test_each_form_means_one_instant(text: str, berlin: None) -> None:
    assert parse_instant(text, "--at", NOW) == MEANS[text]


@pytest.mark.parametrize("text", NO_TIMES)
def test_a_text_that_is_not_a_past_time_is_an_error(text: str, berlin: None) -> None:
    with pytest.raises(CoordError) as error:
        parse_cut(text, "--at", NOW, Story("amber").history())
    assert error.value.code == USAGE
    assert error.value.message.startswith("--at ")
    assert "\x1b" not in error.value.message
    assert "\n" not in error.value.message


AHEAD = {
    "45m": "2026-11-24T10:15:00.000000Z",
    "in 2h": "2026-11-24T11:30:00.000000Z",
    "+1h30m": "2026-11-24T11:00:00.000000Z",
    "18:00": "2026-11-24T17:00:00.000000Z",
    "9:00": "2026-11-25T08:00:00.000000Z",
    "tomorrow 9:00": "2026-11-25T08:00:00.000000Z",
    "tue 18:00": "2026-11-24T17:00:00.000000Z",
    "tue 9:00": "2026-12-01T08:00:00.000000Z",
    "2 h 30 min": "2026-11-24T12:00:00.000000Z",
    "90 minutes": "2026-11-24T11:00:00.000000Z",
    "2027-07-01 12:00": "2027-07-01T10:00:00.000000Z",
    "2027-03-01 12:00 UTC": "2027-03-01T12:00:00.000000Z",
}


@pytest.mark.parametrize("text", AHEAD)
def test_a_time_ahead_is_the_next_occurrence(text: str, berlin: None) -> None:
    assert parse_future_instant(text, "--eta", NOW) == AHEAD[text]


@pytest.mark.parametrize(
    "text", ["soon", "-45m", "45m ago", "", "yesterday", "2026-11-23", "2027-03-28 02:30", "friday", "tomorrow"]
)
def test_no_past_or_unknown_time_lies_ahead(text: str, berlin: None) -> None:
    with pytest.raises(CoordError, match=r"^--eta ") as error:
        parse_future_instant(text, "--eta", NOW)
    assert error.value.code == USAGE


def message_for(text: str, now: str = NOW) -> str:
    with pytest.raises(CoordError) as error:
        parse_instant(text, "--at", now)
    return error.value.message


def test_a_time_that_the_clocks_skipped_is_an_error(berlin: None) -> None:
    """The error offers the times around the change, and both are accepted."""
    assert message_for("2026-03-29 02:30") == (
        "--at '2026-03-29 02:30' does not exist: the clocks here skipped it. "
        "The nearest times are 2026-03-29 01:59:59 CET and 2026-03-29 03:00:00 CEST."
    )
    assert parse_instant("2026-03-29 01:59:59 CET", "--at", NOW) == "2026-03-29T00:59:59.000000Z"
    assert parse_instant("2026-03-29 03:00:00 CEST", "--at", NOW) == "2026-03-29T01:00:00.000000Z"
    on_that_day = "2026-03-29T08:00:00.000000Z"
    for text in ("02:30", "today 02:00", "sunday 2:59:59"):
        assert "does not exist" in message_for(text, on_that_day)
    before_the_change = "2026-03-29T00:30:00.000000Z"
    assert parse_instant("02:30", "--at", before_the_change) == "2026-03-28T01:30:00.000000Z"


def test_a_time_that_the_clocks_showed_twice_is_an_error(berlin: None) -> None:
    """The error offers both. A time of day alone means the latest of them, as always."""
    assert message_for("2026-10-25 02:30") == (
        "--at '2026-10-25 02:30' is ambiguous: the clocks here showed it twice. "
        "Write 2026-10-25 02:30:00 CEST or 2026-10-25 02:30:00 CET."
    )
    on_that_day = "2026-10-25T08:00:00.000000Z"
    assert "ambiguous" in message_for("today 02:30", on_that_day)
    assert parse_instant("02:30", "--at", on_that_day) == "2026-10-25T01:30:00.000000Z"
    between = "2026-10-25T00:45:00.000000Z"
    assert parse_instant("today 02:30", "--at", between) == "2026-10-25T00:30:00.000000Z"


def test_two_offsets_with_one_name_are_offered_as_offsets() -> None:
    with zone("Asia/Pyongyang"):
        assert "2015-08-14 23:45:00 +09:00 or 2015-08-14 23:45:00 +08:30" in message_for("2015-08-14 23:45 KST")


def test_the_error_for_an_unknown_zone_lists_the_known_ones(berlin: None) -> None:
    assert message_for("2026-07-01 12:00 IST") == (
        "--at '2026-07-01 12:00 IST' has a time zone that is not used here, IST. "
        "Use CEST, CET, UTC or an offset such as +01:00."
    )


@pytest.mark.parametrize(
    ("name", "at"), [("Asia/Kolkata", "06:30"), ("Asia/Jerusalem", "10:00"), ("Europe/Dublin", "11:00")]
)
def test_a_zone_name_has_its_local_meaning(name: str, at: str) -> None:
    with zone(name):
        assert parse_instant("2026-03-20 12:00 IST", "--at", NOW)[11:16] == at


@given(st.text(max_size=30))
def test_any_text_is_an_instant_or_an_error(text: str) -> None:
    """Every text means an instant that is not later than now, or is an error."""
    for parse in (parse_instant, parse_future_instant):
        try:
            at = parse(text, "--at", NOW)
        except CoordError:  # any other exception fails the test
            continue
        assert is_instant(at)
        assert (at <= NOW) if parse is parse_instant else (at >= NOW)


@given(st.integers(0, to_micros(NOW) // 60_000_000))
def test_a_time_can_be_copied_from_a_list(minute: int) -> None:
    """The time is the same to the minute that the list shows."""
    at = from_micros(minute * 60_000_000)
    assert parse_instant(time_text(at, ""), "--at", NOW) == at


def test_the_future_and_times_before_the_log_are_errors() -> None:
    story = Story("amber").history()
    now = add_time(story[0].at, 3600)
    with pytest.raises(CoordError, match="in the future"):
        parse_cut(add_time(now, 60), "--at", now, story)
    with pytest.raises(CoordError, match=f"before the first event .{story[0].id}"):
        parse_cut("-2h", "--at", now, story)
    with pytest.raises(CoordError, match="no events yet"):
        parse_cut("-2h", "--at", now, [])
    assert parse_since("-2h", "--since", now, story) == before_instant(add_time(now, -7200))  # all events
    assert parse_cut("-1h", "--at", now, story) == after_instant(story[0].at)


def test_an_event_is_named_by_its_session_a_prefix_or_a_name() -> None:
    story = Story("amber-otter", "amber-owl", "brook")
    beat = story.beats(10, "brook", "building")
    events = story.history()
    assert find_event("brook/2", events) is beat
    assert parse_cut("br/2", "--at", add_time(NOW, 0), events) == after_event(beat)
    with pytest.raises(CoordError, match=r"can mean amber-otter/1, amber-owl/1"):
        find_event("amber/1", events)
    with pytest.raises(CoordError, match="there is no event brook/3"):
        find_event("brook/3", events)


def test_an_ambiguous_session_of_an_event_is_an_error() -> None:
    """The session is chosen by its id, its name or a prefix, whether or not it has an event of that number."""
    story = Story("amber-otter", "amber-fox")
    story.beats(10, "amber-fox")
    with pytest.raises(CoordError, match=r"can mean amber-fox/2, amber-otter/2"):
        find_event("amber/2", story.history())
    with pytest.raises(CoordError, match="there is no event amber-otter/2"):
        find_event("amber-otter/2", story.history())
