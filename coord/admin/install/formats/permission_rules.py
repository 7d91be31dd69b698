"""The commands that an agent may run without asking, as permission rules in each client's form.

A command is safe if it only reads, or writes events about the session that runs it. A command is not safe if it ends
another session's claim, writes settings or files of the shared folder, imports or archives journals, or keeps running.
"""

import json
from collections.abc import Sequence

from coord.admin.install.formats.json_edit import Document, Path
from coord.admin.install.formats.json_entries import JsonEntry
from coord.clients.client import Client

ALLOWED_COMMANDS = (
    *("start", "heartbeat", "end", "whoami", "claim", "renew", "release", "handoff", "claims"),
    *("send", "reply", "inbox", "ack", "resolve", "status", "board", "watch"),
    *("log", "why", "diff", "replay", "report", "timeline", "verify", "doctor"),
)
ASK_FIRST_COMMANDS = (
    *("break", "init", "install", "uninstall", "notify", "import", "archive", "demo", "web"),
    *("remote", "sync", "link", "completion", "hook", "git-hook", "mcp"),
)
"""A test holds that every command is in exactly one of the two tables, so that a new command must be considered."""

_PER_LINE = 6
_PATH = ("permissions", "allow")


def describe_allows(allow: bool) -> str:
    """Describe what agents may run without asking. All commands are named, because this grants permissions."""
    if not allow:
        return "Its agents ask you before they run a coord command, unless one of your own rules allows it."
    return f"Its agents may run these coord commands without asking you: {', '.join(ALLOWED_COMMANDS)}."


def allow_entries(client: Client, had: list[str]) -> list[JsonEntry]:
    """Return the rules to add to the settings; `had` are those that were there before and are left alone."""
    return [((*_PATH, -1), rule) for rule in _rules(client) if rule not in had]


def our_rules(client: Client, document: Document, had: list[str]) -> list[Path]:
    """Return the paths of coord's rules, without those that were there before."""
    node, rules = document.find(_PATH), [rule for rule in _rules(client) if rule not in had]
    items = node.items if node and node.kind == "[" else []
    return [
        (*_PATH, number)
        for number, item in enumerate(items)
        if item.node.kind == '"' and document.value(item.node) in rules
    ]


def rules_in(client: Client, document: Document) -> list[str]:
    """Return the rules that are there and are the same as coord's, whoever added them."""
    node, rules = document.find(_PATH), _rules(client)
    values = [document.value(item.node) for item in node.items] if node and node.kind == "[" else []
    return [value for value in values if value in rules]


def _rules(client: Client) -> list[str]:
    in_settings = client.allow and not client.allow_files
    return [client.allow.format(command=command) for command in ALLOWED_COMMANDS] if in_settings else []


def allow_file(client: Client) -> str:
    """Return the text of a file of rules, for a client that keeps rules in their own file."""
    rules = client.allow.format(
        commands=_list(ALLOWED_COMMANDS), calls=_list([f"coord {command}" for command in ALLOWED_COMMANDS])
    )
    return f"{RULES_FILE_HEADER}\n{rules}\n"


def _list(words: Sequence[str]) -> str:
    """Format a list for Starlark or TOML, with a few words per line."""
    rows = [words[at : at + _PER_LINE] for at in range(0, len(words), _PER_LINE)]
    return "[" + ",\n    ".join(", ".join(map(json.dumps, row)) for row in rows) + "]"


RULES_FILE_HEADER = "# Made by `coord install`, which replaces it; `coord uninstall` removes it."
