"""Attacks 1 to 3: a journal that is cut at every byte, changed at every byte, or followed by bytes from a power
failure.

This tests the promises that an acknowledged line is never lost, that no incomplete or changed line is read as an event,
and that damage affects only the damaged lines and is reported.
"""

import random
from pathlib import Path

import pytest

from eventlog.codec import NO_HASH, encode_line
from eventlog.errors import JournalClosed
from eventlog.events import (
    VERSION,
    AnyPayload,
    ClaimReleased,
    ClaimRequested,
    Event,
    MessageSent,
    SessionHeartbeat,
    SessionStarted,
    add_time,
    from_micros,
    to_micros,
)
from eventlog.history import LogReader
from eventlog.local import writer as writing
from eventlog.local.writer import JournalWriter
from eventlog.scanning import TAIL_BYTES, Position, scan
from tests.support.attacks import LONG, Tally
from tests.support.journals import START
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow

SESSION, OTHER = "amber-otter-k3f9", "brown-hare-7x2m"
EVENTS = 50
WALL = add_time(START, 86_400)
SECTOR = 512

PIECES = (
    "landing page", "J*J*J", '"', "\\", "\n", "\r\n", "\0", "\u2028", "\x7f", "é", "日本", "🦦", "}", '"}\n', '"}}',
    ',"hash":"' + "0" * 32 + '"}', '{"v":1,"at":"2026-11-22T11:00:01.000000Z","session":"amber-otter-k3f9","n":1,',
)  # fmt: skip


def words(chance: random.Random) -> str:
    """A text with characters that are special in a line."""
    return " ".join(chance.choices(PIECES, k=chance.choice((0, 0, 1, 2))))


def payload(chance: random.Random, session: str, n: int) -> AnyPayload:
    if n == 1:
        return SessionStarted(name=session, machine="north", folder="/somewhere")
    return chance.choice(
        (
            SessionHeartbeat(action=words(chance), percent=chance.choice((None, 0, 100))),
            MessageSent(to="everyone", subject=words(chance), body=words(chance)),
            ClaimRequested(resource="file/src/*J.py", mode="shared", ttl_s=60, told="granted", note=words(chance)),
            ClaimReleased(claim=f"{session}/{chance.randint(1, n)}"),
        )
    )


def journal(chance: random.Random, count: int, session: str = SESSION) -> tuple[list[Event], list[bytes]]:
    """Events of several types for one journal, and their lines."""
    events, lines, previous, micros = [], [], NO_HASH, to_micros(START)
    for n in range(1, count + 1):
        micros += chance.choice((1, 1_000_000, 3_599_999_999))
        what = payload(chance, session, n)
        events.append(Event(v=VERSION, at=from_micros(micros), session=session, n=n, payload=what))
        line, previous = encode_line(events[-1], previous)
        lines.append(line)
    return events, lines


class Folder:
    """A log with one journal, which is rewritten for each attack."""

    def __init__(self, path: Path) -> None:
        self.path, self.journal = path, path / f"{SESSION}.jsonl"

    def holds(self, data: bytes) -> None:
        for aside in self.path.glob("*.torn"):
            aside.unlink()
        self.journal.write_bytes(data)

    def read(self) -> tuple[list[Event], Position]:
        """Read the log from the beginning; its events, and the position of the journal."""
        history = LogReader(str(self.path), "north")
        news = history.catch_up(WALL)
        assert history.problems == {}
        return news.events, history.positions[SESSION]

    def append(self, position: Position) -> tuple[Event, str]:
        """Append an event; return it, and the note about repairs made before. Raises JournalClosed."""
        writer = JournalWriter(str(self.path), SESSION, position)
        what = SessionHeartbeat(action="goes on")
        at = add_time(max(writer.position.at, START), micros=1)  # a line without a newline has been completed by now
        event = Event(v=VERSION, at=at, session=SESSION, n=writer.n, payload=what)
        writer.append(event)
        writer.sync()
        writer.close()
        return event, writer.mended

    def torn(self) -> list[bytes]:
        return [path.read_bytes() for path in sorted(self.path.glob("*.torn"))]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """A log whose syncs do nothing, because no power is really cut."""
    monkeypatch.setattr(writing, "sync_data", lambda fd: None)
    return Folder(tmp_path)


