"""Law: a time that coord prints, read again, is the same instant, in every time zone and at every change of clocks."""

import os
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.cli.parser import Command
from coord.cli.registry import COMMANDS_BY_NAME, load_command
from coord.engine.times.points_in_time import parse_instant
from coord.render.clock import local_time
from coord.render.format import period_text, time_text
from eventlog.events import DAY_S, HOUR_S, MINUTE_S, Instant, add_time, from_micros, to_micros
from tests.support.time_zones import zone

YEAR_S = 365 * DAY_S
ZONES = {
    "UTC": 2026, "Europe/Berlin": 2026, "Europe/London": 2026, "America/New_York": 2026,
    "Europe/Dublin": 2026,  # daylight saving time is negative: winter time is the exception
    "Asia/Kolkata": 2026, "Asia/Jerusalem": 2026,  # both call their time IST, as Dublin does
    "America/Chicago": 2026, "America/Havana": 2026, "Asia/Shanghai": 2026,  # all use CST
    "Asia/Kathmandu": 2026, "Asia/Tehran": 2021, "Australia/Lord_Howe": 2026, "Pacific/Chatham": 2026,
    "America/Sao_Paulo": 2018,  # its names are figures: -03 and -02; clocks change at midnight
    "Africa/Casablanca": 2026, "Antarctica/Troll": 2026, "America/St_Johns": 1988,
    "Asia/Pyongyang": 2015, "Asia/Pyongyang ": 2018,  # two offsets with one name
    "Pacific/Apia": 2011,  # a day was skipped
    "Europe/Istanbul": 2016, "America/Caracas": 2016, "Europe/Moscow": 2014, "Europe/Lisbon": 1996,
    "CET-1CEST,M3.5.0,M10.5.0/3": 2026, ":Europe/Berlin": 2026, "<+0330>-3:30<+0430>,J79/24,J263/24": 2026,
    "<UTC+3>-3": 2026, "GMT+5": 2026, "XST5XST,M3.2.0,M11.1.0": 2026, "No/Such_Zone": 2026, "": 2026,
}  # fmt: skip
"""The zones that are hard to get right, each with a year in which its clocks changed."""
_LATER_S = (0, 20 * MINUTE_S, 70 * MINUTE_S, 5 * HOUR_S, 23.9 * HOUR_S, 24.9 * HOUR_S, 40 * DAY_S)
_LENGTHS_S = (0, 25 * MINUTE_S, 70 * MINUTE_S, 25 * HOUR_S)


def instants_of(year: int) -> Iterator[Instant]:
    """Yield instants of a whole year, and many near each change of clocks, also those a day away."""
    chosen = random.Random(year)
    start = from_micros(int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000)
    offset = local_time(start).utcoffset()
    for hour in range(YEAR_S // HOUR_S):
        at = add_time(start, hour * HOUR_S)
        if hour % 31 == 0:
            yield add_time(at, chosen.randrange(31 * HOUR_S))
        if local_time(at).utcoffset() != offset:
            offset = local_time(at).utcoffset()
            for quarter in (*range(-10, 10), *range(-104, 104, 5)):
                yield add_time(at, quarter * 15 * MINUTE_S + chosen.choice((0, 0, chosen.randrange(15 * MINUTE_S))))


def rounded_down(at: Instant, unit_s: int) -> Instant:
    """The instant at the beginning of the minute or second that the local clocks show."""
    local = local_time(at)
    rest = local.second * 1_000_000 * (unit_s == MINUTE_S) + local.microsecond
    return from_micros(to_micros(at) - rest)


def check_printed_forms(at: Instant) -> None:
    """Read every printed form of an instant again, at later times of the same day and the next ones."""
    minute, second = rounded_down(at, MINUTE_S), rounded_down(at, 1)
    assert parse_instant(at, "--at", at) == at
    chosen = random.Random(at)
    for later_s in chosen.sample(_LATER_S, 3):
        now = add_time(at, later_s)
        assert parse_instant(time_text(at, now), "--at", now) == minute
        assert parse_instant(time_text(at, now, seconds=True), "--at", now) == second
        assert parse_instant(time_text(at, "", seconds=True), "--at", now) == second
    for length_s in chosen.sample(_LENGTHS_S, 2):
        end = add_time(at, length_s)
        for now in (end, ""):
            begin_text, end_text = ends_of(period_text(at, end, now))
            assert parse_instant(begin_text, "--since", end) == minute
            assert parse_instant(end_text, "--until", end) == rounded_down(end, MINUTE_S)


def ends_of(period: str) -> tuple[str, str]:
    """The beginning and the end of a printed period, each with the date and the zone that are shown once."""
    first, dash, last = period.partition("–")
    if not dash:
        return period, period
    clock_time, zone_name = last.strip().rsplit(" ", 1)
    date = first.rpartition(" ")[0]
    if first.endswith(" "):  # both ends are complete, or only the zone is shown once
        first = first.strip()
        return (first if first[-1].isalpha() or first[-3] in "+-" else with_zone(first, zone_name)), last.strip()
    return f"{first} {zone_name}", f"{date} {clock_time} {zone_name}".strip()


def with_zone(text: str, zone_name: str) -> str:
    """A time with a zone, unless it has one."""
    has_zone = any(sign in text.rsplit(" ", 1)[-1] for sign in "+-")
    return text if has_zone else f"{text} {zone_name}"


@pytest.mark.slow
@pytest.mark.parametrize("name", ZONES)
def test_printed_times_are_read_as_the_same_instant(name: str) -> None:
    with zone(name.strip()):
        for at in instants_of(ZONES[name]):
            check_printed_forms(at)


@pytest.mark.skipif(not os.path.isdir("/usr/share/zoneinfo"), reason="this machine has no time zones")
@given(
    st.sampled_from(sorted(available_timezones())),
    st.integers(to_micros("1971-01-01T00:00:00.000000Z"), to_micros("2037-12-31T00:00:00.000000Z")),
)
def test_printed_times_are_the_same_in_any_zone(name: str, micros: int) -> None:
    with zone(name):
        check_printed_forms(from_micros(micros))


def time_options() -> Iterator[tuple[Command, str]]:
    for name in COMMANDS_BY_NAME:
        command = load_command(name)
        for parameter in command.parameters:
            if "TIME" in parameter.settings.get("metavar", ""):
                yield command, parameter.names[0]


def test_all_options_that_take_a_time_are_known() -> None:
    """Each of them is read by `coord.engine.times.points_in_time`; a new one must be too, and is added here."""
    assert {(command.name, option) for command, option in time_options()} == {
        *((name, "--at") for name in ("status", "board", "claims", "inbox", "why")),
        *((name, option) for name in ("log", "report", "timeline", "web") for option in ("--since", "--until")),
        *((name, "--before") for name in ("claims", "log", "inbox", "why")),
        ("replay", "--from"), ("replay", "--to"), ("archive", "--before"), ("diff", "first"), ("diff", "second"),
    }  # fmt: skip
