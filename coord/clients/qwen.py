"""What coord knows about Qwen Code."""

from coord.clients.client import Client

CLIENT = Client(
    name="qwen",
    word="qwen",
    title="Qwen Code",
    command="qwen",
    package="@qwen-code/qwen-code",
    marks=("QWEN_CODE",),
    ids=("QWEN_CODE_AGENT_ID", "QWEN_CODE_SESSION_ID"),
    one_conversation=False,  # an editor can open several sessions in one process over ACP
    one_process=True,
    hook_events={
        "SessionStart": "start",
        "UserPromptSubmit": "prompt",
        "PreToolUse": "before",
        "PostToolUse": "after",
        "PostToolUseFailure": "after",
        "PermissionRequest": "asks",
        "Notification": "asks",
        "Stop": "stop",
        "StopFailure": "turn_end",
        "SubagentStart": "agent_start",
        "SubagentStop": "agent_stop",
        "SessionEnd": "end",
    },
    notifications={"idle_prompt": "turn_end"},  # it also follows each stop
    files={"write_file": "file_path", "edit": "file_path", "notebook_edit": "notebook_path"},
    shells=("run_shell_command", "monitor"),
    monitors=("monitor",),
    background={"is_background": True},
    questions=("ask_user_question",),
    project="QWEN_PROJECT_DIR",
    always=("timestamp", "permission_mode"),
    observed="0.24.4",
    empty_prompts=True,
    settings={"project": ".qwen/settings.json", "user": "~/.qwen/settings.json"},
    scope="user",
    comments=True,
    moved=("QWEN_HOME", "~/.qwen"),
    per_second=1000,
    matchers={"Notification": "idle_prompt"},
    allow="run_shell_command(coord {command}:*)",
    servers={"project": ".qwen/settings.json", "user": "~/.qwen/settings.json"},
    instructions=("QWEN.md", "AGENTS.md"),
    woken="There is no known way to wake it",
    todo="Restart the sessions of Qwen Code that are running.",
    headless=("{prompt}", "--approval-mode", "auto-edit"),
    example='{"session_id": "{id}", "cwd": "{cwd}", "hook_event_name": "PreToolUse", "permission_mode": "auto-edit", '
    '"tool_name": "write_file", "tool_input": {"file_path": "{file}", "content": "canary"}, "tool_use_id": "{id}"}',
)
