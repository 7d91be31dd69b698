"""A person at a terminal can answer at once: the command begins a session. Scripts, pipes and agents do not get one."""

import pytest

from coord.platform.processes import Process
from coord.workspace.people import is_at_terminal
from coord.workspace.system import System
from tests.support.in_process import HERE, NOON, SimulatedMachine, Table, process
from tests.support.processes import have
from tests.support.repositories import Repo, git

SHELL = process(100, 1, 100, "-bash")


class Terminals(SimulatedMachine):
    """A machine whose shells have a person at a terminal."""

    def system(self, shell: int, env: dict[str, str]) -> System:
        made = super().system(shell, env)
        made.has_terminal = lambda: True
        return made


@pytest.fixture
def machine(repo: Repo) -> Terminals:
    git(repo, "config", "user.name", "Ada Lovelace")
    return Terminals(repo)


def at_terminal(*between: Process, terminal: bool = True, shell: Process = SHELL, **env: str) -> bool:
    """Whether a command counts as typed by a person, with these processes between the shell and the command."""
    chain = [process(1, 0, 1, "init"), shell, *between]
    own = process(500, chain[-1].pid, 100, "python3", "/bin/coord")
    table = Table(*chain, own)
    return is_at_terminal(System(env, "/", lambda: NOON, 500, lambda: HERE, lambda: table, lambda: terminal))


def test_a_command_that_a_person_types_is_recognized() -> None:
    assert at_terminal()
    assert at_terminal(process(200, 100, 100, "-bash")), "a subshell"
    assert at_terminal(process(200, 100, 100, "uv", "run", "coord"))
    assert at_terminal(shell=process(100, 1, 100, "bash", "--init-file", "/opt/editor/init.sh", "-i"))


def test_scripts_pipes_and_agents_are_not_people() -> None:
    assert not at_terminal(terminal=False)
    assert not at_terminal(process(200, 100, 100, "bash", "deploy.sh"))
    assert not at_terminal(process(200, 100, 100, "make", "deploy"))
    assert not at_terminal(process(200, 100, 100, "claude"), process(300, 200, 100, "bash"))
    assert not at_terminal(CLAUDECODE="1")
    assert not at_terminal(GEMINI_SESSION_ID="g1")
    assert not at_terminal(shell=process(100, 1, 100, "bash", "-c", "coord inbox"))
    assert not at_terminal(shell=process(100, 1, 100, "claude"))


def test_a_person_without_a_session_can_send_and_answer(machine: Terminals) -> None:
    agent = machine.start(200)
    sent = machine.run(100, "send", agent, "Question", "Which port?")
    assert sent.code == 0, sent
    (line,) = sent.err.splitlines()
    assert "this shell is now session" in line
    assert "session Ada Lovelace (" in line
    assert "coord end" in line
    assert "Ada Lovelace" in machine.run(200, "inbox").out
    assert machine.run(200, "send", "Ada Lovelace", "Answer", "8003").code == 0
    read = machine.run(100, "inbox")
    assert "8003" in read.out
    assert read.err == "", "the session is there now"


def test_a_persons_inbox_has_the_open_broadcasts_from_before(machine: Terminals) -> None:
    machine.start(200)
    asked = machine.run(200, "send", "broadcast", "May I deploy?", "--needs-ack", "--json").json["message"]
    machine.run(200, "send", "broadcast", "Only for your information")
    closed = machine.run(200, "send", "broadcast", "Is it up?", "--needs-ack", "--json").json["message"]
    machine.run(200, "resolve", closed)
    document = machine.run(100, "inbox", "--peek", "--json").json
    assert [row["id"] for row in document["messages"]] == [asked]
    assert machine.run(100, "ack", asked).code == 0
    assert machine.run(100, "inbox", "--json").json["messages"] == []


def test_a_persons_first_inbox_does_not_count_what_it_shows(machine: Terminals) -> None:
    machine.start(200)
    machine.run(200, "send", "broadcast", "May I deploy?", "--needs-ack")
    shown = machine.run(100, "inbox").out
    assert "May I deploy?" in shown
    assert "unread" not in shown


