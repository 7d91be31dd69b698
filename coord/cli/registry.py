"""The commands there are, in the groups of the help. The table finds each; nothing is imported before it is needed."""

from importlib import import_module

from coord.cli.parser import Command

COMMAND_GROUPS = {
    "be here": {
        "init": ("init", "Set up COORDINATION/ in this repository."),
        "start": ("start", "Register this shell or agent as a session."),
        "heartbeat": ("heartbeat", "Say what you are doing."),
        "end": ("end", "End this session and release everything."),
        "whoami": ("whoami", "Tell which session this is, and why."),
    },
    "own work": {
        "claim": ("claim", "Take a resource; exit 1 if it is taken."),
        "renew": ("renew", "Keep a claim for longer."),
        "release": ("release", "Give a claim back."),
        "handoff": ("handoff", "Give a claim to another session."),
        "break": ("break_", "End another session's claim, on the record."),
        "claims": ("claims", "List who holds what."),
    },
    "talk": {
        "send": ("send", "Send a message to a session or to everyone."),
        "reply": ("reply", "Answer a message."),
        "inbox": ("inbox", "Read what others wrote."),
        "ack": ("ack", "Confirm a message that asks for it."),
    },
    "see": {
        "status": ("status", "Who is here, on what, and what needs someone."),
        "board": ("board", "Print the board, or write STATUS_BOARD.md."),
        "watch": ("watch", "The board, live in this terminal."),
        "demo": ("demo", "Watch three sessions work together, in a temporary folder."),
    },
    "look back": {
        "log": ("log", "What happened, event by event."),
        "why": ("why", "The story of a resource, a session or a message."),
        "diff": ("diff", "What is different between two moments."),
        "replay": ("replay", "Step through the past and see the board change."),
        "report": ("report", "One page on what was done, and what went wrong."),
        "timeline": ("timeline", "A picture of who held what, when."),
    },
    "look after it": {
        "verify": ("verify", "Check every hash of every journal."),
        "doctor": ("doctor", "What is wrong here, and what to do about it."),
        "install": ("install", "Put coord into an agent's client."),
        "uninstall": ("uninstall", "Take it out again."),
        "archive": ("archive", "Put the journals of the long ended aside."),
        "hook": ("hook", "Answer a hook of an agent's client."),
        "git-hook": ("git_hook", "Answer a hook of git."),
        "mcp": ("mcp", "Serve as tools over MCP."),
        "import": ("import_", "Bring in the past of the shell scripts."),
    },
}
"""For each group of the help: the name of a command, the module in `coord.cli.commands` that has it, and its short help."""

COMMANDS_BY_NAME = {name: row for group in COMMAND_GROUPS.values() for name, row in group.items()}


def load_command(name: str) -> Command:
    """A command of the table."""
    module = COMMANDS_BY_NAME[name][0]
    found = getattr(import_module(f"coord.cli.commands.{module}"), module)
    assert isinstance(found, Command)
    return found
