"""Changes by shell commands that continue after their tool, or that no hook follows, are found by the later hooks of
their session. Each changed file is recorded once, and a command's trace ends when the client reports its end.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from coord.clients.claude import CLIENT as CLAUDE_CODE
from coord.guard import hook_state, shell_commands
from coord.guard.payload import HookCall, parse_call
from eventlog.events import to_micros
from tests.support.agents import Agents, HookAnswer
from tests.support.repositories import Repo

CLAUDE, CODEX, GEMINI = 100, 200, 300
USE = "toolu_1"
DONE = "<task-notification>\n<task-id>b1</task-id>\n<status>completed</status>\n</task-notification>"
SHELL_TASK = {"id": "b1", "type": "shell", "status": "running"}


@pytest.fixture
def agents(repo: Repo) -> Agents:
    """Claude, Codex and Gemini in one repository; Codex holds `a.py` and `b.py`."""
    made = Agents(repo)
    made.shell(CLAUDE, "echo x > a.py; echo x > b.py; git add -A; git commit -qm first", hooks=False)
    for pid in made.clients:
        made.starts(pid)
    made.writes(CODEX, "a.py", "of another session\n")
    made.writes(CODEX, "b.py", "of another session\n")
    for pid in made.clients:
        made.shell(pid, "true")
    return made


def runs(agents: Agents, pid: int, tool: str = "Bash", result: Any = None, **said: Any) -> None:
    """Run the hooks before and after a shell command that continues in the background."""
    used = {"tool_name": tool, "tool_input": {"command": "watch", **said}, "tool_use_id": USE}
    agents.hook(pid, "before", **used)
    agents.hook(pid, "after", tool_response=result or {}, **used)


def command_call(**said: Any) -> HookCall:
    """The call of Claude's hook after a shell command."""
    fields = {"session_id": "c100", "cwd": "/", "hook_event_name": "PostToolUse", "tool_name": "Bash"}
    call = parse_call(CLAUDE_CODE, json.dumps(fields | said).encode())
    assert call
    return call


def background_call(task: str) -> HookCall:
    """The same for a command that continues in the background."""
    return command_call(tool_use_id=USE, tool_response={"backgroundTaskId": task})


def changes(agents: Agents, name: str = "a.py") -> None:
    """Let the command in the background change a file."""
    agents.machine.wait(1)
    (agents.root / name).write_text(f"by the command at {agents.machine.now}\n")


def reads(agents: Agents, pid: int, **said: Any) -> HookAnswer:
    """Run the hook after a tool that is not a shell."""
    return agents.hook(pid, "after", tool_name="Read", tool_input={}, tool_use_id="toolu_9", **said)


def bypassed(agents: Agents) -> list[str]:
    """The resources of the recorded bypasses."""
    return [line["event"]["resource"] for line in agents.repo.of_type("claim.bypassed")]


def traces(folder: Path) -> list[str]:
    """The names of the traces of commands that have not ended."""
    found = (folder / ".cache" / "hooks").rglob("*")
    return sorted(path.name.partition("-")[0] for path in found if path.name.startswith(("shell-", "background-")))


@pytest.mark.parametrize(
    ("tool", "result"),
    [("Bash", {"backgroundTaskId": "b1"}), ("Monitor", {"taskId": "b1"})],
)
def test_a_change_in_the_background_is_shown_after_a_tool(agents: Agents, tool: str, result: Any) -> None:
    runs(agents, CLAUDE, tool, result)
    assert reads(agents, CLAUDE).silent
    changes(agents)
    assert "a.py" in reads(agents, CLAUDE).context
    assert bypassed(agents) == ["file/a.py"]
    assert "a shell command; its agent was told" in agents.coord(CODEX, "inbox").out


def test_a_change_in_the_background_is_shown_at_a_prompt(agents: Agents) -> None:
    runs(agents, CLAUDE, result={"backgroundTaskId": "b1"})
    changes(agents)
    assert "a.py" in agents.hook(CLAUDE, "prompt", prompt=DONE).context
    assert bypassed(agents) == ["file/a.py"]
    assert traces(agents.repo.folder) == []


