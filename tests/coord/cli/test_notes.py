"""Notes beside a result: what was done despite a refusal, and problems of the log. They are short text."""

import json
from pathlib import Path
from unittest.mock import Mock

import pytest

from coord.engine.snapshot import Snapshot
from eventlog.events import VERSION, Event, SessionHeartbeat, SessionStarted, add_time
from eventlog.local.writer import JournalWriter
from tests.support.in_process import NOON, SimulatedMachine
from tests.support.journals import position_of
from tests.support.repositories import Repo

CLAUDE = "CLAUDE_CODE_SESSION_ID"
ESCAPE = "\x1b[31m"


def foreign(repo: Repo, *seconds: float, session: str = "far-away") -> None:
    """Add events to a journal of another machine, one at each of these seconds after noon."""
    end = JournalWriter(str(repo.log), session, position_of(repo.log, session))
    for second in seconds:
        said = SessionHeartbeat(action="ahead") if end.n > 1 else SessionStarted(machine="machine-9", folder="/there")
        end.append(Event(v=VERSION, at=add_time(NOON, second), session=session, n=end.n, payload=said))
    end.close()


def journal(repo: Repo, session: str) -> Path:
    return repo.log / f"{session}.jsonl"


# --- before a refusal ---------------------------------------------------------------------------------------------


def taken(repo: Repo) -> tuple[SimulatedMachine, str]:
    """A machine on which the session of the first shell has a claim."""
    machine = SimulatedMachine(repo)
    session = machine.start(100)
    machine.run(100, "claim", "droplet", "x")
    return machine, session


def test_a_new_conversation_learns_its_id_despite_a_refusal(repo: Repo) -> None:
    machine, _ = taken(repo)
    refused = machine.run(200, "release", "droplet", "x", **{CLAUDE: "a"})
    assert refused.code == 1
    session = machine.run(200, "whoami", "--json", **{CLAUDE: "a"}).json["session"]
    assert f"this conversation is session {session}" in refused.err
    assert len(repo.of_type("session.started")) == 2


def test_a_continued_session_is_noted_despite_a_refusal(repo: Repo) -> None:
    machine, _ = taken(repo)
    second = machine.start(200)
    (repo.log / f"{second}.jsonl.sealed").touch()
    refused = machine.run(200, "release", "droplet", "x", COORD_SESSION=second)
    assert refused.code == 1
    assert f"{second} continues as " in refused.err


def test_a_repaired_tear_is_noted_despite_a_refusal(repo: Repo) -> None:
    machine, _ = taken(repo)
    second = machine.start(200)
    path = journal(repo, second)
    path.write_bytes(path.read_bytes() + b'{"v":1,"at"')
    refused = machine.run(200, "release", "droplet", "x")
    assert refused.code == 1
    assert "never acknowledged" in refused.err
    assert f"{second}-1.torn" in refused.err


