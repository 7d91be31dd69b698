"""Archived journals count like all others, are found even if they are archived during a read, and take no more
events.
"""

import os
import shutil
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventlog import history, listing
from eventlog.errors import JournalClosed, LogError
from eventlog.history import LogReader
from eventlog.local.files import ARCHIVE_FOLDER
from eventlog.local.journal import (
    closed_reason,
    journal_paths,
    read_events,
    read_from,
    read_in_chunks,
    with_journal_path,
)
from eventlog.local.writer import JournalWriter
from eventlog.scanning import Position, scan
from tests.support.journals import at, keys, plain, write


def archive(folder: Path, session: str) -> None:
    active, archived = journal_paths(str(folder), session)
    (folder / ARCHIVE_FOLDER).mkdir(exist_ok=True)
    os.rename(active, archived)


def test_an_archived_journal_counts_like_any_other(tmp_path: Path) -> None:
    write(tmp_path, "amber", "north", [1, 3])
    write(tmp_path, "brown", "north", [2, 4])
    archive(tmp_path, "brown")
    history = LogReader(str(tmp_path), "north")
    assert keys(history.catch_up(at(10)).events) == ["amber/1", "brown/1", "amber/2", "brown/2"]
    assert history.names() == {"amber", "brown"}
    assert [one.id for one in read_events(str(tmp_path), "brown")] == ["brown/1", "brown/2"]


@pytest.mark.parametrize("read_before", [1, 2])
def test_events_read_before_archiving_are_not_read_again(tmp_path: Path, read_before: int) -> None:
    """A position belongs to the session, not to the path, so reading continues where it stopped."""
    write(tmp_path, "amber", "north", [float(n + 1) for n in range(read_before)])
    history = LogReader(str(tmp_path), "north")
    history.catch_up(at(10))
    if read_before == 1:
        write(tmp_path, "amber", "north", [2])
    archive(tmp_path, "amber")
    news = history.catch_up(at(10))
    assert keys(news.events) == (["amber/2"] if read_before == 1 else [])
    assert not news.rewound
    assert history.position("amber") == history.archive.get("amber")
    assert "amber" not in history.positions


def test_a_fully_read_archived_journal_is_not_opened_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "amber", "north", [1])
    archive(tmp_path, "amber")
    history = LogReader(str(tmp_path), "north")
    history.catch_up(at(10))
    monkeypatch.setattr("eventlog.history.with_journal_path", lambda *_: pytest.fail("it was opened"))
    assert history.catch_up(at(10)).events == []
    later = LogReader(str(tmp_path), "north", dict(history.positions), archive=history.archive.copy())
    assert later.catch_up(at(10)).events == []


def test_a_missing_archived_journal_is_reported(tmp_path: Path) -> None:
    write(tmp_path, "amber", "north", [1, 2])
    archive(tmp_path, "amber")
    history = LogReader(str(tmp_path), "north")
    history.catch_up(at(10))
    (tmp_path / ARCHIVE_FOLDER / "amber.jsonl").unlink()
    assert history.catch_up(at(10)).rewound
    assert "gone; 2 lines were read before" in history.positions["amber"].rewound


def test_an_archived_journal_takes_no_more_events(tmp_path: Path) -> None:
    write(tmp_path, "amber", "north", [1])
    archive(tmp_path, "amber")
    history = LogReader(str(tmp_path), "north")
    history.catch_up(at(10))
    position = history.position("amber")
    assert position is not None
    assert closed_reason(str(tmp_path), "amber", position) == "it was archived"
    with pytest.raises(JournalClosed, match="it was archived"):
        JournalWriter(str(tmp_path), "amber", position)
    os.rename(*reversed(journal_paths(str(tmp_path), "amber")))
    history.catch_up(at(10))
    assert closed_reason(str(tmp_path), "amber", history.positions["amber"]) == "", "someone put it back"


