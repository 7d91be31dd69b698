"""What of a remote is written to the log, what is not, and what the remote is found to lack."""

import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from coord.engine.sync.exchange.progress import Exchanged
from coord.engine.sync.pending import adopt, read_pending
from eventlog.errors import LogError
from eventlog.local.lock import SEAL_SUFFIX
from eventlog.remotes.piece import MAX_PIECE_BYTES, Piece
from eventlog.remotes.remote import BEHIND, OutcomeUnknown
from tests.support.exchanging import Folder, folders

LONG = ["long " * 180] * 100  # heartbeats of more than a segment in all


@pytest.fixture(params=[True, False], ids=["segments", "stream"])
def two(request: pytest.FixtureRequest, tmp_path: Path) -> list[Folder]:
    return folders(tmp_path, "a", "b", whole_segments=request.param)


def exchange(made: list[Folder], times: int = 2) -> None:
    for _ in range(times):
        for one in made:
            one.exchange()


def same(made: list[Folder]) -> bool:
    return all(one.journals() == made[0].journals() for one in made)


def test_the_journals_of_both_are_on_both(two: list[Folder]) -> None:
    a, b = two
    a.append("one", "x", *LONG)
    b.append("two", "x", "y")
    exchange(two)
    assert same(two)
    assert set(a.journals()) == {"one.jsonl", "two.jsonl"}


@pytest.mark.parametrize("how", ["link", "folder", "fifo", "large"])
def test_a_place_that_is_no_journal_is_left_alone(two: list[Folder], tmp_path: Path, how: str) -> None:
    a, b = two
    a.append("one", "x", "y")
    a.append("two", "x")
    a.exchange()
    place, other = b.log / "one.jsonl", tmp_path / "other"
    other.write_bytes(b"mine\n")
    if how == "link":
        place.symlink_to(other)
    elif how == "folder":
        place.mkdir()
    elif how == "fifo":
        os.mkfifo(place)
    else:
        place.touch()
        os.truncate(place, (1 << 28) + 1)
    done = b.exchange()
    assert [text for text in done.found if text.startswith("one: ") and "was not accepted" in text]
    assert (b.log / "two.jsonl").read_bytes() == (a.log / "two.jsonl").read_bytes()
    assert other.read_bytes() == b"mine\n"
    assert how != "large" or place.stat().st_size == (1 << 28) + 1


def test_a_name_that_is_no_session_is_not_accepted(two: list[Folder]) -> None:
    a, b = two
    a.remote.publish([Piece("../x", 0, b"{}\n"), Piece("x", -5, b"{}\n"), Piece("y", 1 << 28, b"{}\n")], "")
    done = b.exchange()
    assert len(done.found) == 3
    assert b.journals() == {}
    assert b.exchange().events_out == 0


@pytest.mark.parametrize("byte", [100, 3000, MAX_PIECE_BYTES - 5, MAX_PIECE_BYTES + 5000])
@pytest.mark.parametrize("knows", [True, False])
def test_an_altered_byte_is_mended_by_its_machine(two: list[Folder], byte: int, knows: bool) -> None:
    """Whatever follows the altered byte, and whether or not the other machine had the journal before."""
    a, b = two
    a.append("one", "x", *LONG)
    a.exchange()
    a.append("one", "y")
    a.exchange()
    if knows:
        b.exchange()
    a.remote.hub.alter("one", byte)
    told = b.exchange(from_beginning=True)
    assert any("differs at the remote" in text or "damaged at the remote" in text for text in told.found)
    assert b.position("one").damage == ()
    told = a.exchange(from_beginning=True)
    assert any("published again" in text for text in told.found)
    exchange(two)
    assert same(two)
    c = folders(b.path.parent.parent, "c", whole_segments=a.remote.whole_segments, hub=a.remote.hub)[0]
    c.exchange()
    assert same([a, c])