@pytest.mark.attack(1)
def test_a_journal_cut_at_any_byte_is_continued(folder: Folder, tally: Tally) -> None:
    for seed in tally.seeds:
        events, lines = journal(tally.chance(seed), EVENTS)
        whole = b"".join(lines)
        end = scan(SESSION, whole, Position())[1]
        ends = [0]
        for line in lines:
            ends.append(ends[-1] + len(line))
        kept, start = 0, Position()  # the number of complete lines before the cut, and the position after them
        for cut in range(len(whole) + 1):
            if kept < EVENTS and cut == ends[kept + 1]:
                start = scan(SESSION, lines[kept], start)[1]
                kept += 1
            where = f"seed {seed}, cut at {cut}, {kept} whole lines"
            folder.holds(whole[:cut])
            tear = whole[ends[kept] : cut]
            assert scan(SESSION, tear, start) == ([], start), f"{where}: a tear is not damage"
            often = cut % 16 == 0  # read from the beginning, not only after the last complete line
            if often:
                assert folder.read() == (events[:kept], start), where
            completed = bool(tear) and cut + 1 == ends[kept + 1]
            added, mended = folder.append(start)
            before = whole[: cut + 1] if completed else whole[: ends[kept]]
            assert folder.journal.read_bytes().startswith(before), where
            assert folder.torn() == ([tear] if tear and not completed else []), where
            assert bool(mended) == bool(tear), f"{where}: repairs are reported"
            after = Position() if often else start
            seen, position = scan(SESSION, folder.journal.read_bytes()[after.size :], after)
            assert seen == [*events[after.lines : kept + completed], added], where
            assert position.damage == (), where
            if often and cut < len(whole):  # whoever had read more reports it, and writes no more
                folder.holds(whole[:cut])
                reader = LogReader(str(folder.path), "north", {SESSION: end})
                assert reader.catch_up(WALL).rewound, where
                with pytest.raises(JournalClosed, match=r"were read before"):
                    folder.append(reader.positions[SESSION])
                assert folder.journal.read_bytes() == whole[:cut], where
            tally.did("cuts")


@pytest.mark.attack(2)
def test_a_changed_byte_loses_only_its_line(folder: Folder, tally: Tally) -> None:
    changes = [1 << bit for bit in range(8)] if LONG else [255]
    assert len(changes) == tally.count
    events, lines = journal(tally.chance(tally.seeds[0]), EVENTS)
    whole = b"".join(lines)
    line_at = [number for number, line in enumerate(lines) for _ in line]
    begins = [sum(map(len, lines[:number])) for number in range(EVENTS)]
    end = scan(SESSION, whole, Position())[1]
    for byte, old in enumerate(whole):
        altered = line_at[byte]
        for change in changes:
            where = f"seed {tally.seeds[0]}, byte {byte} of line {altered + 1}, {old} to {old ^ change}"
            data = whole[:byte] + bytes([old ^ change]) + whole[byte + 1 :]
            seen, position = scan(SESSION, data, Position())
            between = old == 0x0A and altered + 1 < EVENTS  # the lines before and after are unchanged
            assert seen == [one for one in events if between or one.n != altered + 1], where
            tally.did("changes")
            if byte >= len(whole) - TAIL_BYTES:  # a writer that had read it before stops
                folder.holds(data)
                with pytest.raises(JournalClosed, match="have changed since they were read"):
                    folder.append(end)
                assert folder.journal.read_bytes() == data, where
            if byte + 1 == len(whole):  # for a new reader this is a tear, and the next writer repairs it
                assert position == scan(SESSION, b"".join(lines[:-1]), Position())[1], where
                folder.holds(data)
                added, mended = folder.append(position)
                assert (folder.torn(), bool(mended)) == ([data[-1:]], True), where
                assert folder.read()[0] == [*events, added], where
                continue
            assert [(one.line, one.byte) for one in position.damage][:1] == [(altered + 1, begins[altered])], where
            if byte % 50 == 0 or byte > len(whole) - 50:
                folder.holds(data)
                assert folder.read() == (seen, position), where
                with pytest.raises(JournalClosed, match=f"line {altered + 1} "):
                    folder.append(position)
                assert (folder.journal.read_bytes(), folder.torn()) == (data, []), where


@pytest.mark.attack(2)
@pytest.mark.parametrize("place", [-1, -10, -40], ids=["the newline", "the hash", "before the hash"])
def test_a_session_with_a_changed_last_line_gets_a_new_journal(repo: Repo, place: int) -> None:
    shell = repo.shell()
    session = shell.start()
    shell.ok("coord claim droplet mine; coord heartbeat a b")
    journal = repo.log / f"{session}.jsonl"
    data = bytearray(journal.read_bytes())
    data[place] ^= 1
    journal.write_bytes(data)
    goes_on = shell.run("coord heartbeat c d --json")
    assert (goes_on.code, goes_on.json["session"] != session) == (0, True)
    assert f"{session} continues as {goes_on.json['session']}" in goes_on.err
    assert "have changed since they were read" in goes_on.err
    assert journal.read_bytes() == data
    assert goes_on.json["session"] in shell.ok("coord claims"), "the new session has the claims"


