"""Write to standard output and standard error, when nobody may be able to read what is written.

What a command has done does not depend on whether its output can be written: a full disk behind `>`, or a reader that
has closed its pipe, changes neither the log nor a refusal. So nothing here raises OSError. The first failure of
standard output is kept, and `coord.cli.main` reports it at the end of the command.
"""

import os
import sys
from typing import IO

from coord.errors import NO_OUTPUT, CoordError

_failures: list[OSError] = []  # the first failure of standard output in this command


def open_closed_streams() -> None:
    """Replace the standard streams that are closed by the null device.

    Otherwise they are None, and the next file that is opened gets their number: what a subprocess writes to its
    standard error could end up in a journal.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115 - it is open until the process ends


def is_discarded(stream: "IO[str] | None") -> bool:
    """Return whether a standard stream is closed, so that nobody sees what is written to it."""
    return stream is None or getattr(stream, "name", "") == os.devnull


def print_text(text: str, *, flush: bool = True) -> bool:
    """Write to standard output. Return whether it was written, and standard output is not closed."""
    if not _failures:
        try:
            sys.stdout.write(text)
            if flush:
                sys.stdout.flush()
        except OSError as error:
            record_failure(error)
    return not _failures and not is_discarded(sys.stdout)


def print_row(text: str, *, flush: bool = True) -> None:
    """Write one of many lines to standard output. Raises CoordError (5) if that fails, since the rest is not needed."""
    print_text(text + "\n", flush=flush)
    if _failures:
        raise CoordError(NO_OUTPUT, "")


def print_note(text: str) -> None:
    """Write a line to standard error, if possible."""
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except OSError:
        pass


def record_failure(error: OSError) -> None:
    """Keep a failure of standard output."""
    if not _failures:
        _failures.append(error)


def take_failure() -> OSError | None:
    """Flush standard output, and return the first failure of this command; None if everything was written."""
    try:
        sys.stdout.flush()
    except OSError as error:
        record_failure(error)
    return _failures.pop() if _failures else None
