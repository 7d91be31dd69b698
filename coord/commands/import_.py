"""`coord import`."""

from coord.errors import refused
from coord.options import command
from coord.run import Run


@command("import", acts=False)
def import_(run: Run) -> None:
    """Not there yet.

    \b
    Example:
      coord import
    """
    raise refused(f"not there yet: {run.place.root}")
