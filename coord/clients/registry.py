"""The agents' clients, one row each. A new client is a row: nothing else in coord knows any of them by name.

What they set, send and obey was observed on Claude Code 2.1, Codex 0.169 and Gemini CLI 0.61. Variables are inherited
by nested clients and by terminals started from them, so with several clients' set, the nearest ancestor process
decides.

The guard stands on this module, so it imports nothing that takes time to load.
"""

import os

from coord.platform.records import LightRecord

TYPE_CHECKING = False  # a hook would take 1.7 times as long if it loaded `typing`
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Literal, TypeAlias

    from coord.platform.processes import Process

    HookEvent: TypeAlias = Literal[
        "start",  # the agent starts, resumes, clears, compacts, forks
        "prompt",  # its person's prompt
        "before",  # a tool is about to run
        "after",  # a tool has run
        "asks",  # its person is asked for a permission, or an answer
        "stop",  # it wants to stop
        "agent_start",  # a subagent begins
        "agent_stop",  # a subagent is done
        "end",  # it ends
    ]


class Client(LightRecord):
    """A row of the table."""

    name: str  # as events have it
    word: str  # as people type it: coord install WORD, coord hook WORD
    title: str  # as people read it
    # --- its process
    command: str  # the bare name of its program
    package: str  # as it appears in the path of an interpreter's script
    marks: tuple[str, ...]  # variables that say that it runs us
    ids: tuple[str, ...]  # variables with the id of its conversation: the one that acts first, then its root
    # --- its hooks
    hook_events: "dict[str, HookEvent]"  # the client's name for each hook event
    files: dict[str, str]  # the tools that write files, and which of their inputs names the file
    patches: dict[str, str]  # the tools that write the files of a patch, and which of their inputs holds it
    shells: tuple[str, ...]  # the tools that run a shell command, in their input `command`
    questions: tuple[str, ...]  # the tools by which it asks its person
    project: str  # the variable that tells its hooks in which folder it was started; empty where there is none
    # --- its calls of an MCP server's tools
    calls: str  # what in a call's `_meta` names its conversation; empty where nothing does
    # --- where it is installed
    settings: dict[str, str]  # the file with the hooks, by scope: local, project or user
    scope: str  # the one that only this person sees
    comments: bool  # whether its settings may have comments
    moved: tuple[str, str]  # the variable that names another place for its user's settings, and what for
    per_second: int  # in which unit a hook's timeout is said
    matchers: dict[str, str]  # of hooked events: which of their kind
    wakes: tuple[str, ...]  # the events behind which a hook can wait in the background, and wake the agent
    allow: str  # how it is told what runs without asking: a rule of its settings for each command, or a file of rules
    allow_files: dict[str, str]  # that file, by scope; none where the rules are in the settings
    login: bool  # whether its commands run in a login shell, whose PATH may be another
    sandbox: bool  # whether its commands write only where they run, and where the file of its servers says so
    servers: dict[str, str]  # the file with its MCP servers, by scope
    instructions: tuple[str, ...]  # with instructions for its agents: it reads the first that is there
    plugin: str  # how a folder with a plugin is tried; empty where it knows none of the form that we write
    woken: str  # how else its agent is woken, where no hook can
    todo: str  # what its person must still do once it is installed


CLIENTS = (
    Client(
        name="claude-code",
        word="claude",
        title="Claude Code",
        command="claude",
        package="@anthropic-ai/claude-code",
        marks=("CLAUDECODE",),
        ids=("CLAUDE_CODE_SESSION_ID",),
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
        woken="From outside it is woken by: codex queue --thread ID --message TEXT",
        todo="Start Codex and trust the hooks in /hooks: it runs none before, nor after they were changed.",
    ),
    Client(
        name="gemini",
        word="gemini",
        title="Gemini CLI",
        command="gemini",
        package="@google/gemini-cli",
        marks=("GEMINI_CLI",),
        ids=("GEMINI_SESSION_ID",),
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
        woken="Nothing is known that wakes it.",
        todo="Restart the sessions of Gemini CLI that are running.",
    ),
)
_INTERPRETERS = ("node", "bun", "deno", "python", "python3")


def client_of(process: "Process") -> Client | None:
    """The client that a process is, if it is one."""
    names = [process.command]
    if process.command in _INTERPRETERS and len(process.argv) > 1:
        names.append(os.path.basename(process.argv[1]))
    for client in CLIENTS:
        if client.command in names or any(f"{client.package}/" in word for word in process.argv[:2]):
            return client
    return None


def nearest_client(chain: "Iterable[Process]") -> "tuple[Client, Process] | None":
    """The nearest ancestor that is a client."""
    for process in chain:
        if client := client_of(process):
            return client, process
    return None


def clients_in(env: "Mapping[str, str]") -> list[Client]:
    """The clients whose variables are set."""
    return [client for client in CLIENTS if any(env.get(name) for name in (*client.marks, *client.ids))]


def conversation(client: Client, env: "Mapping[str, str]") -> tuple[str, str]:
    """The ids in a client's variables: of the agent that acts, and of the root of its conversation. Both may be empty
    or the same.
    """
    given = [env[name] for name in client.ids if env.get(name)]
    return (given[0], given[-1]) if given else ("", "")
