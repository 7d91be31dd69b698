"""Which source decides the acting session, and that a wrong source is an error instead of a reason to try the next."""

import shutil

import pytest

from tests.support.in_process import SimulatedMachine, process
from tests.support.processes import Shell
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow


def me(shell: Shell, command: str = "coord whoami") -> str:
    """Return the session that a command acts as."""
    return shell.ok(command).split()[0].rstrip(",")


def test_the_option_precedes_the_variable_precedes_the_anchor(repo: Repo) -> None:
    (one, first), (_, second), (_, third) = repo.sessions(3)
    assert me(one) == first
    assert me(one, f"COORD_SESSION={second} coord whoami") == second
    assert me(one, f"COORD_SESSION={second} coord whoami --session {third}") == third
    assert "by COORD_SESSION" in one.ok(f"COORD_SESSION={second} coord whoami")
    assert "by --session" in one.ok(f"coord whoami --session {third}")


def test_a_client_comes_before_the_variable_and_after_the_option(repo: Repo) -> None:
    (one, first), (_, second) = repo.sessions(2)
    agents = one.ok("CLAUDE_CODE_SESSION_ID=c1 coord whoami 2>/dev/null").split(",")[0]
    assert agents not in (first, second)
    assert me(one, f"CLAUDE_CODE_SESSION_ID=c1 COORD_SESSION={second} coord whoami") == agents
    assert me(one, f"CLAUDE_CODE_SESSION_ID=c1 coord whoami --session {second}") == second


@pytest.mark.parametrize(
    "command",
    [
        "COORD_SESSION=nobody coord {}",
        "coord {} --session nobody",
    ],
)
@pytest.mark.parametrize("verb", ["whoami", "claim droplet x", "status", "inbox"])
def test_a_source_with_an_unknown_name_lists_the_live_sessions(repo: Repo, command: str, verb: str) -> None:
    (one, first), (_, second) = repo.sessions(2)
    before = repo.bytes()
    result = one.run(command.format(verb).format(first=first))
    if verb == "status" and "--session" not in command:
        assert result.code in (0, 3)  # reading does not need a session
    else:
        assert result.code == 3
        assert "nobody" in result.err
        assert first in result.err
        assert second in result.err
        assert len(result.err.splitlines()) == 1
    assert repo.bytes() == before


def test_a_variable_of_an_ended_session_is_an_error(repo: Repo) -> None:
    (one, first), (two, second) = repo.sessions(2)
    two.ok("coord end")
    result = one.run(f"COORD_SESSION={second} coord claim droplet x")
    assert result.code == 3
    assert "has ended" in result.err
    assert "unset COORD_SESSION" in result.err
    assert first in result.err
    assert repo.of_type("claim.requested") == []


def test_two_sessions_on_one_shell_are_an_error_that_lists_both(repo: Repo) -> None:
    one = repo.shell()
    first = one.start()
    result = one.run("coord start --new --json")
    second = result.json["session"]
    assert first != second
    assert second in result.err
    wrong = one.run("coord claim droplet x")
    assert wrong.code == 3
    assert first in wrong.err
    assert second in wrong.err
    as_json = one.run("coord whoami --json")
    assert as_json.code == 3
    assert as_json.out == ""
    assert f'"candidates":["{first}","{second}"]' in as_json.err
    assert me(one, f"COORD_SESSION={second} coord whoami") == second
    assert me(one, f"coord whoami --session {first}") == first


def test_start_again_says_so_and_returns_the_same_session(repo: Repo) -> None:
    one = repo.shell()
    first = one.start()
    again = one.run("coord start --json")
    assert (again.code, again.json["session"], again.json["already"]) == (0, first, True)
    assert "This is already session" in one.ok("coord start")
    assert len(repo.of_type("session.started")) == 1
    named = one.json("coord start --name other")
    assert (named["session"], named["already"]) == (first, True)
    assert me(one, "COORD_SESSION=other coord whoami") == first


