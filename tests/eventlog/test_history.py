"""The merged history: one order for all readers, problem files that do not affect other journals, and events held back
because their clock is too far ahead.
"""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventlog import history as reading
from eventlog.errors import JournalClosed, LogError
from eventlog.events import Event, to_micros
from eventlog.history import LogReader
from eventlog.local.journal import read_from
from eventlog.local.writer import JournalWriter
from eventlog.order import MAX_CLOCK_LEAD_S, merge
from tests.support.journals import at, event, keys, plain, write

# --- order ------------------------------------------------------------------------------------------------------------


@given(st.permutations([event(n, session) for n in range(1, 4) for session in ("amber", "brown", "coral")]))
def test_the_order_is_by_time_then_session_then_number(mixed: list[Event]) -> None:
    merged = merge([mixed[:4], mixed[2:], mixed[:1]])
    assert [(one.at, one.session, one.n) for one in merged] == sorted({one.key for one in mixed})


def test_a_second_read_returns_only_new_events_in_order(tmp_path: Path) -> None:
    history = LogReader(str(tmp_path), "north")
    write(tmp_path, "brown", "north", [1, 3])
    write(tmp_path, "amber", "north", [2, 4])
    assert keys(history.catch_up(at(10)).events) == ["brown/1", "amber/1", "brown/2", "amber/2"]
    assert history.catch_up(at(10)).events == []
    write(tmp_path, "coral", "north", [2.5])
    write(tmp_path, "amber", "north", [5])
    assert keys(history.catch_up(at(10)).events) == ["coral/1", "amber/3"]
    assert history.latest == at(5)


def test_reading_continues_at_saved_positions(tmp_path: Path) -> None:
    write(tmp_path, "amber", "north", [1, 2])
    first = LogReader(str(tmp_path), "north")
    first.catch_up(at(10))
    write(tmp_path, "amber", "north", [3])
    assert keys(LogReader(str(tmp_path), "north", dict(first.positions)).catch_up(at(10)).events) == ["amber/3"]


def test_an_incomplete_line_is_not_read_until_it_is_complete(tmp_path: Path) -> None:
    path, lines = tmp_path / "amber.jsonl", plain(2, "amber")
    path.write_bytes(lines[0] + lines[1][:30])
    history = LogReader(str(tmp_path), "north")
    assert keys(history.catch_up(at(10)).events) == ["amber/1"]
    assert history.catch_up(at(10)).events == []
    path.write_bytes(b"".join(lines))
    news = history.catch_up(at(10))
    assert keys(news.events) == ["amber/2"]
    assert not news.rewound


# --- files that cannot be read ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["directory", "fifo", "symlink", "device"])
def test_a_non_regular_file_is_reported_and_stops_no_other(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "amber.jsonl"
    if kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/null" if kind == "device" else tmp_path / "brown.jsonl")
    write(tmp_path, "brown", "north", [1])
    history = LogReader(str(tmp_path), "north")
    for expected in (["brown/1"], []):
        assert keys(history.catch_up(at(10)).events) == expected
        assert list(history.problems) == ["amber"]
        assert history.problems["amber"]
    path.rmdir() if kind == "directory" else path.unlink()
    write(tmp_path, "amber", "north", [2])
    assert keys(history.catch_up(at(10)).events) == ["amber/1"]
    assert history.problems == {}


def test_an_unreadable_journal_is_reported_and_stops_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "amber", "north", [1])
    write(tmp_path, "brown", "north", [1])
    tmp_path.chmod(0o755)
    (tmp_path / "amber.jsonl").chmod(0)
    monkeypatch.chdir(tmp_path)  # if root runs the tests, the folder must stay reachable as another user
    user = os.geteuid()
    history = LogReader(".", "north")
    try:
        if user == 0:
            os.seteuid(65534)
        assert keys(history.catch_up(at(10)).events) == ["brown/1"]
    finally:
        os.seteuid(user)
    assert "ermission" in history.problems["amber"]


