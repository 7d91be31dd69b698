"""A client whose subagents name themselves as the conversation in their hooks, and their parent in another field."""

from typing import Any

from coord.guard.entry import ALLOWED, DENIED
from tests.support.agents import Agents, HookAnswer
from tests.support.repositories import Repo

COPILOT, CLAUDE = 500, 100
HIDDEN = {"COPILOT_CLI": "1", "COPILOT_AGENT_SESSION_ID": "hidden"}  # what a command of a subagent gets


def subagent(agents: Agents, event: str, agent: str, parent: str, **said: Any) -> HookAnswer:
    """Run a hook of a subagent."""
    names = {"session_id": agent, "agent_id": agent, "agent_type": "helper", "parent_agent_id": parent}
    return agents.hook(COPILOT, event, **names | said)


def started(repo: Repo) -> Agents:
    """An agent of Copilot with a subagent that has one too, and an agent of Claude Code."""
    agents = Agents(repo, {COPILOT: "copilot", CLAUDE: "claude"})
    agents.starts(COPILOT)
    agents.starts(CLAUDE)
    subagent(agents, "agent_start", "sub", "c500")
    subagent(agents, "agent_start", "deep", "sub")
    return agents


def writes(agents: Agents, agent: str, parent: str, path: str) -> HookAnswer:
    file = str(agents.root / path)
    return subagent(agents, "before", agent, parent, tool_name="Write", tool_input={"path": file})


def test_a_subagent_at_any_depth_acts_in_its_root_session(repo: Repo) -> None:
    agents = started(repo)
    assert writes(agents, "sub", "c500", "a.py").code == ALLOWED
    assert writes(agents, "deep", "sub", "b.py").code == ALLOWED
    claims = {
        line["event"]["resource"]: (line["session"], line["event"]["agent"]) for line in repo.of_type("claim.requested")
    }
    root = next(line["session"] for line in repo.of_type("session.started") if line["event"]["client"] == "copilot")
    assert claims == {"file/a.py": (root, "sub"), "file/b.py": (root, "deep")}
    assert len(repo.of_type("session.started")) == 2
    assert agents.writes(CLAUDE, "b.py").code == DENIED


def test_the_prompt_and_the_stop_of_a_subagent_change_nothing(repo: Repo) -> None:
    agents = started(repo)
    before = len(repo.events())
    for event in ("prompt", "stop"):
        assert subagent(agents, event, "sub", "c500", prompt="Do it").silent
    assert len(repo.events()) == before


def test_a_command_of_a_subagent_acts_as_its_session(repo: Repo) -> None:
    agents = started(repo)
    root = agents.machine.run(COPILOT, "whoami", "--json", **HIDDEN | {"COPILOT_AGENT_SESSION_ID": "c500"}).json
    assert agents.machine.run(COPILOT, "whoami", "--json", **HIDDEN).json["session"] == root["session"]
    agents.machine.run(COPILOT, "claim", "port", "8000", **HIDDEN)
    assert {line["session"] for line in repo.of_type("claim.requested")} == {root["session"]}


def test_a_command_of_an_unknown_conversation_starts_a_session(repo: Repo) -> None:
    agents = started(repo)
    agents.hook(COPILOT, "start", session_id="other")
    agents.machine.run(COPILOT, "claim", "port", "8000", **HIDDEN)
    assert len(repo.of_type("session.started")) == 4, "two sessions of the process could be the command's"
