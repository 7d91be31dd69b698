"""`coord watch`."""

from coord.errors import refused
from coord.options import command
from coord.run import Run


@command("watch", acts=False)
def watch(run: Run) -> None:
    """Not there yet.

    \b
    Example:
      coord watch
    """
    raise refused(f"not there yet: {run.place.root}")
