"""The error that is shown to users, and the exit codes. `coord.cli.main` prints the error and exits with its code."""

DONE, REFUSED, USAGE, NO_SESSION, NO_LOG, NO_OUTPUT = 0, 1, 2, 3, 4, 5
"""0 done; 1 refused or timed out; 2 wrong usage; 3 no session or an ambiguous one; 4 the log cannot be used; 5 done,
but the output could not be written.
"""


class CoordError(Exception):
    """An error for the user: the exit code, and a message that says what was wrong, what was kept and what to do.

    `details` are added to the JSON document.
    """

    def __init__(self, code: int, message: str, **details: object) -> None:
        super().__init__(message)
        self.code, self.message, self.details = code, message, details


def refused(message: str, **details: object) -> CoordError:
    """Return the error for a command that the rules or another session do not allow."""
    return CoordError(REFUSED, message, **details)


def usage_error(message: str, **details: object) -> CoordError:
    """Return the error for a wrong command line."""
    return CoordError(USAGE, message, **details)


def no_session(message: str, **details: object) -> CoordError:
    """Return the error for an unknown or ambiguous session."""
    return CoordError(NO_SESSION, message, **details)


def no_log(message: str, **details: object) -> CoordError:
    """Return the error for a log that does not exist or cannot be used."""
    return CoordError(NO_LOG, message, **details)


def from_os_error(error: OSError) -> CoordError:
    """Return the error for a system call that failed."""
    where = f" {error.filename}" if error.filename else ""
    return no_log(f"the system refused:{where} {error.strerror}. What was acknowledged before is kept.")
