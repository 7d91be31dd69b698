"""The laws of reading much at once: lines that are tried together give what they give one by one; and a history in
pieces is the history, each piece with the positions that lead to the next.
"""

import random
from pathlib import Path

import pytest
from msgspec.structs import replace

from eventlog import history as reading
from eventlog import scanning
from eventlog.codec import NO_HASH, are_instants, decode_lines, encode_line, line_hash
from eventlog.events import Event, EventId, Imported, SessionHeartbeat, SessionStarted, is_instant
from eventlog.history import LogReader
from eventlog.scanning import Position, scan
from tests.support.journals import SESSION, at, event, keys, write

pytestmark = pytest.mark.slow

MANY = 40


def some_lines(chance: random.Random) -> list[bytes]:
    """A journal, in which some lines may be what no careful writer wrote, with the right hash."""
    lines, previous = [], NO_HASH
    for n in range(1, MANY + 1):
        said = SessionHeartbeat(action=chance.choice(["a", 'quote"}', "line\nbreak", '","hash":"', "é"]), target="t")
        first = SessionStarted(machine="north", folder="f") if n == 1 else said
        one = event(n, payload=first)
        line, digest = encode_line(one, previous)
        body = line[:-44]
        brought = Event(v=1, at=one.at, session=SESSION, n=n, payload=said, imported=Imported("p", "d"))
        large = Imported("p", "d", fields={"a": 1 << 60})
        kind = chance.randrange(1000)
        changed = {
            0: body.replace(b'"target":"t"', b'"target":"t","target":"u"'),  # a key that stands twice
            1: body.replace(b'"v":1', b'"v":2'),
            2: body.replace(b'"session.heartbeat"', b'"session.dreamt"'),
            3: body.replace(b'"target":"t"', b'"target": "t"'),
            4: body.replace(b'"n":', b'"n":1'),
            5: body.replace(b"Z", b"z", 1),
            6: body.replace(b"T11:", b"T24:", 1),
            7: body.replace(b'"target":"t"', b'"percent":9007199254740993'),
            8: encode_line(brought, previous)[0][:-44],
            9: body.replace(SESSION.encode(), b"brown-otter"),
            10: body.replace(b"11:00:", b"11:60:", 1),
            11: body.replace(one.at.encode(), event(n - 1).at.encode()),
            12: encode_line(replace(brought, imported=large), previous)[0][:-44],
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
            workspace = chance.randrange(len(lines[spot]))
            lines[spot] = lines[spot][:workspace] + bytes([chance.randrange(256)]) + lines[spot][workspace + 1 :]
        case 6:
            lines[0] = b"\xef\xbb\xbf" + lines[0]
        case 7:
            lines.append(b'{"v":1,"at":"20')
    return b"".join(lines)


@pytest.mark.parametrize("seed", range(20))
def test_lines_tried_together_give_what_they_give_one_by_one(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
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
    assert together, "all were looked at one by one"


@pytest.mark.parametrize("seed", range(30))
def test_a_history_in_pieces_is_the_history(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
    for pieces in (1, 300, 2000):
        monkeypatch.setattr(reading, "_AT_ONCE", pieces)
        monkeypatch.setattr(reading, "_LEAST_PIECE", pieces)
        history, found = LogReader(str(tmp_path), "north"), list[str]()
        taken_back = [news.rewound for news in history.batches(wall)][-1]
        assert taken_back == bool(history._bar), "its own journals have moved the horizon"
        history.positions = {}
        for news in history.batches(wall):
            assert not news.rewound
            found += keys(news.events)
            rest = LogReader(str(tmp_path), "north", dict(history.positions))
            rest._bar = history._bar
            assert found + keys(rest.catch_up(wall).events) == expected, f"seed {seed}"
        assert found == expected, f"seed {seed}"
        assert history.positions == whole.positions
        assert history.held_back == whole.held_back


def test_what_is_an_instant_among_many_is_one_alone() -> None:
    good = "2026-11-22T11:00:00.000000Z"
    for workspace in range(len(good)):
        for letter in "0123456789-:TZ .,é٣":
            text = good[:workspace] + letter + good[workspace + 1 :]
            assert are_instants([good, text, good]) == are_instants([text]) == is_instant(text), text
    assert not are_instants([good + "0", good[1:]])
    assert not are_instants(["2026-02-30T11:00:00.000000Z"])
    assert are_instants([])
