"""`coord replay`."""

from coord.errors import refused
from coord.options import command
from coord.run import Run


@command("replay", acts=False)
def replay(run: Run) -> None:
    """Not there yet.

    \b
    Example:
      coord replay
    """
    raise refused(f"not there yet: {run.place.root}")
