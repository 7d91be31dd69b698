"""The hooks of a client, as its settings have them: one entry for each event that its row of the table names."""

import re
from collections.abc import Iterator
from typing import Any

from coord.admin.install.formats.json_edit import Document, Node, Path
from coord.admin.install.formats.json_entries import JsonEntry
from coord.clients.registry import Client

_BEFORE_S, _OTHER_S, _WAKE_S = 5, 10, 86_400  # how long a hook may take
_WHEN = {
    "start": "when a session starts",
    "prompt": "when you send a prompt",
    "before": "before each write, shell command or question to you",
    "after": "after each use of a tool",
    "asks": "when it asks for permission",
    "stop": "when it stops",
    "agent_start": "when a subagent starts",
    "agent_stop": "when a subagent stops",
    "end": "when a session ends",
}
_OURS = re.compile(r"\bcoord['\"]? hook(?: (\w+)|$)")
_IF_INSTALLED = "command -v coord >/dev/null 2>&1 || exit 0; "
"""Before a command that the whole team runs: it is nothing for those who have no coord."""


def hook_command(client: Client, program: str, team: bool) -> str:
    """What a client runs."""
    return f"{_IF_INSTALLED if team else ''}{program} hook {client.word}"


def hook_entries(client: Client, command: str, wake: bool) -> list[JsonEntry]:
    """The entries, and where they go."""
    pieces: list[JsonEntry] = [(("hooks", event, -1), _entry(client, event, command)) for event in client.hook_events]
    if wake:
        waits = {"type": "command", "command": f"{command} --wake", "asyncRewake": True, "timeout": _WAKE_S}
        pieces += [(("hooks", event, -1), {"hooks": [waits]}) for event in client.wakes]
    return pieces


def describe_hooks(client: Client, command: str, wake: bool) -> list[str]:
    """What the client runs, and at which moments."""
    when = ", ".join(_WHEN[moment] for moment in dict.fromkeys(client.hook_events.values()))
    waits = f"`{command} --wake` waits in the background, and wakes an idle agent when something comes for it."
    return [f"{client.title} runs `{command}`: {when}.", *([waits] if wake else [])]


def _entry(client: Client, event: str, command: str) -> dict[str, Any]:
    before = client.hook_events[event] == "before"
    matcher = client.matchers.get(event, "")
    if before:
        matcher = "|".join((*client.files, *client.patches, *client.shells, *client.questions))
    timeout = (_BEFORE_S if before else _OTHER_S) * client.per_second
    entry: dict[str, Any] = {"matcher": matcher} if matcher else {}
    return entry | {"hooks": [{"type": "command", "command": command, "timeout": timeout}]}


def our_hooks(client: Client, document: Document) -> list[Path]:
    """Where our hooks stand, in the document's order: whole entries, or single hooks in somebody else's."""
    events = document.find(("hooks",))
    found: list[Path] = []
    for event in events.items if events else []:
        for number, entry in enumerate(event.node.items if event.node.kind == "[" else []):
            path: Path = ("hooks", event.key or "", number)
            hooks = document.find((*path, "hooks"))
            ours = list(_ours_in(client, document, hooks)) if hooks and entry.node.kind == "{" else []
            if hooks and ours and len(ours) == len(hooks.items):
                found.append(path)
            else:
                found += [(*path, "hooks", index) for index in ours]
    return found


def _ours_in(client: Client, document: Document, hooks: Node) -> Iterator[int]:
    for index, item in enumerate(hooks.items if hooks.kind == "[" else []):
        if _is_ours(client, command_of(document, item.node)):
            yield index


def command_of(document: Document, hook: Node) -> str:
    """The command of a hook; empty if it has none."""
    members = {item.key: item.node for item in hook.items if hook.kind == "{"}
    node = members.get("command")
    return str(document.value(node)) if node and node.kind == '"' else ""


def _is_ours(client: Client, command: str) -> bool:
    """Whether a command answers the hooks of this client. `coord hook` without a word is how it was once written."""
    found = _OURS.search(command)
    return found is not None and found[1] in (client.word, None)


def commands_in(client: Client, document: Document) -> list[str]:
    """The commands of our hooks."""
    found: list[str] = []
    for path in our_hooks(client, document):
        whole, single = document.find((*path, "hooks")), document.find(path)
        hooks = [item.node for item in whole.items] if whole else [single] if single else []
        found += [command_of(document, hook) for hook in hooks]
    return found
