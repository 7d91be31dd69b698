"""What the log, the commands and the process table show about agents."""

import json
import os
from contextlib import suppress
from pathlib import Path

from tests.support.clients.agents import Agent
from tests.support.repositories import Repo


def session_of(repo: Repo, agent: Agent) -> str:
    """The id of an agent's session in the log. It is found by the conversation, or by the process of a client that has
    not printed its conversation yet.
    """
    started = repo.of_type("session.started")
    found = {line["session"] for line in started if line["event"].get("client_session") == agent.conversation}
    if not found and agent.running:
        found = {line["session"] for line in started if (line["event"].get("anchor") or {}).get("pid") == agent.pid}
    assert len(found) == 1, (agent.conversation, started)
    return str(found.pop())


def held(repo: Repo) -> set[tuple[str, str]]:
    """The claimed resources and their holders, as `coord claims` shows them."""
    return {(claim["resource"], claim["session"]) for claim in repo.shell().json("coord claims")["claims"]}


def context(agent: Agent) -> list[tuple[str, str]]:
    """The hook events and texts that were added to an agent's context. Only Claude Code reports them."""
    said = [json.loads(hook["stdout"]) for hook in agent.hooks if hook["stdout"].strip()]
    outputs = [document["hookSpecificOutput"] for document in said if "hookSpecificOutput" in document]
    return [(output["hookEventName"], output["additionalContext"]) for output in outputs]


def waiters(repo: Repo) -> list[int]:
    """The processes that wait in a repository to wake an agent."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            waits = b"--wake" in (process / "cmdline").read_bytes().split(b"\0")
            if waits and os.readlink(process / "cwd") == str(repo.root):
                found.append(int(process.name))
    return found
