"""`coord doctor`."""

from coord.errors import refused
from coord.options import command
from coord.run import Run


@command("doctor", acts=False)
def doctor(run: Run) -> None:
    """Not there yet.

    \b
    Example:
      coord doctor
    """
    raise refused(f"not there yet: {run.place.root}")
