"""`coord archive`."""

from coord.errors import refused
from coord.options import command
from coord.run import Run


@command("archive", acts=False)
def archive(run: Run) -> None:
    """Not there yet.

    \b
    Example:
      coord archive
    """
    raise refused(f"not there yet: {run.place.root}")