@pytest.mark.parametrize("command", ["reply", "ack", "resolve"])
def test_a_person_answers_with_a_single_command(machine: Terminals, command: str) -> None:
    machine.start(200)
    asked = machine.run(200, "send", "broadcast", "May I deploy?", "--needs-ack", "--json").json["message"]
    words = (command, asked, *(["Yes"] if command == "reply" else []))
    done = machine.run(100, *words)
    assert done.code == 0, done
    assert "this shell is now session" in done.err
    assert machine.run(200, "status", "--json").json["messages"][-1]["unacknowledged_by"] == []


def test_two_terminals_of_a_person_have_different_names(machine: Terminals) -> None:
    machine.run(100, "inbox")
    machine.run(200, "inbox")
    names = sorted(row["name"] for row in machine.run(300, "status", "--json").json["sessions"])
    assert names == ["Ada Lovelace", "Ada Lovelace-2"]


def test_a_persons_next_terminal_continues_the_closed_one(machine: Terminals) -> None:
    agent = machine.start(200)
    asked = machine.run(100, "send", agent, "Question", "--json").json
    machine.run(200, "reply", asked["message"], "8003")
    del machine.table.rows[100]
    read = machine.run(300, "inbox")
    assert f"continues {asked['session']}" in read.err
    assert "8003" in read.out


def test_a_mistake_begins_no_session(machine: Terminals) -> None:
    agent = machine.start(200)
    for words in (("ack", "nonsense"), ("reply", f"{agent}/9", "Yes"), ("resolve", f"{agent}/1"), ("send", "a", "")):
        assert machine.run(100, *words).code == 2, words
    assert len(machine.run(200, "status", "--json").json["sessions"]) == 1


@pytest.mark.parametrize("words", [("claim", "port/1"), ("heartbeat", "building"), ("end",), ("whoami",)])
def test_other_commands_begin_no_session(machine: Terminals, words: tuple[str, ...]) -> None:
    refused = machine.run(100, *words)
    assert refused.code == 3
    assert "coord start" in refused.err


def test_without_a_terminal_the_way_out_is_shown(repo: Repo) -> None:
    for words in (("send", "all", "x"), ("inbox",)):
        refused = SimulatedMachine(repo).run(100, *words)
        assert refused.code == 3
        assert "this shell has no session yet. Run `coord start`" in refused.err


def test_a_wrong_session_is_an_error_at_a_terminal_too(machine: Terminals) -> None:
    machine.start(200)
    assert machine.run(100, "inbox", COORD_SESSION="nobody").code == 3
    assert machine.run(100, "inbox", "--session", "nobody").code == 3


@pytest.mark.parametrize(
    ("user", "name"),
    [("Ada/King, Countess", "Ada King Countess"), ("all", "ada"), (" ", "ada"), ("\x1b[2J\u202e", "[2J"), ("", "ada")],
)
def test_the_name_of_a_person_can_be_addressed(repo: Repo, user: str, name: str) -> None:
    git(repo, "config", "user.name", user)
    machine = Terminals(repo)
    machine.run(100, "inbox", USER="ada")
    assert [row["name"] for row in machine.run(200, "status", "--json").json["sessions"]] == [name]


@pytest.mark.slow
@pytest.mark.skipif(not have("tmux"), reason="no tmux")
def test_in_a_real_terminal_a_person_answers_at_once(repo: Repo) -> None:
    git(repo, "config", "user.name", "Ada")
    (agent, first), window = repo.sessions(1)[0], repo.terminal()
    asked = agent.json("coord send broadcast 'May I deploy?' --needs-ack")["message"]
    assert window.run("coord inbox | cat").code == 0
    assert "has no session yet" in window.run("coord inbox | cat").out
    shown = window.run("coord inbox")
    assert "this shell is now session" in shown.out
    assert "May I deploy?" in shown.out
    assert window.run(f"coord reply {asked} Yes").code == 0
    assert "Yes" in agent.ok("coord inbox")
    assert first