def test_a_change_in_the_background_blocks_one_stop(agents: Agents) -> None:
    runs(agents, CLAUDE, result={"backgroundTaskId": "b1"})
    changes(agents)
    assert "a.py" in agents.hook(CLAUDE, "stop", background_tasks=[SHELL_TASK]).block_reason
    assert not agents.hook(CLAUDE, "stop", background_tasks=[SHELL_TASK]).block_reason
    assert bypassed(agents) == ["file/a.py"]


def test_a_change_is_recorded_when_the_agent_ends(agents: Agents) -> None:
    runs(agents, CLAUDE, result={"backgroundTaskId": "b1"})
    changes(agents)
    agents.hook(CLAUDE, "end", reason="other")
    assert bypassed(agents) == ["file/a.py"]
    assert "with the last shell command before it ended" in agents.coord(CODEX, "inbox").out


def test_a_file_that_changes_repeatedly_is_recorded_once(agents: Agents) -> None:
    runs(agents, CLAUDE, result={"backgroundTaskId": "b1"})
    for _ in range(3):
        changes(agents)
        reads(agents, CLAUDE)
    changes(agents, "b.py")
    reads(agents, CLAUDE)
    assert bypassed(agents) == ["file/a.py", "file/b.py"]
    before = agents.full_paths
    changes(agents)
    assert reads(agents, CLAUDE).silent
    assert agents.full_paths == before


def test_a_file_claimed_later_is_compared_too(agents: Agents) -> None:
    runs(agents, CLAUDE, result={"backgroundTaskId": "b1"})
    agents.writes(CODEX, "new.py", "of another session\n")
    reads(agents, CLAUDE)
    changes(agents, "new.py")
    assert "new.py" in reads(agents, CLAUDE).context


def test_the_holders_own_edits_are_not_reported(agents: Agents) -> None:
    runs(agents, CLAUDE, result={"backgroundTaskId": "b1"})
    agents.writes(CODEX, "a.py", "its next version\n")
    before = agents.full_paths
    assert reads(agents, CLAUDE).silent
    assert agents.full_paths == before, "the edit's trace explains the change"
    changes(agents)
    assert "a.py" in reads(agents, CLAUDE).context


def test_a_change_while_the_holder_ran_a_command_is_not_reported(agents: Agents) -> None:
    runs(agents, CLAUDE, result={"backgroundTaskId": "b1"})
    agents.machine.wait(1)
    agents.shell(CODEX, "echo own > a.py")
    agents.machine.wait(1)
    assert reads(agents, CLAUDE).silent
    changes(agents)
    assert "a.py" in reads(agents, CLAUDE).context, "the holder ran no command since the last comparison"


@pytest.mark.parametrize(
    "end",
    [
        lambda agents: agents.hook(CLAUDE, "prompt", prompt=DONE),
        lambda agents: agents.hook(CLAUDE, "after", tool_name="TaskStop", tool_input={"task_id": "b1"}),
        lambda agents: agents.hook(CLAUDE, "stop", background_tasks=[]),
        lambda agents: agents.hook(CLAUDE, "end", reason="other"),
    ],
    ids=["notification", "TaskStop", "stop", "end"],
)
def test_the_clients_report_ends_a_command(agents: Agents, end: Any) -> None:
    runs(agents, CLAUDE, result={"backgroundTaskId": "b1"})
    assert traces(agents.repo.folder) == ["background"]
    end(agents)
    assert traces(agents.repo.folder) == []
    changes(agents)
    assert reads(agents, CLAUDE).silent


@pytest.mark.parametrize(
    "lasts",
    [
        lambda agents: agents.hook(CLAUDE, "prompt", prompt="Go on"),
        lambda agents: agents.hook(CLAUDE, "prompt", prompt=DONE.replace("b1", "b2")),
        lambda agents: agents.hook(CLAUDE, "prompt", prompt=DONE.replace("status", "event")),
        lambda agents: agents.hook(CLAUDE, "after", tool_name="TaskStop", tool_input={"task_id": "b2"}),
        lambda agents: agents.hook(CLAUDE, "stop", background_tasks=[SHELL_TASK]),
        lambda agents: agents.machine.wait(7200),
    ],
    ids=["prompt", "other notification", "event of it", "other TaskStop", "stop", "two hours"],
)
def test_no_other_report_ends_a_command_in_the_background(agents: Agents, lasts: Any) -> None:
    runs(agents, CLAUDE, result={"backgroundTaskId": "b1"})
    lasts(agents)
    changes(agents)
    assert "a.py" in reads(agents, CLAUDE).context


