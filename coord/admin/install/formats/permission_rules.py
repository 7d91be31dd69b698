"""The commands that an agent runs without asking, and how each client is told.

Safe is what only looks, and what an agent says of itself. Not: what ends another's claim, what writes settings or into
the log's folder, what brings in or puts aside journals, and what does not end.
"""

import json
from collections.abc import Sequence

from coord.admin.install.formats.json_edit import Document, Path
from coord.admin.install.formats.json_entries import JsonEntry
from coord.clients.registry import Client

ALLOWED_COMMANDS = (
    *("start", "heartbeat", "end", "whoami", "claim", "renew", "release", "handoff", "claims"),
    *("send", "reply", "inbox", "ack", "status", "board", "watch"),
    *("log", "why", "diff", "replay", "report", "timeline", "verify", "doctor"),
)
ASK_FIRST_COMMANDS = ("break", "init", "install", "uninstall", "import", "archive", "demo", "hook", "git-hook", "mcp")
"""Together these are all commands: a new one is in neither until somebody has thought about it."""

_IN_A_ROW = 6
_PATH = ("permissions", "allow")


def describe_allows(allow: bool) -> str:
    """What an agent may run from then on without asking: all of it, since this is what grants permission."""
    if not allow:
        return "Its agents ask you before they run a command of coord, unless a rule of yours allows it."
    return f"Its agents may run these commands of coord without asking you: {', '.join(ALLOWED_COMMANDS)}."


def allow_entries(client: Client, had: list[str]) -> list[JsonEntry]:
    """The rules that go into the settings, without those that were there already."""
    return [((*_PATH, -1), rule) for rule in _rules(client) if rule not in had]


def our_rules(client: Client, document: Document, had: list[str]) -> list[Path]:
    """Where our rules stand."""
    node, rules = document.find(_PATH), [rule for rule in _rules(client) if rule not in had]
    items = node.items if node and node.kind == "[" else []
    return [
        (*_PATH, number)
        for number, item in enumerate(items)
        if item.node.kind == '"' and document.value(item.node) in rules
    ]


def rules_in(client: Client, document: Document) -> list[str]:
    """The rules that are there, whoever put them there."""
    node, rules = document.find(_PATH), _rules(client)
    values = [document.value(item.node) for item in node.items] if node and node.kind == "[" else []
    return [value for value in values if value in rules]


def _rules(client: Client) -> list[str]:
    return [client.allow.format(command=command) for command in ALLOWED_COMMANDS] if not client.allow_files else []


def allow_file(client: Client) -> str:
    """A file of rules, for a client that has them apart."""
    rules = client.allow.format(
        commands=_list(ALLOWED_COMMANDS), calls=_list([f"coord {command}" for command in ALLOWED_COMMANDS])
    )
    return f"{RULES_FILE_HEADER}\n{rules}\n"


def _list(words: Sequence[str]) -> str:
    """A list as Starlark and TOML have it, in lines that a person can read."""
    rows = [words[at : at + _IN_A_ROW] for at in range(0, len(words), _IN_A_ROW)]
    return "[" + ",\n    ".join(", ".join(map(json.dumps, row)) for row in rows) + "]"


RULES_FILE_HEADER = "# Made by `coord install`, which replaces it; `coord uninstall` removes it."
