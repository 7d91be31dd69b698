"""All commands, in the groups of `coord --help`. A command is imported only when it is called."""

from importlib import import_module

from coord.cli.parser import Command

COMMAND_GROUPS = {
    "session": {
        "init": "Set up COORDINATION/ in this repository.",
        "start": "Register this shell or agent as a session.",
        "heartbeat": "Say what you are doing.",
        "end": "End this session and release everything.",
        "whoami": "Tell which session this is, and why.",
    },
    "claims": {
        "claim": "Take a resource; exit 1 if it is taken.",
        "renew": "Keep a claim for longer.",
        "release": "Give a claim back.",
        "handoff": "Give a claim to another session.",
        "break": "End another session's claim, on the record.",
        "claims": "List who holds what.",
    },
    "messages": {
        "send": "Send a message to a session or to everyone.",
        "reply": "Answer a message.",
        "inbox": "Read what others wrote.",
        "ack": "Confirm a message that asks for it.",
    },
    "board": {
        "status": "Who is here, on what, and what needs someone.",
        "board": "Print the board, or write STATUS_BOARD.md.",
        "watch": "The board, live in this terminal.",
        "demo": "Watch three sessions work together, in a temporary folder.",
    },
    "history": {
        "log": "What happened, event by event.",
        "why": "The story of a resource, a session or a message.",
        "diff": "What is different between two moments.",
        "replay": "Step through the past and see the board change.",
        "report": "One page on what was done, and what went wrong.",
        "timeline": "A picture of who held what, when.",
    },
    "admin": {
        "verify": "Check every hash of every journal.",
        "doctor": "What is wrong here, and what to do about it.",
        "archive": "Move the journals of sessions that ended long ago.",
        "import": "Import the files of the shell scripts.",
    },
    "integrations": {
        "install": "Install coord in an agent's client or in git.",
        "uninstall": "Remove what install added.",
        "hook": "Answer a hook of an agent's client.",
        "git-hook": "Answer a hook of git.",
        "mcp": "Serve the commands as tools over MCP.",
    },
}
"""The short help of each command, by group and name. A group is a package of `coord.cli.commands`."""

COMMANDS_BY_NAME = {name: group for group, commands in COMMAND_GROUPS.items() for name in commands}
"""The group of each command."""

_KEYWORDS = ("break", "import")  # of Python: their modules have an underscore at the end


def load_command(name: str) -> Command:
    """Import the module of a command, and only that one."""
    module = name.replace("-", "_") + ("_" if name in _KEYWORDS else "")
    command = getattr(import_module(f"coord.cli.commands.{COMMANDS_BY_NAME[name]}.{module}"), module)
    assert isinstance(command, Command)
    return command
