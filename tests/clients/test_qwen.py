"""Behaviour that only Qwen Code has: subagents in the background, and prompt hooks without a prompt."""

import pytest

from tests.support.clients.agents import Make
from tests.support.clients.dialects import Call
from tests.support.clients.looking import held, session_of
from tests.support.clients.programs import QWEN
from tests.support.repositories import Repo

pytestmark = pytest.mark.clients
TASK = "TASK ONE: write the page"
DELEGATE = Call("agent", {"description": "a task", "prompt": TASK, "subagent_type": "general-purpose"})


def test_a_subagent_in_the_background_has_its_own_claims(work: Repo, agent: Make) -> None:
    first = agent(QWEN)
    first.model.marks.append(TASK)
    first.prompt("Have the page written")
    me = session_of(work, first)
    heard = [first.calls(DELEGATE), first.hears()]
    assert {each.mark for each in heard} == {"", TASK}
    first.writes("page.py", "one\n", TASK)
    (begun,) = work.of_type("agent.started")
    (asked,) = work.of_type("claim.requested")
    assert asked["event"]["agent"] == begun["event"]["agent"]
    shown = first.calls(QWEN.shell("coord claim port 8000 && coord whoami --json"), mark=TASK).text
    assert me in shown
    assert [line["event"]["agent"] for line in work.of_type("claim.requested")] == [begun["event"]["agent"]] * 2
    assert held(work) == {("file/page.py", me), ("port/8000", me)}


def test_a_broadcast_waits_for_a_prompt_of_the_user(work: Repo, agent: Make) -> None:
    first = agent(QWEN)
    person = work.shell()
    person.start("--name ada")
    first.prompt("Go")
    person.ok('coord send broadcast "Lunch" "At noon."')
    assert "At noon." not in first.runs("true").text
    assert "At noon." not in first.runs("true").text


def test_only_safe_commands_run_without_asking(work: Repo, agent: Make) -> None:
    first = agent(QWEN)
    first.prompt("Go", "--approval-mode", "default")
    assert session_of(work, first) in first.runs("coord whoami").text
    assert "was not" not in first.runs("coord status").text
    first.runs('coord break file page.py --reason "It is in my way"')
    first.runs("touch page.py")
    assert not (work.root / "page.py").exists()
