"""What every remote must do, whatever carries the journals."""

import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from eventlog.remotes.git.remote import GitRemote
from eventlog.remotes.piece import MAX_PIECE_BYTES
from eventlog.remotes.remote import BEHIND
from tests.support.remote_places import Copy, GitPlace, Place, pieces_of

LONG = bytes(range(256)) * 600  # 2.3 segments


def published(copy: Copy, *journals: tuple[str, bytes]) -> None:
    pieces = [piece for session, data in journals for piece in pieces_of(session, data)]
    cursor = copy.remote.publish(pieces, copy.cursor)
    assert isinstance(cursor, str)
    copy.cursor = cursor


def test_an_empty_remote_has_nothing(place: Place) -> None:
    copy = Copy(place.open("a"))
    copy.read()
    assert copy.journals == {}


def test_another_machine_reads_what_was_published(place: Place) -> None:
    a, b = Copy(place.open("a")), Copy(place.open("b"))
    a.read()
    published(a, ("one-1", b"first\n"), ("two-1", LONG))
    b.read()
    assert b.journals == {"one-1": b"first\n", "two-1": LONG}


def test_only_what_is_new_is_read(place: Place) -> None:
    a, b = Copy(place.open("a")), Copy(place.open("b"))
    a.read()
    published(a, ("one-1", b"first\n"))
    b.read()
    published(a, ("two-1", b"second\n"))
    b.journals.pop("one-1")
    assert not b.read().restarted
    assert b.journals == {"two-1": b"second\n"}


def test_the_same_bytes_again_change_nothing(place: Place) -> None:
    a, b = Copy(place.open("a")), Copy(place.open("b"))
    a.read()
    published(a, ("one-1", LONG))
    b.read()
    cursor = a.cursor
    published(a, ("one-1", LONG))
    b.read()
    assert b.journals == {"one-1": LONG}
    if isinstance(a.remote, GitRemote):
        assert a.cursor == cursor


def test_a_journal_grows_over_the_end_of_a_segment(place: Place) -> None:
    a, b = Copy(place.open("a")), Copy(place.open("b"))
    a.read()
    for size in (10, MAX_PIECE_BYTES - 1, MAX_PIECE_BYTES, MAX_PIECE_BYTES + 1, len(LONG)):
        begin = len(a.journals.get("one-1", b""))
        cursor = a.remote.publish(pieces_of("one-1", LONG[:size], since=begin), a.cursor)
        assert isinstance(cursor, str)
        a.cursor, a.journals["one-1"] = cursor, LONG[:size]
        b.read()
        assert b.journals["one-1"] == LONG[:size]


def test_an_archived_journal_is_complete(place: Place) -> None:
    a, b, late = Copy(place.open("a")), Copy(place.open("b")), Copy(place.open("c"))
    a.read()
    published(a, ("one-1", LONG), ("two-1", b"open\n"))
    b.read()
    cursor = a.remote.publish(pieces_of("one-1", LONG, since=len(LONG), archived=True), a.cursor)
    assert isinstance(cursor, str)
    for copy in (b, late):
        copy.read()
        assert (copy.journals, copy.archived) == ({"one-1": LONG, "two-1": b"open\n"}, {"one-1"})


def test_of_two_publishers_the_second_is_behind(place: Place) -> None:
    a, b = Copy(place.open("a")), Copy(place.open("b"))
    if not a.remote.agrees:
        pytest.skip("a folder cannot compare and swap")
    a.read()
    b.read()
    published(a, ("one-1", b"first\n"))
    assert b.remote.publish(pieces_of("two-1", b"second\n"), b.cursor) == BEHIND
    b.read()
    assert b.journals == {"one-1": b"first\n"}
    published(b, ("two-1", b"second\n"))