def test_the_input_can_show_that_a_command_continues(agents: Agents) -> None:
    runs(agents, GEMINI, "run_shell_command", is_background=True)
    agents.hook(GEMINI, "stop")
    agents.hook(GEMINI, "prompt", prompt="Go on")
    changes(agents)
    assert "a.py" in agents.hook(GEMINI, "after", tool_name="read_file", tool_input={}).context
    agents.machine.wait(3601)
    agents.hook(GEMINI, "after", tool_name="read_file", tool_input={})
    assert traces(agents.repo.folder) == [], "after an hour it is assumed to have ended"


def test_a_command_whose_tool_has_not_ended_is_compared(agents: Agents) -> None:
    """Codex runs no hook after a command that outlasts the time for which it waits."""
    agents.hook(CLAUDE, "before", tool_name="Bash", tool_input={"command": "slow"}, tool_use_id=USE)
    changes(agents)
    assert "a.py" in agents.shell(CLAUDE, "true", tool_use_id="toolu_2").context
    assert traces(agents.repo.folder) == ["shell"]
    changes(agents, "b.py")
    agents.hook(CLAUDE, "after", tool_name="Bash", tool_input={"command": "slow"}, tool_use_id=USE)
    assert bypassed(agents) == ["file/a.py", "file/b.py"]


def test_the_commands_of_a_skill_are_compared(agents: Agents) -> None:
    """The client runs a hook before them, with the id of the skill's call and a suffix, and none after them."""
    said = {"hook_event_name": "PreSkillShellCommand", "tool_name": "Bash", "tool_input": {"command": "x"}}
    agents.hook(CLAUDE, "before", **said, tool_use_id=f"{USE}:preamble-0")
    changes(agents)
    agents.hook(CLAUDE, "before", **said, tool_use_id=f"{USE}:preamble-1")
    changes(agents, "b.py")
    answer = agents.hook(CLAUDE, "after", tool_name="Skill", tool_input={"skill": "x"}, tool_use_id=USE)
    assert "2 files" in answer.context
    assert traces(agents.repo.folder) == []


def test_the_commands_of_a_users_skill_are_compared(agents: Agents) -> None:
    said = {"hook_event_name": "PreSkillShellCommand", "tool_name": "Bash", "tool_input": {"command": "x"}}
    agents.hook(CLAUDE, "before", **said, tool_use_id="f2a1d5dc:inner:preamble-0")
    changes(agents)
    assert "a.py" in reads(agents, CLAUDE).context
    assert traces(agents.repo.folder) == []


def test_a_prompt_does_not_end_the_commands_of_subagents(agents: Agents) -> None:
    used = {"tool_name": "Bash", "tool_input": {"command": "slow"}, "tool_use_id": USE, "agent_id": "one"}
    agents.hook(CLAUDE, "before", **used)
    agents.hook(CLAUDE, "prompt", prompt="Go on")
    agents.hook(CLAUDE, "stop", background_tasks=[{"id": "one", "type": "subagent"}])
    changes(agents)
    assert reads(agents, CLAUDE).silent, "the subagent is told"
    assert "a.py" in agents.hook(CLAUDE, "after", **used).context


def test_the_session_is_shown_what_its_subagents_left_running(agents: Agents) -> None:
    used = {"tool_name": "Bash", "tool_input": {"command": "watch"}, "tool_use_id": USE, "agent_id": "one"}
    agents.hook(CLAUDE, "before", **used)
    agents.hook(CLAUDE, "after", **used, tool_response={"backgroundTaskId": "b1"})
    agents.hook(CLAUDE, "agent_stop", agent_id="one")
    changes(agents)
    assert reads(agents, CLAUDE, agent_id="two").silent
    assert "a.py" in reads(agents, CLAUDE).context


@pytest.mark.parametrize("event", ["stop", "turn_end"])
def test_a_stop_with_nobody_at_work_ends_all_commands(agents: Agents, event: str) -> None:
    agents.hook(CLAUDE, "before", tool_name="Bash", tool_input={"command": "slow"}, agent_id="one")
    agents.hook(CLAUDE, event, background_tasks=[SHELL_TASK])
    assert traces(agents.repo.folder) == []


