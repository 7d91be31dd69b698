"""When a session's process is killed, the next reader shows it as dead, and the next writer records that and frees its
claims.
"""

import os
import signal

from tests.support.in_process import SimulatedMachine, process
from tests.support.repositories import Repo


def test_a_killed_session_is_dead_and_the_next_writer_frees_all(repo: Repo) -> None:
    (one, first), (two, second) = repo.sessions(2)
    one.ok("coord claim droplet x; coord claim file src/")
    before = repo.bytes()
    one.kill()
    status = two.ok("coord status")
    assert f"dead: {first}" in status
    assert "droplet/x" in status
    assert "the next claim, heartbeat or message of any session frees it" in status
    assert "COORDINATION NEEDED" in status
    assert repo.bytes() == before  # reading records nothing
    two.ok("coord heartbeat going on")
    (death,) = repo.of_type("session.presumed_dead")
    assert (death["session"], death["event"]["session"]) == (second, first)
    assert two.ok("coord claims") == "No claims.\n"
    board = (repo.folder / "STATUS_BOARD.md").read_text()
    (row,) = (line for line in board.splitlines() if line.startswith("|") and first in line)
    assert "🔴" in row
    assert "dead" in row
    two.ok("coord claim droplet x")
    assert len(repo.of_type("session.presumed_dead")) == 1


def test_a_dead_sessions_claim_can_be_claimed_at_once(repo: Repo) -> None:
    (one, _), (two, second) = repo.sessions(2)
    one.ok("coord claim droplet x")
    one.kill()
    assert two.json("coord claim droplet x")["outcome"] == "granted"
    assert two.json("coord claims")["claims"][0]["session"] == second


def test_a_session_is_dead_when_its_shell_exits(repo: Repo) -> None:
    (one, first), (two, _) = repo.sessions(2)
    one.begin("exit 0")
    assert one.finish().code == -9
    assert f"dead: {first}" in two.ok("coord status")


def test_a_stopped_process_is_not_dead(repo: Repo) -> None:
    (one, first), (two, _) = repo.sessions(2)
    os.kill(one.pid, signal.SIGSTOP)
    try:
        two.ok("coord heartbeat going on")
        assert "dead" not in two.ok("coord status")
        assert repo.of_type("session.presumed_dead") == []
    finally:
        os.kill(one.pid, signal.SIGCONT)
    assert one.ok("coord whoami").startswith(first)


def test_a_message_to_a_dead_session_is_kept_for_it(repo: Repo) -> None:
    (one, first), (two, _) = repo.sessions(2)
    one.kill()
    two.ok(f"coord send {first} Hello 'still there?'")
    other = repo.shell()
    assert "still there?" in other.ok(f"COORD_SESSION={first} coord inbox")


def test_a_session_presumed_dead_returns_without_its_claims(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    first, second = machine.start(100), machine.start(200)
    assert machine.run(100, "claim", "droplet", "x").code == 0
    row = machine.table.rows.pop(100)
    assert machine.run(200, "heartbeat", "a", "b").code == 0
    machine.table.rows[100] = row
    assert machine.run(100, "heartbeat", "a", "b", COORD_SESSION=first).code == 0
    told = machine.run(100, "inbox")
    assert "presumed dead" in told.out
    assert second in told.out
    assert "droplet/x" in told.out
    assert "dead" not in machine.run(200, "status").out


def test_a_process_that_reuses_a_pid_is_another_process(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    first = machine.start(100)
    machine.start(200)
    reused = machine.table.rows[100]
    machine.table.rows[100] = type(reused)(100, 1, 100, 999_999, "S", ("-bash",))
    assert machine.run(100, "whoami").code == 3
    status = machine.run(200, "status").out
    assert f"dead: {first}" in status
    assert "another has that number" in status


def test_after_a_boot_all_earlier_sessions_are_dead(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    first = machine.start(100)
    machine.here = type(machine.here)("machine-1", "boot-2", "pid:[1]")
    assert f"dead: {first}" in machine.run(200, "status").out
    assert "booted since" in machine.run(200, "status").out


def test_a_session_of_another_machine_never_seems_dead(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    machine.start(100)
    machine.here = type(machine.here)("machine-2", "boot-9", "pid:[1]")
    machine.table.rows.pop(100)
    machine.start(200)
    machine.wait(30)
    assert "dead" not in machine.run(200, "status").out


def test_a_silent_session_is_shown_and_keeps_its_claims(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    first = machine.start(100)
    machine.start(200)
    machine.run(100, "claim", "droplet", "x")
    machine.wait(20 * 60)
    status = machine.run(200, "status").out
    assert f"silent: {first}" in status
    assert f"{first} is silent and holds droplet/x · since 12:00 UTC (20 min)" in status
    assert machine.run(200, "claim", "droplet", "x").code == 1
    board = machine.run(200, "board").out
    assert "🟡" in board


def test_ended_sessions_leave_the_board_after_an_hour(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    first = machine.start(100)
    machine.start(200)
    machine.run(100, "end")
    machine.wait(59 * 60)
    assert first in machine.run(200, "status").out
    machine.wait(2 * 60)
    assert first not in machine.run(200, "status").out


def test_a_past_state_does_not_depend_on_processes(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    first = machine.start(100)
    machine.start(200)
    machine.wait(60)
    del machine.table.rows[100]
    statuses = {}
    for words in ((), ("--at", "-30s")):
        rows = machine.run(200, "status", "--json", *words).json["sessions"]
        statuses[words] = next(row["status"] for row in rows if row["id"] == first)
    assert statuses == {(): "dead", ("--at", "-30s"): "live"}


def test_an_unknown_clients_conversation_outlives_a_shell(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    machine.table.rows[40] = process(40, 1, 40, "node", "/opt/agent/main.js")
    for shell in (50, 60):
        machine.table.rows[shell] = process(shell, 40, shell, "bash", "-c", "coord ...")
    begun = machine.start(50, CLAUDE_CODE_SESSION_ID="aaaa")
    machine.run(50, "claim", "droplet", "mine", CLAUDE_CODE_SESSION_ID="aaaa")
    del machine.table.rows[50], machine.table.rows[55]
    machine.start(100)
    assert machine.run(100, "claim", "droplet", "mine").code == 1
    assert machine.run(60, "whoami", CLAUDE_CODE_SESSION_ID="aaaa").out.startswith(begun)
