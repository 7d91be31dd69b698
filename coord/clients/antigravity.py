"""What coord knows about Antigravity (`agy`), from its documentation: https://antigravity.google/docs/hooks"""

from coord.clients.client import KEYS, Client

CLIENT = Client(
    name="antigravity",
    word="antigravity",
    title="Antigravity",
    command="agy",
    package="",
    programs=("antigravity",),
    marks=("ANTIGRAVITY_AGENT",),
    ids=("ANTIGRAVITY_CONVERSATION_ID",),
    one_conversation=False,
    hook_events={
        "PreInvocation": "prompt",  # before each call of the model
        "PreToolUse": "before",
        "PostToolUse": "after",
        "Stop": "stop",
    },
    files={
        "write_to_file": "TargetFile",
        "replace_file_content": "TargetFile",
        "multi_replace_file_content": "TargetFile",
    },
    shells=(),  # an answer to a hook before a command would grant the command or ask the user, so there is no hook
    questions=(),
    always=("conversationId",),
    keys=KEYS
    | {
        "event": "",
        "conversation": "conversationId",
        "cwd": "workspacePaths.0",
        "tool": "toolCall.name",
        "input": "toolCall.args",
        "use": "stepIdx",
        "transcript": "transcriptPath",
        "ending": "terminationReason",
    },
    endings=("", "NO_TOOL_CALL", "model_stop"),
    named_events=True,
    denial_form={"decision": "deny", "reason": "{text}"},
    denial_code=0,
    allowed_form={"decision": "{permission}"},
    context_form={"injectSteps": [{"ephemeralMessage": "{text}"}]},
    stop_form={"decision": "continue", "reason": "{text}"},
    silent_events=("before", "after"),
    settings={"project": ".agents/hooks.json", "user": "~/.gemini/config/hooks.json"},
    scope="user",
    hooks_path=("coord",),
    ungrouped=("prompt", "stop"),
    moved=("", ""),
    servers={"project": ".agents/mcp_config.json", "user": "~/.gemini/config/mcp_config.json"},
    instructions=("AGENTS.md",),
    woken="There is no known way to wake it",
    todo="Restart the sessions of Antigravity that are running.",
    example='{"conversationId": "{id}", "stepIdx": 1, "toolCall": {"name": "write_to_file", "args": {"TargetFile": '
    '"{file}", "Overwrite": false, "CodeContent": "canary"}}, "workspacePaths": ["{cwd}"]}',
)
