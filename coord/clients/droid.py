"""What coord knows about Factory Droid, from its documentation: https://docs.factory.ai/harness/hooks"""

from coord.clients.client import Client

CLIENT = Client(
    name="droid",
    word="droid",
    title="Factory Droid",
    command="droid",
    package="@factory/cli",
    marks=(),
    ids=(),
    one_conversation=False,  # several sessions can share its daemon
    renews_ids=True,
    hook_events={
        "SessionStart": "start",
        "UserPromptSubmit": "prompt",
        "PreToolUse": "before",
        "PostToolUse": "after",
        "Notification": "asks",
        "Stop": "stop",
        "SessionEnd": "end",
    },
    notifications={"permission_prompt": "asks", "elicitation_dialog": "asks", "idle_prompt": "turn_end"},
    files={"Create": "file_path", "Edit": "file_path", "MultiEdit": "file_path"},
    patches={"ApplyPatch": "input|patch"},
    shells=("Execute",),
    questions=("AskUser",),
    project="FACTORY_PROJECT_DIR",
    always=("transcript_path", "permission_mode"),
    never=("timestamp", "turn_id", "prompt_id", "cursor_version", "client"),
    settings={"project": ".factory/hooks.json", "user": "~/.factory/hooks.json"},
    scope="user",
    hooks_path=(),  # a file of hooks has the events at the top
    moved=("", ""),
    servers={"project": ".factory/mcp.json", "user": "~/.factory/mcp.json"},
    server_form={"type": "stdio", "command": "{program}", "args": ["mcp"]},
    instructions=("AGENTS.md",),
    woken="There is no known way to wake it",
    todo="Restart the sessions of Factory Droid that are running, and look at /hooks in one of them.",
    headless=("exec", "--auto", "low", "{prompt}"),
    example='{"session_id": "{id}", "transcript_path": "", "cwd": "{cwd}", "permission_mode": "auto-low", '
    '"hook_event_name": "PreToolUse", "tool_name": "Create", '
    '"tool_input": {"file_path": "{file}", "content": "canary"}}',
)