def test_a_session_without_an_anchor_is_found_only_by_name(repo: Repo) -> None:
    one, two = repo.shell(), repo.shell()
    loose = one.start("--no-anchor --name loose")
    assert one.run("coord whoami").code == 3
    assert me(two, f"COORD_SESSION={loose} coord whoami") == loose
    assert me(two, "COORD_SESSION=loose coord whoami") == loose
    one.kill()
    assert "dead" not in two.ok("coord status")
    bound = two.start()
    assert me(two) == bound


def test_an_unambiguous_prefix_or_a_name_finds_a_session(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    ids = [machine.start(shell, "--name", name) for shell, name in ((100, "front"), (200, "back"), (300, "db"))]
    prefix = next(ids[0][:n] for n in range(1, 30) if sum(other.startswith(ids[0][:n]) for other in ids) == 1)
    assert machine.run(200, "whoami", "--session", prefix).out.startswith(ids[0])
    assert machine.run(200, "whoami", "--session", "db").out.startswith(ids[2])
    assert machine.run(100, "send", "back", "hello").code == 0
    near = machine.run(100, "send", "frnt", "hello")
    assert near.code == 3
    assert "did you mean front?" in near.err
    gone = machine.run(300, "whoami", "--session", f"{ids[2][:-1]}{'2' if ids[2][-1] != '2' else '3'}")
    assert (gone.code, "did you mean" in gone.err) == (3, False), "a complete id is not a misspelled one"


def test_an_ambiguous_prefix_is_refused_with_the_candidates(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    ids: list[str] = []
    while len({name[0] for name in ids}) == len(ids):  # until two start with the same letter
        ids.append(machine.start(100, "--new"))
    twins = [name for name in ids if name[0] == ids[-1][0]]
    result = machine.run(200, "whoami", "--session", ids[-1][0])
    assert result.code == 3
    assert all(name in result.err for name in twins)


def test_the_name_of_a_live_session_cannot_be_taken(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    first = machine.start(100, "--name", "twin")
    taken = machine.run(200, "start", "--name", "twin")
    assert (taken.code, taken.out) == (1, "")
    assert first in taken.err
    assert machine.run(300, "whoami", "--session", "twin").out.startswith(first)
    machine.run(100, "end")
    second = machine.start(200, "--name", "twin")
    assert machine.run(300, "whoami", "--session", "twin").out.startswith(second)


def test_in_a_copied_folder_a_session_continues_as_a_new_one(repo: Repo) -> None:
    one = repo.shell()
    first = one.start("--name original")
    one.ok("coord claim droplet x")
    copy = repo.root.parent / "copy"
    shutil.copytree(repo.root, copy, symlinks=True)
    before = repo.bytes()
    result = one.run(f"cd {copy}; coord heartbeat testing here --json; cd {repo.root}")
    assert result.code == 0
    assert result.json["session"] != first
    assert f"{first} continues as {result.json['session']}" in result.err
    assert "another folder" in result.err
    assert repo.bytes() == before
    assert me(one) == first
    again = one.run(f"cd {copy}; coord whoami; coord claims; cd {repo.root}")
    assert result.json["session"] in again.out
    assert "(you)" in again.out.split("droplet/x - ")[1]
    assert me(one, f"cd {copy}; coord whoami --session {first}; cd {repo.root}") == result.json["session"]


def test_a_subshell_of_an_ended_session_is_told_what_to_do(repo: Repo) -> None:
    one = repo.shell()
    one.start()
    one.ok("coord end")
    result = one.run("coord heartbeat a b")
    assert result.code == 3
    assert "coord start" in result.err
    fresh = one.start()
    assert me(one) == fresh


def test_without_a_readable_process_a_session_has_no_anchor(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    machine.table.rows.clear()
    machine.table.rows[100] = process(100, 1, 100, "bash")
    result = machine.run(100, "start", "--no-anchor")
    assert "not tied to a process" in result.out
