"""`coord verify`."""

from coord.errors import refused
from coord.options import command
from coord.run import Run


@command("verify", acts=False)
def verify(run: Run) -> None:
    """Not there yet.

    \b
    Example:
      coord verify
    """
    raise refused(f"not there yet: {run.place.root}")
