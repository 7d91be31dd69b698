"""Files in the log that coord did not write are cheap to read, are reported, and do not affect other journals."""

import random
from pathlib import Path

import pytest

from eventlog import history as reading
from eventlog import scanning
from eventlog.codec import MAX_LINE, NO_HASH, encode_line
from eventlog.errors import LogError, Unreadable
from eventlog.events import MessageSent
from eventlog.history import LogReader
from eventlog.local import journal as journals
from eventlog.local.journal import read_from, read_in_chunks
from eventlog.scanning import Position, scan
from tests.support.journals import SESSION, at, event, keys, plain, write

SMALL = 4096  # the maximum length of a line in tests that need it to be small


@pytest.fixture
def small_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "MAX_LINE", SMALL)
    monkeypatch.setattr(journals, "MAX_LINE", SMALL)


def sparse(path: Path, size: int) -> None:
    """Create a file of zeros."""
    with path.open("wb") as file:
        file.truncate(size)


def stopped(folder: Path, session: str = SESSION) -> Position:
    """Return the position at which a first read of a journal stops."""
    history = LogReader(str(folder), "north")
    history.catch_up(at(10))
    return history.positions[session]


def test_a_file_without_a_newline_is_read_up_to_a_lines_length(tmp_path: Path) -> None:
    path, chunk_bytes = tmp_path / "stray.jsonl", 1 << 20
    sparse(path, 64 << 20)
    data, _ = read_from(str(path), 0, b"", chunk_bytes)
    assert MAX_LINE < len(data) <= MAX_LINE + chunk_bytes


def test_a_file_without_a_newline_is_damage_and_stops_no_other(tmp_path: Path) -> None:
    write(tmp_path, "amber", "north", [1, 2])
    sparse(tmp_path / "stray.jsonl", 64 << 20)
    history = LogReader(str(tmp_path), "north")
    assert keys(history.catch_up(at(10)).events) == ["amber/1", "amber/2"]
    (spot,) = history.positions["stray"].damage
    assert (spot.line, spot.byte) == (1, 0)
    assert "so it is not read" in spot.reason


def test_a_stopped_file_is_read_again_only_if_its_size_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[str] = []

    def counted(path: str, size: int, last: bytes, chunk_bytes: int = 0) -> tuple[bytes, bool]:
        looks.append(Path(path).name)
        return read_from(path, size, last, chunk_bytes)

    path = tmp_path / "stray.jsonl"
    sparse(path, MAX_LINE + 1)
    first = LogReader(str(tmp_path), "north")
    first.catch_up(at(10))
    monkeypatch.setattr(reading, "read_from", counted)
    later = LogReader(str(tmp_path), "north", dict(first.positions))
    later.catch_up(at(10))
    assert looks == []
    sparse(path, MAX_LINE + 2)
    later.catch_up(at(10))
    assert looks
    assert len(later.positions["stray"].damage) == 1, "it is reported once"


def test_the_longest_line_that_coord_writes_is_read(tmp_path: Path) -> None:
    bare = len(encode_line(event(1, payload=MessageSent(to="everyone", subject="s", body="x")), NO_HASH)[0]) - 2
    line, _ = encode_line(
        event(1, payload=MessageSent(to="everyone", subject="s", body="x" * (MAX_LINE - bare))), NO_HASH
    )
    assert len(line) == MAX_LINE + 1
    (tmp_path / f"{SESSION}.jsonl").write_bytes(line)
    assert (stopped(tmp_path).lines, stopped(tmp_path).damage) == (1, ())
    (tmp_path / f"{SESSION}.jsonl").write_bytes(line[:-1])
    assert (stopped(tmp_path).size, stopped(tmp_path).damage) == (0, ()), "without its newline it is a tear"


@pytest.mark.usefixtures("small_lines")
def test_reading_stops_before_a_line_that_is_too_long(tmp_path: Path) -> None:
    lines = plain(4)
    whole = b"".join(lines[:2])
    for end in (b"", b"\n" + b"".join(lines[2:])):
        (tmp_path / f"{SESSION}.jsonl").write_bytes(whole + b"x" * (SMALL + 1) + end)
        position = stopped(tmp_path)
        assert (position.n, position.size) == (2, len(whole))
        assert [(spot.line, spot.byte) for spot in position.damage] == [(3, len(whole))]


