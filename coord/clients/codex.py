"""What coord knows about Codex."""

from coord.clients.client import Client

CLIENT = Client(
    name="codex",
    word="codex",
    title="Codex",
    command="codex",
    package="@openai/codex",
    marks=(),
    ids=("CODEX_THREAD_ID", "CODEX_SESSION_ID"),
    one_conversation=False,  # its app server has several threads
    one_process=True,
    hook_events={
        "SessionStart": "start",
        "UserPromptSubmit": "prompt",
        "PreToolUse": "before",
        "PostToolUse": "after",
        "PermissionRequest": "asks",
        "Stop": "stop",
        "Interrupt": "turn_end",
        "SubagentStart": "agent_start",
        "SubagentStop": "agent_stop",
        "SessionEnd": "end",
    },
    files={},
    patches={"apply_patch": "command"},
    shells=("Bash",),
    questions=("request_user_input",),
    turn_lines=("payload.type", ("task_started", "turn_aborted", "task_complete")),
    turn_ends=(  # no hook runs after an error of the model's API
        ("payload.type", "turn_aborted", "its turn was interrupted"),
        ("payload.type", "task_complete", "its turn ended"),
    ),
    always=("transcript_path",),
    never=("timestamp", "prompt_id", "cursor_version", "client"),
    observed="0.169.0, 0.171.0",
    calls="x-codex-turn-metadata",
    settings={"project": ".codex/hooks.json", "user": "~/.codex/hooks.json"},
    scope="user",
    moved=("CODEX_HOME", "~/.codex"),
    most_s={"turn_end": 3, "end": 3},  # it warns at each start about a longer one
    allow='prefix_rule(pattern=["coord", {commands}], decision="allow")',
    allow_files={"project": ".codex/rules/coord.rules", "user": "~/.codex/rules/coord.rules"},
    login=True,
    sandbox=True,
    servers={"project": ".codex/config.toml", "user": "~/.codex/config.toml"},
    instructions=("AGENTS.md",),
    woken="To wake it from outside: codex queue --thread ID --message TEXT",
    todo="Start Codex and trust the hooks with /hooks, now and after each change: it runs only trusted hooks.",
    headless=("exec", "--ephemeral", "--skip-git-repo-check", "--sandbox", "workspace-write", "{prompt}"),
    example='{"session_id": "{id}", "turn_id": "{id}", "transcript_path": null, "cwd": "{cwd}", '
    '"hook_event_name": "PreToolUse", "permission_mode": "default", "tool_name": "apply_patch", "tool_input": '
    '{"command": "*** Begin Patch\\n*** Add File: {file}\\n+canary\\n*** End Patch\\n"}, "tool_use_id": "call_{id}"}',
)
