"""Rules for every command on the past: it writes nothing, needs no session, and works on empty and damaged logs."""

import json
import re

import pytest

from tests.support.in_process import SimulatedMachine
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow

LOOKS: dict[str, tuple[str, ...]] = {
    "log": ("log",),
    "why a resource": ("why", "file", "src/app.py"),
    "why a session": ("why", "ada"),
    "why a claim": ("why", "ada/2"),
    "why a message": ("why", "ben/3"),
    "why something else": ("why", "ada/3"),
    "diff": ("diff", "ada/1", "now"),
    "replay": ("replay", "--changes"),
    "report": ("report",),
    "report as Markdown": ("report", "--markdown"),
    "timeline": ("timeline", "--svg", "-"),
    "status": ("status", "--at", "now"),
    "board": ("board", "--at", "now"),
    "claims": ("claims", "--at", "now"),
    "watch": ("watch", "--once"),
    "verify": ("verify",),
}
AT = {name: words for name, words in LOOKS.items() if name.startswith("why")}
TIMES: dict[str, tuple[str, ...]] = {
    "log since": ("log", "--since"),
    "log until": ("log", "--until"),
    "status": ("status", "--at"),
    "board": ("board", "--at"),
    "claims": ("claims", "--at"),
    "inbox": ("inbox", "--at"),
    "why": ("why", "file", "src/app.py", "--at"),
    "diff": ("diff",),
    "replay from": ("replay", "--changes", "--from"),
    "replay to": ("replay", "--changes", "--to"),
    "report since": ("report", "--since"),
    "report until": ("report", "--until"),
    "timeline since": ("timeline", "--svg", "-", "--since"),
    "timeline until": ("timeline", "--svg", "-", "--until"),
}


@pytest.fixture
def inside(repo: Repo) -> SimulatedMachine:
    """Ada holds a file. Ben is refused, asks her, and waits for a port."""
    return SimulatedMachine(repo).each_minute(
        (100, ("start", "--name", "ada")),
        (200, ("start", "--name", "ben")),
        (100, ("claim", "file", "src/app.py", "--note", "landing page")),
        (200, ("claim", "file", "src/")),
        (200, ("send", "ada", "src", "How long?")),
        (100, ("heartbeat", "building", "the form", "BUILD", "25%")),
        (100, ("claim", "port", "8000")),
        (100, ("release", "file", "src/app.py")),
    )


@pytest.mark.parametrize("name", LOOKS)
def test_it_answers_without_a_session_and_writes_nothing(name: str, inside: SimulatedMachine) -> None:
    before = inside.repo.bytes()
    found = inside.run(300, *LOOKS[name])
    assert found.code == 0, found
    assert found.out
    assert inside.repo.bytes() == before


@pytest.mark.parametrize("name", sorted(LOOKS.keys() - {"report as Markdown"}))
def test_it_prints_json(name: str, inside: SimulatedMachine) -> None:
    found = inside.run(300, *LOOKS[name], "--json")
    assert found.code == 0, found
    documents = found.out.splitlines() if name in ("log", "replay") else [found.out]
    assert all(isinstance(json.loads(text), dict) for text in documents)


@pytest.mark.parametrize("name", LOOKS)
def test_it_reports_an_empty_log(name: str, repo: Repo) -> None:
    found = SimulatedMachine(repo).run(300, *LOOKS[name])
    assert found.code in (0, 1, 2), found
    assert re.search("no event|nothing|none|no claims", (found.out + found.err).lower()), found
    assert "No such option" not in found.err
    assert found.code == 0 or found.err.count("\n") == 1


@pytest.mark.parametrize("name", LOOKS)
def test_it_answers_on_a_damaged_log_and_reports_the_damage(name: str, inside: SimulatedMachine) -> None:
    path = next(path for path in inside.repo.log.glob("*.jsonl") if b'"name":"ben"' in path.read_bytes())
    path.write_bytes(path.read_bytes().replace(b'"told":"refused"', b'"told":"granted"'))
    (inside.repo.folder / ".cache" / "checkpoint").unlink()  # else the damaged part would not be read again
    found = inside.run(300, *LOOKS[name])
    assert found.code == (4 if name == "verify" else 0), found
    assert "line 2, byte" in found.out + found.err


@pytest.mark.parametrize("name", TIMES)
def test_an_invalid_time_is_refused_in_a_single_line(name: str, inside: SimulatedMachine) -> None:
    for text in ("soon", "tomorrow 18:00", "2999-01-01", "\x1b[31m", "ada/99", "nobody/1", ""):
        found = inside.run(100, *TIMES[name], text)
        assert (found.code, found.out) == (2, ""), (text, found)
        assert found.err.count("\n") == 1
        assert "\x1b" not in found.err


@pytest.mark.parametrize("name", TIMES)
def test_every_form_of_a_time_is_accepted(name: str, inside: SimulatedMachine) -> None:
    for text in ("4m", "-4m", "2026-11-22T12:05Z", "ben/2", "now"):
        found = inside.run(100, *TIMES[name], text)
        assert found.code == 0, (text, found)


@pytest.mark.parametrize("name", ["log until", "status", "board", "claims", "inbox", "why"])
def test_a_time_before_the_first_event_is_refused_as_such(name: str, inside: SimulatedMachine) -> None:
    found = inside.run(100, *TIMES[name], "2020-01-01")
    assert found.code == 2
    assert "before the first event" in found.err


@pytest.mark.parametrize("name", AT)
def test_why_at_a_past_time_equals_why_at_that_time(name: str, inside: SimulatedMachine) -> None:
    """The answer with `--at` a time is exactly the answer that was given at that time."""
    then, at = inside.run(100, *AT[name]), inside.now
    inside.wait(3600)
    inside.run(200, "claim", "file", "src/")
    inside.run(100, "inbox")
    inside.run(100, "end")
    assert inside.run(100, *AT[name], "--at", at).out == then.out
