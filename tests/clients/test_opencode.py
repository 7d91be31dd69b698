"""Behaviour that only opencode has: its hooks are a module, and its server has several conversations."""

import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.request import Request, urlopen

import pytest

from tests.support.clients.agents import Agent, Make
from tests.support.clients.dialects import Answer, Call
from tests.support.clients.installing import install
from tests.support.clients.looking import held, session_of
from tests.support.clients.model import Heard
from tests.support.clients.programs import OPENCODE, found
from tests.support.processes import GUARD_S, until
from tests.support.repositories import Repo

pytestmark = pytest.mark.clients
TASK = "TASK ONE: write the page"
DELEGATE = Call("task", {"description": "a task", "prompt": TASK, "subagent_type": "general"})


class Server:
    """A server of opencode, with one conversation."""

    def __init__(self, agent: Agent, url: str) -> None:
        self.agent, self.url = agent, url
        self.conversation = str(self.post("/session", {})["id"])

    def post(self, path: str, body: dict[str, Any]) -> Any:
        request = Request(self.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urlopen(request, timeout=GUARD_S) as response:
            return json.loads(response.read() or b"null")

    def prompt(self, text: str) -> Heard:
        """Send a prompt; the request of the model that follows."""
        body = {"parts": [{"type": "text", "text": text}]}
        path = f"/session/{self.conversation}/message"
        threading.Thread(target=self.post, args=(path, body), daemon=True).start()
        return self.agent.hears()


@contextmanager
def served(agent: Agent) -> Iterator[Server]:
    """Run a server for an agent."""
    argv = [found(OPENCODE), "serve", "--port", "0"]
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(argv, cwd=agent.root, env=agent.env, text=True, start_new_session=True, **output)  # type: ignore[call-overload]
    try:
        line = next(line for line in process.stdout if "listening on " in line)
        yield Server(agent, line.split("listening on ")[1].strip())
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def sessions(repo: Repo, server: Server) -> list[str]:
    """The sessions of the server's conversation."""
    started = repo.of_type("session.started")
    return [line["session"] for line in started if line["event"].get("client_session") == server.conversation]


def is_idle(repo: Repo) -> bool:
    beats = repo.of_type("session.heartbeat")
    return bool(beats) and beats[-1]["event"].get("action") == "idle"


def test_a_subagent_acts_in_the_session_of_its_parent(work: Repo, agent: Make) -> None:
    first = agent(OPENCODE)
    first.model.marks.append(TASK)
    first.prompt("Have the page written")
    me = session_of(work, first)
    assert first.calls(DELEGATE).mark == TASK
    (begun,) = work.of_type("agent.started")
    first.writes("page.py", "one\n", TASK)
    (asked,) = work.of_type("claim.requested")
    assert asked["event"]["agent"] == begun["event"]["agent"]
    assert me in first.calls(OPENCODE.shell("coord claim port 8000 && coord whoami"), mark=TASK).text
    first.answers(Answer("It is written."), TASK)
    until(lambda: work.of_type("agent.stopped"), "the end of the subagent")
    assert held(work) == {("file/page.py", me), ("port/8000", me)}


def test_a_resumed_conversation_keeps_its_session(work: Repo, agent: Make) -> None:
    first = agent(OPENCODE)
    first.prompt("Go")
    old = session_of(work, first)
    first.says("Done.")
    first.finish()
    resumed = first.prompt("Go on", "--session", first.conversation).text
    assert f"you are still session {old}" in resumed
    assert {line["session"] for line in work.of_type("session.started")} == {old}


def test_a_server_is_held_back_by_an_urgent_message(work: Repo, agent: Make) -> None:
    person = work.shell()
    person.start("--name ada")
    with served(agent(OPENCODE)) as server:
        heard = server.prompt("Go")
        (me,) = sessions(work, server)
        person.ok(f'coord send {me} "Stop" "The schema has changed." --urgency high')
        heard.reply.put(Answer("Done."))
        held_back = server.agent.hears()
        assert held_back.text.count("The schema has changed.") == 1
        held_back.reply.put(Answer("Done again."))
        until(lambda: is_idle(work), "the end of the turn")


def test_an_interrupted_turn_ends_and_is_not_held_back(work: Repo, agent: Make) -> None:
    person = work.shell()
    person.start("--name ada")
    with served(agent(OPENCODE)) as server:
        server.prompt("Go").reply.put(Answer(calls=(OPENCODE.write(str(work.root), "page.py", "one\n"),)))
        server.agent.hears()
        (me,) = sessions(work, server)
        person.ok(f'coord send {me} "Stop" "The schema has changed." --urgency high')
        server.post(f"/session/{server.conversation}/abort", {})
        until(lambda: is_idle(work), "the end of the turn")
        assert not work.of_type("message.read"), "the agent has not seen it"


def test_a_message_wakes_an_idle_agent_of_a_server(work: Repo, agent: Make) -> None:
    person = work.shell()
    person.start("--name ada")
    first = agent(OPENCODE)
    install(first, "--wake")
    with served(first) as server:
        server.prompt("Go").reply.put(Answer("Done."))
        until(lambda: is_idle(work), "the end of the turn")
        (me,) = sessions(work, server)
        person.ok(f'coord send {me} "Page" "This is one."')
        woken = first.hears()
        assert woken.text.count("This is one.") == 1
        woken.reply.put(Answer("I have read it."))


def test_a_question_to_the_user_is_shown(work: Repo, agent: Make) -> None:
    first = agent(OPENCODE)
    settings = first.home / ".config" / "opencode" / "opencode.json"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"permission": {"bash": "ask"}}))
    with served(first) as server:
        server.prompt("Go").reply.put(Answer(calls=(OPENCODE.shell("true"),)))
        asks = "session.heartbeat"
        until(lambda: any(line["event"].get("asks_person") for line in work.of_type(asks)), "the question")
        with urlopen(server.url + "/permission", timeout=GUARD_S) as response:
            (asked,) = json.loads(response.read())
        server.post(f"/permission/{asked['id']}/reply", {"reply": "once"})
        first.hears().reply.put(Answer("Done."))
        until(lambda: is_idle(work), "the end of the turn")
