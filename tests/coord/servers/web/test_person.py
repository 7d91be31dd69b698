"""The session of the page's person: it begins with the first action, and ends with the server."""

import json
import os

import pytest

from coord.engine.run import Run
from coord.servers.web.actions.person import PersonSession
from coord.workspace.system import System, wall_clock
from tests.support.acting import ActingPage
from tests.support.processes import Shell, environment
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow


@pytest.fixture
def other(repo: Repo) -> tuple[Shell, str]:
    return repo.sessions(1)[0]


def rows(repo: Repo) -> dict[str, dict[str, object]]:
    """The sessions on the board, by id."""
    return {row["id"]: row for row in repo.shell().json("coord status")["sessions"]}


def greet(page: ActingPage, session: str) -> str:
    """Send a message; the session that sent it."""
    return str(page.confirm("send", to=session, subject="Hello")["me"])


def test_looking_begins_no_session(repo: Repo, other: tuple[Shell, str]) -> None:
    page = ActingPage(repo)
    page.effect("send", to=other[1], subject="Hello")
    page.close()
    assert len(repo.of_type("session.started")) == 1


def test_it_belongs_to_a_person_and_ends_with_the_server(repo: Repo, other: tuple[Shell, str]) -> None:
    page = ActingPage(repo)
    me = greet(page, other[1])
    assert greet(page, other[1]) == me
    (started,) = [row["event"] for row in repo.of_type("session.started") if row["session"] == me]
    assert (started["name"], started["person"], rows(repo)[me]["client"]) == ("Pat", True, "shell")
    assert started["anchor"]["pid"] == page.pid
    page.close()
    assert (rows(repo)[me]["status"], rows(repo)[me]["evidence"]) == ("ended", "coord web has ended")


def test_a_killed_servers_session_is_found_dead(repo: Repo, other: tuple[Shell, str]) -> None:
    page = ActingPage(repo)
    me = greet(page, other[1])
    page.kill()
    assert rows(repo)[me]["status"] == "dead"
    other[0].ok("coord heartbeat")
    (dead,) = repo.of_type("session.presumed_dead")
    assert dead["event"]["session"] == me


def test_what_was_sent_to_the_last_one_is_for_the_person(repo: Repo, other: tuple[Shell, str]) -> None:
    """So a page that is opened again shows it before the first action begins a session."""
    page = ActingPage(repo)
    me = greet(page, other[1])
    page.close()
    system = System(environment(repo.home), str(repo.root), wall_clock, os.getpid())
    run = Run(system)
    person, state = PersonSession(system, run.workspace), run.read_state().state
    assert (person.find(state), person.find_or_earlier(state)) == ("", me)


@pytest.mark.parametrize("how", ["closed", "killed"])
def test_the_next_one_continues_it(repo: Repo, other: tuple[Shell, str], how: str) -> None:
    """So the answer to a message arrives, also if the page was closed meanwhile."""
    page = ActingPage(repo)
    me = greet(page, other[1])
    page.close() if how == "closed" else page.kill()
    message = other[0].json("coord inbox")["messages"][0]["id"]
    if how == "killed":
        other[0].ok(f"coord reply {message} 'Hello, Pat'")
    again = ActingPage(repo)
    new = greet(again, other[1])
    (started,) = [row["event"] for row in repo.of_type("session.started") if row["session"] == new]
    assert started["continues"] == me
    assert ("Hello, Pat" in again.act("inbox")["text"]) == (how == "killed")
    again.close()


def test_a_session_that_was_ended_is_begun_again(repo: Repo, other: tuple[Shell, str]) -> None:
    page = ActingPage(repo)
    me = greet(page, other[1])
    other[0].ok(f"coord end --session {me}")
    new = greet(page, other[1])
    assert new != me
    assert rows(repo)[new]["status"] == "live"
    page.close()
    assert rows(repo)[new]["status"] == "ended"


def test_two_pages_have_two_sessions(repo: Repo, other: tuple[Shell, str]) -> None:
    one, two = ActingPage(repo), ActingPage(repo)
    first, second = greet(one, other[1]), greet(two, other[1])
    assert [rows(repo)[name]["name"] for name in (first, second)] == ["Pat", "Pat-2"]
    one.close()
    assert rows(repo)[second]["status"] == "live"
    two.close()


def test_the_terminals_session_acts_and_is_kept(repo: Repo, other: tuple[Shell, str]) -> None:
    mine = repo.shell().start("--name mine")
    page = ActingPage(repo, env={"COORD_SESSION": mine})
    assert greet(page, other[1]) == mine
    page.close()
    assert rows(repo)[mine]["status"] == "live"


def test_a_person_does_not_act_as_an_agent(repo: Repo, other: tuple[Shell, str]) -> None:
    """The server was started by an agent, whose conversation has a session."""
    agent = {"CLAUDECODE": "1", "CLAUDE_CODE_SESSION_ID": "11111111-1111-4111-8111-111111111111"}
    shell = repo.shell()
    shell.ok("; ".join(f"export {name}={value}" for name, value in agent.items()))
    session = shell.start()
    page = ActingPage(repo, env=agent)
    assert greet(page, other[1]) != session
    page.close()


def test_a_named_session_that_died_acts_again(repo: Repo, other: tuple[Shell, str]) -> None:
    page = ActingPage(repo)
    me = greet(page, other[1])
    page.kill()
    other[0].ok("coord heartbeat")
    assert rows(repo)[me]["status"] == "dead"
    again = ActingPage(repo, session=me)
    assert greet(again, other[1]) == me
    again.close()
    assert rows(repo)[me]["status"] != "ended"


def test_a_named_session_that_is_unknown_is_refused(repo: Repo, other: tuple[Shell, str]) -> None:
    page = ActingPage(repo, env={"COORD_SESSION": "nobody"})
    ((status, answer),) = page.ask_all(("act", "send", {"to": other[1], "subject": "Hello"}))
    assert (status, answer["error"]["code"]) == (409, 3)
    assert "COORD_SESSION: no session is called 'nobody'" in answer["error"]["message"]
    page.close()


def test_the_log_can_be_removed_while_the_page_is_open(repo: Repo, other: tuple[Shell, str]) -> None:
    page = ActingPage(repo)
    greet(page, other[1])
    repo.folder.rename(repo.root / "away")
    ((status, answer),) = page.ask_all(("act", "send", {"to": other[1], "subject": "Hello"}))
    assert (status, answer["error"]["code"]) == (409, 4), json.dumps(answer)
    (repo.root / "away").rename(repo.folder)
    assert greet(page, other[1])
    page.close()
