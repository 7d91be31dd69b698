"""The types of values in events: instants sort as text, event numbers have limits, and each event has an actor."""

import pytest

from eventlog.codec import NO_HASH, decode_line, is_instant
from eventlog.events import (
    NEVER,
    VERSION,
    Event,
    Imported,
    SessionHeartbeat,
    Unknown,
    add_time,
    from_micros,
    seconds_between,
    to_micros,
)
from tests.support.journals import line_of

AT = "2026-11-22T11:20:06.123456Z"


@pytest.mark.parametrize(
    "text",
    [
        "",
        AT + "Z",
        AT[:-1],
        AT.replace("Z", "+00:00"),
        AT.replace("T", " "),
        AT.replace("-", "/"),
        AT.replace(":", "."),
        AT.replace(".", ","),
        AT.replace("Z", "z"),
        AT.replace("11-22", "W47-7")[:27],
        AT.replace("11-22", "02-29"),
        AT.replace("T11", "T24"),
        AT.replace("T11", "T25"),
        AT.replace("2026", "0000"),
    ],
)
def test_an_invalid_instant_is_rejected(text: str) -> None:
    assert is_instant(AT)
    assert is_instant(NEVER)
    assert not is_instant(text)


def test_instants_are_limited_to_the_calendar() -> None:
    assert from_micros(10**30) == add_time(NEVER, micros=1) == NEVER
    assert from_micros(-(10**30)) == "0001-01-01T00:00:00.000000Z"


def test_time_arithmetic_is_exact_to_the_microsecond() -> None:
    assert add_time(AT, 1.9999999) == "2026-11-22T11:20:08.123456Z"
    assert add_time(AT, -0.123456, micros=1) == "2026-11-22T11:20:06.000001Z"
    assert from_micros(to_micros(AT)) == AT
    assert seconds_between(AT, add_time(AT, 90)) == 90
    assert seconds_between(add_time(AT, 90), AT) == -90


def test_an_event_number_below_1_is_unknown() -> None:
    body = f'{{"v":1,"at":"{AT}","session":"amber","n":%d,"event":{{"type":"session.heartbeat"}}'
    assert isinstance(decode_line(line_of(body % 1), NO_HASH).payload, SessionHeartbeat)
    assert isinstance(decode_line(line_of(body % 0), NO_HASH).payload, Unknown)


def one(session: str = "amber", n: int = 1, at: str = AT, imported: Imported | None = None) -> Event:
    return Event(v=VERSION, at=at, session=session, n=n, payload=SessionHeartbeat(), imported=imported)


def test_an_imported_event_has_the_imported_actor() -> None:
    assert one().actor == "amber"
    assert one(imported=Imported(path="p", digest="d", acted_as="brown")).actor == "brown"
    assert one(imported=Imported(path="p", digest="d")).actor == "amber"


def test_event_keys_sort_by_time_session_and_number() -> None:
    events = [one(n=2), one(n=10), one("brown"), one("amber", 11, add_time(AT, micros=1))]
    assert [event.key for event in events] == sorted(event.key for event in events)
    assert [event.id for event in events] == ["amber/2", "amber/10", "brown/1", "amber/11"]
