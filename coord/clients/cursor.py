"""What coord knows about Cursor, from its documentation: https://cursor.com/docs/hooks"""

from coord.clients.client import KEYS, Client

CLIENT = Client(
    name="cursor",
    word="cursor",
    title="Cursor",
    command="cursor-agent",
    package="",
    programs=("cursor", "Cursor"),
    marks=("CURSOR_AGENT",),
    ids=("CURSOR_CONVERSATION_ID",),
    one_conversation=False,  # its window has several conversations
    hook_events={
        "sessionStart": "start",
        "beforeSubmitPrompt": "prompt",
        "preToolUse": "before",
        "postToolUse": "after",
        "postToolUseFailure": "after",
        "stop": "stop",
        "subagentStart": "agent_start",
        "subagentStop": "agent_stop",
        "sessionEnd": "end",
    },
    files={
        "Write": "file_path|path",
        "Edit": "file_path|path",
        "StrReplace": "file_path|path",
        "Delete": "file_path|path",
    },
    patches={"ApplyPatch": "patch|input"},
    shells=("Shell",),
    questions=(),
    project="CURSOR_PROJECT_DIR",
    always=("cursor_version",),
    keys=KEYS
    | {
        "conversation": "conversation_id",
        "cwd": "workspace_roots.0",
        "agent": "subagent_id",
        "kind": "subagent_type",
        "ending": "status",
    },
    endings=("", "completed"),
    denial_form={"permission": "deny", "user_message": "{text}", "agent_message": "{text}"},
    denial_code=0,
    context_form={"additional_context": "{text}"},
    stop_form={"followup_message": "{text}"},
    silent_events=("prompt",),
    settings={"project": ".cursor/hooks.json", "user": "~/.cursor/hooks.json"},
    scope="user",
    settings_head={"version": 1},
    hook_form={"command": "{command}", "timeout": "{timeout}"},
    hook_groups=False,
    moved=("", ""),
    servers={"project": ".cursor/mcp.json", "user": "~/.cursor/mcp.json"},
    instructions=("AGENTS.md",),
    woken="There is no known way to wake it",
    todo="Start a new conversation in Cursor: it reads the hooks when a conversation starts.",
    headless=("-p", "{prompt}"),
    example='{"conversation_id": "{id}", "generation_id": "{id}", "hook_event_name": "preToolUse", '
    '"tool_name": "Write", "tool_input": {"file_path": "{file}", "content": "canary"}, "workspace_roots": ["{cwd}"]}',
)
