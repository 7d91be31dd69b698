"""`coord report`."""

from coord.errors import refused
from coord.options import command
from coord.run import Run


@command("report", acts=False)
def report(run: Run) -> None:
    """Not there yet.

    \b
    Example:
      coord report
    """
    raise refused(f"not there yet: {run.place.root}")
