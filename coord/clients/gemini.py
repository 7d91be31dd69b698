"""What coord knows about Gemini CLI."""

from coord.clients.client import Client

CLIENT = Client(
    name="gemini",
    word="gemini",
    title="Gemini CLI",
    command="gemini",
    package="@google/gemini-cli",
    marks=("GEMINI_CLI",),
    ids=("GEMINI_SESSION_ID",),
    one_conversation=True,  # `/resume` in its terminal gives the process another id, without a hook
    several=("--acp", "--experimental-acp"),  # an editor can open several sessions over this protocol
    one_process=True,
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
    shells=("run_shell_command",),
    background={"is_background": True},
    questions=("ask_user",),
    project="GEMINI_PROJECT_DIR",
    always=("timestamp", "transcript_path"),
    never=("permission_mode",),
    observed="0.61.0",
    settings={"project": ".gemini/settings.json", "user": "~/.gemini/settings.json"},
    scope="user",
    comments=True,
    moved=("GEMINI_CLI_HOME", "~"),
    per_second=1000,
    matchers={"Notification": "ToolPermission"},
    allow='[[rule]]\ntoolName = "run_shell_command"\ncommandPrefix = {calls}\ndecision = "allow"\npriority = 100',
    allow_files={"user": "~/.gemini/policies/coord.toml"},
    servers={"project": ".gemini/settings.json", "user": "~/.gemini/settings.json"},
    instructions=("GEMINI.md",),
    woken="There is no known way to wake it",
    todo="Restart the sessions of Gemini CLI that are running.",
    headless=("-p", "{prompt}", "--approval-mode", "auto_edit"),
    example='{"session_id": "{id}", "transcript_path": "", "cwd": "{cwd}", "hook_event_name": "BeforeTool", '
    '"timestamp": "2026-01-01T00:00:00.000Z", "tool_name": "write_file", '
    '"tool_input": {"file_path": "{file}", "content": "canary"}}',
)