def test_what_a_later_publication_altered_is_mended(two: list[Folder]) -> None:
    """Only what is new is read, and it has other bytes for a segment that was published long ago."""
    a, b = two
    a.append("one", "x", *LONG)
    exchange(two)
    hub = a.remote.hub
    first = next(piece for piece in hub.publications[0] if piece.session == "one")
    a.remote.publish([replace(first, data=first.data.replace(b"long", b"lung", 1))], hub.tip)
    told = a.exchange()
    assert "differs at the remote" in told.found[0]
    assert told.events_out > 0
    exchange(two)
    c = folders(b.path.parent.parent, "c", whole_segments=a.remote.whole_segments, hub=hub)[0]
    c.exchange()
    assert same([a, b, c])


def test_a_publication_lost_in_the_middle_is_made_again(two: list[Folder]) -> None:
    a, b = two
    for text in ("x", "y", "z"):
        a.append("one", text, *LONG)
        a.exchange()
    del a.remote.hub.publications[1]
    b.exchange()
    told = a.exchange()
    assert any(text.startswith("the remote lost") for text in told.found)
    exchange(two)
    assert same(two)


def test_a_journal_restored_from_an_old_copy_ends(two: list[Folder]) -> None:
    """The remote has more of it than the folder. No number may be given to two events."""
    a, b = two
    a.append("one", "x", "y")
    old = (a.log / "one.jsonl").read_bytes()
    a.append("one", "z")
    exchange(two)
    (a.log / "one.jsonl").write_bytes(old)
    told = a.exchange(from_beginning=True)
    assert "its session continues in another journal" in told.found[-1]
    assert (a.log / f"one.jsonl{SEAL_SUFFIX}").exists()
    assert (a.log / "one.jsonl").read_bytes() == old
    a.archive("one")
    a.exchange(from_beginning=True)
    assert a.remote.hub.size("one") == (b.log / "one.jsonl").stat().st_size


def test_a_new_journal_that_claims_to_be_ours_is_refused(two: list[Folder]) -> None:
    """Somebody else publishes a journal with the machine and folder of this one."""
    a, b = two
    a.append("one", "x", "y")
    a.exchange()
    (a.log / "one.jsonl").unlink()
    told = a.exchange(from_beginning=True)
    assert "this machine writes it, but the remote has" in told.found[0]
    assert "one.jsonl" not in a.journals()
    b.exchange()
    assert "one.jsonl" in b.journals()


@pytest.mark.parametrize("size", [1, MAX_PIECE_BYTES - 3000])
@pytest.mark.parametrize("written", [0, 1, 2, -1])
def test_a_published_draft_is_adopted(two: list[Folder], size: int, written: int) -> None:
    """Its lines may lie in two segments. Some of them, or a part, may be in the journal already."""
    a, _ = two
    a.append("one", "x")
    while a.position("one").size < size:
        a.append("one", "y" * 100)
    exchange(two)
    opened = a.open()
    draft = a.draft(opened, "one", "z" * 3500, "w" * 3500)
    a.remote.faults = [lambda: True]
    with pytest.raises(OutcomeUnknown):
        opened.agree(draft)
    opened.close()
    lines = draft.data.splitlines(keepends=True)
    with (a.log / "one.jsonl").open("ab") as file:
        file.write(lines[0][:50] if written < 0 else b"".join(lines[:written]))
    told = a.exchange()
    assert told.found == []
    assert (a.log / "one.jsonl").read_bytes().endswith(draft.data)
    assert read_pending(a.workspace) is None
    exchange(two)
    assert same(two)


@pytest.mark.parametrize("is_link", [True, False])
def test_a_draft_is_adopted_if_its_command_was_killed(two: list[Folder], is_link: bool) -> None:
    """The remote and the exchange know that it was published. The journal does not have it."""
    a, _ = two
    a.append("one", "x")
    exchange(two)
    opened = a.open()
    draft = a.draft(opened, "one", "z")
    assert opened.agree(draft) != BEHIND
    if not is_link:
        opened.close()
        opened = a.open()
    opened.catch_up()
    opened.close()
    assert (a.log / "one.jsonl").read_bytes().endswith(draft.data)
    assert read_pending(a.workspace) is None
    exchange(two)
    assert same(two)


