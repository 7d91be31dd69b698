"""Times along a line: round ones of the local zone, no nearer than they may be, for stretches of any length."""

from itertools import pairwise

import pytest

from coord.render.timeline.scale import Tick, make_scale, ticks
from eventlog.events import DAY_S, HOUR_S, Instant, add_time
from tests.support.time_zones import zone

NOON: Instant = "2026-11-22T12:00:00.000000Z"


def _ticks(start: Instant, seconds: float) -> list[Tick]:
    return ticks(make_scale(start, add_time(start, seconds), 0, 1000), 80)


@pytest.mark.parametrize("seconds", [0, 0.001, 3, 59, 600, 3601, DAY_S, 40 * DAY_S, 5000 * DAY_S, 900_000 * DAY_S])
def test_times_are_apart_and_on_the_line(seconds: float) -> None:
    """A few of them, but none for a stretch within one day at the end of the calendar."""
    found = _ticks(add_time(NOON, 1.5), seconds)
    assert 1 <= len(found) <= 13
    assert all(0 <= tick.x <= 1000 for tick in found)
    assert all(after.x - before.x > 70 for before, after in pairwise(found))


def test_the_date_is_told_where_the_day_changes() -> None:
    found = _ticks(NOON, DAY_S)
    assert [(tick.label, tick.day) for tick in found if tick.day] == [("00:00", "2026-11-23")]
    assert [tick.label for tick in found[:3]] == ["12:00", "14:00", "16:00"]


def test_days_are_local_also_where_the_clock_changes() -> None:
    """Hours are written as they were on the wall: between 1:00 and 3:00 on that night were three of them."""
    with zone("Europe/Berlin"):
        nights = _ticks("2026-10-24T20:00:00.000000Z", 12 * HOUR_S)
        assert [tick.label for tick in nights[:7]] == ["22:00", "23:00", "00:00", "01:00", "02:00", "03:00", "04:00"]
        assert 1.9 < (nights[5].x - nights[4].x) / (nights[4].x - nights[3].x) < 2.1
        days = _ticks("2026-10-23T10:00:00.000000Z", 20 * DAY_S)
        assert [tick.label for tick in days[:2]] == ["2026-10-25", "2026-10-27"]


def test_what_lies_outside_is_at_the_edge() -> None:
    on = make_scale(NOON, add_time(NOON, 60), 10, 110)
    assert (on.x(add_time(NOON, -5)), on.x(add_time(NOON, 30)), on.x(add_time(NOON, 500))) == (10, 60, 110)
