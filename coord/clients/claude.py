"""What coord knows about Claude Code."""

from coord.clients.client import Client

CLIENT = Client(
    name="claude-code",
    word="claude",
    title="Claude Code",
    command="claude",
    package="@anthropic-ai/claude-code",
    marks=("CLAUDECODE",),
    ids=("CLAUDE_CODE_SESSION_ID",),
    one_conversation=True,  # `/clear` gives the process a new id; subagents and teammates share it
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
        "StopFailure": "turn_end",  # instead of Stop, after an error of the model's API
        "SubagentStart": "agent_start",
        "SubagentStop": "agent_stop",
        "SessionEnd": "end",
        "PreSkillShellCommand": "before",  # a shell command in the text of a skill or command; since 2.1.332
    },
    notifications={"idle_prompt": "turn_end", "agent_needs_input": "asks", "elicitation_dialog": "asks"},
    files={
        "Write": "file_path",
        "Edit": "file_path",
        "MultiEdit": "file_path",
        "NotebookEdit": "notebook_path",
    },
    shells=("Bash", "Monitor", "PowerShell"),
    tasks=("backgroundTaskId", "taskId"),
    stops={"TaskStop": "task_id"},
    unended=("PreSkillShellCommand",),
    questions=("AskUserQuestion", "ExitPlanMode"),
    turn_lines=("type", ("user", "assistant")),
    turn_ends=(  # no hook runs when a user interrupts a turn
        ("message.content.0.text", "[Request interrupted by user", "its turn was interrupted"),
        ("isApiErrorMessage", "true", "its turn ended with an error"),
    ),
    project="CLAUDE_PROJECT_DIR",
    always=("transcript_path",),
    never=("timestamp", "turn_id", "cursor_version", "client"),
    observed="2.1.330, 2.1.332",
    settings={
        "local": ".claude/settings.local.json",
        "project": ".claude/settings.json",
        "user": "~/.claude/settings.json",
    },
    scope="local",
    moved=("CLAUDE_CONFIG_DIR", "~/.claude"),
    matchers={"Notification": "idle_prompt|agent_needs_input|elicitation_dialog"},
    wakes=("SessionStart", "Stop"),
    allow="Bash(coord {command}:*)",
    servers={"local": "~/.claude.json", "project": ".mcp.json", "user": "~/.claude.json"},
    instructions=("CLAUDE.md", "AGENTS.md"),
    plugin="claude --plugin-dir",
    woken="",
    peers="~/.claude/sessions/{pid}.json",
    ring='call SendMessage with to "{name}", message "coord inbox {message}"',  # it drops a text that is repeated
    todo="Restart the sessions of Claude Code that are running: they may not see new hooks.",
    headless=(
        *("-p", "{prompt}", "--no-session-persistence"),
        *("--tools", "Write", "--permission-mode", "acceptEdits"),
    ),
    example='{"session_id": "{id}", "transcript_path": "", "cwd": "{cwd}", "permission_mode": "acceptEdits", '
    '"hook_event_name": "PreToolUse", "tool_name": "Write", '
    '"tool_input": {"file_path": "{file}", "content": "canary"}, "tool_use_id": "toolu_{id}"}',
)
