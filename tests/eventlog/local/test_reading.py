"""What a reader of journals accepts, rejects and remembers; each check has its own case."""

import os
from pathlib import Path

import pytest

from eventlog import scanning
from eventlog.codec import encode_line, stored_hash
from eventlog.errors import LogError
from eventlog.events import SessionStarted
from eventlog.history import LogReader
from eventlog.local import journal as journals
from eventlog.local.files import ARCHIVE_FOLDER
from eventlog.local.journal import FULL_JOURNAL_BYTES, closed_reason, read_event, read_from
from eventlog.local.lock import SEAL_SUFFIX
from eventlog.scanning import TAIL_BYTES, Damage, Position, scan
from tests.support.journals import SESSION, at, event, keys, lines_of, numbers, plain, position_of, write

LINES = plain(4)
JUNK = b"junk " * 20 + b"\n"


def after(line: bytes, n: int, second: float) -> bytes:
    """Return a line that follows another by its hash, with any number and time."""
    return encode_line(event(n, second=second), stored_hash(line[:-1]))[0]


# --- lines ------------------------------------------------------------------------------------------------------------


def test_numbers_must_increase_after_damage() -> None:
    for n in (1, 2):
        assert numbers(LINES[0] + LINES[1] + JUNK + after(LINES[1], n, 9)) == [1, 2]


def test_only_after_damage_a_number_can_be_missing() -> None:
    missing = lines_of([event(1), event(3)])
    assert numbers(b"".join(missing)) == [1]
    assert scan(SESSION, b"".join(missing), Position())[1].damage
    assert numbers(LINES[0] + JUNK + missing[1]) == [1, 3]
    position = scan(SESSION, LINES[0] + JUNK, Position())[1]
    assert [one.n for one in scan(SESSION, missing[1], position)[0]] == [3], "also in a later scan"


def test_a_line_must_follow_the_last_line() -> None:
    events, position = scan(SESSION, LINES[0] + LINES[1] + after(LINES[0], 3, 9), Position())
    assert [one.n for one in events] == [1, 2]
    assert [spot.line for spot in position.damage] == [3]


@pytest.mark.parametrize("junk", [b'%d"}\n', b"%d" + b" junk" * 20 + b"\n"], ids=["short", "nothing like a line"])
def test_a_line_after_unreadable_bytes_still_counts(junk: bytes) -> None:
    between = b"".join(junk % n for n in range(20))
    data = LINES[0] + LINES[1].replace(b"step", b"stop") + between + LINES[2]
    assert numbers(data) == [1, 3]


@pytest.mark.parametrize("change", [(b'{"v"', b'x"v"'), (b'"}\n', b'"x\n'), (b',"hash"', b',"rash"')])
def test_a_line_can_follow_a_partly_recognizable_line(change: tuple[bytes, bytes]) -> None:
    for also in ((b'{"v"', b'x"v"'), change):
        damaged = LINES[1].replace(*change).replace(*also)
        assert numbers(LINES[0] + damaged + LINES[2]) == [1, 3]


def test_a_byte_order_mark_counts_only_at_the_beginning() -> None:
    middle = scan(SESSION, LINES[0], Position())[1]
    events, position = scan(SESSION, b"\xef\xbb\xbf" + LINES[1], middle)
    assert (events, [spot.reason for spot in position.damage]) == ([], ["its hash is wrong"])


def test_damage_is_listed_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "MAX_DAMAGE", 3)
    events, position = scan(SESSION, JUNK * 3 + LINES[0], Position())
    assert [spot.line for spot in position.damage] == [1, 2, 3]
    assert not any("there is more damage" in spot.reason for spot in position.damage)
    events, position = scan(SESSION, JUNK * 9 + LINES[0], Position())
    assert [one.n for one in events] == [1]
    assert [spot.line for spot in position.damage] == [1, 2, 3, 4]
    assert [spot.line for spot in position.damage if "there is more damage" in spot.reason] == [4]


def test_scanning_on_keeps_earlier_findings() -> None:
    hello = event(1, payload=SessionStarted(machine="north", folder="/a"))
    data = b"".join(lines_of([hello])) + JUNK
    first = scan(SESSION, data, Position(rewound="it was cut back"))[1]
    last = scan(SESSION, b"x\n", first)[1]
    assert last.damage == (*first.damage, Damage(3, len(data), "its hash is wrong"))
    assert (last.machine, last.folder, last.rewound) == ("north", "/a", "it was cut back")
    assert last.last == (data + b"x\n")[-TAIL_BYTES:]


# --- files ------------------------------------------------------------------------------------------------------------


