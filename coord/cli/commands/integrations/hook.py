"""`coord hook`: what the agents' clients run. `coord.__main__` answers it without coming here, if it is called as they
call it.
"""

import sys

from coord.cli.parser import argument, command, option
from coord.clients.registry import CLIENTS
from coord.engine.run import Run
from coord.errors import usage_error
from coord.guard.entry import main
from coord.guard.payload import client_named
from coord.hooks.dispatch import handle_call, write_to_client
from coord.render.format import line


@command("hook", acts=False)
@argument("client")
@option("--wake", is_flag=True, help="Wait until there is something to read, and wake the agent for it.")
def hook(run: Run, client: str, wake: bool) -> None:
    """Answer a hook of an agent's client; `coord install` makes the clients call it.

    The client's JSON is read from standard input. Exit code 0 lets the agent go on; what it is to be told is printed as
    the JSON that clients read. Exit code 2 denies a write, with the reason on standard error. What fails lets it go on.

    \b
    Example:
      coord hook claude < input.json
    """
    if client_named(client) is None:
        raise usage_error(f"'{line(client, 40)}' is no client. Known: {', '.join(row.word for row in CLIENTS)}")
    if wake:
        from coord.hooks.wake import run_wake_hook  # a fifth of a command

        sys.exit(run_wake_hook(run.system, client))
    sys.exit(main(client, lambda call: handle_call(run.system, call, write_to_client)))
