"""The ticks of the time axis: round local times at a minimum distance, for periods of any length."""

from itertools import pairwise

import pytest

from coord.render.timeline.scale import Tick, make_scale, ticks
from eventlog.events import DAY_S, HOUR_S, Instant, add_time
from tests.support.time_zones import zone

NOON: Instant = "2026-11-22T12:00:00.000000Z"


def _ticks(start: Instant, seconds: float) -> list[Tick]:
    return ticks(make_scale(start, add_time(start, seconds), 0, 1000), 80)


@pytest.mark.parametrize("seconds", [0, 0.001, 3, 59, 600, 3601, DAY_S, 40 * DAY_S, 5000 * DAY_S, 900_000 * DAY_S])
def test_ticks_keep_their_distance_within_the_axis(seconds: float) -> None:
    """There are always some ticks, but not too many."""
    found = _ticks(add_time(NOON, 1.5), seconds)
    assert 1 <= len(found) <= 13
    assert all(0 <= tick.x <= 1000 for tick in found)
    assert all(after.x - before.x > 70 for before, after in pairwise(found))


def test_a_new_day_shows_its_date() -> None:
    found = _ticks(NOON, DAY_S)
    assert [(tick.label, tick.day) for tick in found if tick.day] == [("00:00", "2026-11-23")]
    assert [tick.label for tick in found[:3]] == ["12:00", "14:00", "16:00"]


def test_ticks_follow_local_time_over_a_clock_change() -> None:
    """Labels are local times. On that night three hours passed between 1:00 and 3:00."""
    with zone("Europe/Berlin"):
        nights = _ticks("2026-10-24T20:00:00.000000Z", 12 * HOUR_S)
        assert [tick.label for tick in nights[:7]] == ["22:00", "23:00", "00:00", "01:00", "02:00", "03:00", "04:00"]
        assert 1.9 < (nights[5].x - nights[4].x) / (nights[4].x - nights[3].x) < 2.1
        days = _ticks("2026-10-23T10:00:00.000000Z", 20 * DAY_S)
        assert [tick.label for tick in days[:2]] == ["2026-10-25", "2026-10-27"]


def test_instants_outside_the_period_are_at_the_edge() -> None:
    on = make_scale(NOON, add_time(NOON, 60), 10, 110)
    assert (on.x(add_time(NOON, -5)), on.x(add_time(NOON, 30)), on.x(add_time(NOON, 500))) == (10, 60, 110)