@pytest.mark.parametrize("name", ["Amber", "a b", ".hidden", "ambér", "a" * 101])
def test_an_invalid_journal_name_is_reported_and_stops_no_other(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}.jsonl").write_bytes(b"".join(plain(1)))
    write(tmp_path, "brown", "north", [1])
    history = LogReader(str(tmp_path), "north")
    assert keys(history.catch_up(at(10)).events) == ["brown/1"]
    assert history.problems == {name: "is not named like a session"}


def test_a_missing_log_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="cannot read the log"):
        LogReader(str(tmp_path / "none"), "north").catch_up(at(10))


@pytest.mark.parametrize("left", [b"", plain(2, "amber")[0], b"".join(plain(3, "amber")[1:])])
def test_a_cut_back_journal_is_read_again_and_closed(tmp_path: Path, left: bytes) -> None:
    path = tmp_path / "amber.jsonl"
    path.write_bytes(b"".join(plain(3, "amber")))
    history = LogReader(str(tmp_path), "north")
    assert len(history.catch_up(at(10)).events) == 3
    path.write_bytes(left)
    news = history.catch_up(at(10))
    assert news.rewound
    assert keys(news.events) == (["amber/1"] if left and left == plain(1, "amber")[0] else keys(news.events))
    assert "3 lines were read before" in history.positions["amber"].rewound
    with pytest.raises(JournalClosed):
        JournalWriter(str(tmp_path), "amber", history.positions["amber"])
    path.write_bytes(left + b"x" * 999 + b"\n")
    history.catch_up(at(10))
    assert history.positions["amber"].rewound, "it stays rewound"


def test_a_missing_journal_is_reported_once_and_closed(tmp_path: Path) -> None:
    write(tmp_path, "amber", "north", [1, 2])
    history = LogReader(str(tmp_path), "north")
    history.catch_up(at(10))
    (tmp_path / "amber.jsonl").unlink()
    assert history.catch_up(at(10)).rewound
    assert "gone; 2 lines were read before" in history.positions["amber"].rewound
    assert not history.catch_up(at(10)).rewound
    with pytest.raises(JournalClosed):
        JournalWriter(str(tmp_path), "amber", history.positions["amber"])
    assert not (tmp_path / "amber.jsonl").exists()


def test_a_damaged_journal_stops_no_other(tmp_path: Path) -> None:
    lines = plain(3, "amber")
    (tmp_path / "amber.jsonl").write_bytes(lines[0] + lines[1].replace(b"step", b"stop") + lines[2])
    write(tmp_path, "brown", "north", [1.5])
    history = LogReader(str(tmp_path), "north")
    assert keys(history.catch_up(at(10)).events) == ["amber/1", "brown/1", "amber/3"]
    assert [found.line for found in history.positions["amber"].damage] == [2]


# --- clocks -----------------------------------------------------------------------------------------------------------


def test_events_too_far_ahead_are_held_back_and_not_lost(tmp_path: Path) -> None:
    write(tmp_path, "amber", "north", [1])
    write(tmp_path, "brown", "south", [2, 10 + MAX_CLOCK_LEAD_S, 10.000001 + MAX_CLOCK_LEAD_S, 500])
    history = LogReader(str(tmp_path), "north")
    assert keys(history.catch_up(at(10)).events) == ["amber/1", "brown/1", "brown/2"]
    assert history.held_back == {"brown": at(10.000001 + MAX_CLOCK_LEAD_S)}
    assert history.latest == at(10 + MAX_CLOCK_LEAD_S), "events that are held back do not affect the latest time"
    assert history.catch_up(at(10)).events == []
    assert list(history.held_back) == ["brown"]
    write(tmp_path, "brown", "south", [501])
    assert keys(history.catch_up(at(11)).events) == ["brown/3"]
    assert keys(history.catch_up(at(441)).events) == ["brown/4", "brown/5"]
    assert history.held_back == {}