def test_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    before = len(os.listdir("/dev/fd"))
    for path in (str(tmp_path / "pipe"), "/dev/null"):
        with pytest.raises(LogError, match="not a regular file"):
            read_from(path, 0, b"")
    assert len(os.listdir("/dev/fd")) == before


def test_a_journal_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / f"{SESSION}.jsonl"
    path.write_bytes(LINES[0])
    monkeypatch.setattr(journals, "MAX_JOURNAL_BYTES", len(LINES[0]))
    assert read_from(str(path), 0, b"") == (LINES[0], False)
    monkeypatch.setattr(journals, "MAX_JOURNAL_BYTES", len(LINES[0]) - 1)
    with pytest.raises(LogError, match="is not read"):
        read_from(str(path), 0, b"")


def test_each_reason_closes_a_journal(tmp_path: Path) -> None:
    path, log = tmp_path / f"{SESSION}.jsonl", str(tmp_path)
    path.write_bytes(b"".join(LINES))
    seen = position_of(tmp_path)
    assert closed_reason(log, SESSION, seen) == ""
    assert "line 7 (byte 8) is damaged: why" in closed_reason(log, SESSION, Position(damage=(Damage(7, 8, "why"),)))
    assert closed_reason(log, SESSION, Position(rewound="it was cut back")) == "it was cut back"
    assert closed_reason(log, SESSION, Position(archived=True)) == "it was archived"
    assert "full" in closed_reason(log, "brown", Position(size=FULL_JOURNAL_BYTES))
    assert closed_reason(log, "brown", Position(size=FULL_JOURNAL_BYTES - 1)) == ""
    path.write_bytes(b"".join(LINES[:3]) + after(LINES[2], 4, 9))
    assert "have changed since they were read" in closed_reason(log, SESSION, seen)
    path.write_bytes(b"".join(LINES))
    (tmp_path / (path.name + SEAL_SUFFIX)).touch()
    assert "could not be made durable" in closed_reason(log, SESSION, seen)


def test_an_event_id_cannot_lead_out_of_the_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.mkdir()
    for folder in (log, tmp_path):
        (folder / f"{SESSION}.jsonl").write_bytes(b"".join(LINES))
    assert read_event(str(log), f"{SESSION}/2") == event(2)
    for name in (f"../{SESSION}/2", "a\0b/2", "", SESSION, f"{SESSION}/", f"{SESSION}/9", f"{SESSION}/02", "none/1"):
        assert read_event(str(log), name) is None, name


def test_other_files_in_the_log_are_not_journals(tmp_path: Path) -> None:
    write(tmp_path, "amber", "north", [1])
    (tmp_path / ARCHIVE_FOLDER).mkdir()
    for folder in (tmp_path, tmp_path / ARCHIVE_FOLDER):
        for name in (".lock", "amber.jsonl.sealed", "amber-1.torn", "notes.txt", "amber.json"):
            (folder / name).touch()
    history = LogReader(str(tmp_path), "north")
    assert history.names() == {"amber"}
    assert history.problems == {}


# --- missing, rewound and held back -----------------------------------------------------------------------------------


def test_a_missing_empty_journal_is_not_reported(tmp_path: Path) -> None:
    (tmp_path / "amber.jsonl").touch()
    history = LogReader(str(tmp_path), "north")
    history.catch_up(at(10))
    (tmp_path / "amber.jsonl").unlink()
    assert not history.catch_up(at(10)).rewound
    assert "amber" not in history.positions


def test_the_first_of_several_rewinds_is_reported(tmp_path: Path) -> None:
    path, history = tmp_path / "amber.jsonl", LogReader(str(tmp_path), "north")
    lines = plain(3, "amber")
    for count in (3, 2, 1):
        path.write_bytes(b"".join(lines[:count]))
        history.catch_up(at(10))
    assert "3 lines" in history.positions["amber"].rewound


def test_accepted_events_stay_when_the_clock_goes_back(tmp_path: Path) -> None:
    write(tmp_path, "brown", "south", [1, 50])
    history = LogReader(str(tmp_path), "north")
    assert keys(history.catch_up(at(10)).events) == ["brown/1", "brown/2"]
    write(tmp_path, "coral", "south", [45, 51])
    assert keys(history.catch_up(at(-9999)).events) == ["coral/1"]
    assert history.held_back == {"coral": at(51)}


def test_holding_back_events_keeps_a_rewind(tmp_path: Path) -> None:
    write(tmp_path, "brown", "south", [1, 2, 3])
    history = LogReader(str(tmp_path), "north")
    history.catch_up(at(10))
    (tmp_path / "brown.jsonl").unlink()
    write(tmp_path, "brown", "south", [1, 500])
    assert history.catch_up(at(10)).rewound
    assert history.held_back == {"brown": at(500)}
    assert "3 lines" in history.positions["brown"].rewound
