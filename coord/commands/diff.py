"""`coord diff`."""

from coord.errors import refused
from coord.options import command
from coord.run import Run


@command("diff", acts=False)
def diff(run: Run) -> None:
    """Not there yet.

    \b
    Example:
      coord diff
    """
    raise refused(f"not there yet: {run.place.root}")