def test_events_of_the_readers_own_machine_are_never_held_back(tmp_path: Path) -> None:
    write(tmp_path, "amber", "north", [1, 5000])
    write(tmp_path, "brown", "south", [5000, 5001])
    history = LogReader(str(tmp_path), "north")
    assert keys(history.catch_up(at(-9999)).events) == ["amber/1", "amber/2", "brown/1"], "the reader's clock went back"
    assert list(history.held_back) == ["brown"]


def test_each_reader_holds_back_only_the_other_machines_events(tmp_path: Path) -> None:
    write(tmp_path, "amber", "north", [1])
    write(tmp_path, "brown", "south", [1000])
    assert keys(LogReader(str(tmp_path), "south").catch_up(at(5)).events) == ["amber/1", "brown/1"]
    assert keys(LogReader(str(tmp_path), "north").catch_up(at(5)).events) == ["amber/1"]


def test_holding_back_events_keeps_the_damage_found(tmp_path: Path) -> None:
    write(tmp_path, "brown", "south", [1, 2, 3, 500])
    path = tmp_path / "brown.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    history = LogReader(str(tmp_path), "north")
    assert keys(history.catch_up(at(5)).events) == ["brown/1", "brown/2", "brown/3"]
    assert [found.byte for found in history.positions["brown"].damage] == [0]
    assert keys(history.catch_up(at(500)).events) == ["brown/4"]


def test_local_appends_do_not_admit_events_too_far_ahead(tmp_path: Path) -> None:
    write(tmp_path, "brown", "south", [10.0 + 50 * n for n in range(1, 20)])
    history = LogReader(str(tmp_path), "north")
    for _ in range(10):
        history.catch_up(at(10))
        assert history.latest <= at(10 + MAX_CLOCK_LEAD_S)
        seconds = (to_micros(history.latest) - to_micros(at(0)) + 1) / 1_000_000
        write(tmp_path, "amber", "north", [seconds])  # as a command does: later than everything it read
    assert history.positions["brown"].n == 1
    assert history.held_back == {"brown": at(110)}
    assert keys(LogReader(str(tmp_path), "north").catch_up(at(10)).events)[0] == "brown/1"
    history.catch_up(at(60))
    assert history.positions["brown"].n == 2


@given(st.lists(st.sampled_from([1, 10, 40, 61, 100]), min_size=1, max_size=8), st.lists(st.integers(0, 400)))
def test_repeated_reads_return_each_event_once_and_in_order(
    tmp_path_factory: pytest.TempPathFactory, gaps: list[int], looks: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("log")
    seconds = [float(sum(gaps[: i + 1])) for i in range(len(gaps))]
    write(folder, "brown", "south", seconds)
    history, seen = LogReader(str(folder), "north"), list[str]()
    for look in [*sorted(looks), 10_000]:
        news = history.catch_up(at(look))
        assert all(one.at <= at(look + MAX_CLOCK_LEAD_S) for one in news.events)
        assert not news.rewound
        seen += keys(news.events)
    assert seen == [f"brown/{n}" for n in range(1, len(gaps) + 1)]


def test_a_read_that_fails_midway_changes_no_position(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history = LogReader(str(tmp_path), "north")
    write(tmp_path, "amber", "north", [1, 2])
    write(tmp_path, "brown", "south", [3, 4000])
    real, asked = read_from, list[str]()

    def fails_once(path: str, size: int, last: bytes, chunk_bytes: int) -> tuple[bytes, bool]:
        asked.append(path)
        if len(asked) == 2:
            raise MemoryError
        return real(path, size, last, chunk_bytes)

    monkeypatch.setattr(reading, "read_from", fails_once)
    with pytest.raises(MemoryError):
        history.catch_up(at(10))
    assert keys(history.catch_up(at(10)).events) == ["amber/1", "amber/2", "brown/1"]
    assert "brown" in history.held_back
