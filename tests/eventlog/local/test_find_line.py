"""A line that is found by bisecting a journal is the line that reading the whole journal gives."""

import os
from pathlib import Path

import pytest

from eventlog.codec import NO_HASH, encode_line
from eventlog.events import VERSION, Event, SessionHeartbeat, add_time
from eventlog.local import journal
from eventlog.local.journal import find_line, read_event
from tests.support.journals import START

SESSION = "amber-otter"


def lines(count: int) -> list[bytes]:
    """The lines of a journal; some are much longer than others."""
    found, previous = [], NO_HASH
    for n in range(1, count + 1):
        beat = SessionHeartbeat(action="x" * (n % 7 * 100 + (20_000 if n % 50 == 0 else 1)))
        event = Event(v=VERSION, at=add_time(START, n), session=SESSION, n=n, payload=beat)
        line, previous = encode_line(event, previous)
        found.append(line)
    return found


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(journal, "_SEARCHED_BYTES", 3000)
    return tmp_path


@pytest.mark.parametrize("folder", ["", "ended"])
def test_every_line_of_a_journal_is_found(log: Path, folder: str) -> None:
    os.makedirs(log / folder, exist_ok=True)
    written = lines(120)
    (log / folder / f"{SESSION}.jsonl").write_bytes(b"".join(written))
    for n, line in enumerate(written, 1):
        found = find_line(str(log), SESSION, n)
        assert found is not None
        assert (found[0].n, found[1]) == (n, line[:-1])
    assert find_line(str(log), SESSION, 121) is None
    assert find_line(str(log), "other", 1) is None


def test_an_incomplete_line_is_not_found(log: Path) -> None:
    (log / f"{SESSION}.jsonl").write_bytes(b"".join(lines(30))[:-1])
    assert find_line(str(log), SESSION, 30) is None
    assert find_line(str(log), SESSION, 29) is not None


@pytest.mark.parametrize("damaged", [1, 2, 59, 60, 61, 120])
def test_around_damage_the_whole_journal_decides(log: Path, damaged: int, monkeypatch: pytest.MonkeyPatch) -> None:
    written = lines(120)
    line = written[damaged - 1]
    written[damaged - 1] = line[:-50] + bytes([line[-50] ^ 1]) + line[-49:]
    (log / f"{SESSION}.jsonl").write_bytes(b"".join(written))
    answers = [read_event(str(log), f"{SESSION}/{n}") for n in range(1, 122)]
    monkeypatch.setattr(journal, "find_line", lambda *_: None)
    assert answers == [read_event(str(log), f"{SESSION}/{n}") for n in range(1, 122)]
    assert answers[damaged - 1] is None


def test_a_line_of_another_session_is_not_found(log: Path) -> None:
    (log / "brown-hare.jsonl").write_bytes(b"".join(lines(30)))
    assert find_line(str(log), "brown-hare", 3) is None
