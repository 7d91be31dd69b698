"""Commands without options, in several shells, scripts and pid namespaces: each acts as its own session."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.in_process import SimulatedMachine, process
from tests.support.processes import Shell, Terminal, can_unshare, have
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow

Maker = Callable[[Repo], Any]

KINDS = [
    pytest.param(Repo.shell, id="without-a-terminal"),
    pytest.param(Repo.terminal, id="in-tmux", marks=pytest.mark.skipif(not have("tmux"), reason="no tmux")),
]


def me(shell: Shell | Terminal, command: str = "coord whoami") -> str:
    """Return the session that a command acts as."""
    result = shell.run(command)
    assert result.code == 0, result
    return result.out.split()[0].rstrip(",")


@pytest.mark.parametrize("make", KINDS)
def test_each_shell_acts_as_itself_however_a_command_is_wrapped(repo: Repo, make: Maker) -> None:
    (repo.root / "wrap.sh").write_text("#!/bin/bash\n# a script around it\ncoord whoami\nexit 0\n")
    (repo.root / "twice.sh").write_text("bash ./wrap.sh\n")
    shells = [make(repo), make(repo)]
    for shell in shells:
        assert shell.run("coord start").code == 0
    ids = [me(shell) for shell in shells]
    assert len(set(ids)) == 2
    for command in (
        'x=$(coord whoami); echo "$x"',
        "( coord whoami )",
        "( ( coord whoami ) )",
        "bash ./wrap.sh",
        "sh ./twice.sh",
        "bash -c 'coord whoami'",
        "bash -c 'sh -c \"coord whoami; true\"; true'",
        "coord whoami | cat",
        "{ coord whoami; } 2>&1",
        "env -i PATH=$PATH coord whoami",
        "cd COORDINATION && coord whoami; cd ..",
    ):
        assert [me(shell, command) for shell in shells] == ids, command


@pytest.mark.parametrize("make", KINDS)
def test_commands_and_old_scripts_act_as_their_own_shell(repo: Repo, make: Maker) -> None:
    one, two = make(repo), make(repo)
    assert one.run("coord start").code == 0
    assert two.run("./COORDINATION/scripts/session-start.sh").code == 0
    first, second = me(one), me(two)
    assert first != second
    assert one.run("coord claim droplet church-guidance 4").code == 0
    taken = two.run("./COORDINATION/scripts/session-claim.sh droplet church-guidance")
    assert taken.code == 1
    assert first in taken.out
    assert two.run("./COORDINATION/scripts/session-claim.sh droplet email-automation 3").code == 0
    assert two.run(f'coord send {first} "Question" "Do you need the templates?"').code == 0
    read = one.run("./COORDINATION/scripts/session-check-messages.sh")
    assert f"From: {second}" in read.out
    assert one.run(f'./COORDINATION/scripts/session-send-message.sh {second} "Yes!" "Great timing"').code == 0
    assert f"From: {first}" in two.run("coord inbox").out
    status = one.run("./COORDINATION/scripts/session-status.sh").out
    assert re.search(rf"droplet/church-guidance( - |  +){first} \(you\)", status), "a terminal shows columns"
    assert re.search(rf"droplet/email-automation( - |  +){second}", status)
    assert f"{second} (you)" not in status
    assert one.run("./COORDINATION/scripts/session-heartbeat.sh building church-guidance BUILD 25%").code == 0
    assert one.run("./COORDINATION/scripts/session-release.sh droplet church-guidance").code == 0
    assert two.run("./COORDINATION/scripts/update-status-board.sh").code == 0
    assert {(e["session"], e["event"]["type"]) for e in repo.of_type("session.heartbeat")} == {
        (first, "session.heartbeat")
    }


@pytest.mark.parametrize("make", KINDS)
def test_a_session_started_in_a_substitution_is_the_shells(repo: Repo, make: Maker) -> None:
    one, two = make(repo), make(repo)
    assert one.run("x=$(coord start)").code == 0
    assert two.run("x=$(coord start --json)").code == 0
    assert one.run('echo "$x"').out.split()[2] == me(one)
    assert me(two) in two.run('echo "$x"').out
    assert me(one) != me(two)


def test_a_session_started_by_a_script_is_the_calling_shells(repo: Repo) -> None:
    (repo.root / "go.sh").write_text("coord start >/dev/null\ncoord claim droplet x\n")
    one, two = repo.shell(), repo.shell()
    assert one.run("bash go.sh").code == 0
    assert two.run("coord start").code == 0
    assert f"droplet/x - {me(one)} (you)" in one.run("coord claims").out
    assert me(two) not in two.run("coord claims").out


def test_setsid_bash_with_a_command_string_is_its_own_session(repo: Repo) -> None:
    shell = repo.shell()
    command = "setsid -w bash -c 'coord start >/dev/null; coord whoami; coord claim droplet {} >&2; coord whoami'"
    one, two = shell.ok(command.format("x")), shell.ok(command.format("y"))
    ids = [said.split()[0].rstrip(",") for said in (one, two)]
    assert ids[0] != ids[1]
    assert [len({words.split()[0] for words in said.splitlines()}) for said in (one, two)] == [1, 1]
    status = shell.ok("coord status")
    assert all(f"dead: {name}" in status for name in ids)


def test_a_nested_shell_is_the_same_session_until_it_starts_one(repo: Repo) -> None:
    shell = repo.shell()
    outer = shell.start()
    assert me(shell, "setsid -w bash -c 'coord whoami; true'") == outer
    inner = me(shell, "setsid -w bash -c 'coord start --new >/dev/null; coord whoami; true'")
    assert inner != outer
    assert me(shell) == outer


def test_a_background_job_acts_as_the_shell_that_started_it(repo: Repo) -> None:
    shell = repo.shell()
    mine = shell.start()
    assert me(shell, "coord whoami >job.txt & wait; cat job.txt") == mine


@pytest.mark.skipif(not can_unshare("--pid", "--fork", "--mount-proc"), reason="no namespaces for us here")
def test_from_a_pid_namespace_no_session_outside_seems_dead(repo: Repo) -> None:
    outside, other = repo.shell(), repo.shell()
    mine, others = outside.start(), other.start()
    outside.ok("coord claim droplet outside")
    script = (
        "coord start --name inside >/dev/null; coord whoami; coord claim droplet inside >/dev/null;"
        "x=$(coord whoami); echo $x; coord claim droplet outside; echo code $?; coord status; true"
    )
    said = repo.shell().ok(f"unshare --pid --fork --mount-proc bash -c '{script}'")
    lines = said.splitlines()
    inside = lines[0].split()[0]
    assert inside not in (mine, others)
    assert lines[1].split()[0] == inside
    assert "code 1" in lines
    assert "dead" not in said
    assert repo.of_type("session.presumed_dead") == []
    assert [me(outside), me(other)] == [mine, others]
    assert "dead" not in outside.ok("coord status")  # and from outside: a process that cannot be seen is not dead


@pytest.mark.skipif(not can_unshare("--pid", "--fork"), reason="no namespaces for us here")
def test_with_another_namespaces_proc_no_session_seems_dead(repo: Repo) -> None:
    shell = repo.shell()
    mine = shell.start()
    script = "coord start --name blind; coord --version; coord status; true"
    said = repo.shell().ok(f"unshare --pid --fork bash -c '{script}'")
    assert "not tied to a process" in said
    assert "dead" not in said
    assert mine in said


def test_a_containers_first_process_acts_through_a_wrapper(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    machine.table.rows[1] = process(1, 0, 1, "bash")
    machine.table.rows[50] = process(50, 1, 50, "sudo", "coord")
    begun = machine.start(50)
    assert machine.run(50, "whoami").out.startswith(begun)
    assert machine.run(1, "whoami").out.startswith(begun)
