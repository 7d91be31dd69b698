"""A wrong hash on a whole line is damage: that line is set aside with its place, no altered event is ever accepted, and
later lines count as far as they verify.
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
def test_no_altered_byte_passes_and_an_altered_line_fails_alone(change: int) -> None:
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
def test_a_control_byte_in_place_of_another_spoils_one_line_only(new: bytes) -> None:
    for byte in range(len(WHOLE) - 1):
        if WHOLE[byte : byte + 1] in (new, b"\n"):
            continue
        events, position = scan(SESSION, WHOLE[:byte] + new + WHOLE[byte + 1 :], Position())
        altered = line_at(byte)
        assert events == [one for number, one in enumerate(EVENTS) if number != altered], (byte, altered)
        assert position.damage[0].line == altered + 1


def test_a_missing_line_is_seen() -> None:
    for missing in range(COUNT - 1):
        data = b"".join(LINES[:missing] + LINES[missing + 1 :])
        assert scan(SESSION, data, Position())[1].damage
        assert set(numbers(data)) >= {n for n in range(1, COUNT + 1) if n not in (missing + 1, missing + 2)}


def test_a_line_that_stands_twice_is_seen_and_counts_once() -> None:
    for twice in range(COUNT):
        data = b"".join(LINES[: twice + 1] + LINES[twice:])
        assert scan(SESSION, data, Position())[1].damage
        assert numbers(data) == list(range(1, COUNT + 1))


@pytest.mark.parametrize("foreign", [b"<<<<<<< HEAD\n", b"\n", b"{}\n", plain(1, "brown-hare")[0], b"\0" * 300 + b"\n"])
def test_an_inserted_line_is_seen_and_takes_no_other_with_it(foreign: bytes) -> None:
    for workspace in range(COUNT + 1):
        data = b"".join([*LINES[:workspace], foreign, *LINES[workspace:]])
        assert scan(SESSION, data, Position())[1].damage
        assert numbers(data) == list(range(1, COUNT + 1)), workspace


def test_swapped_lines_are_seen_and_never_read_in_wrong_order() -> None:
    for first in range(COUNT - 1):
        data = b"".join([*LINES[:first], LINES[first + 1], LINES[first], *LINES[first + 2 :]])
        assert scan(SESSION, data, Position())[1].damage
        assert numbers(data) == sorted(numbers(data))
        assert set(numbers(data)) >= {n for n in range(1, COUNT + 1) if n <= first or n > first + 3}


def test_changed_line_ends_lose_nothing_and_are_one_finding() -> None:
    events, position = scan(SESSION, WHOLE.replace(b"\n", b"\r\n"), Position())
    assert events == EVENTS
    assert len(position.damage) == 1
    assert "CRLF" in position.damage[0].reason


def test_a_byte_order_mark_loses_nothing_and_is_a_finding() -> None:
    events, position = scan(SESSION, b"\xef\xbb\xbf" + WHOLE, Position())
    assert events == EVENTS
    assert len(position.damage) == 1
    assert "byte order mark" in position.damage[0].reason


def test_both_at_once() -> None:
    events, position = scan(SESSION, b"\xef\xbb\xbf" + WHOLE.replace(b"\n", b"\r\n"), Position())
    assert events == EVENTS
    assert len(position.damage) == 2


def test_lines_of_another_session_are_not_of_this_journal() -> None:
    events, position = scan("brown-hare", WHOLE, Position())
    assert events == []
    assert "belongs to amber-otter" in position.damage[0].reason


@pytest.mark.parametrize("second", [1.0, 0.5])
def test_a_time_that_does_not_rise_is_damage(second: float) -> None:
    data = b"".join(lines_of([event(1), event(2, second=second)]))
    events, position = scan(SESSION, data, Position())
    assert [one.n for one in events] == [1]
    assert "does not follow" in position.damage[0].reason


def test_a_number_that_does_not_rise_is_damage() -> None:
    data = b"".join(lines_of([event(1), event(1, second=2)]))
    assert scan(SESSION, data, Position())[1].damage


edits = st.lists(st.tuples(st.integers(0, len(WHOLE)), st.integers(0, 30), st.binary(max_size=9)), max_size=3)


@given(edits, st.integers(0, len(WHOLE)))
def test_reading_in_two_parts_is_reading_in_one(changes: list[tuple[int, int, bytes]], cut: int) -> None:
    data = WHOLE
    for workspace, length, new in changes:
        data = data[:workspace] + new + data[workspace + length :]
    events, position = scan(SESSION, data, Position())
    first, middle = scan(SESSION, data[:cut], Position())
    rest, end = scan(SESSION, data[middle.size :], middle)
    assert first + rest == events
    assert all(one in EVENTS for one in events)
    assert (end.size, end.lines, end.n, end.at, end.hashes, end.last, bool(end.damage)) == (
        position.size, position.lines, position.n, position.at, position.hashes, position.last, bool(position.damage),
    )  # fmt: skip


def test_what_never_was_a_line_is_not_looked_at_closely(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []

    def unseal(line: bytes, previous: bytes) -> Event:
        asked.append(line)
        return codec.decode_line(line, previous)

    monkeypatch.setattr(scanning, "decode_line", unseal)
    chance = random.Random(0)
    junk = [bytes(chance.randrange(11, 256) for _ in range(chance.randrange(60))) for _ in range(5000)]
    data = LINES[0] + b"\n".join(junk) + b"\n" + b"".join(LINES[1:])
    events, position = scan(SESSION, data, Position())
    assert events == EVENTS
    assert position.damage[0].line == 2
    assert asked == [line[:-1] for line in LINES]
