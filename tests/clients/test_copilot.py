"""Behaviour that only GitHub Copilot CLI has: the hooks of a subagent name the subagent as the conversation."""

import pytest

from tests.support.clients.agents import Make
from tests.support.clients.dialects import Call
from tests.support.clients.looking import held, session_of
from tests.support.clients.programs import COPILOT
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
