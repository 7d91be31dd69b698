"""Sessions that continue another, and conversations of a client: which session acts, and what its anchor is."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import coord.platform.host
import coord.workspace.system
from coord.workspace.anchors import anchor_of
from coord.workspace.names import sessions_by_conversation
from eventlog.events import add_time
from projections.rules.liveness import death_evidence
from projections.rules.state import Session, State
from tests.support.in_process import NOON, SimulatedMachine, process
from tests.support.repositories import Repo

CLAUDE, CODEX = "CLAUDE_CODE_SESSION_ID", "CODEX_THREAD_ID"


def sealed(machine: SimulatedMachine, session: str) -> None:
    (machine.repo.log / f"{session}.jsonl.sealed").touch()


def damaged(machine: SimulatedMachine, session: str) -> None:
    path = machine.repo.log / f"{session}.jsonl"
    path.write_bytes(path.read_bytes() + path.read_bytes().splitlines(keepends=True)[0])


def moved(machine: SimulatedMachine, session: str) -> None:
    machine.repo.root = machine.repo.root.rename(machine.repo.root.with_name("elsewhere"))


CLOSED: list[Callable[[SimulatedMachine, str], None]] = [sealed, damaged, moved]


def goes_on(machine: SimulatedMachine, session: str) -> dict[str, Any]:
    """Return the start event of the session that continues this one, after a command in the second shell."""
    result = machine.run(200, "heartbeat", "going", "on", "--json", COORD_SESSION=session)
    assert result.code == 0, result
    assert f"{session} continues as {result.json['session']}" in result.err
    started = machine.repo.of_type("session.started")[-1]
    assert started["session"] == result.json["session"]
    assert started["event"]["continues"] == session
    return dict(started["event"])


@pytest.mark.parametrize("close", CLOSED)
def test_a_continuation_lives_as_long_as_the_first_would_have(
    repo: Repo, close: Callable[[SimulatedMachine, str], None]
) -> None:
    machine = SimulatedMachine(repo)
    session = machine.start(100)
    machine.start(200)
    close(machine, session)
    assert goes_on(machine, session)["anchor"]["pid"] == 100


@pytest.mark.parametrize("close", CLOSED)
def test_a_continuation_of_a_session_without_anchor_has_none(
    repo: Repo, close: Callable[[SimulatedMachine, str], None]
) -> None:
    machine = SimulatedMachine(repo)
    session = machine.start(100, "--no-anchor")
    close(machine, session)
    assert "anchor" not in goes_on(machine, session)


@pytest.mark.parametrize("close", CLOSED)
def test_a_continuation_of_a_dead_session_gets_its_own_anchor(
    repo: Repo, close: Callable[[SimulatedMachine, str], None]
) -> None:
    machine = SimulatedMachine(repo)
    session = machine.start(100)
    close(machine, session)
    del machine.table.rows[100]
    assert goes_on(machine, session)["anchor"]["pid"] == 200


def test_a_continuation_on_another_machine_gets_its_own_anchor(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    session = machine.start(100)
    machine.here = type(machine.here)("machine-2", "boot-9", "pid:[1]")
    assert goes_on(machine, session)["anchor"]["pid"] == 200


# --- machines -----------------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="where Linux has its machine's id")
@pytest.mark.parametrize("boots", [("boot-a", "boot-b"), ("", "")], ids=["two boots", "nothing known"])
def test_two_hosts_of_one_name_without_an_id_are_two_machines(
    monkeypatch: pytest.MonkeyPatch, boots: tuple[str, str]
) -> None:
    places = []
    for boot in boots:
        monkeypatch.setattr(
            coord.platform.host, "_read", lambda path, boot=boot: boot if path.endswith("/boot_id") else ""
        )
        places.append(coord.workspace.system.this_host())
    there, here = places
    assert not boots[0] or there.machine != here.machine
    assert death_evidence(anchor_of(process(100, 1, 100, "bash"), there), here, lambda pid: "free") == ""


@pytest.mark.skipif(sys.platform != "linux", reason="where Linux has its machine's id")
def test_a_machine_with_an_id_is_the_same_after_a_boot(monkeypatch: pytest.MonkeyPatch) -> None:
    places = []
    for boot in ("boot-a", "boot-b"):
        known = {"/etc/machine-id": "0123456789", "/proc/sys/kernel/random/boot_id": boot}
        monkeypatch.setattr(coord.platform.host, "_read", lambda path, known=known: known.get(path, ""))
        places.append(coord.workspace.system.this_host())
    there, here = places
    assert there.machine == here.machine
    assert "booted" in death_evidence(anchor_of(process(100, 1, 100, "bash"), there), here, lambda pid: "free")


@pytest.mark.skipif(sys.platform != "linux", reason="where Linux has its machine's id")
def test_a_copy_of_a_machine_by_another_name_is_another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    here, real = coord.workspace.system.this_host(), os.uname()
    monkeypatch.setattr(os, "uname", lambda: os.uname_result((real[0], "another-host", *real[2:])))
    assert coord.workspace.system.this_host().machine != here.machine
    assert coord.workspace.system.this_host().boot == here.boot


# --- conversations ------------------------------------------------------------------------------------------------


def test_two_conversations_of_a_client_process_share_the_anchor(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    machine.table.rows[1000] = process(1000, 100, 100, "codex")
    assert machine.run(1000, "claim", "droplet", "x", **{CODEX: "a"}).code == 0
    refused = machine.run(1000, "claim", "droplet", "x", **{CODEX: "b"})
    assert refused.code == 1, "both may be active, so neither takes over the claims of the other"
    started = repo.of_type("session.started")
    assert [event["event"]["anchor"]["pid"] for event in started] == [1000, 1000]
    assert len({event["session"] for event in started}) == 2
    assert not any("continues" in event["event"] for event in started)


@pytest.mark.parametrize("first", ["claim", "whoami", "start"])
def test_a_new_id_in_a_process_of_one_conversation_continues(repo: Repo, first: str) -> None:
    machine = SimulatedMachine(repo)
    machine.table.rows[1000] = process(1000, 100, 100, "claude")
    machine.start(1000, "--name", "ada", "--capability", "css", **{CLAUDE: "a"})
    assert machine.run(1000, "claim", "droplet", "x", **{CLAUDE: "a"}).code == 0
    words = (first, "droplet", "x") if first == "claim" else (first,)
    result = machine.run(1000, *words, "--json", **{CLAUDE: "b"})
    assert result.code == 0, result
    old, new = repo.of_type("session.started")
    assert new["event"]["continues"] == old["session"]
    assert (new["event"]["name"], new["event"]["capabilities"]) == ("ada", ["css"])
    assert f"and continues {old['session']}" in result.err
    for conversation in "ba":  # the environment of a server or a shell in the background can have the old id
        same = machine.run(1000, "claim", "droplet", "x", "--json", **{CLAUDE: conversation}).json
        assert (same["outcome"], same["session"]) == ("renewed", new["session"])


def test_a_new_id_in_another_process_continues_nothing(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    for pid, parent in ((1000, 100), (1010, 1000)):  # the second client runs inside the first
        machine.table.rows[pid] = process(pid, parent, 100, "claude")
    assert machine.run(1000, "claim", "droplet", "x", **{CLAUDE: "a"}).code == 0
    assert machine.run(1010, "claim", "droplet", "x", **{CLAUDE: "b"}).code == 1
    assert machine.run(200, "claim", "droplet", "x", **{CLAUDE: "c"}).code == 1


def test_a_session_started_as_new_continues_nothing(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    machine.table.rows[1000] = process(1000, 100, 100, "claude")
    assert machine.run(1000, "claim", "droplet", "x", **{CLAUDE: "a"}).code == 0
    machine.start(1000, "--new", **{CLAUDE: "b"})
    assert not any("continues" in event["event"] for event in repo.of_type("session.started"))


def test_a_third_conversation_continues_all_that_were_left(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    machine.table.rows[1000] = process(1000, 100, 100, "claude")
    for name in "ab":
        machine.start(1000, "--new", **{CLAUDE: name})
        assert machine.run(1000, "claim", "droplet", name, **{CLAUDE: name}).code == 0
    for name in "ab":
        assert machine.run(1000, "claim", "droplet", name, "--json", **{CLAUDE: "c"}).json["outcome"] == "renewed"
    *_, last = repo.of_type("session.started")
    assert last["event"]["continues"] == repo.of_type("session.started")[1]["session"], "the most recent one"


def test_a_conversation_resumed_here_continues_the_one_here(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    for pid, parent in ((1000, 100), (2000, 200)):
        machine.table.rows[pid] = process(pid, parent, parent, "claude")
    resumed = machine.start(1000, **{CLAUDE: "z"})
    del machine.table.rows[1000]
    assert machine.run(2000, "claim", "droplet", "x", **{CLAUDE: "a"}).code == 0
    same = machine.run(2000, "claim", "droplet", "x", "--json", **{CLAUDE: "z"}).json
    assert (same["outcome"], same["session"]) == ("renewed", resumed)


def test_kill_9_of_a_client_frees_what_its_conversations_hold(repo: Repo) -> None:
    program = repo.home / "codex"
    bash = next(Path(folder, "bash") for folder in os.get_exec_path() if Path(folder, "bash").exists())
    program.symlink_to(bash)
    client = repo.shell(None, str(program), "--norc", "--noprofile")
    sessions = [json.loads(client.ok(f"{CODEX}={name} coord claim droplet {name} --json"))["session"] for name in "ab"]
    two, _ = repo.sessions(1)[0]
    client.kill()
    for name in "ab":
        assert two.json(f"coord claim droplet {name}")["outcome"] == "granted"
    assert {event["event"]["session"] for event in repo.of_type("session.presumed_dead")} == set(sessions)


def test_a_conversation_under_another_client_name_is_the_same(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    session = machine.start(100, "--client", "mybot", "--name", "ada", **{CLAUDE: "x"})
    assert machine.run(100, "whoami", "--json", **{CLAUDE: "x"}).json["session"] == session
    assert machine.run(100, "heartbeat", "a", "b", "--json", **{CLAUDE: "x"}).json["session"] == session
    (started,) = repo.of_type("session.started")
    assert (started["event"]["client"], started["event"]["name"]) == ("mybot", "ada")


def test_a_new_session_of_a_conversation_acts_from_then_on(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    old = machine.start(100, **{CLAUDE: "x"})
    new = machine.start(100, "--new", **{CLAUDE: "x"})
    assert new != old
    for command in (("whoami",), ("heartbeat", "a", "b"), ("claim", "droplet", "x")):
        assert machine.run(100, *command, "--json", **{CLAUDE: "x"}).json["session"] == new


def test_an_imported_conversation_has_no_session(repo: Repo) -> None:
    state = State()
    for name in ("session-1", "amber-otter"):
        state.sessions[name] = Session(id=name, started_at=NOON, last_at=NOON, client_session="x")
    state.sessions["session-1"].status, state.sessions["session-1"].started_at = "imported", add_time(NOON, 1)
    (found,) = sessions_by_conversation(state, ("x",))["x"]
    assert found.id == "amber-otter"
    del state.sessions["amber-otter"]
    assert sessions_by_conversation(state, ("x",)) == {}


def test_a_live_session_is_not_continued(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    first = machine.start(100)
    machine.run(100, "claim", "droplet", "x")
    refused = machine.run(200, "start", "--continue", first)
    assert (refused.code, "is still live" in refused.err) == (1, True)
    (claim,) = machine.run(300, "claims", "--json").json["claims"]
    assert claim["session"] == first
    del machine.table.rows[100]
    machine.start(200, "--continue", first)
    (claim,) = machine.run(300, "claims", "--json").json["claims"]
    assert claim["session"] != first
