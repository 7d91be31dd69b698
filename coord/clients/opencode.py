"""What coord knows about opencode."""

from coord.clients.client import Client

CLIENT = Client(
    name="opencode",
    word="opencode",
    title="opencode",
    command="opencode",
    package="opencode-ai",
    marks=("OPENCODE",),
    ids=("COORD_OPENCODE_AGENT", "COORD_OPENCODE_SESSION"),  # coord's module sets both for shell commands
    one_conversation=False,  # its server has several sessions
    one_process=True,
    hook_events={  # coord's module makes these events of opencode's own
        "SessionStart": "start",
        "UserPromptSubmit": "prompt",
        "PreToolUse": "before",
        "PostToolUse": "after",
        "PermissionRequest": "asks",
        "Stop": "stop",
        "TurnEnd": "turn_end",
        "SubagentStart": "agent_start",
        "SubagentStop": "agent_stop",
        "SessionEnd": "end",
    },
    files={"write": "filePath", "edit": "filePath", "multiedit": "filePath"},
    patches={"apply_patch": "patchText", "patch": "patchText"},
    shells=("bash",),
    questions=("question",),
    always=("client",),
    observed="1.18.33",
    settings={"project": ".opencode/plugin/coord.js", "user": "~/.config/opencode/plugin/coord.js"},
    scope="user",
    comments=True,
    module=True,
    moved=("XDG_CONFIG_HOME", "~/.config"),
    wakes=("Stop",),
    servers={"project": "opencode.json", "user": "~/.config/opencode/opencode.json"},
    servers_path=("mcp",),
    server_form={"type": "local", "command": ["{program}", "mcp"], "enabled": True},
    instructions=("AGENTS.md",),
    woken="",
    todo="Restart opencode: it loads plugins when it starts.",
    headless=("run", "{prompt}"),
    example='{"client": "opencode", "hook_event_name": "PreToolUse", "session_id": "{id}", "cwd": "{cwd}", '
    '"tool_name": "write", "tool_input": {"filePath": "{file}", "content": "canary"}, "tool_use_id": "{id}"}',
)
