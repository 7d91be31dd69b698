"""`coord why`."""

from coord.errors import refused
from coord.options import command
from coord.run import Run


@command("why", acts=False)
def why(run: Run) -> None:
    """Not there yet.

    \b
    Example:
      coord why
    """
    raise refused(f"not there yet: {run.place.root}")