def test_no_second_journal_gets_the_name_of_an_archived_one(tmp_path: Path) -> None:
    """Not even if the position in the archived one was lost with a damaged cache."""
    write(tmp_path, "amber", "north", [1])
    archive(tmp_path, "amber")
    assert closed_reason(str(tmp_path), "amber", Position()) == "it was archived"
    with pytest.raises(JournalClosed, match="it was archived"):
        JournalWriter(str(tmp_path), "amber", Position())
    assert not (tmp_path / "amber.jsonl").exists()


def test_the_journal_in_the_log_counts_before_an_archived_one(tmp_path: Path) -> None:
    write(tmp_path, "amber", "north", [1, 2])
    archive(tmp_path, "amber")
    shutil.copy(tmp_path / ARCHIVE_FOLDER / "amber.jsonl", tmp_path)
    write(tmp_path, "amber", "north", [3])
    history = LogReader(str(tmp_path), "north")
    assert keys(history.catch_up(at(10)).events) == ["amber/1", "amber/2", "amber/3"]
    assert history.duplicates == {"amber"}
    assert history.problems == {}


def test_an_archive_that_cannot_be_listed_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, "amber", "north", [1])
    (tmp_path / ARCHIVE_FOLDER).write_text("no folder")
    with pytest.raises(LogError, match="archived"):
        LogReader(str(tmp_path), "north").catch_up(at(10))


def test_held_back_events_of_an_archived_journal_count_later(tmp_path: Path) -> None:
    write(tmp_path, "brown", "south", [1, 500])
    archive(tmp_path, "brown")
    history = LogReader(str(tmp_path), "north")
    assert keys(history.catch_up(at(5)).events) == ["brown/1"]
    assert list(history.held_back) == ["brown"]
    assert keys(history.catch_up(at(500)).events) == ["brown/2"]


def test_a_recent_listing_of_the_archive_is_repeated(tmp_path: Path) -> None:
    """Two changes in quick succession can give the folder the same modification time."""
    write(tmp_path, "amber", "north", [1])
    archive(tmp_path, "amber")
    reader = LogReader(str(tmp_path), "north")
    reader.catch_up(at(10))
    same = os.stat(tmp_path / ARCHIVE_FOLDER).st_mtime_ns
    write(tmp_path, "brown", "north", [2])
    os.rename(tmp_path / "brown.jsonl", tmp_path / ARCHIVE_FOLDER / "brown.jsonl")
    os.utime(tmp_path / ARCHIVE_FOLDER, ns=(same, same))
    assert keys(reader.catch_up(at(10)).events) == ["brown/1"]


def test_a_move_in_the_same_instant_as_a_listing_is_found(tmp_path: Path) -> None:
    """Even if the modification time of the archive is the same, a journal that left the log is not gone."""
    write(tmp_path, "amber", "north", [1])
    write(tmp_path, "brown", "north", [2])
    archive(tmp_path, "amber")
    os.utime(tmp_path / ARCHIVE_FOLDER, ns=(5, 5))
    reader = LogReader(str(tmp_path), "north")
    reader.catch_up(at(10))
    assert reader.archive.is_current(str(tmp_path))
    archive(tmp_path, "brown")
    os.utime(tmp_path / ARCHIVE_FOLDER, ns=(5, 5))
    assert not reader.catch_up(at(10)).rewound
    assert reader.archive.summary.journals == 2


def test_an_unchanged_archive_is_not_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "amber", "north", [1])
    archive(tmp_path, "amber")
    os.utime(tmp_path / ARCHIVE_FOLDER, ns=(5, 5))
    reader = LogReader(str(tmp_path), "north")
    reader.catch_up(at(10))
    monkeypatch.setattr(listing, "journal_names", lambda _: pytest.fail("it was listed"))
    write(tmp_path, "brown", "north", [2])
    assert keys(reader.catch_up(at(10)).events) == ["brown/1"]
    assert (reader.latest, reader.names()) == (at(2), {"amber", "brown"})


# --- archiving during a read ------------------------------------------------------------------------------------------


