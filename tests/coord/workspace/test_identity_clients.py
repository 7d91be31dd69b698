"""Agents' clients: their variables, their processes, and which client counts if there are several."""

from typing import Any

import pytest

from tests.support.in_process import SimulatedMachine, process
from tests.support.processes import Shell
from tests.support.repositories import Repo

CLAUDE, CODEX, GEMINI = "CLAUDE_CODE_SESSION_ID", "CODEX_THREAD_ID", "GEMINI_SESSION_ID"


def whoami(shell: Shell, command: str = "coord whoami --json") -> Any:
    """Return the answer of `coord whoami`."""
    result = shell.run(command)
    assert result.code == 0, result
    return result.json


@pytest.mark.parametrize(
    ("variables", "client"),
    [
        (f"CLAUDECODE=1 {CLAUDE}=conversation-1", "claude-code"),
        (f"{CODEX}=conversation-1", "codex"),
        (f"{CODEX}=conversation-1 CODEX_SESSION_ID=conversation-1", "codex"),
        (f"GEMINI_CLI=1 {GEMINI}=conversation-1", "gemini"),
    ],
)
def test_a_new_conversation_starts_its_session_and_says_so_once(repo: Repo, variables: str, client: str) -> None:
    shell = repo.shell()
    first = shell.run(f"{variables} coord claim droplet x --json")
    assert first.code == 0
    session = first.json["session"]
    assert f"this conversation is session {session}" in first.err
    second = shell.run(f"{variables} coord heartbeat building x --json")
    assert (second.code, second.json["session"], second.err) == (0, session, "")
    elsewhere = repo.shell().run(f"{variables} coord whoami --json")
    assert (elsewhere.json["session"], elsewhere.err) == (session, "")
    (started,) = repo.of_type("session.started")
    assert started["event"]["client"] == client
    assert started["event"]["client_session"] == "conversation-1"


def test_a_conversation_starts_with_start_or_whoami_not_status(repo: Repo) -> None:
    shell = repo.shell()
    began = shell.run(f"{CLAUDE}=a coord start --name agent --json")
    assert (began.code, began.json["client"]) == (0, "claude-code")
    assert whoami(shell, f"{CLAUDE}=a coord whoami --json")["session"] == began.json["session"]
    looked = shell.run(f"{CLAUDE}=b coord whoami --json")
    assert looked.json["session"] != began.json["session"]
    assert looked.json["session"] in looked.err
    shell.ok(f"{CLAUDE}=c coord status")
    assert len(repo.of_type("session.started")) == 2  # `coord status` does not start a session


def test_two_conversations_and_their_shell_are_three_sessions(repo: Repo) -> None:
    shell = repo.shell()
    mine = shell.start()
    agents = [shell.run(f"{CLAUDE}={name} coord whoami --json").json["session"] for name in "ab"]
    assert len({mine, *agents}) == 3
    assert whoami(shell)["session"] == mine


def test_a_subagents_thread_acts_as_an_agent_of_the_session(repo: Repo) -> None:
    shell = repo.shell()
    root = whoami(shell, f"{CODEX}=root CODEX_SESSION_ID=root coord whoami --json")
    child = whoami(shell, f"{CODEX}=child CODEX_SESSION_ID=root coord whoami --json")
    assert (child["session"], child["agent"], root["agent"]) == (root["session"], "child", "")
    shell.ok(f"{CODEX}=child CODEX_SESSION_ID=root coord claim file a.py")
    refused = shell.run(f"{CODEX}=other CODEX_SESSION_ID=root coord claim file a.py")
    assert refused.code == 1
    assert shell.run(f"{CODEX}=root CODEX_SESSION_ID=root coord claim file b.py").code == 0
    assert [event["event"].get("agent", "") for event in repo.of_type("claim.requested")] == ["child", "other", ""]


