"""The entries for coord's hooks in a client's settings: one for each hook event that the table of clients names."""

import re
from collections.abc import Iterator
from typing import Any

from coord.admin.install.formats.json_edit import Document, Node, Path
from coord.admin.install.formats.json_entries import JsonEntry
from coord.clients.client import Client
from coord.guard.answers import fill_form

_BEFORE_S, _OTHER_S, _WAKE_S = 5, 10, 86_400  # the timeouts after which a client stops waiting for a hook
_EVENT_TEXTS = {
    "start": "when a session starts",
    "prompt": "when you send a prompt",
    "before": "before each {tools}",
    "after": "after each use of a tool",
    "asks": "when it asks for permission",
    "stop": "when it stops",
    "turn_end": "when its turn ends in another way",
    "agent_start": "when a subagent starts",
    "agent_stop": "when a subagent stops",
    "end": "when a session ends",
}
_OURS = re.compile(r"\bcoord['\"]? hook(?: (\w+)|$)")
_IF_INSTALLED = "command -v coord >/dev/null 2>&1 || exit 0; "
"""Put before a command that the whole team runs, so that it does nothing for people without coord."""


def hook_command(client: Client, program: str, team: bool) -> str:
    """Return the command that a client runs for each hook."""
    return f"{_IF_INSTALLED if team else ''}{program} hook {client.word}"


def hook_entries(client: Client, command: str, wake: bool) -> list[JsonEntry]:
    """Return the entries and the paths that they are added at."""
    at = client.hooks_path
    entries: list[JsonEntry] = [((*at, event, -1), _entry(client, event, command)) for event in client.hook_events]
    if wake:
        waiting = {"type": "command", "command": f"{command} --wake", "asyncRewake": True, "timeout": _WAKE_S}
        entries += [((*at, event, -1), {"hooks": [waiting]}) for event in client.wakes]
    return entries


def describe_hooks(client: Client, command: str, wake: bool) -> list[str]:
    """Describe for the user what the client runs, and when."""
    commands, questions = ["shell command"] if client.shells else [], ["question to you"] if client.questions else []
    *others, last = ["write", *commands, *questions]
    tools = f"{', '.join(others)} or {last}" if others else last
    when = ", ".join(_EVENT_TEXTS[event].format(tools=tools) for event in dict.fromkeys(client.hook_events.values()))
    waiting = (
        f"`{command} --wake` waits in the background, and wakes an idle agent when it gets a message or a file becomes "
        "free."
    )
    return [f"{client.title} runs `{command}`: {when}.", *([waiting] if wake else [])]


def _entry(client: Client, event: str, command: str) -> dict[str, Any]:
    before = client.hook_events[event] == "before"
    matcher = client.matchers.get(event, "")
    if before:
        tools = (*client.files, *client.patches, *client.shells, *client.questions)
        matcher = "|".join(dict.fromkeys(tools))
    timeout = client.most_s.get(client.hook_events[event], _BEFORE_S if before else _OTHER_S) * client.per_second
    entry: dict[str, Any] = {"matcher": matcher} if matcher else {}
    named = f"{command} {event}" if client.named_events else command
    hook = fill_form(client.hook_form, {"command": named, "timeout": timeout})
    return entry | ({"hooks": [hook]} if _in_groups(client, event) else hook)


def _in_groups(client: Client, event: str) -> bool:
    return client.hook_groups and client.hook_events.get(event) not in client.ungrouped


def our_hooks(client: Client, document: Document) -> list[Path]:
    """Return the paths of coord's hooks, in the document's order: of whole entries, or of single hooks in an entry that
    has other hooks too.
    """
    events = document.find(client.hooks_path)
    paths: list[Path] = []
    for event in events.items if events else []:
        for number, entry in enumerate(event.node.items if event.node.kind == "[" else []):
            path: Path = (*client.hooks_path, event.key or "", number)
            groups = _in_groups(client, event.key or "")
            hooks = document.find((*path, "hooks")) if groups else None
            ours = list(_ours_in(client, document, hooks)) if hooks and entry.node.kind == "{" else []
            whole = bool(hooks and ours and len(ours) == len(hooks.items))
            if whole or (not groups and _is_ours(client, command_of(client, document, entry.node))):
                paths.append(path)
            else:
                paths += [(*path, "hooks", index) for index in ours]
    return paths


def _ours_in(client: Client, document: Document, hooks: Node) -> Iterator[int]:
    for index, item in enumerate(hooks.items if hooks.kind == "[" else []):
        if _is_ours(client, command_of(client, document, item.node)):
            yield index


def command_of(client: Client, document: Document, hook: Node) -> str:
    """Return the command of a hook; empty if it has none."""
    members = {item.key: item.node for item in hook.items if hook.kind == "{"}
    node = members.get(next(key for key, value in client.hook_form.items() if value == "{command}"))
    return str(document.value(node)) if node and node.kind == '"' else ""


def _is_ours(client: Client, command: str) -> bool:
    """Return whether a command is coord's hook for this client. Old versions wrote `coord hook` without a client."""
    match = _OURS.search(command)
    return match is not None and match[1] in (client.word, None)


def commands_in(client: Client, document: Document) -> list[str]:
    """Return the commands of coord's hooks in a document."""
    commands: list[str] = []
    for path in our_hooks(client, document):
        whole, single = document.find((*path, "hooks")), document.find(path)
        hooks = [item.node for item in whole.items] if whole else [single] if single else []
        commands += [command_of(client, document, hook) for hook in hooks]
    return commands
