"""Run the command `coord`: parse its command line, call the command, and turn errors into messages and exit codes.

The exit codes are those of `coord.errors`. A command that a signal ended exits with 128 plus the signal's number.
"""

import sys
from collections.abc import Sequence

from coord.cli.registry import COMMANDS_BY_NAME, load_command
from coord.errors import DONE, NO_OUTPUT, USAGE, CoordError, from_os_error
from coord.render.console.output import open_closed_streams, print_note, print_text, take_failure
from coord.render.format import json_text, terminal_text
from coord.workspace.system import System


def run(argv: Sequence[str], system: System) -> int:
    """Run a command line, and return the exit code. An error is one line, or one JSON object, on standard error."""
    open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    as_json = "--json" in (argv[: argv.index("--")] if "--" in argv else argv)
    try:
        if "_COORD_COMPLETE" in system.env and _answer_shell(argv, system):
            return 0
        _check_encoding(argv)
        code = _run_command(argv, system)
        error = CoordError(code if isinstance(code, int) else DONE, "")
    except CoordError as raised:
        error = raised
    except KeyboardInterrupt:
        error = CoordError(130, "")
    except OSError as raised:
        error = from_os_error(raised)
    if failure := take_failure():
        error = _with_failed_output(error, failure)
    return _report(error.code, error.message, as_json, error.details)


def _with_failed_output(error: CoordError, failure: OSError) -> CoordError:
    """Return how a command ends if its output could not be written. What it has decided and done does not change, so
    only the exit code 0 does, and only if the output did not go to a pipe whose reader has stopped.
    """
    if isinstance(failure, BrokenPipeError):
        return CoordError(DONE if error.code == NO_OUTPUT else error.code, error.message, **error.details)
    what = f"the output could not be written: {failure.strerror}"
    text = f"{what}. What the command did is kept; to see it: coord log --last 5"
    if error.message:
        text = f"{error.message.removesuffix('.')}. {text[0].upper()}{text[1:]}"
    return CoordError(error.code or NO_OUTPUT, text, **error.details)


def _answer_shell(argv: Sequence[str], system: System) -> bool:
    """Answer a shell's question for completions. Return whether it was one."""
    from coord.cli.completion.answer import answer

    text = answer(system, argv)
    if text is not None:
        print_text(text)
    return text is not None


def _run_command(argv: Sequence[str], system: System) -> object:
    """Parse a command line, run its command, and return the result. click is loaded only if the plain parser fails."""
    if argv and argv[0] in COMMANDS_BY_NAME:
        command = load_command(argv[0])
        values = command.parse_plain(argv[1:])
        if values is not None:
            return command.call(system, values)
    from coord.cli.click_adapter import run_by_click  # click takes a third of a command's time

    return run_by_click(argv, system)


def _check_encoding(argv: Sequence[str]) -> None:
    for word in argv:
        if any("\ud800" <= letter <= "\udfff" for letter in word):
            shown = ascii(word[:60])
            raise CoordError(USAGE, f"{shown} is not valid UTF-8. Nothing was done.")


def _report(code: int, message: str, as_json: bool, details: dict[str, object]) -> int:
    """Print an error, and return its code.

    An error without a message is printed only in JSON, and only if a signal ended the command. In other cases the
    result on standard output is the whole answer.
    """
    if as_json and not message and code > 128:
        from signal import Signals  # most commands do not need it

        message = f"ended by {Signals(code - 128).name}"
    if as_json and message:
        text = json_text({"error": {"code": code, "message": message, **details}}, indent=None)
    else:
        text = f"coord: {terminal_text(message)}" if message else ""
    if text:
        print_note(text)
    return code
