"""Damaged lines: the damage is recorded with its place, no altered event is accepted, and later lines count if they
verify.
"""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventlog import codec, scanning
from eventlog.events import Event
from eventlog.scanning import Position, scan
from tests.support.journals import SESSION, event, lines_of, numbers, plain

COUNT = 5
LINES = plain(COUNT)
WHOLE = b"".join(LINES)
EVENTS = [event(n) for n in range(1, COUNT + 1)]
VALUES = (*(1 << bit for bit in range(8)), 255)


def line_at(byte: int) -> int:
    return WHOLE[:byte].count(b"\n")


@pytest.mark.parametrize("change", VALUES)
def test_an_altered_byte_is_found_and_affects_only_its_line(change: int) -> None:
    for byte, old in enumerate(WHOLE[:-1]):
        data = WHOLE[:byte] + bytes([old ^ change]) + WHOLE[byte + 1 :]
        events, position = scan(SESSION, data, Position())
        altered = line_at(byte)
        kept = [one for number, one in enumerate(EVENTS) if number != altered or old == 0x0A]
        assert events == kept, (byte, bytes([old]), altered)
        assert position.damage, byte
        assert position.damage[0].line == altered + 1
        assert position.damage[0].byte == sum(map(len, LINES[:altered]))


@pytest.mark.parametrize("new", [b"\n", b"\r", b'"', b"\0"])
def test_a_replaced_control_byte_damages_only_its_line(new: bytes) -> None:
    for byte in range(len(WHOLE) - 1):
        if WHOLE[byte : byte + 1] in (new, b"\n"):
            continue
        events, position = scan(SESSION, WHOLE[:byte] + new + WHOLE[byte + 1 :], Position())
        altered = line_at(byte)
        assert events == [one for number, one in enumerate(EVENTS) if number != altered], (byte, altered)
        assert position.damage[0].line == altered + 1


def test_a_missing_line_is_damage() -> None:
    for missing in range(COUNT - 1):
        data = b"".join(LINES[:missing] + LINES[missing + 1 :])
        assert scan(SESSION, data, Position())[1].damage
        assert set(numbers(data)) >= {n for n in range(1, COUNT + 1) if n not in (missing + 1, missing + 2)}


def test_a_repeated_line_is_damage_and_counts_once() -> None:
    for twice in range(COUNT):
        data = b"".join(LINES[: twice + 1] + LINES[twice:])
        assert scan(SESSION, data, Position())[1].damage
        assert numbers(data) == list(range(1, COUNT + 1))


@pytest.mark.parametrize("foreign", [b"<<<<<<< HEAD\n", b"\n", b"{}\n", plain(1, "brown-hare")[0], b"\0" * 300 + b"\n"])
def test_an_inserted_line_is_damage_and_other_lines_count(foreign: bytes) -> None:
    for index in range(COUNT + 1):
        data = b"".join([*LINES[:index], foreign, *LINES[index:]])
        assert scan(SESSION, data, Position())[1].damage
        assert numbers(data) == list(range(1, COUNT + 1)), index


def test_swapped_lines_are_damage_and_events_stay_in_order() -> None:
    for first in range(COUNT - 1):
        data = b"".join([*LINES[:first], LINES[first + 1], LINES[first], *LINES[first + 2 :]])
        assert scan(SESSION, data, Position())[1].damage
        assert numbers(data) == sorted(numbers(data))
        assert set(numbers(data)) >= {n for n in range(1, COUNT + 1) if n <= first or n > first + 3}


def test_changed_line_ends_are_one_damage_and_lose_no_event() -> None:
    events, position = scan(SESSION, WHOLE.replace(b"\n", b"\r\n"), Position())
    assert events == EVENTS
    assert len(position.damage) == 1
    assert "CRLF" in position.damage[0].reason


def test_a_byte_order_mark_is_damage_and_loses_no_event() -> None:
    events, position = scan(SESSION, b"\xef\xbb\xbf" + WHOLE, Position())
    assert events == EVENTS
    assert len(position.damage) == 1
    assert "byte order mark" in position.damage[0].reason


def test_a_byte_order_mark_and_changed_line_ends_lose_no_event() -> None:
    events, position = scan(SESSION, b"\xef\xbb\xbf" + WHOLE.replace(b"\n", b"\r\n"), Position())
    assert events == EVENTS
    assert len(position.damage) == 2


def test_lines_of_another_session_are_damage() -> None:
    events, position = scan("brown-hare", WHOLE, Position())
    assert events == []
    assert "belongs to amber-otter" in position.damage[0].reason


@pytest.mark.parametrize("second", [1.0, 0.5])
def test_a_time_that_does_not_increase_is_damage(second: float) -> None:
    data = b"".join(lines_of([event(1), event(2, second=second)]))
    events, position = scan(SESSION, data, Position())
    assert [one.n for one in events] == [1]
    assert "does not follow" in position.damage[0].reason


def test_a_number_that_does_not_increase_is_damage() -> None:
    data = b"".join(lines_of([event(1), event(1, second=2)]))
    assert scan(SESSION, data, Position())[1].damage


edits = st.lists(st.tuples(st.integers(0, len(WHOLE)), st.integers(0, 30), st.binary(max_size=9)), max_size=3)


@given(edits, st.integers(0, len(WHOLE)))
def test_scanning_in_two_parts_gives_the_same_as_in_one(changes: list[tuple[int, int, bytes]], cut: int) -> None:
    data = WHOLE
    for begin, length, new in changes:
        data = data[:begin] + new + data[begin + length :]
    events, position = scan(SESSION, data, Position())
    first, middle = scan(SESSION, data[:cut], Position())
    rest, end = scan(SESSION, data[middle.size :], middle)
    assert first + rest == events
    assert all(one in EVENTS for one in events)
    assert (end.size, end.lines, end.n, end.at, end.hashes, end.last, bool(end.damage)) == (
        position.size, position.lines, position.n, position.at, position.hashes, position.last, bool(position.damage),
    )  # fmt: skip


def test_lines_without_any_part_of_a_line_are_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[bytes] = []

    def recording_decode(line: bytes, previous: bytes) -> Event:
        decoded.append(line)
        return codec.decode_line(line, previous)

    monkeypatch.setattr(scanning, "decode_line", recording_decode)
    chance = random.Random(0)
    junk = [bytes(chance.randrange(11, 256) for _ in range(chance.randrange(60))) for _ in range(5000)]
    data = LINES[0] + b"\n".join(junk) + b"\n" + b"".join(LINES[1:])
    events, position = scan(SESSION, data, Position())
    assert events == EVENTS
    assert position.damage[0].line == 2
    assert decoded == [line[:-1] for line in LINES]