@given(st.data())
def test_reading_while_a_journal_is_archived_misses_no_event(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """The log is listed first, and a journal only ever moves out of it, so no step of a read can miss it."""
    folder = tmp_path_factory.mktemp("log")
    for name in ("amber", "brown"):
        write(folder, name, "north", [1, 2])
    when = data.draw(st.integers(0, 12))
    steps = iter(range(1000))

    def tick() -> None:
        if next(steps) == when:
            archive(folder, "brown")

    def between(module: ModuleType, function: str) -> None:
        real = getattr(module, function)

        def call(*values: object, **options: object) -> object:
            tick()
            found = real(*values, **options)
            tick()
            return found

        patch.setattr(module, function, call)

    reader = LogReader(str(folder), "north")
    if data.draw(st.booleans()):
        reader.catch_up(at(10))
        write(folder, "brown", "north", [3])
    before = sum(position.n for position in reader.positions.values())
    with pytest.MonkeyPatch.context() as patch:
        between(listing, "list_journal_sizes")
        between(listing, "archive_modified_ns")
        between(listing, "journal_names")
        between(history, "with_journal_path")
        between(history, "read_from")
        batches = [reader.catch_up(at(10)) for _ in range(2)]
    events = [event for batch in batches for event in batch.events]
    assert not any(batch.rewound for batch in batches)
    assert reader.problems == {}
    assert reader.duplicates == set()
    assert before + len(events) == (5 if before else 4)


def test_a_journal_archived_meanwhile_is_found_in_the_archive(tmp_path: Path) -> None:
    write(tmp_path, "amber", "north", [1])

    def use(path: str) -> bytes:
        if ARCHIVE_FOLDER not in path:
            archive(tmp_path, "amber")
        return read_from(path, 0, b"")[0]

    assert with_journal_path(str(tmp_path), "amber", use) == (tmp_path / ARCHIVE_FOLDER / "amber.jsonl").read_bytes()


def test_an_unreadable_journal_is_not_looked_up_in_the_archive(tmp_path: Path) -> None:
    write(tmp_path, "amber", "north", [1])
    archive(tmp_path, "amber")
    (tmp_path / "amber.jsonl").mkdir()
    with pytest.raises(LogError, match="not a regular file"):
        with_journal_path(str(tmp_path), "amber", lambda path: read_from(path, 0, b""))


# --- reading in chunks ------------------------------------------------------------------------------------------------


@given(st.binary(max_size=300), st.integers(1, 400), st.integers(0, 500))
def test_reading_a_journal_in_chunks_gives_the_whole_journal(
    tmp_path_factory: pytest.TempPathFactory, tail: bytes, piece: int, changed: int
) -> None:
    path = tmp_path_factory.mktemp("log") / "amber.jsonl"
    data = bytearray(b"".join(plain(4, "amber")) + tail)
    data[changed % len(data)] ^= 1
    path.write_bytes(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("eventlog.local.journal._CHUNK_BYTES", piece)
        found = list(read_in_chunks(str(path), "amber"))
    events, position = scan("amber", bytes(data), Position())
    assert [one for part in found for one in part[0]] == events
    end = found[-1][1]
    assert (end.size, end.lines, end.n, end.hashes, end.last) == (
        position.size, position.lines, position.n, position.hashes, position.last
    )  # fmt: skip
    assert [(spot.line, spot.byte) for spot in end.damage] == [(spot.line, spot.byte) for spot in position.damage]
    assert found[-1][2] == bytes(data)[position.size :]


def test_changed_line_ends_are_one_damage_across_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "amber.jsonl").write_bytes(b"".join(plain(9, "amber")).replace(b"\n", b"\r\n"))
    monkeypatch.setattr("eventlog.local.journal._CHUNK_BYTES", 50)
    *_, (_, position, _) = read_in_chunks(str(tmp_path / "amber.jsonl"), "amber")
    assert [spot.line for spot in position.damage] == [1]
    assert position.n == 9
