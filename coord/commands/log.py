"""`coord log`."""

from coord.errors import refused
from coord.options import command
from coord.run import Run


@command("log", acts=False)
def log(run: Run) -> None:
    """Not there yet.

    \b
    Example:
      coord log
    """
    raise refused(f"not there yet: {run.place.root}")
