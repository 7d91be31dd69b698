"""`coord timeline`."""

from coord.errors import refused
from coord.options import command
from coord.run import Run


@command("timeline", acts=False)
def timeline(run: Run) -> None:
    """Not there yet.

    \b
    Example:
      coord timeline
    """
    raise refused(f"not there yet: {run.place.root}")
