"""Build click commands from the declarations, for help and for the command lines that only click parses.

Usage errors are reported here: click's messages, or better ones.
"""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import click

from coord import __version__
from coord.cli.parser import Command, Number, Parameter
from coord.cli.registry import COMMAND_GROUPS, COMMANDS_BY_NAME, load_command
from coord.cli.suggestions import commands_meant, extra_word_meant, first_example, option_error, quoted_example
from coord.errors import DONE, USAGE, CoordError
from coord.render.console.output import print_text, record_failure
from coord.render.format import line
from coord.workspace.system import System


class _CompleteUsageError(click.UsageError):
    """A usage error whose message ends with what to type, so that nothing is added to it."""


class _SystemRefused(Exception):
    """A command has raised this OSError. Any other is about the output of click itself."""

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error


class _ClickCommand(click.Command):
    """A click command that parses times such as `-90m`, and explains negative numbers, as its declaration says."""

    def __init__(self, declared: Command, **settings: Any) -> None:
        super().__init__(**settings)
        self._declared = declared

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the command line. For `-0.5`, click's own error would name only `-0`."""
        words = self._declared.strip_time_signs(args)
        try:
            return super().parse_args(ctx, list(words))
        except click.NoSuchOption as error:
            full_words = [word for word in words if word.startswith(error.option_name)]
            if full_words and error.option_name.lstrip("-")[:1].isdigit():
                raise click.UsageError(self._declared.negative_number_error(full_words[0]), ctx) from None
            raise _CompleteUsageError(option_error(self._declared, error.option_name), ctx) from None
        except click.MissingParameter as error:
            missing = error.param
            assert missing is not None
            what = missing.opts[0] if isinstance(missing, click.Option) else _required_arguments(self, ctx)
            example = first_example(self._declared)
            message = f"coord {self._declared.name} needs {what}. For example: {example}"
            raise _CompleteUsageError(message, ctx) from None
        except click.UsageError as error:
            if "extra argument" not in error.message:
                raise
            if meant := extra_word_meant(self._declared, words):
                raise _CompleteUsageError(f"'{words[0][:60]}' needs an option; did you mean: {meant}", ctx) from None
            if all(each.flags for each in self._declared.parameters):
                raise
            extra = error.message.rpartition("(")[2].removesuffix(")")
            raise _CompleteUsageError(
                f"coord {self._declared.name} does not expect these words: {line(extra, 100)}. Put a text of several "
                f"words between quotation marks. For example: {quoted_example(self._declared)}",
                ctx,
            ) from None


def _required_arguments(command: click.Command, ctx: click.Context) -> str:
    """Return the names of all required arguments, such as `MESSAGE and BODY`."""
    arguments = [each for each in command.params if isinstance(each, click.Argument) and each.required]
    return " and ".join(each.make_metavar(ctx).partition("...")[0].strip() for each in arguments)


def as_click(declared: Command) -> click.Command:
    """Return the click command for a declaration."""

    @click.pass_context
    def call(context: click.Context, /, **values: Any) -> Any:
        try:
            return declared.call(context.find_root().obj, values)
        except OSError as error:
            raise _SystemRefused(error) from None

    parameters = [_click_parameter(parameter) for parameter in declared.parameters]
    return _ClickCommand(declared, name=declared.name, callback=call, params=parameters, help=declared.function.__doc__)


def _click_parameter(parameter: Parameter) -> click.Parameter:
    settings = dict(parameter.settings)
    settings.pop("suggestions", None)
    if "choices" in settings:
        settings["type"] = click.Choice(settings.pop("choices"))
    if "parts" in settings:
        parts = settings.pop("parts")
        settings["nargs"], settings["type"] = len(parts), tuple(click.Choice(part) if part else str for part in parts)
    if "number" in settings:
        settings |= {"callback": _number_callback(settings.pop("number")), "metavar": settings.get("metavar", "NUMBER")}
    kind = click.Option if parameter.flags else click.Argument
    return kind(list(parameter.names), **settings)


def _number_callback(number: Number) -> Callable[[click.Context, click.Parameter, str | None], float | None]:
    """Return the click callback that converts an option's text to a number, or reports what is wrong with it."""

    def read(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
        result = None if value is None else number.read(value)
        if value is not None and result is None:
            raise click.BadParameter(f"'{value[:40]}' is not {number.description}", ctx, param)
        return result

    return read


class CommandGroup(click.Group):
    """The group of all commands. It imports only the command that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the registry."""
        return list(COMMANDS_BY_NAME)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command, and return it; None if there is no command of this name."""
        return as_click(load_command(cmd_name)) if cmd_name in COMMANDS_BY_NAME else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the called command. The error for an unknown command names the command that was probably meant."""
        if args and not args[0].startswith("-") and args[0] not in COMMANDS_BY_NAME:
            meant = " or ".join(commands_meant(args))
            suggestion = f"; did you mean: {meant}" if meant else ". See: coord --help"
            raise _CompleteUsageError(f"there is no command '{args[0][:60]}'{suggestion}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the short help of all commands, without importing any of them."""
        for group, rows in COMMAND_GROUPS.items():
            with formatter.section(group.capitalize()):
                formatter.write_dl(list(rows.items()))


@click.group(cls=CommandGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="coord")
@click.pass_context
def cli(context: click.Context) -> None:
    """Coordinate several AI coding sessions in one repository: who is here, who works on what, and what they tell each
    other.

    \b
    Start here:
      coord init      once per repository
      coord start     in each terminal or agent
      coord status    at any time

    coord help COMMAND explains a command.
    """
    if context.invoked_subcommand is None:
        print_text(context.get_help() + "\n")


def run_by_click(argv: Sequence[str], system: System) -> object:
    """Parse a command line with click, run the command, and return its result.

    Raises CoordError (2) for a usage error, KeyboardInterrupt, and OSError.
    """
    streams = sys.stdout, sys.stderr
    try:
        return cli.main(_without_help_command(argv), prog_name="coord", standalone_mode=False, obj=system)
    except _SystemRefused as refused:
        raise refused.error from None
    except OSError as error:
        record_failure(error)
        return DONE
    except SystemExit:
        if sys.stdout is streams[0]:
            raise
        sys.stdout, sys.stderr = streams  # click has replaced them, because the reader of its help closed the pipe
        record_failure(BrokenPipeError())  # and would exit with 1, which means refused
        return DONE
    except click.ClickException as error:
        raise CoordError(USAGE, _error_message(error)) from None
    except click.Abort:
        raise KeyboardInterrupt from None


def _without_help_command(argv: Sequence[str]) -> list[str]:
    """Return `help` and `help COMMAND` as the option --help; other command lines unchanged."""
    if not argv or argv[0] != "help":
        return list(argv)
    return [*[word for word in argv if word != "help"][:1], "--help"]


def _error_message(error: click.ClickException) -> str:
    if isinstance(error, _CompleteUsageError):
        return error.message
    message = error.format_message()
    context = getattr(error, "ctx", None)
    if isinstance(error, click.NoSuchOption) and error.option_name in ("--session", "--root", "--json"):
        message = f"{error.option_name} comes after the command: coord status {error.option_name} ..."
    if message[1:2].islower():
        message = message[0].lower() + message[1:]  # as in coord's own messages, which follow "coord: "
    hint = f" See: {context.command_path} --help" if context else ""
    return f"{message}{'' if message.endswith(('.', '?', '!')) else '.'}{hint}"
