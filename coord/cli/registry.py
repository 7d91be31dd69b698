"""List all commands, in the groups of `coord --help`, and import a command when it is called."""

from coord.cli.parser import Command

COMMAND_GROUPS = {
    "session": {
        "init": "Set up COORDINATION/ in this repository.",
        "start": "Register this shell or agent as a session.",
        "heartbeat": "Tell others what you are doing.",
        "end": "End this session and release its claims.",
        "whoami": "Show which session this is, and how it was identified.",
    },
    "claims": {
        "claim": "Claim a resource, or wait for it.",
        "renew": "Extend a claim.",
        "release": "Release a claim.",
        "handoff": "Hand a claim over to another session.",
        "break": "End another session's claim, with a reason.",
        "claims": "List who holds what.",
    },
    "messages": {
        "send": "Send a message to a session or to everyone.",
        "reply": "Answer a message.",
        "inbox": "Read your messages and notices.",
        "ack": "Confirm a message.",
        "resolve": "Close a message that needs no more answers.",
    },
    "board": {
        "status": "Show who is here, who holds what, and what needs attention.",
        "board": "Print the board as Markdown, or write STATUS_BOARD.md.",
        "watch": "Watch the board live in this terminal.",
        "web": "Serve the page: what needs you, who does what, what happened.",
        "demo": "Watch three sessions work together in a temporary folder.",
    },
    "history": {
        "log": "List what happened, event by event.",
        "why": "Explain the history of a resource, session or message.",
        "diff": "Show what changed between two times.",
        "replay": "Step through the past and see the board change.",
        "report": "Summarize what was done, and what went wrong.",
        "timeline": "Draw who held what, and when.",
    },
    "machines": {
        "remote": "Join a remote, so that several machines share one history.",
        "sync": "Exchange events with the remote now.",
        "link": "Run, show or end the process that exchanges events with the remote.",
    },
    "admin": {
        "verify": "Check every hash of every journal.",
        "doctor": "Find problems, and show how to fix them.",
        "archive": "Archive the journals of sessions that ended long ago.",
        "import": "Import the files of the old shell scripts.",
    },
    "integrations": {
        "install": "Install coord in an agent's client or in git.",
        "uninstall": "Remove what install added.",
        "notify": "Run a command of yours when something needs you.",
        "completion": "Print the completion script for a shell.",
        "hook": "Handle a hook call from an agent's client.",
        "git-hook": "Handle a hook call from git.",
        "mcp": "Serve the commands as tools over MCP.",
    },
}
"""The short help of each command, by group and name. A group is a package of `coord.cli.commands`."""

COMMANDS_BY_NAME = {name: group for group, commands in COMMAND_GROUPS.items() for name in commands}
"""The group of each command."""

_KEYWORDS = ("break", "import")  # keywords of Python: the names of their modules end in an underscore


def load_command(name: str) -> Command:
    """Import the module of one command, and return the command."""
    module = name.replace("-", "_") + ("_" if name in _KEYWORDS else "")
    package = __import__(f"coord.cli.commands.{COMMANDS_BY_NAME[name]}", fromlist=[module])
    command = getattr(getattr(package, module), module)
    assert isinstance(command, Command)
    return command
