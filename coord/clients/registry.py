"""The agents' clients, one record for each. To support a new client, add a record: no other code names a client.

The facts were observed on Claude Code 2.1, Codex 0.169 and Gemini CLI 0.61. A client started inside another, or in a
terminal of another, inherits the variables of that one. If the variables of several clients are set, the nearest
ancestor process decides.

The guard uses this module, so it imports only modules that load fast.
"""

import os

from coord.platform.records import LightRecord

TYPE_CHECKING = False  # loading `typing` would make a hook take 1.7 times as long
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Literal, TypeAlias

    from coord.platform.processes import Process

    HookEvent: TypeAlias = Literal[
        "start",  # the agent starts, is resumed, cleared, compacted or forked
        "prompt",  # its user sends a prompt
        "before",  # a tool is about to run
        "after",  # a tool has run
        "asks",  # the agent asks its user for a permission or an answer
        "stop",  # the agent is about to stop
        "agent_start",  # a subagent starts
        "agent_stop",  # a subagent has stopped
        "end",  # the conversation ends
    ]


class Client(LightRecord):
    """What coord knows about a client."""

    name: str  # in events
    word: str  # on the command line: coord install WORD, coord hook WORD
    title: str  # in texts
    # --- its process
    command: str  # the name of its program, without folder
    package: str  # its package, as in the path of an interpreter's script
    marks: tuple[str, ...]  # the variables that it sets for every command that it runs
    ids: tuple[str, ...]  # the variables with the ids of the acting agent and of the root of its conversation
    one_conversation: bool  # whether its process has one conversation at a time, so that a new id replaces the old one
    # --- its hooks
    hook_events: "dict[str, HookEvent]"  # by the client's name for the event
    files: dict[str, str]  # the tools that write a file, with the input that names the file
    patches: dict[str, str]  # the tools that apply a patch, with the input that contains it
    shells: tuple[str, ...]  # the tools that run the shell command in their input `command`
    questions: tuple[str, ...]  # the tools that ask the user
    project: str  # the variable with the folder in which it was started, for hooks; empty if there is none
    # --- its calls of an MCP server's tools
    calls: str  # the key in a call's `_meta` that identifies the conversation; empty if there is none
    # --- its installation
    settings: dict[str, str]  # the file with the hooks, by scope: local, project or user
    scope: str  # the scope that no other user sees
    comments: bool  # whether its settings may have comments
    moved: tuple[str, str]  # the variable that moves the user's settings, and the folder that it replaces
    per_second: int  # the unit of its hook timeouts: 1 for seconds, 1000 for milliseconds
    matchers: dict[str, str]  # the matcher for a hook event of which only some kinds count
    wakes: tuple[str, ...]  # the events after which a hook can wait in the background and wake the agent
    allow: str  # the form of the rule that lets a command run without asking
    allow_files: dict[str, str]  # the file with these rules, by scope; empty if they are in the settings
    login: bool  # whether its commands run in a login shell, which may have another PATH
    sandbox: bool  # whether its commands may write only to their folder and to those that the file of `servers` lists
    servers: dict[str, str]  # the file with its MCP servers, by scope
    instructions: tuple[str, ...]  # the files with instructions for agents, of which it reads the first that exists
    plugin: str  # the command that tries a plugin folder; empty if it does not support coord's form of a plugin
    woken: str  # another way to wake its agent, if no hook can
    todo: str  # what the user must still do after the installation