def test_a_subagents_first_command_starts_the_roots_session(repo: Repo) -> None:
    shell = repo.shell()
    child = whoami(shell, f"{CODEX}=child CODEX_SESSION_ID=root coord whoami --json")
    root = whoami(shell, f"{CODEX}=root CODEX_SESSION_ID=root coord whoami --json")
    assert (child["session"], child["agent"]) == (root["session"], "child")


def test_a_client_that_sets_only_its_mark_is_found_by_process(repo: Repo) -> None:
    agent = repo.shell(None, "bash", "-c", "exec -a claude bash --norc --noprofile")
    began = agent.run("CLAUDECODE=1 coord start --json")
    assert began.code == 0
    assert began.json["anchor_pid"] == agent.pid
    assert whoami(agent, "bash -c 'CLAUDECODE=1 coord whoami --json; true'")["session"] == began.json["session"]


def test_a_clients_process_is_the_anchor_and_ends_the_search(repo: Repo) -> None:
    person = repo.shell()
    persons = person.start()
    said = person.run(
        "exec 3>&1; (exec -a claude bash -c '"
        'coord whoami; echo code $?; coord start --json; echo $$; bash -c "coord whoami; true"; true\')'
    )
    first, *document, pid, last = said.out.splitlines()
    assert first == "code 3"
    assert persons in said.err  # as one of the live sessions, not as the acting one
    began = "\n".join(document)
    assert f'"anchor_pid": {pid}' in began
    assert f'"{last.split()[0].rstrip(",")}"' in began
    assert persons not in began
    assert whoami(person)["session"] == persons


def chain(machine: SimulatedMachine, *clients: str) -> int:
    """Return the pid of a shell below nested clients, which are given from the outermost to the innermost."""
    above = 100
    for depth, client in enumerate(clients):
        pid = 1000 + 10 * depth
        machine.table.rows[pid] = process(pid, above, 100, client)
        above = pid
    machine.table.rows[2000] = process(2000, above, above, "bash", "-c", "x")
    return 2000


@pytest.mark.parametrize(
    ("clients", "expected"),
    [(("claude", "codex"), "codex"), (("codex", "claude"), "claude-code"), (("claude", "codex", "gemini"), "gemini")],
)
def test_of_several_clients_the_nearest_ancestor_decides(repo: Repo, clients: tuple[str, ...], expected: str) -> None:
    machine = SimulatedMachine(repo)
    shell = chain(machine, *clients)
    env = {CLAUDE: "a", CODEX: "b", GEMINI: "c"}
    result = machine.run(shell, "start", "--json", **env)
    assert result.code == 0
    assert result.json["client"] == expected
    assert machine.run(shell, "whoami", "--json", **env).json["session"] == result.json["session"]


def test_several_clients_without_an_ancestor_are_an_error(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    machine.start(100)
    result = machine.run(100, "claim", "droplet", "x", **{CLAUDE: "a", CODEX: "b"})
    assert result.code == 3
    assert "claude-code" in result.err
    assert "codex" in result.err
    assert "--session" in result.err


def test_an_agents_terminal_is_its_session_unless_overridden(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    agents = machine.start(100, **{CLAUDE: "a"})
    mine = machine.start(200)
    assert machine.run(200, "whoami", "--json", **{CLAUDE: "a"}).json["session"] == agents
    assert machine.run(200, "whoami", "--session", mine, "--json", **{CLAUDE: "a"}).json["session"] == mine


def test_a_resumed_conversation_is_its_session_in_a_new_process(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    machine.table.rows[1000] = process(1000, 100, 100, "claude")
    session = machine.start(1000, **{CLAUDE: "a"})
    del machine.table.rows[1000]
    machine.wait(60)
    machine.table.rows[1500] = process(1500, 100, 100, "claude")
    assert f"dead: {session}" in machine.run(200, "status").out
    assert machine.run(1500, "claim", "droplet", "x", "--json", **{CLAUDE: "a"}).json["session"] == session
    assert "dead" not in machine.run(200, "status").out
    assert repo.of_type("session.started")[-1]["event"]["anchor"]["pid"] == 1500
