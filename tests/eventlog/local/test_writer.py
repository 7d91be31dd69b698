"""What the writer of a journal checks before it writes, and what it leaves unchanged; each check has its own case."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from eventlog.errors import AppendFailed, JournalClosed, LogError, SyncFailed
from eventlog.events import Event, Imported, SessionHeartbeat, SessionStarted
from eventlog.local import writer as writing
from eventlog.local.files import ARCHIVE_FOLDER
from eventlog.local.lock import SEAL_SUFFIX
from eventlog.local.writer import JournalWriter, archive_journal
from eventlog.scanning import Position
from tests.support.journals import LINES, SESSION, WHOLE, event, lines_of, plain, position_of, writer

# --- before a line is written -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        event(4, session="brown-hare"),
        event(5),
        event(3, second=4),
        event(4, second=3),
        event(4, second=2.5),
    ],
    ids=["another session's", "a number missing", "a number again", "the same time", "an earlier time"],
)
def test_an_event_that_does_not_follow_is_not_written(path: Path, wrong: Event) -> None:
    end = writer(path.parent)
    with pytest.raises(AppendFailed, match="does not follow"):
        end.append(wrong)
    with pytest.raises(AppendFailed, match="or an event after it does not follow"):
        end.extend([event(4), event(5), wrong])
    assert path.read_bytes() == WHOLE
    end.append(event(4))
    end.close()
    assert path.read_bytes() == b"".join(plain(4))


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (event(5, payload=SessionHeartbeat(percent=101)), "out of its range"),
        (replace(event(5), v=2), "out of its range"),
        (replace(event(5), at="2027"), "not an instant"),
        (replace(event(5), imported=Imported(path="p", digest="d", fields={"big": 1 << 60})), "would round"),
    ],
    ids=["a percentage", "a version", "a time", "an imported number"],
)
def test_an_event_that_would_be_read_differently_is_not_written(path: Path, wrong: Event, why: str) -> None:
    end = writer(path.parent)
    with pytest.raises(AppendFailed, match=why):
        end.extend([event(4), wrong])
    with pytest.raises(AppendFailed, match=why):
        end.append(replace(wrong, n=4))
    end.close()
    assert path.read_bytes() == WHOLE


@given(st.lists(st.integers(0, 4), max_size=8), st.booleans())
def test_writing_events_together_or_singly_is_equivalent(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[int], imported: bool
) -> None:
    logs = [tmp_path_factory.mktemp("log") for _ in range(2)]
    one, many = writer(logs[0]), writer(logs[1])
    for size in pieces:
        events = [event(n) for n in range(one.n, one.n + size)]
        if imported:
            events = [replace(event, imported=Imported(path="p", digest="d")) for event in events]
        many.extend(events)
        for each in events:
            one.append(each)
        assert one.position == many.position == position_of(logs[1])
    assert (logs[0] / f"{SESSION}.jsonl").read_bytes() == (logs[1] / f"{SESSION}.jsonl").read_bytes()
    for end in (one, many):
        end.close()


def test_the_writer_knows_the_machine_and_folder_of_its_journal(tmp_path: Path) -> None:
    end = writer(tmp_path)
    for n, (machine, folder) in enumerate([("north", "/a"), ("south", "/b"), ("", "")], 1):
        end.append(event(n, payload=SessionStarted(machine=machine, folder=folder)))
        assert (end.position.machine, end.position.folder) == ("north", "/a")
        assert end.position == position_of(tmp_path)
    end.close()


def test_lines_are_always_appended_at_the_current_end(path: Path) -> None:
    one, two = writer(path.parent), writer(path.parent)
    one.append(event(4))
    two.append(event(4))
    one.close()
    two.close()
    assert path.read_bytes() == WHOLE + plain(4)[3] * 2, "a second writer is an error, but it overwrites nothing"


def test_a_failed_write_is_reported_and_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> int:
        raise OSError(5, "Input/output error")

    end = writer(path.parent)
    monkeypatch.setattr(os, "write", fails)
    with pytest.raises(AppendFailed, match="Input/output error"):
        end.append(event(4))
    monkeypatch.undo()
    end.append(event(4))
    end.close()
    assert path.read_bytes() == b"".join(plain(4))


# --- before the first line is written ---------------------------------------------------------------------------------


def test_a_journal_changed_since_it_was_read_is_closed(path: Path) -> None:
    seen, other = position_of(path.parent), b"".join(lines_of([event(1), event(2), event(3, second=2.5)]))
    path.write_bytes(other)
    before = os.dup(0)
    os.close(before)
    with pytest.raises(JournalClosed, match="have changed since they were read"):
        JournalWriter(str(path.parent), SESSION, seen)
    after = os.dup(0)
    os.close(after)
    assert after == before, "no file stays open"
    assert path.read_bytes() == other


def test_a_missing_journal_is_not_created_again(path: Path) -> None:
    seen = position_of(path.parent)
    path.unlink()
    with pytest.raises(LogError, match="cannot write"):
        JournalWriter(str(path.parent), SESSION, seen)
    assert not path.exists()


def test_a_device_is_not_written_as_a_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, real = len(os.listdir("/dev/fd")), os.open
    monkeypatch.setattr(os, "open", lambda path, flags, mode=0o777: real("/dev/null", flags & ~os.O_CREAT))
    with pytest.raises(LogError, match="not a regular file"):
        JournalWriter(str(tmp_path), SESSION, Position())
    monkeypatch.undo()
    assert len(os.listdir("/dev/fd")) == before, "the file was closed"


# --- tears ------------------------------------------------------------------------------------------------------------


def test_a_journal_with_a_too_long_tear_is_not_repaired(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(WHOLE + b"x" * 100)
    monkeypatch.setattr(writing, "MAX_JOURNAL_BYTES", len(WHOLE) + 99)
    with pytest.raises(LogError, match=f"more than {len(WHOLE) + 99}"):
        writer(path.parent)
    assert path.read_bytes() == WHOLE + b"x" * 100
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_the_bytes_of_every_tear_are_kept(path: Path) -> None:
    for tear in (b"{one", b"{two", b"{three"):
        path.write_bytes(WHOLE + tear)
        writer(path.parent).close()
        assert path.read_bytes() == WHOLE
    found = sorted((file.name, file.read_bytes()) for file in path.parent.glob("*.torn"))
    assert found == [(f"{SESSION}-{n}.torn", text) for n, text in enumerate((b"{one", b"{two", b"{three"), 1)]


def test_saving_a_tear_overwrites_no_existing_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(WHOLE + b"{torn")
    (path.parent / f"{SESSION}-1.torn").write_bytes(b"another's")
    position = position_of(path.parent)
    monkeypatch.setattr(os.path, "lexists", lambda _: False)
    with pytest.raises(LogError, match="cannot prepare"):
        JournalWriter(str(path.parent), SESSION, position)
    assert (path.parent / f"{SESSION}-1.torn").read_bytes() == b"another's"
    assert path.read_bytes() == WHOLE + b"{torn"


def test_a_tear_that_cannot_be_fully_saved_is_not_cut_off(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(WHOLE + b"{torn")
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, data[:2]))
    with pytest.raises(LogError, match="only part of it could be written"):
        writer(path.parent)
    assert path.read_bytes() == WHOLE + b"{torn"


def test_a_newline_that_was_not_written_completes_no_line(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(WHOLE[:-1])
    monkeypatch.setattr(os, "write", lambda fd, data: 0)
    with pytest.raises(LogError, match="only part of it could be written"):
        writer(path.parent)
    assert path.read_bytes() == WHOLE[:-1]


def test_a_line_inside_a_tear_is_not_kept_as_an_event(path: Path) -> None:
    tear = b'x,"hash":"' + b"0" * 32 + b'"}?' + plain(4)[3][:-1]
    path.write_bytes(WHOLE + tear)
    end = writer(path.parent)
    end.append(event(4))
    end.close()
    assert path.read_bytes() == b"".join(plain(4))
    assert (path.parent / f"{SESSION}-1.torn").read_bytes() == tear


def test_a_long_tear_is_saved_completely(path: Path) -> None:
    tear = b"{" + b"x" * (3 << 20)
    path.write_bytes(WHOLE + tear)
    writer(path.parent).close()
    assert path.read_bytes() == WHOLE
    assert (path.parent / f"{SESSION}-1.torn").read_bytes() == tear


# --- sealing and archiving --------------------------------------------------------------------------------------------


def test_sealing_a_journal_follows_no_link(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: int) -> None:
        raise OSError(5, "Input/output error")

    (path.parent / (path.name + SEAL_SUFFIX)).symlink_to(path.parent / "elsewhere")
    position = position_of(path.parent)
    monkeypatch.setattr(writing, "known_closed_reason", lambda *_: "")
    end = JournalWriter(str(path.parent), SESSION, position)
    end.append(event(4))
    monkeypatch.setattr(writing, "sync_data", fails)
    with pytest.raises(SyncFailed):
        end.sync()
    end.close()
    monkeypatch.undo()
    assert not (path.parent / "elsewhere").exists()
    with pytest.raises(JournalClosed):
        writer(path.parent)


def test_archiving_follows_no_link_and_replaces_no_journal(path: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (path.parent / ARCHIVE_FOLDER).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LogError, match="symbolic link"):
        archive_journal(str(path.parent), SESSION)
    assert not list((tmp_path / "elsewhere").iterdir())
    (path.parent / ARCHIVE_FOLDER).unlink()
    (path.parent / ARCHIVE_FOLDER).mkdir()
    (path.parent / ARCHIVE_FOLDER / path.name).write_bytes(LINES[0])
    with pytest.raises(LogError, match="already contains a journal"):
        archive_journal(str(path.parent), SESSION)
    assert (path.parent / ARCHIVE_FOLDER / path.name).read_bytes() == LINES[0]
    assert path.read_bytes() == WHOLE


@pytest.mark.parametrize("there", [None, b"another's"])
def test_the_seal_is_archived_with_its_journal(path: Path, there: bytes | None) -> None:
    here = path.parent / (path.name + SEAL_SUFFIX)
    ended = path.parent / ARCHIVE_FOLDER / here.name
    here.write_bytes(b"its own")
    ended.parent.mkdir()
    if there:
        ended.write_bytes(there)
    archive_journal(str(path.parent), SESSION)
    assert ended.read_bytes() == (there or b"its own")
    assert (path.parent / ARCHIVE_FOLDER / path.name).read_bytes() == WHOLE
    assert here.exists() == bool(there)