@pytest.mark.usefixtures("small_lines")
@pytest.mark.parametrize("junk", [b"\n", b"x" * 50 + b"\n", b'{"text":"a line of a data set"}\n'])
def test_reading_stops_where_no_more_lines_verify(tmp_path: Path, junk: bytes) -> None:
    lines = plain(3)
    few, many = junk * 3, junk * SMALL
    path = tmp_path / f"{SESSION}.jsonl"
    path.write_bytes(lines[0] + few + lines[1] + few + lines[2])
    assert stopped(tmp_path).n == 3, "a few lines that do not verify are skipped"
    path.write_bytes(lines[0] + many + lines[1])
    position = stopped(tmp_path)
    assert position.n == 1
    assert position.size < len(lines[0]) + len(many)
    assert "so it is not read" in position.damage[-1].reason
    assert position.damage[-1].byte == position.size


@pytest.mark.usefixtures("small_lines")
def test_a_journal_counts_again_once_a_too_long_line_is_removed(tmp_path: Path) -> None:
    lines, path = plain(3), tmp_path / f"{SESSION}.jsonl"
    path.write_bytes(lines[0] + b"x" * 2 * SMALL)
    history = LogReader(str(tmp_path), "north")
    history.catch_up(at(10))
    assert history.positions[SESSION].damage
    path.write_bytes(lines[0])
    assert not history.catch_up(at(10)).rewound
    assert history.positions[SESSION] == scan(SESSION, lines[0], Position())[1]
    path.write_bytes(b"".join(lines))
    assert keys(history.catch_up(at(10)).events) == [f"{SESSION}/2", f"{SESSION}/3"]


@pytest.mark.usefixtures("small_lines")
@pytest.mark.parametrize("seed", range(20))
def test_the_chunk_size_does_not_change_where_reading_stops(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)
    lines = plain(12)
    for _ in range(chance.randrange(1, 4)):
        junk = chance.choice([b"x" * chance.randrange(2 * SMALL), b"\n" * chance.randrange(20), b"x" * 99 + b"\n"])
        lines.insert(chance.randrange(len(lines) + 1), junk * chance.choice([1, 1, 60]))
    data = b"".join(lines)
    (tmp_path / f"{SESSION}.jsonl").write_bytes(data)
    events, whole = scan(SESSION, data, Position())
    for pieces in (64, 1000, 1 << 20):
        monkeypatch.setattr(reading, "_MIN_CHUNK_BYTES", pieces)
        monkeypatch.setattr(journals, "_CHUNK_BYTES", pieces)
        read = [event for found, _, _ in read_in_chunks(str(tmp_path / f"{SESSION}.jsonl"), SESSION) for event in found]
        *_, (_, end, rest) = read_in_chunks(str(tmp_path / f"{SESSION}.jsonl"), SESSION)
        assert (read, end) == (events, whole)
        assert rest == (b"" if whole.stopped else data[whole.size :])
        history = LogReader(str(tmp_path), "north")
        assert history.catch_up(at(100)).events == events
        found = history.positions[SESSION]
        assert (found.size, found.damage, found.stopped) == (whole.size, whole.damage, whole.stopped)


@pytest.mark.parametrize("data", [b"junk", b"junk\n"])
def test_a_file_without_events_is_not_reported_as_rewound(tmp_path: Path, data: bytes) -> None:
    path, history = tmp_path / "stray.jsonl", LogReader(str(tmp_path), "north")
    path.write_bytes(data)
    history.catch_up(at(10))
    path.write_bytes(b"other")
    assert not history.catch_up(at(10)).rewound
    assert not history.positions["stray"].rewound
    path.unlink()
    assert not history.catch_up(at(10)).rewound
    assert "stray" not in history.positions


@pytest.mark.parametrize("error", [Unreadable("it cannot be read: Permission denied"), LogError("it is a link")])
def test_a_journal_that_may_become_readable_has_no_known_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: LogError
) -> None:
    def fails(path: str, size: int, last: bytes, chunk_bytes: int = 0) -> tuple[bytes, bool]:
        raise error

    write(tmp_path, "amber", "north", [1])
    (tmp_path / "Not a name.jsonl").write_bytes(b"stray")
    monkeypatch.setattr(reading, "read_from", fails)
    history = LogReader(str(tmp_path), "north")
    history.catch_up(at(10))
    assert history.known_sizes().keys() == {"Not a name"} | (set() if isinstance(error, Unreadable) else {"amber"})
