"""The example log in docs/examples is what its script writes, and its answers follow the rules."""

import importlib.util
from pathlib import Path

from eventlog.codec import NO_HASH
from eventlog.events import ClaimRequested
from eventlog.order import merge
from eventlog.scanning import Position, scan
from tests.support.histories import judged

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"


def shipped() -> dict[str, bytes]:
    return {path.stem: path.read_bytes() for path in (EXAMPLES / "incident/COORDINATION/log").iterdir()}


def test_the_example_log_is_what_its_script_writes() -> None:
    spec = importlib.util.spec_from_file_location("make_incident", EXAMPLES / "make_incident.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert shipped() == module.journals()


def test_the_answers_in_the_example_log_are_right() -> None:
    read = {session: scan(session, data, Position(hashes=(NO_HASH,))) for session, data in shipped().items()}
    assert not [position.damage for _, position in read.values() if position.damage]
    _, decisions = judged(events := merge(found for found, _ in read.values()))
    assert "lost" not in {said.what for said in decisions}
    verdict = {said.claim: said.what for said in reversed(decisions) if said.what in ("granted", "waiting", "refused")}
    for event in events:
        if isinstance(event.payload, ClaimRequested):
            assert verdict[event.id] == event.payload.told
