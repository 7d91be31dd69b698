"""Run the command `coord`: parse its command line, call the command, and turn errors into messages and exit codes.

The exit codes are those of `coord.errors`. A command that a signal ended exits with 128 plus the signal's number.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from coord.cli.registry import COMMANDS_BY_NAME, load_command
from coord.errors import USAGE, CoordError, from_os_error
from coord.render.format import json_text, terminal_text
from coord.workspace.system import System


def run(argv: Sequence[str], system: System) -> int:
    """Run a command line, and return the exit code. An error is one line, or one JSON object, on standard error."""
    sys.stdin = sys.stdin or open(os.devnull)  # noqa: SIM115 - a closed stream is None, and reads or writes nothing
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        if "_COORD_COMPLETE" in system.env and _answer_shell(argv, system):
            return 0
        _check_encoding(argv)
        code = _run_command(argv, system)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except CoordError as error:
        return _report(error.code, error.message, "--json" in argv, error.details)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # so that flushing at exit does not fail again
        return 0
    except OSError as error:
        converted = from_os_error(error)
        return _report(converted.code, converted.message, "--json" in argv, {})


def _answer_shell(argv: Sequence[str], system: System) -> bool:
    """Answer a shell's question for completions. Return whether it was one."""
    from coord.cli.completion.answer import answer

    text = answer(system, argv)
    if text is not None:
        sys.stdout.write(text)
        sys.stdout.flush()
    return text is not None


def _run_command(argv: Sequence[str], system: System) -> object:
    """Parse a command line, run its command, and return the result. click is loaded only if the plain parser fails."""
    if argv and argv[0] in COMMANDS_BY_NAME:
        command = load_command(argv[0])
        values = command.parse_plain(argv[1:])
        if values is not None:
            return command.call(system, values)
    from coord.cli.click_adapter import OutputClosed, run_by_click  # click takes a third of a command's time

    try:
        return run_by_click(argv, system)
    except OutputClosed:
        raise BrokenPipeError from None


def _check_encoding(argv: Sequence[str]) -> None:
    for word in argv:
        if any("\ud800" <= letter <= "\udfff" for letter in word):
            shown = ascii(word[:60])
            raise CoordError(USAGE, f"{shown} is not valid UTF-8. Nothing was done.")


def _report(code: int, message: str, as_json: bool, details: dict[str, object]) -> int:
    if as_json and message:
        text = json_text({"error": {"code": code, "message": message, **details}}, indent=None)
    else:
        text = f"coord: {terminal_text(message)}" if message else ""
    with suppress(OSError):  # the pipe is closed, or the disk is full
        sys.stdout.flush()
    with suppress(OSError):
        sys.stderr.write(f"{text}\n" if text else "")
        sys.stderr.flush()
    return code