@pytest.mark.parametrize("pid", [CLAUDE, CODEX])
def test_a_turn_that_was_interrupted_ends_its_command(agents: Agents, pid: int) -> None:
    agents.hook(pid, "before", tool_name="Bash", tool_input={"command": "slow"}, tool_use_id=USE)
    assert traces(agents.repo.folder) == ["shell"]
    agents.hook(pid, "turn_end")
    assert traces(agents.repo.folder) == []


def test_a_trace_of_the_background_stays_in_its_folder(agents: Agents, tmp_path: Path) -> None:
    cache = str(tmp_path / "shell-tools")
    call = background_call("b1")
    path = shell_commands.trace_path(cache, "s", call)
    assert hook_state.write_trace(path, {"at": 1})
    shell_commands.update_traces(call, cache, "s", {path: hook_state.read_trace(path)}, None, 2)
    assert traces(agents.repo.folder) == []
    assert [name.partition("-")[0] for name in os.listdir(os.path.dirname(path))] == ["background"]


def test_a_command_that_ends_meanwhile_stays_ended(agents: Agents) -> None:
    """The hooks after two commands can run at the same time, and each looks at the traces of both."""
    for use in ("one", "two"):
        agents.hook(CLAUDE, "before", tool_name="Bash", tool_input={"command": use}, tool_use_id=use)
    cache, session = str(agents.repo.folder / ".cache"), agents.session(CLAUDE)
    call = command_call(tool_use_id="one")
    seen = shell_commands.commands_to_compare(cache, session, call)
    agents.hook(CLAUDE, "after", tool_name="Bash", tool_input={"command": "two"}, tool_use_id="two")
    shell_commands.update_traces(call, cache, session, seen, None, to_micros(agents.machine.now) + 1000)
    assert traces(agents.repo.folder) == []


def test_a_change_after_the_comparison_is_found_later(agents: Agents) -> None:
    runs(agents, CLAUDE, result={"backgroundTaskId": "b1"})
    cache, session = str(agents.repo.folder / ".cache"), agents.session(CLAUDE)
    call = command_call(tool_use_id="other")
    seen = shell_commands.commands_to_compare(cache, session, call)
    assert not any(shell_commands.changed_files(each, cache) for each in seen.values())
    changes(agents)
    shell_commands.update_traces(call, cache, session, seen, None, to_micros(agents.machine.now))
    assert "a.py" in reads(agents, CLAUDE).context
    assert bypassed(agents) == ["file/a.py"]


def test_commands_at_the_same_time_need_no_ids(agents: Agents) -> None:
    """Gemini CLI has no ids for calls of tools; the traces are distinguished by the commands."""
    for command in ("one", "two"):
        agents.hook(GEMINI, "before", tool_name="run_shell_command", tool_input={"command": command})
    agents.hook(GEMINI, "after", tool_name="run_shell_command", tool_input={"command": "two"})
    changes(agents)
    answer = agents.hook(GEMINI, "after", tool_name="run_shell_command", tool_input={"command": "one"})
    assert "a.py" in answer.context


def test_nothing_is_compared_before_a_write(agents: Agents, monkeypatch: pytest.MonkeyPatch) -> None:
    runs(agents, CLAUDE, result={"backgroundTaskId": "b1"})

    def fail(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(shell_commands, "commands_to_compare", fail)
    assert agents.asks_to_write(CLAUDE, "a.py").code == 2


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"root": 1}', b'{"root": "/", "files": {"a.py": "x"}}'])
def test_a_damaged_trace_changes_no_answer(agents: Agents, data: bytes) -> None:
    runs(agents, CLAUDE, result={"backgroundTaskId": "b1"})
    folder = Path(hook_state.folder_of(str(agents.repo.folder / ".cache"), agents.session(CLAUDE)))
    (trace,) = folder.glob("background-*")
    trace.write_bytes(data)
    assert reads(agents, CLAUDE).code == 0
    assert bypassed(agents) == []
    trace.unlink(missing_ok=True)
    assert reads(agents, CLAUDE).silent