def to_the_boundary(chance: random.Random, events: list[Event], lines: list[bytes]) -> None:
    """Add a line that ends at the end of a sector, or one byte before or after."""
    last = events[-1]
    empty = Event(
        v=VERSION, at=add_time(last.at, 1), session=SESSION, n=last.n + 1, payload=SessionHeartbeat(action="x" * SECTOR)
    )
    previous = lines[-1][-35:-3]
    short = len(b"".join(lines)) + len(encode_line(empty, previous)[0])
    action = "x" * (SECTOR - short % SECTOR + SECTOR + chance.choice((0, 0, 0, -1, 1)))
    full = Event(v=VERSION, at=empty.at, session=SESSION, n=empty.n, payload=SessionHeartbeat(action=action))
    events.append(full)
    lines.append(encode_line(full, previous)[0])


def stale(chance: random.Random, length: int, sources: list[bytes]) -> bytes:
    """The content of sectors that were never written: NULs, or older data, sometimes whole lines."""
    kind = chance.randrange(5)
    if kind == 0 or not sources:
        return bytes(length)
    source = chance.choice(sources)
    if kind == 1:  # whole old lines, from the first byte
        lines = source.splitlines(keepends=True)
        source = b"".join(lines[chance.randrange(len(lines)) :])
    elif kind == 2:  # random old lines
        source = b"".join(chance.choices(source.splitlines(keepends=True), k=9))
    elif kind == 3:
        source = source[chance.randrange(len(source)) :]
    else:
        source = chance.randbytes(length)
    return (source + bytes(length))[:length]


@pytest.mark.attack(3)
def test_bytes_after_a_power_failure_are_never_read_as_events(folder: Folder, tally: Tally) -> None:
    mended = closed = 0
    for seed in tally.seeds:
        chance = tally.chance(seed)
        events, lines = journal(chance, chance.randint(1, 30))
        if chance.random() < 0.5:
            to_the_boundary(chance, events, lines)
        acknowledged = b"".join(lines)
        unsynced, unsynced_lines = go_on(chance, events[-1], lines[-1])
        _, others = journal(chance, 20, OTHER)
        sources = [] if chance.random() < 0.4 else [acknowledged, b"".join(others)]  # without sources only NULs
        full = acknowledged + b"".join(unsynced_lines)
        first = -(-len(acknowledged) // SECTOR) * SECTOR  # sectors with acknowledged bytes are not touched
        size = first + SECTOR * chance.randint(1, 12)
        data = (full + bytes(SECTOR))[:first]
        if chance.random() < 0.3:
            data = acknowledged + stale(chance, first - len(acknowledged), sources)
        while len(data) < size:
            there = full[len(data) : len(data) + SECTOR]
            data += there if len(there) == SECTOR and chance.random() < 0.4 else stale(chance, SECTOR, sources)
        where = f"seed {seed}, {len(events)} lines of {len(acknowledged)} bytes, {len(data)} bytes after the power cut"
        folder.holds(data)
        seen, position = folder.read()
        assert seen[: len(events)] == events, f"{where}: acknowledged events are readable"
        more = seen[len(events) :]
        assert all(one in unsynced for one in more), f"{where}: other events were written by this writer"
        before = LogReader(str(folder.path), "north", {SESSION: scan(SESSION, acknowledged, Position())[1]})
        assert before.catch_up(WALL).events == more, where
        if position.damage:
            closed += 1
            assert position.damage[0].byte >= len(acknowledged), f"{where}: acknowledged lines are not damaged"
            with pytest.raises(JournalClosed, match=f"line {position.damage[0].line} "):
                folder.append(position)
            assert folder.journal.read_bytes() == data, where
            assert folder.torn() == [], where
        else:
            mended += 1
            added, told = folder.append(position)
            assert folder.journal.read_bytes()[: position.size] == data[: position.size], where
            assert bool(told) == (len(data) > position.size), where
            assert b"".join(folder.torn()) == data[position.size :] or "completed" in told, where
            seen, position = folder.read()
            assert seen[: len(events)] == events, where
            assert seen[-1] == added, where
            assert position.damage == (), where
        tally.did("tails")
    assert mended > tally.count // 20, "too few tails without a newline"
    assert closed > tally.count // 20, "too few tails with a newline"


def go_on(chance: random.Random, last: Event, line: bytes) -> tuple[list[Event], list[bytes]]:
    """More events of the same journal, written but not synced."""
    events, lines, previous, at = [], [], line[-35:-3], last.at
    for n in range(last.n + 1, last.n + 1 + chance.randint(0, 6)):
        at = add_time(at, 1)
        events.append(Event(v=VERSION, at=at, session=SESSION, n=n, payload=payload(chance, SESSION, n)))
        one, previous = encode_line(events[-1], previous)
        lines.append(one)
    return events, lines
