"""Two agents of one client in one repository, which mostly do not call coord themselves. Every client passes these."""

import re

import pytest

from tests.support.clients.agents import Agent, Make
from tests.support.clients.installing import install_server
from tests.support.clients.looking import held, session_of
from tests.support.clients.model import Ended, Heard
from tests.support.clients.programs import PROGRAMS, Program
from tests.support.processes import until
from tests.support.repositories import Repo

pytestmark = [
    pytest.mark.clients,
    pytest.mark.parametrize("program", PROGRAMS, ids=[program.client.word for program in PROGRAMS]),
]
PAGE, DRAFT = "file/page.py", "file/draft.py"


def two_agents(make: Make, program: Program) -> tuple[Agent, Agent]:
    """Two agents, each in a turn. The first has written page.py and draft.py."""
    first, second = make(program), make(program)
    first.prompt("Write the page")
    first.writes("page.py", "one\n")
    first.writes("draft.py", "one\n")
    second.prompt("Write the page too")
    return first, second


def test_a_write_to_another_agents_file_is_denied(program: Program, work: Repo, agent: Make) -> None:
    first, second = two_agents(agent, program)
    heard = second.writes("page.py", "two\n")
    assert re.search(r"page\.py was not written", heard.text)
    assert session_of(work, first) in heard.text
    assert (work.root / "page.py").read_text() == "one\n"
    second.writes("other.py", "two\n")
    assert (work.root / "other.py").read_text() == "two\n"


def test_a_message_arrives_after_the_next_tool(program: Program, work: Repo, agent: Make) -> None:
    first, second = two_agents(agent, program)
    first.runs(f'coord send {session_of(work, second)} "Page" "It is mine until noon."')
    heard = second.runs("true")
    assert "It is mine until noon." in heard.text
    assert session_of(work, first) in heard.text
    assert "It is mine until noon." not in second.runs("true").text


def test_a_commit_frees_the_file_that_it_contains(program: Program, work: Repo, agent: Make) -> None:
    first, second = two_agents(agent, program)
    one, other = session_of(work, first), session_of(work, second)
    assert held(work) == {(PAGE, one), (DRAFT, one)}
    first.runs("git add page.py && git commit -q -m Page")
    assert held(work) == {(DRAFT, one)}
    second.reads("page.py")
    second.writes("page.py", "two\n")
    assert (work.root / "page.py").read_text() == "two\n"
    assert held(work) == {(PAGE, other), (DRAFT, one)}


def test_the_end_of_an_agent_frees_its_files(program: Program, work: Repo, agent: Make) -> None:
    first, second = two_agents(agent, program)
    ended = session_of(work, first)
    first.says("Done.")
    first.finish()
    assert [line["session"] for line in work.of_type("session.ended")] == [ended] * program.says_its_end
    second.reads("draft.py")
    second.writes("draft.py", "two\n")
    assert (work.root / "draft.py").read_text() == "two\n"
    dead = [line["event"]["session"] for line in work.of_type("session.presumed_dead")]
    assert dead == [ended] * (not program.says_its_end)


def test_a_signal_frees_the_files_of_an_agent(program: Program, work: Repo, agent: Make) -> None:
    first, second = two_agents(agent, program)
    first.stop()
    second.reads("draft.py")
    second.writes("draft.py", "two\n")
    assert (work.root / "draft.py").read_text() == "two\n"


def test_an_urgent_message_blocks_one_stop(program: Program, work: Repo, agent: Make) -> None:
    first = agent(program)
    person = work.shell()
    person.start("--name ada")
    first.prompt("Go")
    person.ok(f'coord send {session_of(work, first)} "Stop" "The schema has changed." --urgency high')
    held_back = first.says("Done.")
    if not program.can_be_held_back:
        assert isinstance(held_back, Ended)
        assert not work.of_type("message.read"), "the agent has not seen it"
        return
    assert isinstance(held_back, Heard)
    assert "The schema has changed." in held_back.text
    assert isinstance(first.says("Done again."), Ended)


def test_killing_an_agent_frees_its_files(program: Program, work: Repo, agent: Make) -> None:
    first, second = two_agents(agent, program)
    dead = session_of(work, first)
    first.kill()
    second.reads("draft.py")
    second.writes("draft.py", "two\n")
    assert (work.root / "draft.py").read_text() == "two\n"
    assert [line["event"]["session"] for line in work.of_type("session.presumed_dead")] == [dead]


def test_an_agent_knows_its_session(program: Program, work: Repo, agent: Make) -> None:
    first = agent(program)
    first.prompt("Go")
    (started,) = work.of_type("session.started")
    assert started["event"]["client"] == program.client.name
    assert started["session"] in first.runs("coord whoami").text
    until(lambda: started["event"]["client_session"] == first.conversation, "the id that the client prints")


def test_the_mcp_server_knows_the_calling_session(program: Program, work: Repo, agent: Make) -> None:
    first, second = agent(program), agent(program)
    install_server(first)
    first.prompt("Go")
    second.prompt("Go")
    me, other = session_of(work, first), session_of(work, second)
    if not program.knows_its_caller:
        first.uses("start", session=me)
    sent = first.uses("send", to=other, subject="Page", body="It is mine.")
    assert [line["session"] for line in work.of_type("message.sent")] == [me], sent.text
    assert "It is mine." in second.runs("true").text


def test_a_lone_agent_is_shown_one_line_at_the_start(program: Program, work: Repo, agent: Make) -> None:
    first = agent(program)
    opening = first.prompt("Go").text
    assert len([line for line in opening.split("\n") if "coord: " in line]) == 1
    assert f"coord: you are session {session_of(work, first)}, alone" in opening
    rest = [first.writes("page.py", "one\n"), first.runs("true"), first.reads("page.py")]
    assert not [heard.text for heard in rest if "coord" in heard.text]


def test_a_bypass_by_a_shell_command_is_told_to_both(program: Program, work: Repo, agent: Make) -> None:
    first, second = two_agents(agent, program)
    heard = second.runs("echo two > page.py")
    assert session_of(work, first) in heard.text
    assert session_of(work, second) in first.runs("true").text
    (bypassed,) = work.of_type("claim.bypassed")
    assert (bypassed["session"], bypassed["event"]["resource"]) == (session_of(work, second), PAGE)
