"""Writes whose file cannot be found in the payload are allowed, reported to `coord doctor` and shown once."""

import json
from pathlib import Path
from typing import Any

import pytest

from coord.clients.client import client_named
from coord.clients.registry import CLIENTS
from coord.guard.call_details import is_write
from coord.guard.hook_state import FAILURES, folder_of
from coord.guard.payload import read_call
from tests.support.agents import Agents
from tests.support.repositories import Repo

CLAUDE, CODEX, GEMINI = 100, 200, 300


@pytest.fixture
def agents(repo: Repo) -> Agents:
    made = Agents(repo)
    for pid in (CLAUDE, CODEX, GEMINI):
        made.starts(pid)
    return made


def failures(repo: Repo) -> str:
    """The recorded failures of hooks."""
    path = Path(folder_of(str(repo.folder / ".cache"))) / FAILURES
    return path.read_text() if path.exists() else ""


def test_a_renamed_input_is_reported_once(agents: Agents) -> None:
    used = {"tool_name": "Write", "tool_input": {"target": "/secret/place", "content": "a secret"}}
    first = agents.hook(CLAUDE, "before", **used)
    assert (first.code, first.err) == (0, "")
    assert "Write writes files, but coord cannot find their names" in first.context
    assert agents.hook(CLAUDE, "after", **used).silent
    before = agents.full_paths
    assert agents.hook(CLAUDE, "before", **used).silent
    assert agents.full_paths == before
    (line,) = failures(agents.repo).splitlines()
    assert " claude PreToolUse " in line
    assert line.endswith("the tool's inputs are: content, target")
    assert "secret" not in line


def test_doctor_shows_it(agents: Agents) -> None:
    agents.hook(CODEX, "before", tool_name="apply_patch", tool_input={"patch": "x"})
    found = agents.coord(CODEX, "doctor", "--json").json["findings"]
    (row,) = [row for row in found if row["check"] == "hooks that failed"]
    assert "Codex at PreToolUse: apply_patch writes a file, but coord cannot find its name" in row["evidence"]


def test_a_client_that_shows_nothing_is_reported_once(repo: Repo) -> None:
    agents = Agents(repo, {100: "antigravity"})
    agents.hook(100, "prompt")
    used = {"tool_name": "write_to_file", "tool_input": {"Target": "page.py"}}
    for event in ("before", "after", "before"):
        answer = agents.hook(100, event, **used)
        assert (answer.code, answer.context) == (0, "")
    (line,) = failures(repo).splitlines()
    assert line.endswith("write_to_file writes a file, but coord cannot find its name; the tool's inputs are: Target")


def test_each_session_is_told_once_for_each_tool(agents: Agents) -> None:
    for tool in ("Write", "Edit"):
        assert tool in agents.hook(CLAUDE, "before", tool_name=tool, tool_input={}).context
    agents.starts(400 - 300, source="startup", session_id="another")
    assert "Write" in agents.hook(CLAUDE, "before", tool_name="Write", tool_input={}, session_id="another").context


def test_a_tool_not_in_the_record_is_reported_after_it(agents: Agents) -> None:
    used = {"tool_name": "MultiWrite", "tool_input": {"path": str(agents.root / "new.py")}}
    assert "MultiWrite" in agents.hook(CLAUDE, "after", **used).context
    assert "file/new.py" in agents.claims()


def test_an_unlisted_tool_is_denied_a_claimed_file(agents: Agents) -> None:
    agents.writes(CODEX, "page.py")
    used = {"tool_name": "create_file", "tool_input": {"path": str(agents.root / "page.py")}}
    assert agents.hook(CLAUDE, "before", **used).code == 2


def test_outside_of_a_shared_folder_nothing_is_reported(agents: Agents, tmp_path: Path) -> None:
    assert agents.hook(CLAUDE, "before", tool_name="Write", tool_input={}, cwd=str(tmp_path)).silent
    assert failures(agents.repo) == ""


@pytest.mark.parametrize(
    ("tool", "writes"),
    [
        *((name, True) for name in ("write_file", "MultiEdit", "str-replace", "create", "apply_patch", "move_file")),
        *((name, False) for name in ("TodoWrite", "write_todos", "TaskCreate", "CronDelete", "write_agent", "")),
        *((name, False) for name in ("mcp__files__write_file", "Bash", "EnterWorktree", "Monitor", "createIssue")),
    ],
)
def test_the_name_of_a_tool_says_whether_it_writes(tool: str, writes: bool) -> None:
    client = client_named("claude")
    assert client
    assert is_write(client, tool) == writes


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.word)
def test_no_captured_call_is_reported(client: Any) -> None:
    for path in (Path(__file__).parents[2] / "fixtures" / "hooks").glob(f"{client.word}-*-hooks.jsonl"):
        for line in path.read_text().splitlines():
            call = read_call(client, json.loads(line), "before")
            assert call is None or not call.unguarded, line
