"""What a person sees of the agents, and the log says."""

import json
import os
from contextlib import suppress
from pathlib import Path

from tests.support.clients.agents import Agent
from tests.support.repositories import Repo


def session_of(repo: Repo, agent: Agent) -> str:
    """The id of an agent's session, as the log has it."""
    started = repo.of_type("session.started")
    found = {line["session"] for line in started if line["event"].get("client_session") == agent.conversation}
    assert len(found) == 1, (agent.conversation, started)
    return str(found.pop())


def held(repo: Repo) -> set[tuple[str, str]]:
    """Which session has which resource, as a person sees it."""
    return {(claim["resource"], claim["session"]) for claim in repo.shell().json("coord claims")["claims"]}


def context(agent: Agent) -> list[tuple[str, str]]:
    """What the hooks put into an agent's context: at which event, and the text. Only Claude Code tells that."""
    said = [json.loads(hook["stdout"]) for hook in agent.hooks if hook["stdout"].strip()]
    outputs = [document["hookSpecificOutput"] for document in said if "hookSpecificOutput" in document]
    return [(output["hookEventName"], output["additionalContext"]) for output in outputs]


def waiters(repo: Repo) -> list[int]:
    """The processes that wait in a repository for something to wake an agent with."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            waits = b"--wake" in (process / "cmdline").read_bytes().split(b"\0")
            if waits and os.readlink(process / "cwd") == str(repo.root):
                found.append(int(process.name))
    return found
