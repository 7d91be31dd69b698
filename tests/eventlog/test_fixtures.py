"""The journals in tests/fixtures stay readable: every event decodes, encodes to the same bytes, and has the same
effect.

These journals were written once and never change. If a test here fails, do not change a journal. Change
`expected.json`, the effects of the rules, only when a rule changes on purpose.
"""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from msgspec.json import encode

from eventlog.codec import NO_HASH, encode_line
from eventlog.events import NEVER, Event, Unknown
from eventlog.history import LogReader
from eventlog.order import merge
from eventlog.scanning import Position, scan
from projections.rules.fold import fold
from projections.rules.state import State
from projections.views.state_diff import facts_of
from tests.support.attacks import Tally
from tests.support.event_values import TYPES

FOLDER = Path(__file__).parent.parent / "fixtures" / "journals" / "v1"
NEWER = "dusk-newt-9c3b"  # contains events that this version does not know
LONG = "0a.b_c-a.b_c-a.b_c-a.b_c-a.b_c-a.b_c-a.b_c-a.b_c-a.b_c-a.b_c-a.b_c-a.b_c-a.b_c-a.b_c-a.b_c-a.b_c-xyz"
DIGESTS = {
    LONG: "2ccde6ff49a35d119eddd62f2aade44c8d331727c204df0266c14034053d997a",
    "amber-otter-k3f9": "9b5511a693dcee9c5760bb0f5f26190bb399beca57b04131890d6629286aa525",
    "brown-hare-7x2m": "1e8d5b00b48e792710d71cdfa006c57486a5c42ca45bb7350d52d31a376d054a",
    "calm-wren-q4t8": "22388e611c9c1a8f9bb22fa0af8444b719e135b23141f327062be3c3a2b9d873",
    "dusk-newt-9c3b": "af2347cd3d21a6d012b334708605488184cf3f423f8f2e22e73e9ed44733c0e2",
    "fern-ibex-2p6w": "1b7f4b397b7898d1f2c025dab8d136487a556995fce2b1a6aa65239a1ba06cf3",
    "grey-lynx-8k4v": "98656df045fbfb4ba144bc24a17365e43244736fa49279c8510c2cd177f314a5",
    "gray-lynx-5d8v": "5a87eda287d1b3c3728b0050235715c014909ead07c1515f65faa231dee99137",
    "glad-vole-4m7r": "acae927ac7060f683abe07f07e0654c2d79406c180cc51bf1d28b0ff70a60f88",
    "hazy-mole-7p3k": "123d363907728c9e83be0b69a9141e59b368c1267dc47917fffe296373d63523",
    "iron-wolf-2d6s": "f78326eb860d98396ef271a77bbebabad5f7e8e4ec274ec76aed9f148f2ae9b7",
    "jade-crow-6n2t": "fc1250608921725d60716db7fcf86fdced48b65610655efcc8cdbd35e8a5dd27",
    "import-2026.11_a": "9f4e36a31dd8caddacbcc9bdb0ea635b283ed8ce621d69da20971f831a427218",
}


@cache
def data(session: str) -> bytes:
    return (FOLDER / f"{session}.jsonl").read_bytes()


@cache
def read(session: str) -> tuple[list[Event], Position]:
    return scan(session, data(session), Position())


@cache
def expected() -> Any:
    return json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))


def type_of(event: Event) -> str:
    if isinstance(event.payload, Unknown):  # the reason differs between versions of msgspec
        return f"unknown: {event.payload.name.partition(' (')[0]}"
    return str(event.payload.__struct_config__.tag)


@pytest.mark.parametrize("session", DIGESTS)
def test_the_fixture_journals_are_unchanged(session: str) -> None:
    assert hashlib.sha256(data(session)).hexdigest() == DIGESTS[session], "the fixture journals never change"


def test_every_fixture_journal_is_tested() -> None:
    assert {path.stem for path in FOLDER.glob("*.jsonl")} == DIGESTS.keys() == expected()["journals"].keys()


def test_the_fixtures_contain_every_event_type_and_field() -> None:
    events = [event for session in DIGESTS for event in read(session)[0]]
    for kind in TYPES:
        fields: set[str] = set()
        for event in events:
            if type(event.payload) is kind:
                said = {name: getattr(event.payload, name) for name in kind.__struct_fields__}
                fields |= {name for name, value in said.items() if value not in ("", (), None, False)}
        assert fields == set(kind.__struct_fields__), f"{kind.__name__}: add a journal that contains the new field"


@pytest.mark.attack(17)
def test_every_fixture_event_is_encoded_again_byte_for_byte(tally: Tally) -> None:
    for session in DIGESTS:
        events, position = read(session)
        seen = expected()["journals"][session]
        assert (position.damage, position.rewound, position.size) == ((), "", len(data(session))), session
        assert (len(events), [type_of(event) for event in events]) == (seen["events"], seen["types"])
        previous = NO_HASH
        for event, line in zip(events, data(session).splitlines(keepends=True), strict=True):
            if session == NEWER:
                assert not isinstance(event.payload, Unknown) or bytes(event.payload.raw) in line, event.id
            else:
                again, previous = encode_line(event, previous)
                assert again == line, event.id
            tally.did("events")


@pytest.mark.attack(17)
def test_each_fixture_event_has_the_effect_recorded_for_it(tally: Tally) -> None:
    history = merge(read(session)[0] for session in DIGESTS)
    assert [event.id for event in history] == [step["after"] for step in expected()["moments"]]
    state, known = State(), dict[tuple[str, ...], Any]()
    for event, step in zip(history, expected()["moments"], strict=True):
        assert event.at == step["at"]
        for key in step["gone"]:
            del known[tuple(key)]
        known |= {tuple(key): value for key, value in step["facts"]}
        state = fold(state, [event])
        assert {key: json.loads(encode(value)) for key, value in facts_of(state).items()} == known, event.id
        tally.did("moments")
    assert sum(state.unknown.values()) == sum(type_of(event).startswith("unknown: ") for event in history) > 0


def test_a_log_reader_finds_the_same_fixture_history() -> None:
    history = LogReader(str(FOLDER), "north")
    assert history.catch_up(NEVER).events == merge(read(session)[0] for session in DIGESTS)
    assert (history.problems, history.held_back) == ({}, {})
