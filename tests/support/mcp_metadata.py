"""The metadata that clients send with a call of a tool."""

from typing import Any

IN_CLAUDE = {"CLAUDECODE": "1", "CLAUDE_CODE_SESSION_ID": "conversation-a"}


OF_CODEX = {  # as Codex 0.169 sends it, shortened
    "callId": "exec-d2224a5c-89e8-4f94-8189-1e914473b158",
    "x-codex-turn-metadata": {
        "session_id": "01a2250a-8563-7bd2-a145-ad5d231a0612",
        "thread_id": "01a2250a-8563-7bd2-a145-ad5d231a0612",
        "turn_id": "01a2250a-8592-70e0-9271-3a2194b179ac",
        "thread_source": "user",
        "sandbox": "none",
        "workspaces": {"/home/you/shop": {"has_changes": True}},
        "codex_version": "0.169.0",
    },
    "threadId": "01a2250a-8563-7bd2-a145-ad5d231a0612",
    "progressToken": 1,
}


ROOT = "01a2250a-8563-7bd2-a145-ad5d231a0612"


def meta(**fields: Any) -> dict[str, Any]:
    """The metadata of a call by Codex, with these fields."""
    return {"x-codex-turn-metadata": fields}
