"""`coord hook`: what the agents' clients run before a write. `coord.__main__` answers it without coming here, if it is
called as they call it.
"""

import sys

from coord.guard import main
from coord.guarding import take
from coord.options import command
from coord.run import Run


@command("hook", acts=False)
def hook(run: Run) -> None:
    """Answer a hook of an agent's client: may this session write this file?

    The client's JSON is read from standard input. Exit code 0 lets the write go on; a file's first write claims it for
    20 minutes, in this worktree. Exit code 2 denies it, with the reason on standard error. What fails lets it go on.

    \b
    Example:
      coord hook < input.json
    """
    sys.exit(main(lambda write: take(run.world, write)))
