"""The one class of errors that a user meets, and the exit codes. `coord.cli.main` turns it into words and a code."""

DONE, REFUSED, USAGE, NO_SESSION, NO_LOG = 0, 1, 2, 3, 4
"""0 done; 1 refused or timed out; 2 wrong usage; 3 no session or an ambiguous one; 4 the log cannot be used."""


class CoordError(Exception):
    """What happened, what was kept, what to do; and the exit code. `details` goes into the JSON form."""

    def __init__(self, code: int, message: str, **details: object) -> None:
        super().__init__(message)
        self.code, self.message, self.details = code, message, details


def refused(message: str, **details: object) -> CoordError:
    """The rules or another session stand in the way."""
    return CoordError(REFUSED, message, **details)


def usage_error(message: str, **details: object) -> CoordError:
    """The command line says something that cannot be meant."""
    return CoordError(USAGE, message, **details)


def no_session(message: str, **details: object) -> CoordError:
    """Which session acts, or is meant, cannot be told."""
    return CoordError(NO_SESSION, message, **details)


def no_log(message: str, **details: object) -> CoordError:
    """The log is not there, or cannot be used."""
    return CoordError(NO_LOG, message, **details)


def from_os_error(error: OSError) -> CoordError:
    """What to say of something that the system refused."""
    where = f" {error.filename}" if error.filename else ""
    return no_log(f"the system refused:{where} {error.strerror}. What was acknowledged before is kept.")
