"""Behaviour that only Codex has: commands in its sandbox have other process ids and cannot write everywhere, and a
conversation is open in one process only.
"""

import pytest

from tests.support.clients.agents import Make
from tests.support.clients.looking import held, session_of
from tests.support.clients.model import Ended, Heard
from tests.support.clients.programs import CODEX
from tests.support.repositories import Repo

pytestmark = pytest.mark.clients
SANDBOX = ("--sandbox", "workspace-write")


def test_a_sandboxed_command_has_the_same_session_and_anchor(work: Repo, agent: Make) -> None:
    first, second = agent(CODEX), agent(CODEX)
    second.prompt("Go")
    first.prompt("Go", *SANDBOX)
    first.writes("page.py", "one\n")
    anchor = work.of_type("session.started")[-1]["event"]["anchor"]
    me = session_of(work, first)
    said = first.runs(f'coord whoami && coord send {session_of(work, second)} "Page" "It is mine."').text
    assert me in said
    assert "It is mine." in second.runs("true").text
    mine = [line["event"] for line in work.of_type("session.started") if line["session"] == me]
    assert [event.get("anchor") for event in mine] == [anchor]
    assert "page.py was not written" in second.writes("page.py", "two\n").text
    first.kill()
    second.reads("page.py")
    second.writes("page.py", "two\n")
    assert held(work) == {("file/page.py", session_of(work, second))}


def test_a_conversation_is_not_opened_in_a_second_process(work: Repo, agent: Make) -> None:
    first = agent(CODEX)
    first.prompt("Go")
    first.writes("page.py", "one\n")
    second = agent(CODEX, home=first.home)
    assert isinstance(second.types("Go on", *CODEX.free, "resume", first.conversation), Ended)
    assert "already has an active writer" in (first.home / "stderr").read_text()
    assert {line["session"] for line in work.of_type("session.started")} == {session_of(work, first)}
    first.runs("true")
    first.says("Done.")
    assert isinstance(second.types("Go on", *CODEX.free, "resume", first.conversation), Heard)
