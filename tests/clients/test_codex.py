"""Behaviour that only Codex has: commands in its sandbox have other process ids and cannot write everywhere, and a
conversation is open in one process only.
"""

from collections.abc import Iterator

import pytest

from tests.support.clients.agents import Make
from tests.support.clients.app_server import AppServer
from tests.support.clients.looking import held, session_of
from tests.support.clients.model import Ended, Heard
from tests.support.clients.programs import CODEX
from tests.support.processes import until
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


@pytest.fixture
def server(work: Repo, agent: Make) -> Iterator[AppServer]:
    """An app server whose thread has written page.py, and git's hooks in the repository."""
    made = AppServer(agent(CODEX))
    work.shell().ok("coord install git")
    made.prompt("Go")
    made.writes("page.py", "one\n")
    yield made
    made.close()


def doing(work: Repo) -> str:
    """What the agent does, as `coord status` shows it."""
    return str(work.shell().json("coord status")["sessions"][0]["action"])


def test_a_person_commits_after_an_interrupted_turn(work: Repo, server: AppServer) -> None:
    person = work.shell()
    assert "not yours to commit" in person.run("git add page.py && git commit -qm Page").err
    server.interrupt()
    until(lambda: doing(work) == "idle", "the hook for the interruption")
    person.ok("git commit -qm Page")


def test_a_person_commits_after_an_error_of_the_model(work: Repo, server: AppServer) -> None:
    person = work.shell()
    assert "not yours to commit" in person.run("git add page.py && git commit -qm Page").err
    server.fails(400)
    assert "its turn ended" in person.run("git commit -qm Page").err, "no hook reports it, but the transcript does"
    person.ok("coord start")
    until(lambda: doing(work) == "idle", "a few seconds without an event of the agent")
