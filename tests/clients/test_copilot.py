"""Behaviour that only GitHub Copilot CLI has: the hooks of a subagent name the subagent as the conversation, and an
interruption is only in the transcript.
"""

import shlex

import pytest

from tests.support.clients.agents import Make
from tests.support.clients.dialects import Call
from tests.support.clients.looking import held, session_of
from tests.support.clients.programs import COPILOT, found
from tests.support.processes import have, until
from tests.support.repositories import Repo

pytestmark = pytest.mark.clients
TASK, INNER_TASK = "TASK ONE: write the page", "TASK TWO: write the draft"


def delegate(task: str) -> Call:
    """The call that gives a task to a subagent."""
    kind = {"agent_type": "general-purpose", "name": "helper", "mode": "sync"}
    return Call("task", {"description": "a task", "prompt": task, **kind})


def test_a_subagent_at_any_depth_acts_in_its_root_session(work: Repo, agent: Make) -> None:
    first, second = agent(COPILOT), agent(COPILOT)
    first.model.marks += [TASK, INNER_TASK]
    first.prompt("Have the page written")
    me = session_of(work, first)
    assert first.calls(delegate(TASK)).mark == TASK
    first.writes("page.py", "one\n", TASK)
    assert first.calls(delegate(INNER_TASK), mark=TASK).mark == INNER_TASK
    first.writes("draft.py", "one\n", INNER_TASK)
    assert me in first.calls(COPILOT.shell("coord whoami"), mark=INNER_TASK).text
    assert held(work) == {("file/page.py", me), ("file/draft.py", me)}
    second.prompt("Write the draft")
    assert "draft.py was not written" in second.writes("draft.py", "two\n").text
    assert len(work.of_type("agent.started")) == 2
    assert len(work.of_type("session.started")) == 2


def test_a_resumed_conversation_keeps_its_session(work: Repo, agent: Make) -> None:
    first = agent(COPILOT)
    first.prompt("Go")
    first.writes("page.py", "one\n")
    me, conversation = session_of(work, first), first.conversation
    first.says("Done.")
    first.finish()
    first.prompt("Go on", *COPILOT.free, "--session-id", conversation)
    assert me in first.runs("coord whoami").text
    assert {line["session"] for line in work.of_type("session.started")} == {me}


@pytest.mark.skipif(not have("tmux"), reason="no tmux")
def test_a_person_commits_after_an_interruption(work: Repo, agent: Make) -> None:
    first, person = agent(COPILOT), work.shell()
    person.ok("coord install git")
    window = work.terminal()
    env = [f"{name}={value}" for name, value in (first.env | {"TERM": "xterm-256color"}).items()]
    window.begin(shlex.join(["env", "-i", *env, found(COPILOT), *COPILOT.free, "--interactive", "Go"]))
    first.hears()
    first.writes("page.py", "one\n")
    assert "not yours to commit" in person.run("git add page.py && git commit -qm Page").err

    window.sees("esc esc interrupt")

    def interrupted() -> bool:
        window.press("Escape", "Escape")
        return "interrupt" not in window.screen()

    until(interrupted, "the interruption")
    done = person.run("git commit -qm Page")
    assert done.code == 0, done
    assert "its turn was interrupted" in done.err
    until(lambda: person.json("coord status")["sessions"][0]["action"] == "idle", "a few seconds without an event")
