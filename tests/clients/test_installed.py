"""The clients accept what `coord install` writes for them."""

import json
import subprocess

import pytest

from tests.support.clients.agents import Agent, Make
from tests.support.clients.programs import CLAUDE, CODEX, found
from tests.support.processes import COORD

pytestmark = pytest.mark.clients


def run(agent: Agent, *argv: str) -> str:
    done = subprocess.run(
        argv, cwd=agent.root, env=agent.env, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL
    )
    return done.stdout


@pytest.mark.parametrize("scope", ["--local", "--user"])
def test_claude_connects_to_the_server(agent: Make, scope: str) -> None:
    claude = agent(CLAUDE)
    run(claude, COORD, "install", "mcp", scope)
    assert "Connected" in run(claude, found(CLAUDE), "mcp", "get", "coord")
    run(claude, COORD, "uninstall", "mcp")
    assert "coord" not in run(claude, found(CLAUDE), "mcp", "list")


def test_claude_accepts_the_plugin(agent: Make) -> None:
    claude = agent(CLAUDE)
    folder = str(claude.home / "plugin")
    run(claude, COORD, "install", "claude", "--plugin", folder)
    assert "Validation passed" in run(claude, found(CLAUDE), "plugin", "validate", folder)


def test_codex_accepts_the_rules_and_the_server(agent: Make) -> None:
    codex = agent(CODEX)
    run(codex, COORD, "install", "mcp", "--client", "codex")
    assert "coord" in run(codex, found(CODEX), "mcp", "list")
    rules = str(codex.home / ".codex" / "rules" / "coord.rules")

    def decided(command: str) -> str:
        said = json.loads(run(codex, found(CODEX), "execpolicy", "check", "--rules", rules, "--", "coord", command))
        return str(said.get("decision", "ask"))

    assert {name: decided(name) for name in ("claim", "inbox", "break", "uninstall")} == {
        "claim": "allow",
        "inbox": "allow",
        "break": "ask",
        "uninstall": "ask",
    }
