"""A client that runs the hooks of another one, and tools that run shell commands in the background, with the real
clients.
"""

import re
from pathlib import Path

import pytest

from tests.support.clients.agents import Agent, Make
from tests.support.clients.dialects import Call
from tests.support.clients.looking import held, session_of
from tests.support.clients.programs import CLAUDE, CODEX, COPILOT
from tests.support.processes import until
from tests.support.repositories import Repo

pytestmark = pytest.mark.clients
PAGE = "file/page.py"


def holder(work: Repo, agent: Make) -> Agent:
    """An agent that has written page.py."""
    first = agent(CLAUDE)
    first.prompt("Write the page")
    first.writes("page.py", "one\n")
    return first


def bypassed(work: Repo) -> list[tuple[str, str]]:
    """The sessions and the resources of the recorded bypasses."""
    return [(line["session"], line["event"]["resource"]) for line in work.of_type("claim.bypassed")]


def waits_for(path: Path) -> None:
    until(lambda: path.exists() and "late" in path.read_text(), f"the change of {path}")


def test_copilot_is_guarded_by_the_hooks_of_claude(work: Repo, agent: Make) -> None:
    first = holder(work, agent)
    second = agent(COPILOT)
    (second.home / ".copilot" / "hooks" / "coord.json").unlink()
    assert (work.root / ".claude" / "settings.local.json").exists()
    second.prompt("Write the page too")
    heard = second.writes("page.py", "two\n")
    assert "page.py was not written" in heard.text
    assert session_of(work, first) in heard.text
    assert (work.root / "page.py").read_text() == "one\n"
    second.writes("other.py", "two\n")
    assert ("file/other.py", session_of(work, second)) in held(work)
    started = [line for line in work.of_type("session.started") if line["session"] == session_of(work, second)]
    assert {line["event"]["client"] for line in started} == {"copilot"}
    assert "GitHub Copilot CLI runs the hooks of Claude Code here" in work.shell().run("coord doctor").out


def test_copilot_with_both_hooks_has_one_session(work: Repo, agent: Make) -> None:
    holder(work, agent)
    second = agent(COPILOT)
    second.prompt("Write the page too")
    assert "page.py was not written" in second.writes("page.py", "two\n").text
    assert session_of(work, second)


def test_a_command_of_claude_in_the_background_is_noticed(work: Repo, agent: Make) -> None:
    first, second = holder(work, agent), agent(CLAUDE)
    second.prompt("Go")
    heard = second.calls(
        Call("Bash", {"command": "sleep 1; echo late > page.py", "description": "late", "run_in_background": True})
    )
    waits_for(work.root / "page.py")
    texts = heard.text + second.reads("page.py").text  # on a slow machine, the command ends before the hook after it
    assert session_of(work, first) in texts
    assert bypassed(work) == [(session_of(work, second), PAGE)]
    assert session_of(work, second) in first.runs("true").text


def test_a_monitor_of_claude_is_noticed(work: Repo, agent: Make) -> None:
    holder(work, agent)
    second = agent(CLAUDE)
    second.start("--permission-mode", "acceptEdits", "--allowedTools", "Bash,Monitor,ToolSearch")
    second.prompt("Go")
    second.calls(Call("ToolSearch", {"query": "select:Monitor"}))
    command = "sleep 1; echo late > page.py; sleep 30"
    second.calls(Call("Monitor", {"command": command, "description": "late", "timeout_ms": 60000}))
    waits_for(work.root / "page.py")
    second.reads("page.py")
    assert bypassed(work) == [(session_of(work, second), PAGE)]


def test_the_commands_of_a_skill_are_noticed(work: Repo, agent: Make) -> None:
    skill = work.root / ".claude" / "skills" / "late" / "SKILL.md"
    skill.parent.mkdir(parents=True)
    skill.write_text("---\nname: late\ndescription: late\nallowed-tools: Bash\n---\n!`echo late > page.py`\n")
    holder(work, agent)
    second = agent(CLAUDE)
    second.start("--permission-mode", "acceptEdits", "--allowedTools", "Bash,Skill")
    second.prompt("Go")
    second.calls(Call("Skill", {"skill": "late"}))
    if not (found := bypassed(work)):
        version = re.search(r"cc_version=([\d.]+)", "\n".join(second.heard[-1].texts))
        pytest.skip(f"this version runs no hook before the commands of a skill: {version and version[1]}")
    assert found == [(session_of(work, second), PAGE)]


def test_a_command_of_codex_that_continues_is_noticed(work: Repo, agent: Make) -> None:
    holder(work, agent)
    second = agent(CODEX)
    second.prompt("Go")
    second.calls(Call("exec_command", {"cmd": "sleep 1; echo late > page.py; sleep 20", "yield_time_ms": 300}))
    waits_for(work.root / "page.py")
    second.runs("true")
    assert bypassed(work) == [(session_of(work, second), PAGE)]
