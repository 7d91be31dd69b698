"""A directory as a remote: what arrives, in part or moved, what synchronisers leave there, and what is refused."""

import threading
from pathlib import Path

import pytest

from eventlog.remotes.folder import FolderRemote
from eventlog.remotes.piece import Piece
from eventlog.remotes.remote import RemoteAway, RemoteRefused

A = "alice-2026-11-22-1"


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    folder = tmp_path / "shared"
    folder.mkdir()
    return folder


def read(remote: FolderRemote, cursor: str = "") -> tuple[list[Piece], str, bool]:
    pieces: list[Piece] = []
    result = remote.read(cursor, pieces.append)
    return pieces, result.cursor, result.restarted


def test_only_what_is_new_is_read(shared: Path) -> None:
    ours, theirs = FolderRemote(str(shared), "m1"), FolderRemote(str(shared), "m2")
    ours.publish([Piece(A, 0, b"one\n")], "")
    pieces, cursor, _ = read(theirs)
    assert pieces == [Piece(A, 0, b"one\n")]
    ours.publish([Piece(A, 4, b"two\n"), Piece("b.c", 0, b"x\n")], "")
    pieces, cursor, restarted = read(theirs, cursor)
    assert (pieces, restarted) == ([Piece(A, 4, b"two\n"), Piece("b.c", 0, b"x\n")], False)
    assert read(theirs, cursor)[0] == []


def test_a_repeated_publication_changes_nothing(shared: Path) -> None:
    remote = FolderRemote(str(shared), "m1")
    for piece in (
        Piece(A, 0, b"one\ntwo\n"),
        Piece(A, 0, b"one\n"),
        Piece(A, 4, b"two\nthree\n"),
        Piece(A, 4, b"two\n"),
    ):
        remote.publish([piece], "")
    assert (shared / "m1" / f"{A}.jsonl").read_bytes() == b"one\ntwo\nthree\n"


def test_a_complete_journal_is_read_as_complete_once(shared: Path) -> None:
    ours, theirs = FolderRemote(str(shared), "m1"), FolderRemote(str(shared), "m2")
    ours.publish([Piece(A, 0, b"one\n")], "")
    cursor = read(theirs)[1]
    ours.publish([Piece(A, 4, b"", archived=True)], "")
    pieces, cursor, restarted = read(theirs, cursor)
    assert (pieces, restarted) == ([Piece(A, 4, b"", archived=True)], False)
    assert read(theirs, cursor)[0] == []
    ours.publish([Piece(A, 0, b"one\n", archived=True)], "")
    assert read(theirs, cursor)[0] == []
    assert [file.name for file in (shared / "m1" / "ended").iterdir()] == [f"{A}@4.jsonl"]


def test_half_a_complete_journal_is_not_complete(shared: Path) -> None:
    remote = FolderRemote(str(shared), "m2")
    (shared / "m1" / "ended").mkdir(parents=True)
    file = shared / "m1" / "ended" / f"{A}@8.jsonl"
    file.write_bytes(b"one\ntw")
    pieces, cursor, _ = read(remote)
    assert pieces == [Piece(A, 0, b"one\ntw")]
    file.write_bytes(b"one\ntwo\n")
    assert read(remote, cursor)[0] == [Piece(A, 6, b"o\n", archived=True)]


def test_a_write_that_was_cut_off_is_written_again(shared: Path) -> None:
    remote = FolderRemote(str(shared), "m1")
    remote.publish([Piece(A, 0, b"one\n")], "")
    with (shared / "m1" / f"{A}.jsonl").open("ab") as file:
        file.write(b"\x00\x00")
    remote.publish([Piece(A, 4, b"two\n")], "")
    assert (shared / "m1" / f"{A}.jsonl").read_bytes() == b"one\ntwo\n"


@pytest.mark.parametrize("change", [b"", b"one\n", b"one\ntwX\n"])
def test_a_rolled_back_file_is_read_from_the_beginning(shared: Path, change: bytes) -> None:
    remote = FolderRemote(str(shared), "m1")
    remote.publish([Piece(A, 0, b"one\ntwo\n"), Piece("b", 0, b"b\n")], "")
    cursor = read(remote)[1]
    (shared / "m1" / f"{A}.jsonl").write_bytes(change)
    pieces, _, restarted = read(remote, cursor)
    assert restarted
    assert pieces == [*([Piece(A, 0, change)] if change else []), Piece("b", 0, b"b\n")]


def test_a_removed_file_is_noticed(shared: Path) -> None:
    remote = FolderRemote(str(shared), "m1")
    remote.publish([Piece(A, 0, b"one\n")], "")
    cursor = read(remote)[1]
    (shared / "m1" / f"{A}.jsonl").unlink()
    assert read(remote, cursor)[2]


def test_what_a_synchroniser_leaves_is_not_read(shared: Path) -> None:
    (shared / "m1").mkdir()
    (shared / ".stversions").mkdir()
    for name in (f"{A}.sync-conflict-20261122-112006-ABCDEFG.jsonl", f".syncthing.{A}.jsonl.tmp", f"~{A}.jsonl",
                 f"{A} (1).jsonl", "notes.txt"):  # fmt: skip
        (shared / "m1" / name).write_bytes(b"one\n")
        (shared / ".stversions" / name).write_bytes(b"one\n")
    (shared / "file.jsonl").write_bytes(b"one\n")
    assert read(FolderRemote(str(shared), "m2"))[0] == []


def test_a_cursor_of_another_remote_restarts(shared: Path) -> None:
    remote = FolderRemote(str(shared), "m1")
    remote.publish([Piece(A, 0, b"one\n")], "")
    assert read(remote, "2026-11-22T11:20:06Z 3 abc 0") == ([Piece(A, 0, b"one\n")], read(remote)[1], True)


def test_a_gap_is_refused(shared: Path) -> None:
    with pytest.raises(RemoteRefused, match="ends at 0"):
        FolderRemote(str(shared), "m1").publish([Piece(A, 4, b"two\n")], "")


def test_a_missing_directory_is_away(shared: Path) -> None:
    remote = FolderRemote(str(shared), "m1")
    shared.rmdir()
    with pytest.raises(RemoteAway, match="No such file"):
        remote.read("", lambda piece: None)
    with pytest.raises(RemoteAway):
        FolderRemote(str(shared), "m1")


def test_watching_sees_news_and_ends_when_closed(shared: Path) -> None:
    ours, theirs = FolderRemote(str(shared), "m1"), FolderRemote(str(shared), "m2", poll_s=0.01)
    assert not theirs.watch("", 0.02)
    publisher = threading.Timer(0.05, lambda: ours.publish([Piece(A, 0, b"one\n")], ""))
    publisher.start()
    assert theirs.watch("", 30)
    publisher.join()
    closer = threading.Timer(0.05, theirs.close)
    closer.start()
    assert not theirs.watch(read(theirs)[1], 30)
    closer.join()
