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
    patches={},
    shells=(),  # an answer to a hook before a command would grant the command or ask the user, so there is no hook
    questions=(),
    project="",
    keys=KEYS
    | {
        "event": "",
        "conversation": "conversationId",
        "cwd": "workspacePaths.0",
        "tool": "toolCall.name",
        "input": "toolCall.args",
        "use": "stepIdx",
    },
    named_events=True,
    denial_form={"decision": "deny", "reason": "{text}"},
    denial_code=0,
    allowed_form={"decision": "{permission}"},
    context_form={"injectSteps": [{"ephemeralMessage": "{text}"}]},
    stop_form={"decision": "continue", "reason": "{text}"},
    silent_events=("before", "after"),
    calls="",
    settings={"project": ".agents/hooks.json", "user": "~/.gemini/config/hooks.json"},
    scope="user",
    comments=False,
    hooks_path=("coord",),
    ungrouped=("prompt", "stop"),
    moved=("", ""),
    per_second=1,
    matchers={},
    wakes=(),
    allow="",
    allow_files={},
    login=False,
    sandbox=False,
    servers={"project": ".agents/mcp_config.json", "user": "~/.gemini/config/mcp_config.json"},
    instructions=("AGENTS.md",),
    plugin="",
    woken="There is no known way to wake it",
    todo="Restart the sessions of Antigravity that are running.",
    example='{"conversationId": "{id}", "stepIdx": 1, "toolCall": {"name": "write_to_file", "args": {"TargetFile": '
    '"{file}", "Overwrite": false, "CodeContent": "canary"}}, "workspacePaths": ["{cwd}"]}',
)
