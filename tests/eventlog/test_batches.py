"""Block processing is equivalent to single processing.

Decoding lines together gives the same result as one by one, and reading a history in batches gives the whole history,
with correct positions after each batch.
"""

import random
from pathlib import Path

import pytest
from msgspec.structs import replace

from eventlog import history as reading
from eventlog import scanning
from eventlog.codec import NO_HASH, are_instants, decode_lines, encode_line, encode_lines, is_instant, line_hash
from eventlog.events import Event, EventId, Imported, SessionHeartbeat, SessionStarted
from eventlog.history import LogReader
from eventlog.listing import Archive
from eventlog.local.journal import read_from
from eventlog.read_buffer import ReadBuffer, ReadBuffers
from eventlog.scanning import Position, scan
from tests.support.journals import SESSION, at, event, keys, write

pytestmark = pytest.mark.slow

MANY = 40


def some_lines(chance: random.Random) -> list[bytes]:
    """Return the lines of a journal; a few have valid hashes but contents that we would not write."""
    lines, previous = [], NO_HASH
    for n in range(1, MANY + 1):
        heartbeat = SessionHeartbeat(
            action=chance.choice(["a", 'quote"}', "line\nbreak", '","hash":"', "é"]), target="t"
        )
        first = SessionStarted(machine="north", folder="f") if n == 1 else heartbeat
        one = event(n, payload=first)
        line, digest = encode_line(one, previous)
        body = line[:-44]
        imported = Event(v=1, at=one.at, session=SESSION, n=n, payload=heartbeat, imported=Imported("p", "d"))
        large = Imported("p", "d", fields={"a": 1 << 60})
        kind = chance.randrange(1000)
        changed = {
            0: body.replace(b'"target":"t"', b'"target":"t","target":"u"'),  # a duplicate key
            1: body.replace(b'"v":1', b'"v":2'),
            2: body.replace(b'"session.heartbeat"', b'"session.dreamt"'),
            3: body.replace(b'"target":"t"', b'"target": "t"'),
            4: body.replace(b'"n":', b'"n":1'),
            5: body.replace(b"Z", b"z", 1),
            6: body.replace(b"T11:", b"T24:", 1),
            7: body.replace(b'"target":"t"', b'"percent":9007199254740993'),
            8: encode_line(imported, previous)[0][:-44],
            9: body.replace(SESSION.encode(), b"brown-otter"),
            10: body.replace(b"11:00:", b"11:60:", 1),
            11: body.replace(one.at.encode(), event(n - 1).at.encode()),
            12: encode_line(replace(imported, imported=large), previous)[0][:-44],
        }.get(kind, body)
        digest = line_hash(previous, changed)
        lines.append(changed + b',"hash":"' + digest + b'"}\n')
        previous = digest
    return lines


def mangled(lines: list[bytes], chance: random.Random) -> bytes:
    lines = list(lines)
    spot = chance.randrange(len(lines))
    match chance.randrange(9):
        case 0:
            lines[spot] = lines[spot][:-1] + b"\r\n"
        case 1:
            del lines[spot]
        case 2:
            lines.insert(spot, lines[chance.randrange(len(lines))])
        case 3:
            lines[spot] = lines[spot][:-1]
        case 4:
            lines[spot] = b"\n"
        case 5:
            byte = chance.randrange(len(lines[spot]))
            lines[spot] = lines[spot][:byte] + bytes([chance.randrange(256)]) + lines[spot][byte + 1 :]
        case 6:
            lines[0] = b"\xef\xbb\xbf" + lines[0]
        case 7:
            lines.append(b'{"v":1,"at":"20')
    return b"".join(lines)


