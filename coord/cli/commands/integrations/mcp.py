"""`coord mcp`: serve the commands as tools over MCP."""

import sys

from coord.cli.commands.board.status import status
from coord.cli.commands.claims.claim import claim
from coord.cli.commands.claims.handoff import handoff
from coord.cli.commands.claims.release import release
from coord.cli.commands.history.why import why
from coord.cli.commands.messages.ack import ack
from coord.cli.commands.messages.inbox import inbox
from coord.cli.commands.messages.reply import reply
from coord.cli.commands.messages.resolve import resolve
from coord.cli.commands.messages.send import send
from coord.cli.commands.session.heartbeat import heartbeat
from coord.cli.commands.session.start import start
from coord.cli.parser import command
from coord.engine.run import Run
from coord.errors import usage_error

TOOL_COMMANDS = {
    tool.name: tool
    for tool in (ack, claim, handoff, heartbeat, inbox, release, reply, resolve, send, start, status, why)
}
"""The commands that are served as tools, by name."""


@command("mcp")
def mcp(run: Run) -> None:
    """Serve the commands of a session as tools, to an agent's client that speaks MCP over standard input and output.

    Claude Code and Codex tell the server which conversation calls a tool. For another client, the session is the one
    that the tool `start` registered, that a call names as `session`, or that --session names. The server ends when its
    input ends.

    \b
    Examples:
      coord mcp
      coord mcp --root ~/src/shop --session amber-otter-k3f9
    """
    try:
        from coord.servers.mcp.server import serve
    except ImportError as error:
        if error.name is None or error.name.split(".")[0] not in ("anyio", "mcp", "mcp_types"):
            raise
        raise usage_error(
            "`coord mcp` needs the package mcp (2.3 or newer). Install it with: uv tool install 'coord[mcp]' "
            "(in a clone of coord: uv tool install '.[mcp]')."
        ) from None
    if sys.stdin.isatty():
        run.note("this is an MCP server; an agent's client starts it and talks to it. To end it, press Ctrl-D")
    serve(TOOL_COMMANDS, run.root, run.session)
