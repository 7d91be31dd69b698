"""A journal cut at every byte, changed at every byte, or followed by what a disk leaves behind after a power cut.

Held are the promises that a line that was acknowledged is never lost, that no half or altered line is read as a whole
one, and that damage costs the damaged lines only and is told.
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
    """A text with signs in it that mean something in a line."""
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
    """A journal of events of several types, and its lines."""
    events, lines, previous, micros = [], [], NO_HASH, to_micros(START)
    for n in range(1, count + 1):
        micros += chance.choice((1, 1_000_000, 3_599_999_999))
        what = payload(chance, session, n)
        events.append(Event(v=VERSION, at=from_micros(micros), session=session, n=n, payload=what))
        line, previous = encode_line(events[-1], previous)
        lines.append(line)
    return events, lines


class Folder:
    """A log with one journal in it, made anew for each attack."""

    def __init__(self, path: Path) -> None:
        self.path, self.journal = path, path / f"{SESSION}.jsonl"

    def holds(self, data: bytes) -> None:
        for aside in self.path.glob("*.torn"):
            aside.unlink()
        self.journal.write_bytes(data)

    def read(self) -> tuple[list[Event], Position]:
        """What one who comes new to the log reads."""
        history = LogReader(str(self.path), "north")
        news = history.catch_up(WALL)
        assert history.problems == {}
        return news.events, history.positions[SESSION]

    def append(self, position: Position) -> tuple[Event, str]:
        """One more event, and what was mended before. Raises JournalClosed."""
        writer = JournalWriter(str(self.path), SESSION, position)
        what = SessionHeartbeat(action="goes on")
        at = add_time(max(writer.position.at, START), micros=1)  # a line that lacked its newline is there by now
        event = Event(v=VERSION, at=at, session=SESSION, n=writer.n, payload=what)
        writer.append(event)
        writer.sync()
        writer.close()
        return event, writer.mended

    def torn(self) -> list[bytes]:
        return [path.read_bytes() for path in sorted(self.path.glob("*.torn"))]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """No power is cut here but in thought, so nothing waits for the disk."""
    monkeypatch.setattr(writing, "sync_data", lambda fd: None)
    return Folder(tmp_path)


@pytest.mark.attack(1)
def test_a_journal_cut_at_any_byte_is_continued_by_its_writer(folder: Folder, tally: Tally) -> None:
    for seed in tally.seeds:
        events, lines = journal(tally.chance(seed), EVENTS)
        whole = b"".join(lines)
        end = scan(SESSION, whole, Position())[1]
        ends = [0]
        for line in lines:
            ends.append(ends[-1] + len(line))
        kept, start = 0, Position()  # whole lines before the cut, and where they end
        for cut in range(len(whole) + 1):
            if kept < EVENTS and cut == ends[kept + 1]:
                start = scan(SESSION, lines[kept], start)[1]
                kept += 1
            where = f"seed {seed}, cut at {cut}, {kept} whole lines"
            folder.holds(whole[:cut])
            tear = whole[ends[kept] : cut]
            assert scan(SESSION, tear, start) == ([], start), f"{where}: a tear is no damage"
            often = cut % 16 == 0  # read all from the beginning, and not only from the last whole line on
            if often:
                assert folder.read() == (events[:kept], start), where
            completed = bool(tear) and cut + 1 == ends[kept + 1]
            added, mended = folder.append(start)
            before = whole[: cut + 1] if completed else whole[: ends[kept]]
            assert folder.journal.read_bytes().startswith(before), where
            assert folder.torn() == ([tear] if tear and not completed else []), where
            assert bool(mended) == bool(tear), f"{where}: what is mended is told"
            after = Position() if often else start
            seen, position = scan(SESSION, folder.journal.read_bytes()[after.size :], after)
            assert seen == [*events[after.lines : kept + completed], added], where
            assert position.damage == (), where
            if often and cut < len(whole):  # whoever had read more says so, and the journal takes no more
                folder.holds(whole[:cut])
                reader = LogReader(str(folder.path), "north", {SESSION: end})
                assert reader.catch_up(WALL).rewound, where
                with pytest.raises(JournalClosed, match=r"were read before"):
                    folder.append(reader.positions[SESSION])
                assert folder.journal.read_bytes() == whole[:cut], where
            tally.did("cuts")


@pytest.mark.attack(2)
def test_any_changed_byte_loses_only_its_line_and_is_told(folder: Folder, tally: Tally) -> None:
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
            between = old == 0x0A and altered + 1 < EVENTS  # the line before and the one after are as they were
            assert seen == [one for one in events if between or one.n != altered + 1], where
            tally.did("changes")
            if byte >= len(whole) - TAIL_BYTES:  # whoever had read it before writes no more
                folder.holds(data)
                with pytest.raises(JournalClosed, match="not what it was"):
                    folder.append(end)
                assert folder.journal.read_bytes() == data, where
            if byte + 1 == len(whole):  # the last newline: to a newcomer a tear, and the next writer keeps its line
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
def test_a_session_with_a_changed_last_line_goes_on_in_another(repo: Repo, place: int) -> None:
    shell = repo.shell()
    session = shell.start()
    shell.ok("coord claim droplet mine; coord heartbeat a b")
    journal = repo.log / f"{session}.jsonl"
    data = bytearray(journal.read_bytes())
    data[place] ^= 1
    journal.write_bytes(data)
    goes_on = shell.run("coord heartbeat c d --json")
    assert (goes_on.code, goes_on.json["session"] != session) == (0, True)
    assert f"{session} goes on as {goes_on.json['session']}" in goes_on.err
    assert "not what it was" in goes_on.err
    assert journal.read_bytes() == data
    assert goes_on.json["session"] in shell.ok("coord claims"), "what was held goes on as well"


def to_the_boundary(chance: random.Random, events: list[Event], lines: list[bytes]) -> None:
    """Add a line that ends where a sector does, or one byte before or after."""
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
    """What stands in sectors that were never written: NULs, or a piece of something older, also line by line."""
    kind = chance.randrange(5)
    if kind == 0 or not sources:
        return bytes(length)
    source = chance.choice(sources)
    if kind == 1:  # whole old lines from the very first byte
        lines = source.splitlines(keepends=True)
        source = b"".join(lines[chance.randrange(len(lines)) :])
    elif kind == 2:  # whole old lines, each a random one
        source = b"".join(chance.choices(source.splitlines(keepends=True), k=9))
    elif kind == 3:
        source = source[chance.randrange(len(source)) :]
    else:
        source = chance.randbytes(length)
    return (source + bytes(length))[:length]


@pytest.mark.attack(3)
def test_what_a_power_cut_leaves_is_never_taken_for_an_event(folder: Folder, tally: Tally) -> None:
    mended = closed = 0
    for seed in tally.seeds:
        chance = tally.chance(seed)
        events, lines = journal(chance, chance.randint(1, 30))
        if chance.random() < 0.5:
            to_the_boundary(chance, events, lines)
        acknowledged = b"".join(lines)
        unsynced, unsynced_lines = go_on(chance, events[-1], lines[-1])
        _, others = journal(chance, 20, OTHER)
        sources = [] if chance.random() < 0.4 else [acknowledged, b"".join(others)]  # none: NULs alone
        full = acknowledged + b"".join(unsynced_lines)
        first = -(-len(acknowledged) // SECTOR) * SECTOR  # no sector that holds what was acknowledged is touched
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
        assert seen[: len(events)] == events, f"{where}: all that was acknowledged is there"
        more = seen[len(events) :]
        assert all(one in unsynced for one in more), f"{where}: nothing but what this writer wrote"
        before = LogReader(str(folder.path), "north", {SESSION: scan(SESSION, acknowledged, Position())[1]})
        assert before.catch_up(WALL).events == more, where
        if position.damage:
            closed += 1
            assert position.damage[0].byte >= len(acknowledged), f"{where}: what was acknowledged is not damaged"
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
    assert mended > tally.count // 20, "tails without a newline are among them"
    assert closed > tally.count // 20, "and tails with one"


def go_on(chance: random.Random, last: Event, line: bytes) -> tuple[list[Event], list[bytes]]:
    """Some more events of the same journal, written and not yet synced."""
    events, lines, previous, at = [], [], line[-35:-3], last.at
    for n in range(last.n + 1, last.n + 1 + chance.randint(0, 6)):
        at = add_time(at, 1)
        events.append(Event(v=VERSION, at=at, session=SESSION, n=n, payload=payload(chance, SESSION, n)))
        one, previous = encode_line(events[-1], previous)
        lines.append(one)
    return events, lines
