"""Install coord for a client, with the command that a user would run."""

import subprocess

from tests.support.clients.agents import Agent
from tests.support.processes import COORD


def install(agent: Agent, *options: str) -> None:
    """Install coord's hooks for an agent's client, in the default scope."""
    _run(agent, "install", agent.program.client.word, *options)


def install_server(agent: Agent) -> None:
    """Install coord's MCP server for an agent's client."""
    _run(agent, "install", "mcp", "--client", agent.program.client.word)


def uninstall(agent: Agent) -> None:
    """Uninstall everything of coord from an agent's client."""
    _run(agent, "uninstall", "--all")


def _run(agent: Agent, *words: str) -> None:
    done = subprocess.run([COORD, *words], cwd=agent.root, env=agent.env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done