@pytest.mark.parametrize("seed", range(20))
def test_decoding_lines_together_or_singly_is_equivalent(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(seed)
    together = 0
    for _ in range(20):
        data = mangled(some_lines(chance), chance)
        cut = data.find(b"\n", chance.randrange(len(data))) + 1
        found: list[object] = []
        for tried in (decode_lines, lambda *_: None):
            monkeypatch.setattr(scanning, "decode_lines", tried)
            kept: dict[EventId, bytes] = {}
            first, middle = scan(SESSION, data[:cut], Position(), kept)
            second, end = scan(SESSION, data[cut:], middle, kept)
            found.append((first, middle, second, end, kept))
        assert found[0] == found[1], f"seed {seed}"
        together += decode_lines(data.split(b"\n")[:-1], NO_HASH, SESSION, 0, "") is not None
    assert together, "no lines were decoded together"


@pytest.mark.parametrize("seed", range(30))
def test_reading_a_history_in_batches_gives_all_of_it(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)
    for number in range(chance.randrange(1, 6)):
        seconds = sorted(chance.sample(range(1, 400), chance.randrange(1, 40)))
        session, machine = f"session-{number}", chance.choice(["north", "south"])
        write(tmp_path, session, machine, [float(second) + number / 8 for second in seconds])
        if chance.random() < 0.2:
            path = tmp_path / f"{session}.jsonl"
            path.write_bytes(mangled(path.read_bytes().splitlines(keepends=True), chance))
        if chance.random() < 0.2:
            (tmp_path / "ended").mkdir(exist_ok=True)
            (tmp_path / f"{session}.jsonl").rename(tmp_path / "ended" / f"{session}.jsonl")
    wall = at(chance.choice([100, 250, 400]))
    whole = LogReader(str(tmp_path), "north")
    expected = keys(whole.catch_up(wall).events)
    for chunk in (1, 300, 2000):
        monkeypatch.setattr(reading, "_BUFFER_BYTES", chunk)
        monkeypatch.setattr(reading, "_MIN_CHUNK_BYTES", chunk)
        history, found = LogReader(str(tmp_path), "north"), list[str]()
        invalidated = [batch.rewound for batch in history.batches(wall)][-1]
        assert invalidated == bool(history._repeat_horizon), "the reader's own journals have moved the horizon"
        history.positions, history.archive = {}, Archive()
        for batch in history.batches(wall):
            assert not batch.rewound
            found += keys(batch.events)
            rest = LogReader(str(tmp_path), "north", dict(history.positions), archive=history.archive.copy())
            rest._repeat_horizon = history._repeat_horizon
            assert found + keys(rest.catch_up(wall).events) == expected, f"seed {seed}"
        assert found == expected, f"seed {seed}"
        assert history.positions == whole.positions
        assert dict(history.archive.items()) == dict(whole.archive.items())
        listed_ns = whole.archive.summary.listed_ns  # depends on the time of day
        assert replace(history.archive.summary, listed_ns=listed_ns) == whole.archive.summary
        assert history.held_back == whole.held_back


def test_checking_many_instants_agrees_with_checking_one() -> None:
    good = "2026-11-22T11:00:00.000000Z"
    for index in range(len(good)):
        for letter in "0123456789-:TZ .,é٣":
            text = good[:index] + letter + good[index + 1 :]
            assert are_instants([good, text, good]) == are_instants([text]) == is_instant(text), text
    assert not are_instants([good + "0", good[1:]])
    assert not are_instants(["2026-02-30T11:00:00.000000Z"])
    assert are_instants([])


def test_events_decoded_together_equal_those_decoded_singly() -> None:
    some = [event(n) for n in range(1, 4)]
    lines = [line[:-1] for line in encode_lines(some, NO_HASH)]
    together = decode_lines(lines, NO_HASH, SESSION, 0, "")
    assert together is not None
    assert (together, set(together)) == (some, set(some))
    assert together[0] != some[1]
    assert decode_lines(lines, NO_HASH, "brown-otter", 0, "") is None


def test_a_journal_is_begun_when_the_merge_reaches_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(30):
        write(tmp_path, f"session-{number}", "north", [float(10 * number + second) for second in range(1, 10)])
    monkeypatch.setattr(reading, "_BUFFER_BYTES", 3000)
    most, add = [0], ReadBuffers.add

    def counted(self: ReadBuffers, block: ReadBuffer) -> bool:
        most.append(len(self.blocks) + 1)
        return add(self, block)

    monkeypatch.setattr(ReadBuffers, "add", counted)
    found = [one for batch in LogReader(str(tmp_path), "north").batches(at(400)) for one in batch.events]
    assert keys(found) == [f"session-{number}/{n}" for number in range(30) for n in range(1, 10)]
    assert max(most) <= 5, "not all journals are in memory"


def test_a_journal_that_is_rewritten_during_a_read_is_rewound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "amber", "north", [float(second) for second in range(1, 20)])
    path, real, chunks = tmp_path / "amber.jsonl", read_from, list[int]()

    def rewritten(name: str, size: int, last: bytes, chunk_bytes: int) -> tuple[bytes, bool]:
        chunks.append(size)
        if len(chunks) == 3:
            path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))
        return real(name, size, last, chunk_bytes)

    monkeypatch.setattr(reading, "_BUFFER_BYTES", 3000)
    monkeypatch.setattr(reading, "_MIN_CHUNK_BYTES", 300)
    monkeypatch.setattr(reading, "read_from", rewritten)
    history = LogReader(str(tmp_path), "north")
    *_, end = history.batches(at(100))
    assert end.rewound
    assert keys(end.events) == ["amber/1", "amber/2"]
    assert "it was cut back or rewritten" in history.positions["amber"].rewound
    assert history.positions["amber"].n == 2