def test_a_draft_that_never_arrived_is_dropped(two: list[Folder]) -> None:
    a, b = two
    a.append("one", "x")
    exchange(two)
    opened = a.open()
    a.draft(opened, "one", "z")
    b.append("two", "x")
    b.exchange()
    opened.catch_up()
    opened.close()
    assert read_pending(a.workspace) is None
    assert a.position("one").n == 1


def test_a_journal_whose_draft_others_may_have_ends(two: list[Folder]) -> None:
    """The remote was rolled back while the outcome of a draft was unknown, and another machine had read it."""
    a, b = two
    a.append("one", "x")
    exchange(two)
    b.append("two", "x")
    exchange(two)
    opened = a.open()
    draft = a.draft(opened, "one", "z")
    a.remote.faults = [lambda: True]
    with pytest.raises(OutcomeUnknown):
        opened.agree(draft)
    reader = b.open()
    reader.catch_up()
    reader.close()
    del a.remote.hub.publications[1:]
    opened.catch_up()
    opened.close()
    assert read_pending(a.workspace) is None
    assert (a.log / f"one.jsonl{SEAL_SUFFIX}").exists()


def test_a_draft_replaces_nothing_that_was_acknowledged(two: list[Folder]) -> None:
    a, _ = two
    a.append("one", "x")
    opened = a.open()
    draft = a.draft(opened, "one", "z")
    opened.close()
    a.append("one", "y")
    before = a.journals()
    with pytest.raises(LogError, match="has other events"):
        adopt(a.workspace, draft)
    assert a.journals() == before


def test_a_draft_is_not_published_on_an_old_state(two: list[Folder]) -> None:
    a, b = two
    a.append("one", "x")
    exchange(two)
    opened = a.open()
    draft = a.draft(opened, "one", "z")
    b.append("two", "x")
    b.exchange()
    size = a.remote.hub.size("one")
    assert opened.agree(draft) == BEHIND
    assert a.remote.hub.size("one") == size
    opened.close()


def test_what_follows_a_gap_comes_when_all_is_read(two: list[Folder]) -> None:
    """A part was not accepted, since its place could not be read. Later it can."""
    a, b = two
    a.append("one", "x", *LONG)
    a.exchange()
    (b.log / "one.jsonl").mkdir()
    opened = b.open()
    opened.catch_up()
    (b.log / "one.jsonl").rmdir()
    a.append("one", *LONG)
    a.exchange()
    opened.catch_up()
    opened.close()
    assert same(two)


def test_an_archived_journal_is_archived_here(two: list[Folder]) -> None:
    a, b = two
    a.append("one", "x", "y")
    exchange(two)
    a.archive("one")
    a.append("two", "x")
    a.archive("two")
    exchange(two)
    assert same(two)
    assert set(b.journals()) == {"ended/one.jsonl", "ended/two.jsonl"}


def test_many_archived_journals_take_few_syncs(two: list[Folder], monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = two
    for number in range(100):
        a.append(f"one-{number}", "x")
        a.archive(f"one-{number}")
    a.exchange()
    calls: list[str] = []
    for name in ("fsync", "fdatasync", "sync"):
        monkeypatch.setattr(os, name, lambda *_, name=name: calls.append(name))
    b.exchange()
    assert same(two)
    assert len(calls) < 10, calls


def test_a_line_without_end_does_not_fill_the_memory(two: list[Folder]) -> None:
    a, b = two
    endless = [Piece("endless", n * MAX_PIECE_BYTES, b"x" * MAX_PIECE_BYTES) for n in range(130)]
    a.remote.publish(endless, "")
    told = b.exchange()
    assert any("damaged at the remote at byte 0" in text for text in told.found)
    assert b.journals() == {}


def test_a_log_that_cannot_be_written_is_an_error(two: list[Folder], monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = two
    a.append("one", "x")
    a.exchange()
    opened, write = b.open(), os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:5]))
    with pytest.raises(LogError, match="only part of it could be written"):
        opened.catch_up(Exchanged())
    monkeypatch.undo()
    opened.catch_up()
    opened.close()
    assert same(two)