def test_the_next_command_prints_notes_of_an_interrupted_one(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    machine, session = taken(repo)
    machine.start(200)
    path = journal(repo, session)
    path.write_bytes(path.read_bytes().replace(b"droplet", b"dropped"))
    (repo.folder / ".cache" / "checkpoint").unlink()
    with monkeypatch.context() as patch:
        patch.setattr(Snapshot, "problem_notes", Mock(side_effect=KeyboardInterrupt))
        assert machine.run(200, "heartbeat", "a", "b").both == ""
    assert f"{session}.jsonl is damaged" in machine.run(200, "heartbeat", "a", "b").err


def test_each_tear_of_a_journal_is_kept(repo: Repo) -> None:
    machine, _ = taken(repo)
    second = machine.start(200)
    tears = [b'{"v":1,"at"', b'{"v":1,"other']
    for tear in tears:
        path = journal(repo, second)
        path.write_bytes(path.read_bytes() + tear)
        assert machine.run(200, "heartbeat", "a", "b").code == 0
    assert [path.read_bytes() for path in sorted(repo.log.glob("*.torn"))] == tears


# --- what stands in the way ---------------------------------------------------------------------------------------


def held_back(repo: Repo) -> None:
    foreign(repo, 0, 3600)


def unreadable(repo: Repo) -> None:
    (repo.log / "far-away.jsonl").mkdir()


@pytest.mark.parametrize("trouble", [held_back, unreadable])
def test_journal_problems_are_noted_always_or_once(repo: Repo, trouble: object) -> None:
    machine = SimulatedMachine(repo)
    machine.start(100)
    assert callable(trouble)
    trouble(repo)
    for _ in range(2):
        for command in ("claims", "inbox", "whoami"):
            assert "far-away.jsonl" in machine.run(100, command).err
        assert "far-away.jsonl" in machine.run(100, "status").out
    told = [machine.run(100, "heartbeat", "a", "b").err for _ in range(3)]
    assert "far-away.jsonl" in told[0]
    assert told[1:] == ["", ""]
    assert "far-away.jsonl" in machine.run(100, "claims").err


def test_events_from_the_future_stay_held_back(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    machine.start(100)
    foreign(repo, *range(50, 2000, 50))
    for _ in range(30):
        assert machine.run(100, "heartbeat", "a", "b").code == 0
    ours = max(event["at"] for event in repo.events() if event["session"] != "far-away")
    assert ours < add_time(NOON, 60)
    assert "held back" in machine.run(100, "claims").err
    machine.wait(2000)
    assert "held back" not in machine.run(100, "claims").err


# --- shown as text, and bounded -----------------------------------------------------------------------------------


def test_control_characters_in_notes_and_errors_are_shown(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    machine.start(100)
    (repo.log / f"odd{ESCAPE}.jsonl").write_bytes(b"")
    for result in (
        machine.run(100, "claims"),
        machine.run(100, "heartbeat", "a", "b"),
        machine.run(100, "handoff", "droplet", "x", f"who{ESCAPE}"),
        machine.run(100, "whoami", "--session", f"who{ESCAPE}"),
        machine.run(100, "claim", f"no{ESCAPE}"),
        machine.run(100, f"no{ESCAPE}"),
    ):
        assert "\x1b" not in result.both
        assert result.err != ""


@pytest.mark.parametrize("hidden", ["\u200b", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u202e", "\U000e0041"])
def test_invisible_characters_are_shown(repo: Repo, hidden: str) -> None:
    machine = SimulatedMachine(repo)
    session = machine.start(100)
    machine.start(200)
    machine.run(200, "send", session, f"sub{hidden}ject", f"bo{hidden}dy")
    for command in ("status", "board", "inbox"):
        shown = machine.run(100, command).out
        assert hidden not in shown
        assert ascii(hidden)[1:-1] in shown.replace("\\\\", "\\")


def test_with_json_every_line_on_standard_error_is_json(repo: Repo) -> None:
    machine, _ = taken(repo)
    foreign(repo, 0, 3600)
    second = machine.start(200)
    path = journal(repo, second)
    path.write_bytes(path.read_bytes() + b'{"v":1,"at"')
    commands = ("claims", "release droplet x", "claim droplet new-thing", "claim nothing", "whoami --session nobody")
    for command in commands:
        for line in machine.run(200, *command.split(), "--json").err.splitlines():
            assert isinstance(json.loads(line), dict)


def test_only_the_notices_that_were_shown_are_marked_as_read(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    first = machine.start(100)
    machine.start(200)
    at = machine.now
    claims = "".join(
        f'{{"type":"claim.requested","resource":"droplet/{n}","mode":"exclusive","ttl_s":3600,"told":"granted"}}\n'
        for n in range(300)
    )
    add(repo, first, claims, at)
    ids = [f"{event['session']}/{event['n']}" for event in repo.of_type("claim.requested")]
    second = repo.of_type("session.started")[1]["session"]
    broken = "".join(f'{{"type":"claim.broken","claim":"{name}","reason":"r"}}\n' for name in ids)
    add(repo, second, broken, add_time(at, 1))
    machine.wait(5)
    seen = []
    for left in (280, 260):
        shown = machine.run(100, "inbox").out
        assert len(shown.splitlines()) < 60
        assert f"{left} more" in shown
        seen.append(shown)
    assert "droplet/0:" in seen[0]
    assert "droplet/20:" in seen[1]
    assert len({name for event in repo.of_type("message.read") for name in event["event"]["messages"]}) == 40


def test_the_end_of_three_hundred_claims_fits_a_screen(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    first = machine.start(100)
    claims = "".join(
        f'{{"type":"claim.requested","resource":"droplet/{n}","mode":"exclusive","ttl_s":3600,"told":"granted"}}\n'
        for n in range(300)
    )
    add(repo, first, claims, machine.now)
    machine.wait(5)
    ended = machine.run(100, "end")
    assert ended.code == 0
    assert len(ended.out.splitlines()) < 30
    assert "280 more" in ended.out
    assert len(machine.run(200, "claims").out.splitlines()) == 1


def add(repo: Repo, session: str, payloads: str, at: str) -> None:
    """Write events to a journal as its session would, a microsecond apart."""
    import msgspec

    end = JournalWriter(str(repo.log), session, position_of(repo.log, session))
    for number, text in enumerate(payloads.splitlines()):
        head = f'"v":{VERSION},"at":"{add_time(at, 1, micros=number)}","session":"{session}","n":{end.n}'
        end.append(msgspec.json.decode(f'{{{head},"event":{text}}}', type=Event))
    end.close()
