"""`coord doctor` finds sessions that cannot be watched, that are silent, or that share a process."""

from typing import Any

from coord.admin.doctor import sessions
from coord.workspace.paths import find_workspace
from eventlog.codec import NO_HASH, encode_line
from eventlog.events import VERSION, Event, SessionStarted, add_time
from projections.rules.liveness import ObserverHost
from tests.support.doctor import commands, findings, simulated
from tests.support.histories import Story, anchor
from tests.support.in_process import HERE, NOON, SimulatedMachine
from tests.support.repositories import Repo


def test_sessions_whose_death_is_not_detectable_are_found(repo: Repo) -> None:
    shell = repo.shell()
    session = shell.json("coord start --no-anchor")["session"]
    (row,) = findings(repo, "anchors")
    assert row["severity"] == "note"
    assert session in row["evidence"]
    shell.ok(f"coord claim droplet x --session {session}")
    (row,) = findings(repo, "anchors")
    assert row["severity"] == "warning"
    assert row["what"].endswith("; 1 of them hold claims, which would last until they expire")
    assert commands(row)[0] == "coord status"


def test_each_reason_why_an_anchor_cannot_be_checked() -> None:
    state = Story("amber").state()
    session = state.sessions["amber"]
    here = ObserverHost("north", "boot-1", "ns")
    assert sessions.undetectable_reason(session, here, 100) == ""
    assert sessions.undetectable_reason(session, here, "free") == "", "a process that is gone is detectable"
    assert sessions.undetectable_reason(session, ObserverHost("north", "boot-2", "other"), "unknown") == "", (
        "another boot is detectable too"
    )
    assert "no permission" in sessions.undetectable_reason(session, here, "unknown")
    assert "another machine" in sessions.undetectable_reason(session, ObserverHost("south", "boot-1", "ns"), 100)
    assert "another container" in sessions.undetectable_reason(session, ObserverHost("north", "boot-1", "other"), 100)
    assert "too little information" in sessions.undetectable_reason(session, ObserverHost("north", "", ""), 100)
    session.anchor = None
    assert "without an anchor" in sessions.undetectable_reason(session, here, 100)


def test_a_silent_session_with_claims_is_found(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    machine.start(100, "--name", "api")
    machine.run(100, "claim", "droplet", "x")
    machine.wait(14 * 60)
    assert simulated(machine, "silence") == []
    machine.wait(61)
    (finding,) = simulated(machine, "silence")
    assert finding.what == "api is silent and holds droplet/x"
    assert finding.evidence == "last seen 15 min ago"
    assert [step.command.split()[1] for step in finding.do] == ["status", "send", "break"]


def test_sessions_with_the_same_anchor_are_grouped() -> None:
    story = Story("amber", "brown", "coral")
    one = anchor(7)
    for name, conversation in (("amber", ""), ("brown", ""), ("coral", "its own")):
        story.tell(5 + 0.1 * len(name + conversation), name, SessionStarted(anchor=one, client_session=conversation))
    (pair,) = sessions.sessions_by_shared_anchor(story.state())
    assert {session.id for session in pair} == {"amber", "brown"}, "a session with a conversation can be told apart"


def test_two_sessions_of_one_shell_are_found(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    first = machine.start(100)
    two = machine.system(100, {})
    workspace = find_workspace(two, None)
    hello = SessionStarted(machine=HERE.machine, folder=workspace.recorded, anchor=anchor_of_shell(repo, first))
    line, _ = encode_line(Event(v=VERSION, at=add_time(NOON, 1), session="second-one", n=1, payload=hello), NO_HASH)
    (repo.log / "second-one.jsonl").write_bytes(line)
    machine.wait(5)
    (finding,) = simulated(machine, "one anchor")
    assert first in finding.evidence
    assert finding.do[0].command == "export COORD_SESSION=second-one"


def anchor_of_shell(repo: Repo, session: str) -> Any:
    import msgspec

    from eventlog.events import Anchor

    (started,) = [event for event in repo.events() if event["session"] == session]
    return msgspec.convert(started["event"]["anchor"], Anchor)