def test_a_cursor_of_another_remote_reads_everything(place: Place) -> None:
    a = Copy(place.open("a"))
    a.read()
    published(a, ("one-1", b"first\n"))
    for cursor in ("f" * 40, "2026-12-01T00:00:00Z 7 abcdef", "damaged\n"):
        if isinstance(a.remote, GitRemote) or cursor.startswith("2026"):
            b = Copy(place.open("b"))
            b.cursor = cursor
            assert b.read().restarted
            assert b.journals == {"one-1": b"first\n"}


def test_watching_ends_with_news_and_with_close(place: Place) -> None:
    a, b = Copy(place.open("a")), Copy(place.open("b"))
    a.read()
    published(a, ("one-1", b"first\n"))
    b.read()
    assert not b.remote.watch(b.cursor, 0)
    published(a, ("two-1", b"second\n"))
    assert b.remote.watch(b.cursor, 20)
    b.read()
    ended: list[bool] = []
    waiter = threading.Thread(target=lambda: ended.append(b.remote.watch(b.cursor, 60)))
    waiter.start()
    b.remote.close()
    waiter.join(20)
    assert ended == [False]


def publish_with_retries(place: Place, name: str, count: int) -> list[str]:
    copy = Copy(place.open(name))
    data, told = b"", list[str]()
    while len(told) < count:
        copy.read()
        line = f"{name} {len(told)} after {sorted((k, len(v)) for k, v in copy.journals.items())}\n".encode()
        cursor = copy.remote.publish(pieces_of(name, data + line, since=len(data)), copy.cursor)
        if isinstance(cursor, str):
            copy.cursor, data = cursor, data + line
            copy.journals[name] = data
            told.append(line.decode())
    return told


RACER = """
import sys
from pathlib import Path
from tests.eventlog.remotes.test_conformance import publish_with_retries
from tests.support.remote_places import GitPlace
place = GitPlace.__new__(GitPlace)
place.base, place.bare = Path(sys.argv[1]), Path(sys.argv[1]) / "place.git"
place.url = f"file://{place.bare}"
publish_with_retries(place, sys.argv[2], int(sys.argv[3]))
"""


@pytest.mark.slow
def test_racing_processes_publish_one_after_the_other(bare: GitPlace) -> None:
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", RACER, str(bare.base)]
    racers = [subprocess.Popen([*command, name, "15"], cwd=root) for name in ("one-1", "two-1")]
    assert [racer.wait(120) for racer in racers] == [0, 0]
    copy = Copy(bare.open("reader"))
    copy.read()
    lines = [line for data in copy.journals.values() for line in data.decode().splitlines()]
    assert len(lines) == 30
    assert len({line.partition(" after ")[2] for line in lines}) == 30  # each was decided on a state of its own


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_any_order_gives_every_reader_the_same_bytes(place: Place, seed: int) -> None:
    chance = random.Random(seed)
    copies = {name: Copy(place.open(name)) for name in ("a-1", "b-1", "c-1")}
    written = dict.fromkeys(copies, b"")
    for _ in range(20):
        name = chance.choice(sorted(copies))
        copy = copies[name]
        if chance.random() < 0.5:
            copy.read()
        grown = written[name] + chance.randbytes(chance.choice((1, 50, MAX_PIECE_BYTES, 3)))
        cursor = copy.remote.publish(pieces_of(name, grown, since=len(written[name])), copy.cursor)
        if isinstance(cursor, str):
            copy.cursor, written[name] = cursor, grown
            copy.journals[name] = grown
    for copy in copies.values():
        copy.read()
        assert copy.journals == {name: data for name, data in written.items() if data}


@pytest.mark.slow
def test_100000_events_travel(place: Place) -> None:
    a, b = Copy(place.open("a")), Copy(place.open("b"))
    a.read()
    line = b'{"n":%06d,"text":"an event of the usual length, without what a real one holds"}\n'
    for journal in range(10):
        data = b"".join(line % number for number in range(journal * 10_000, journal * 10_000 + 10_000))
        published(a, (f"s-{journal}", data))
    b.read()
    assert sum(data.count(b"\n") for data in b.journals.values()) == 100_000
