"""`coord hook`: answer a hook of an agent's client.

`coord.__main__` answers calls in the usual form itself, without importing this module.
"""

import sys

from coord.cli.parser import argument, command, option
from coord.clients.client import client_named
from coord.clients.registry import CLIENTS
from coord.engine.run import Run
from coord.errors import usage_error
from coord.guard.entry import main
from coord.hooks.dispatch import handle_call, write_to_client
from coord.render.format import line


@command("hook", acts=False)
@argument("client", suggestions=tuple(client.word for client in CLIENTS))
@argument("event", required=False)
@option("--wake", is_flag=True, help="Wait until there is something to read, and then wake the agent.")
def hook(run: Run, client: str, event: str | None, wake: bool) -> None:
    """Handle a hook call from an agent's client. `coord install` sets this up.

    The client's JSON is read from standard input. Exit code 0 lets the agent continue; a message for the agent is
    printed as the JSON that clients read. Exit code 2 denies a write, with the reason on standard error. An error never
    stops the agent. EVENT is the hook event, for a client whose JSON does not name it.

    \b
    Example:
      coord hook claude < input.json
    """
    if client_named(client) is None:
        clients = ", ".join(row.word for row in CLIENTS)
        raise usage_error(f"'{line(client, 40)}' is not a client. The clients are {clients}.")
    if wake:
        from coord.hooks.wake import run_wake_hook  # takes a fifth of a command's time

        sys.exit(run_wake_hook(run.system, client))
    sys.exit(main(client, lambda call: handle_call(run.system, call, write_to_client), event or ""))
