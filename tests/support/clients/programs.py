"""The programs of the clients, one row each: where they are, how they run headless, and how their tools are called.

No client asks its user for anything, unless a test wants that. Their homes have only the files listed here.
"""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from typing import NamedTuple

from coord.clients.client import Client
from coord.clients.registry import CLIENTS
from tests.support.clients.dialects import COMPLETIONS, GENERATE, MESSAGES, RESPONSES, Call, Dialect

FOLDER = "COORD_TEST_CLIENTS"
_TEST_KEY = "dummy"


class Program(NamedTuple):
    """How the tests run a client."""

    client: Client
    places: tuple[str, ...]  # paths of its program in a folder of node modules
    dialect: Dialect
    argv: tuple[str, ...]  # the arguments it is always started with; {conversation} is replaced by a new id
    free: tuple[str, ...]  # more arguments, so that it runs its tools without asking
    asking: tuple[str, ...]  # the option before the prompt, if the prompt is an argument
    alive: bool  # it reads its prompts from standard input, one after the other
    env: dict[str, str]  # {url} is replaced by the model's address
    home: dict[str, str]  # files in its home; {url}, {repo} and {bin} are replaced
    read: Callable[[str, str], Call]  # the call that reads a file: the root, and the path in it
    write: Callable[[str, str, str], Call]  # the call that writes a whole file: the root, the path, and the text
    shell: Callable[[str], Call]
    knows_its_caller: bool  # it tells an MCP server which conversation calls
    says_its_end: bool  # its hooks tell when it ends, also when it runs headless
    can_be_held_back: bool  # a hook can make it continue when it is about to stop, also when it runs headless
    tool: Callable[[str, dict[str, str]], Call]  # the call of a tool of coord's server, by its name
    resuming: tuple[str, ...] = ()  # the arguments that open the conversation {id} a second time, if the client can


def _patch(root: str, path: str, text: str) -> Call:
    lines = "".join(f"+{line}\n" for line in text.splitlines())
    return Call("apply_patch", f"*** Begin Patch\n*** Add File: {path}\n{lines}*** End Patch\n", free=True)


def _create_or_edit(root: str, path: str, text: str) -> Call:
    file = os.path.join(root, path)
    if not os.path.exists(file):
        return Call("create", {"path": file, "file_text": text})
    with open(file) as old:
        return Call("edit", {"path": file, "old_str": old.read(), "new_str": text})


