"""A conversation that is resumed in a second process, while the first one is in a turn."""

import pytest

from tests.support.clients.agents import Agent, Make
from tests.support.clients.looking import held
from tests.support.clients.model import Heard
from tests.support.clients.programs import PROGRAMS, Program
from tests.support.repositories import Repo

RESUMED = [program for program in PROGRAMS if program.resuming]
pytestmark = [
    pytest.mark.clients,
    pytest.mark.parametrize("program", RESUMED, ids=[program.client.word for program in RESUMED]),
]


def resumed(make: Make, first: Agent) -> tuple[Agent, Heard]:
    """A second process with the conversation of an agent, and the first request of its model."""
    second = make(first.program, home=first.home)
    words = [word.replace("{id}", first.conversation) for word in first.program.resuming]
    if first.program.alive:
        second.start(*words)
        return second, second.prompt("Go on")
    return second, second.prompt("Go on", *words)


def test_each_process_of_a_conversation_is_a_session(program: Program, work: Repo, agent: Make) -> None:
    first = agent(program)
    first.prompt("Write the page")
    first.writes("page.py", "one\n")
    second, heard = resumed(agent, first)
    one, two = (line["session"] for line in work.of_type("session.started"))
    assert f"{one} has the same conversation as you" in heard.text
    assert two in second.runs("coord whoami").text
    assert one in first.runs("coord whoami").text
    assert "page.py was not written" in second.writes("page.py", "two\n").text
    second.writes("draft.py", "two\n")
    assert "draft.py was not written" in first.writes("draft.py", "one\n").text
    assert held(work) == {("file/page.py", one), ("file/draft.py", two)}
    assert len(work.of_type("session.started")) == 2
    second.says("Done.")
    second.finish()
    assert [line["session"] for line in work.of_type("session.ended")] == [two] * program.says_its_end
    first.writes("draft.py", "one\n")
    assert held(work) == {("file/page.py", one), ("file/draft.py", one)}
