"""The module of JavaScript that passes a client's events to `coord hook`: its text, and what it does in Node."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from coord.admin.install.formats.javascript_plugin import commands_in_module, is_plugin_module, plugin_module
from coord.clients.client import client_named
from tests.support.installations import Machine
from tests.support.repositories import Repo

MODULE = ".opencode/plugin/coord.js"
needs_node = pytest.mark.skipif(not shutil.which("node"), reason="Node is not installed")
_DRIVER = """
import { Coord } from "./coord.mjs"
const sessions = SESSIONS
const get = async ({ path }) => ({ data: sessions[path.id] })
const client = { session: { get, promptAsync: async (said) => prompts.push(said) } }
const prompts = [], results = []
const note = (name, value) => results.push([name, value])
const hooks = await Coord({ client, directory: process.cwd() })
note("twice", Object.keys(await Coord({ client, directory: process.cwd() })))
const part = { id: "prt_1", text: "Go" }
const message = { message: { id: "msg_1" }, parts: [part] }
STEPS
note("prompts", prompts.map((said) => said.body.parts[0].text))
console.log(JSON.stringify(results))
"""
_BEFORE = """
const call = [{ tool: "write", sessionID: "s", callID: "c" }, { args: { filePath: "a" } }]
await hooks["tool.execute.before"](...call).then(
  () => note("before", "allowed"),
  (error) => note("before", error.message),
)
"""


def text(command: str, wake: bool = False) -> str:
    client = client_named("opencode")
    assert client
    return plugin_module(client, command, wake)


def play(folder: Path, command: str, steps: str, sessions: object = None) -> dict[str, Any]:
    """Run the module in Node with a hook command; what the steps noted."""
    known = {"s": {"time": {"created": 9e15}, "directory": str(folder)}} if sessions is None else sessions
    (folder / "coord.mjs").write_text(text(command))
    (folder / "driver.mjs").write_text(_DRIVER.replace("SESSIONS", json.dumps(known)).replace("STEPS", steps))
    done = subprocess.run(["node", "driver.mjs"], cwd=folder, capture_output=True, text=True, check=True, timeout=60)
    return dict(json.loads(done.stdout))


def test_the_command_is_found_in_the_module() -> None:
    command = "command -v coord >/dev/null 2>&1 || exit 0; '/opt/a \"b\"/coord' hook opencode"
    assert commands_in_module(text(command)) == [command]
    assert is_plugin_module(text(command))
    assert commands_in_module('const COMMAND = "coord hook opencode"\n') == [], "coord did not make it"


def test_a_module_of_somebody_else_is_left_alone(repo: Repo) -> None:
    machine = Machine(repo)
    machine.put(MODULE, b"export const Mine = async () => ({})\n")
    tree = machine.tree()
    result = machine.run("install opencode --project")
    assert result.code == 1
    assert "was not made by coord, so it is not replaced" in result.err
    assert machine.tree() == tree
    machine.ok("uninstall opencode --project")
    assert machine.tree() == tree


def test_an_old_module_is_replaced_and_then_removed(repo: Repo) -> None:
    machine = Machine(repo)
    machine.put(MODULE, text("coord hook opencode").replace("GUARDED", "OLD").encode())
    assert "opencode runs `" in machine.ok("install opencode --project --wake")
    assert "const WAKES = true" in (repo.root / MODULE).read_text()
    assert "Nothing to change" in machine.ok("install opencode --project --wake")
    assert f"{MODULE} (removed): the hooks of opencode" in machine.ok("uninstall opencode --project")
    assert not (repo.root / MODULE).exists()


@needs_node
@pytest.mark.slow
def test_a_denial_is_thrown_with_its_reason(tmp_path: Path) -> None:
    found = play(tmp_path, "cat > said.json; echo 'coord: a was not written' >&2; exit 2", _BEFORE)
    assert found == {"twice": [], "before": "coord: a was not written", "prompts": []}
    assert json.loads((tmp_path / "said.json").read_text()) == {
        "client": "opencode",
        "hook_event_name": "PreToolUse",
        "session_id": "s",
        "cwd": str(tmp_path),
        "tool_name": "write",
        "tool_input": {"filePath": "a"},
        "tool_use_id": "c",
    }


@needs_node
@pytest.mark.slow
@pytest.mark.parametrize("command", ["exit 1", "/no/such/coord", "echo '{'", "kill -9 $$", "exec 0<&- 1>&- 2>&-"])
def test_a_hook_that_fails_allows_everything(tmp_path: Path, command: str) -> None:
    steps = _BEFORE + (
        'await hooks["chat.message"]({ sessionID: "s" }, message)\n'
        'const output = { output: "done" }\n'
        'await hooks["tool.execute.after"]({ tool: "write", sessionID: "s", callID: "c", args: {} }, output)\n'
        'await hooks.event({ event: { type: "session.idle", properties: { sessionID: "s" } } })\n'
        'await hooks.event({ event: { type: "unknown" } })\n'
        "await hooks.dispose()\n"
        'note("parts", message.parts.length); note("output", output.output)\n'
    )
    expected = {"twice": [], "before": "allowed", "parts": 1, "output": "done", "prompts": []}
    assert play(tmp_path, command, steps) == expected
    assert play(tmp_path, command, steps, sessions={}) == expected, "the client does not know the session"


@needs_node
@pytest.mark.slow
def test_texts_reach_the_agent_and_a_stop_is_held_back(tmp_path: Path) -> None:
    answer = '{"hookSpecificOutput":{"additionalContext":"A text."},"decision":"block","reason":"Go on."}'
    steps = (
        'await hooks["chat.message"]({ sessionID: "s" }, message)\n'
        'note("parts", message.parts.map((part) => part.text))\n'
        'const output = { output: "done" }\n'
        'await hooks["tool.execute.after"]({ tool: "read", sessionID: "s", callID: "c", args: {} }, output)\n'
        'note("output", output.output)\n'
        "const environment = { env: {} }\n"
        'await hooks["shell.env"]({ sessionID: "s" }, environment)\n'
        'note("env", environment.env)\n'
        'await hooks.event({ event: { type: "session.idle", properties: { sessionID: "s" } } })\n'
        'await hooks.event({ event: { type: "session.error", properties: { sessionID: "s" } } })\n'
        'await hooks.event({ event: { type: "session.idle", properties: { sessionID: "s" } } })\n'
    )
    command = f"cat >> said.json; echo >> said.json; grep -q '\"TurnEnd\"' said.json || echo '{answer}'"
    assert play(tmp_path, command, steps) == {
        "twice": [],
        "parts": ["Go", "A text.\nA text."],
        "output": "done\n\nA text.",
        "env": {"COORD_OPENCODE_AGENT": "s", "COORD_OPENCODE_SESSION": "s"},
        "prompts": ["Go on."],
    }
    names = [json.loads(line)["hook_event_name"] for line in (tmp_path / "said.json").read_text().splitlines()]
    assert names == ["SessionStart", "UserPromptSubmit", "PostToolUse", "Stop", "TurnEnd"]