_BY_WORD = {client.word: client for client in CLIENTS}
CLAUDE = Program(
    client=_BY_WORD["claude"],
    places=("@anthropic-ai/claude-code-linux-x64/claude", ".bin/claude"),
    dialect=MESSAGES,
    argv=(
        "-p",
        *("--input-format", "stream-json", "--output-format", "stream-json", "--verbose"),
        *("--include-hook-events", "--model", "claude-opus-5-5"),
    ),
    free=("--permission-mode", "acceptEdits", "--allowedTools", "Bash,mcp__coord"),
    asking=(),
    alive=True,
    env={
        "ANTHROPIC_API_KEY": _TEST_KEY,
        "ANTHROPIC_BASE_URL": "{url}",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
    },
    home={},
    read=lambda root, path: Call("Read", {"file_path": f"{root}/{path}"}),
    write=lambda root, path, text: Call("Write", {"file_path": f"{root}/{path}", "content": text}),
    shell=lambda command: Call("Bash", {"command": command, "description": "a command"}),
    knows_its_caller=True,
    says_its_end=True,
    can_be_held_back=True,
    tool=lambda name, given: Call(f"mcp__coord__{name}", given),
    resuming=("--permission-mode", "acceptEdits", "--allowedTools", "Bash,mcp__coord", "--resume", "{id}"),
)
CODEX = Program(
    client=_BY_WORD["codex"],
    places=(".bin/codex",),
    dialect=RESPONSES,
    argv=(
        "exec",
        *("--json", "--dangerously-bypass-hook-trust"),
    ),
    free=("--dangerously-bypass-approvals-and-sandbox",),
    asking=(),
    alive=False,
    env={"TEST_KEY": _TEST_KEY},
    home={
        ".codex/config.toml": 'model = "gpt-5.6-sol"\nmodel_provider = "test"\n[model_providers.test]\nname = "test"\n'
        'base_url = "{url}/v1"\nwire_api = "responses"\nenv_key = "TEST_KEY"\n'
        '[projects."{repo}"]\ntrust_level = "trusted"\n',
        ".profile": 'PATH="{bin}:$PATH"\n',  # its shell is a login shell, which resets the PATH
    },
    read=lambda root, path: Call("exec_command", {"cmd": f"cat {path}"}),
    write=_patch,
    shell=lambda command: Call("exec_command", {"cmd": command}),
    knows_its_caller=True,
    says_its_end=True,
    can_be_held_back=True,
    tool=lambda name, given: Call(
        "exec", f"text(JSON.stringify(await tools.mcp__coord__{name}({json.dumps(given)})))", free=True
    ),
)
GEMINI = Program(
    client=_BY_WORD["gemini"],
    places=(".bin/gemini",),
    dialect=GENERATE,
    argv=("--output-format", "stream-json", "--skip-trust", "-m", "gemini-2.5-flash"),
    free=("--approval-mode", "yolo"),
    asking=("-p",),
    alive=False,
    env={"GEMINI_API_KEY": _TEST_KEY, "GOOGLE_GEMINI_BASE_URL": "{url}"},
    home={
        ".gemini/settings.json": json.dumps(
            {
                "security": {"auth": {"selectedType": "gemini-api-key"}},
                "privacy": {"usageStatisticsEnabled": False},
                "general": {"disableAutoUpdate": True, "disableUpdateNag": True},
            }
        )
    },
    read=lambda root, path: Call("read_file", {"file_path": f"{root}/{path}"}),
    write=lambda root, path, text: Call("write_file", {"file_path": f"{root}/{path}", "content": text}),
    shell=lambda command: Call("run_shell_command", {"command": command, "description": "a command"}),
    knows_its_caller=False,
    says_its_end=True,
    can_be_held_back=True,
    tool=lambda name, given: Call(f"mcp_coord_{name}", given),
    resuming=("--approval-mode", "yolo", "--resume", "{id}"),
)
QWEN = Program(
    client=_BY_WORD["qwen"],
    places=(".bin/qwen",),
    dialect=COMPLETIONS,
    argv=("--auth-type", "openai", "--output-format", "stream-json"),
    free=("--approval-mode", "yolo"),
    asking=("-p",),
    alive=False,
    env={"OPENAI_API_KEY": _TEST_KEY, "OPENAI_BASE_URL": "{url}/v1", "OPENAI_MODEL": "fake"},
    home={},
    read=lambda root, path: Call("read_file", {"file_path": f"{root}/{path}"}),
    write=lambda root, path, text: Call("write_file", {"file_path": f"{root}/{path}", "content": text}),
    shell=lambda command: Call(
        "run_shell_command", {"command": command, "is_background": False, "description": "a command"}
    ),
    knows_its_caller=True,
    says_its_end=False,
    can_be_held_back=True,
    tool=lambda name, given: Call(f"mcp__coord__{name}", given),
    resuming=("--approval-mode", "yolo", "--resume", "{id}"),
)
COPILOT = Program(
    client=_BY_WORD["copilot"],
    places=("@github/copilot-linux-x64/copilot",),
    dialect=COMPLETIONS,
    argv=("--output-format", "json", "--session-id", "{conversation}"),
    free=("--allow-all-tools", "--allow-all-paths"),
    asking=("-p",),
    alive=False,
    env={
        "COPILOT_OFFLINE": "true",
        "COPILOT_PROVIDER_BASE_URL": "{url}/v1",
        "COPILOT_PROVIDER_API_KEY": _TEST_KEY,
        "COPILOT_MODEL": "gpt-4.1",
    },
    home={".copilot/config.json": '{"trusted_folders": ["{repo}"]}'},
    read=lambda root, path: Call("view", {"path": f"{root}/{path}"}),
    write=_create_or_edit,
    shell=lambda command: Call("bash", {"command": command, "description": "a command"}),
    knows_its_caller=True,
    says_its_end=True,
    can_be_held_back=True,
    tool=lambda name, given: Call(f"coord-{name}", given),
    resuming=("--allow-all-tools", "--allow-all-paths", "--session-id", "{id}"),
)
OPENCODE = Program(
    client=_BY_WORD["opencode"],
    places=("opencode-linux-x64/bin/opencode", ".bin/opencode"),
    dialect=COMPLETIONS,
    argv=("run", "--format", "json"),
    free=(),
    asking=(),
    alive=False,
    env={"OPENCODE_DISABLE_AUTOUPDATE": "1", "OPENCODE_DISABLE_MODELS_FETCH": "1"},
    home={
        ".config/opencode/opencode.json": json.dumps(
            {
                "model": "test/fake",
                "small_model": "test/fake",
                "share": "disabled",
                "autoupdate": False,
                "provider": {
                    "test": {
                        "npm": "@ai-sdk/openai-compatible",
                        "name": "test",
                        "options": {"baseURL": "{url}/v1", "apiKey": _TEST_KEY},
                        "models": {"fake": {"tool_call": True, "limit": {"context": 100_000, "output": 8_000}}},
                    }
                },
            }
        )
    },
    read=lambda root, path: Call("read", {"filePath": f"{root}/{path}"}),
    write=lambda root, path, text: Call("write", {"filePath": f"{root}/{path}", "content": text}),
    shell=lambda command: Call("bash", {"command": command, "description": "a command"}),
    knows_its_caller=False,
    says_its_end=True,
    can_be_held_back=False,
    tool=lambda name, given: Call(f"coord_{name}", given),
)
PROGRAMS = (CLAUDE, CODEX, GEMINI, QWEN, COPILOT, OPENCODE)


def found(program: Program, env: Mapping[str, str] = os.environ) -> str:
    """The path of a client's program; empty if it is not installed."""
    folder = env.get(FOLDER, "")
    paths = [os.path.join(folder, place) for place in program.places if folder]
    return next(filter(os.path.exists, paths), "") or shutil.which(program.client.command) or ""
