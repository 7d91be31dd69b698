"""The payloads of clients whose fields, tools or prompts are not like those of most clients."""

import json
from typing import Any

import pytest

from coord.clients.client import Client, client_named, runs_client
from coord.guard.payload import HookCall, parse_call

PATCH = "*** Begin Patch\n*** Update File: a.py\n*** Move to: b.py\n*** End Patch\n"


def client(word: str) -> Client:
    found = client_named(word)
    assert found
    return found


def call(word: str, event: str = "", **said: Any) -> HookCall | None:
    fields = {"hook_event_name": "PreToolUse", "session_id": "talk", "cwd": "/repo"} | said
    return parse_call(client(word), json.dumps({k: v for k, v in fields.items() if v is not None}).encode(), event)


@pytest.mark.parametrize("given", [{"input": PATCH}, json.dumps({"input": PATCH}), PATCH])
def test_a_patch_of_the_tool_that_also_edits_is_read(given: Any) -> None:
    patched = call("copilot", tool_name="Edit", tool_input=given)
    assert patched
    assert patched.paths == ["a.py", "b.py"]


def test_the_file_of_the_tool_that_also_patches_is_read() -> None:
    edited = call("copilot", tool_name="Edit", tool_input={"path": "/repo/a.py", "input": PATCH})
    assert edited
    assert edited.paths == ["/repo/a.py"]


def test_the_command_names_the_event_that_the_payload_lacks() -> None:
    unnamed: dict[str, Any] = {"hook_event_name": None, "session_id": None, "sessionId": "talk"}
    asked = call("copilot", "Notification", **unnamed, notification_type="permission_prompt")
    assert asked
    assert (asked.hook_event, asked.event, asked.conversation) == ("asks", "Notification", "talk")
    named = call("copilot", "Notification")
    assert named
    assert named.event == "PreToolUse", "the payload decides"
    assert call("copilot", **unnamed) is None


def test_a_subagent_acts_in_the_conversation_of_its_parent() -> None:
    sub = {"session_id": "sub", "agent_id": "sub", "agent_type": "helper", "parent_agent_id": "talk"}
    before = call("copilot", **sub, tool_name="Write", tool_input={"path": "/repo/a.py"})
    assert before
    assert (before.conversation, before.agent, before.kind) == ("talk", "sub", "helper")
    assert call("copilot", **sub | {"hook_event_name": "UserPromptSubmit"}, prompt="Do it") is None
    assert call("copilot", **sub | {"hook_event_name": "Stop"}) is None


def test_only_a_prompt_with_a_text_is_a_prompt() -> None:
    event = {"hook_event_name": "UserPromptSubmit"}
    assert call("qwen", **event, prompt="") is None
    assert call("qwen", **event, prompt="Go")
    assert call("qwen", **event), "the field may be renamed"
    assert call("claude", **event, prompt=""), "a prompt can be a picture"


@pytest.mark.parametrize(
    ("argv", "word"),
    [
        (("/usr/bin/node", "--expose-gc", "/lib/node_modules/@qwen-code/qwen-code/cli.js", "-p"), "qwen"),
        (("node", "/usr/bin/qwen"), "qwen"),
        (("/opt/copilot-linux-x64/copilot", "--allow-all-tools"), "copilot"),
        (("node", "--inspect", "server.js", "/lib/@qwen-code/qwen-code/cli.js"), ""),
        (("grep", "-r", "@qwen-code/qwen-code/"), ""),
    ],
)
def test_a_program_is_recognized_by_its_script(argv: tuple[str, ...], word: str) -> None:
    assert [name for name in ("claude", "codex", "gemini", "qwen", "copilot") if runs_client(client(name), argv)] == (
        [word] if word else []
    )