CLIENTS = (
    Client(
        name="claude-code",
        word="claude",
        title="Claude Code",
        command="claude",
        package="@anthropic-ai/claude-code",
        marks=("CLAUDECODE",),
        ids=("CLAUDE_CODE_SESSION_ID",),
        one_conversation=True,  # `/clear` gives the process a new id; subagents and teammates share it
        hook_events={
            "SessionStart": "start",
            "UserPromptSubmit": "prompt",
            "PreToolUse": "before",
            "PostToolUse": "after",
            "PostToolUseFailure": "after",
            "PermissionRequest": "asks",
            "Stop": "stop",
            "SubagentStart": "agent_start",
            "SubagentStop": "agent_stop",
            "SessionEnd": "end",
        },
        files={
            "Write": "file_path",
            "Edit": "file_path",
            "MultiEdit": "file_path",
            "NotebookEdit": "notebook_path",
        },
        patches={},
        shells=("Bash",),
        questions=("AskUserQuestion", "ExitPlanMode"),
        project="CLAUDE_PROJECT_DIR",
        calls="",
        settings={
            "local": ".claude/settings.local.json",
            "project": ".claude/settings.json",
            "user": "~/.claude/settings.json",
        },
        scope="local",
        comments=False,
        moved=("CLAUDE_CONFIG_DIR", "~/.claude"),
        per_second=1,
        matchers={},
        wakes=("SessionStart", "Stop"),
        allow="Bash(coord {command}:*)",
        allow_files={},
        login=False,
        sandbox=False,
        servers={"local": "~/.claude.json", "project": ".mcp.json", "user": "~/.claude.json"},
        instructions=("CLAUDE.md", "AGENTS.md"),
        plugin="claude --plugin-dir",
        woken="",
        todo="Restart the sessions of Claude Code that are running: they may not see new hooks.",
    ),
    Client(
        name="codex",
        word="codex",
        title="Codex",
        command="codex",
        package="@openai/codex",
        marks=(),
        ids=("CODEX_THREAD_ID", "CODEX_SESSION_ID"),
        one_conversation=False,  # its app server has several threads
        hook_events={
            "SessionStart": "start",
            "UserPromptSubmit": "prompt",
            "PreToolUse": "before",
            "PostToolUse": "after",
            "PermissionRequest": "asks",
            "Stop": "stop",
            "SubagentStart": "agent_start",
            "SubagentStop": "agent_stop",
            "SessionEnd": "end",
        },
        files={},
        patches={"apply_patch": "command"},
        shells=("Bash",),
        questions=("request_user_input",),
        project="",
        calls="x-codex-turn-metadata",
        settings={"project": ".codex/hooks.json", "user": "~/.codex/hooks.json"},
        scope="user",
        comments=False,
        moved=("CODEX_HOME", "~/.codex"),
        per_second=1,
        matchers={},
        wakes=(),
        allow='prefix_rule(pattern=["coord", {commands}], decision="allow")',
        allow_files={"project": ".codex/rules/coord.rules", "user": "~/.codex/rules/coord.rules"},
        login=True,
        sandbox=True,
        servers={"project": ".codex/config.toml", "user": "~/.codex/config.toml"},
        instructions=("AGENTS.md",),
        plugin="",
        woken="To wake it from outside: codex queue --thread ID --message TEXT",
        todo="Start Codex and trust the hooks with /hooks, now and after each change: it runs only trusted hooks.",
    ),
    Client(
        name="gemini",
        word="gemini",
        title="Gemini CLI",
        command="gemini",
        package="@google/gemini-cli",
        marks=("GEMINI_CLI",),
        ids=("GEMINI_SESSION_ID",),
        one_conversation=False,  # an editor can open several sessions in one process over ACP
        hook_events={
            "SessionStart": "start",
            "BeforeAgent": "prompt",
            "BeforeTool": "before",
            "AfterTool": "after",
            "Notification": "asks",
            "AfterAgent": "stop",
            "SessionEnd": "end",
        },
        files={"write_file": "file_path", "replace": "file_path"},
        patches={},
        shells=("run_shell_command",),
        questions=("ask_user",),
        project="GEMINI_PROJECT_DIR",
        calls="",
        settings={"project": ".gemini/settings.json", "user": "~/.gemini/settings.json"},
        scope="user",
        comments=True,
        moved=("GEMINI_CLI_HOME", "~"),
        per_second=1000,
        matchers={"Notification": "ToolPermission"},
        wakes=(),
        allow='[[rule]]\ntoolName = "run_shell_command"\ncommandPrefix = {calls}\ndecision = "allow"\npriority = 100',
        allow_files={"user": "~/.gemini/policies/coord.toml"},
        login=False,
        sandbox=False,
        servers={"project": ".gemini/settings.json", "user": "~/.gemini/settings.json"},
        instructions=("GEMINI.md",),
        plugin="",
        woken="There is no known way to wake it.",
        todo="Restart the sessions of Gemini CLI that are running.",
    ),
)
_INTERPRETERS = ("node", "bun", "deno", "python", "python3")


def client_of(process: "Process") -> Client | None:
    """Return the client whose program a process runs, or None."""
    names = [process.command]
    if process.command in _INTERPRETERS and len(process.argv) > 1:
        names.append(os.path.basename(process.argv[1]))
    for client in CLIENTS:
        if client.command in names or any(f"{client.package}/" in word for word in process.argv[:2]):
            return client
    return None


def nearest_client(chain: "Iterable[Process]") -> "tuple[Client, Process] | None":
    """Return the first process of the chain that is a client, with the client; None if there is none."""
    for process in chain:
        if client := client_of(process):
            return client, process
    return None


def clients_in(env: "Mapping[str, str]") -> list[Client]:
    """Return the clients whose variables are set."""
    return [client for client in CLIENTS if any(env.get(name) for name in (*client.marks, *client.ids))]


def conversation(client: Client, env: "Mapping[str, str]") -> tuple[str, str]:
    """Return the ids of the acting agent and of the root of its conversation, from a client's variables.

    They can be the same. They are empty if the variables are not set.
    """
    ids = [env[name] for name in client.ids if env.get(name)]
    return (ids[0], ids[-1]) if ids else ("", "")
