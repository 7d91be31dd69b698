"""Build click commands from the declarations, for help and for the command lines that only click parses.

Usage errors are reported here: click's messages, or better ones.
"""

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Any

import click

from coord import __version__
from coord.cli.parser import Command, Number, Parameter
from coord.cli.registry import COMMAND_GROUPS, COMMANDS_BY_NAME, load_command
from coord.errors import USAGE, CoordError
from coord.workspace.system import System

_NOT_SUGGESTED = ("hook", "git-hook")  # only programs call them


class OutputClosed(Exception):
    """The reader of standard output closed it."""


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
            if not full_words or not error.option_name.lstrip("-")[:1].isdigit():
                raise
            raise click.UsageError(self._declared.negative_number_error(full_words[0]), ctx) from None


def as_click(declared: Command) -> click.Command:
    """Return the click command for a declaration."""

    @click.pass_context
    def call(context: click.Context, /, **values: Any) -> Any:
        return declared.call(context.find_root().obj, values)

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

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. A closed pipe becomes `OutputClosed`, because click would exit with code 1."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise OutputClosed from None

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the registry."""
        return list(COMMANDS_BY_NAME)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command, and return it; None if there is no command of this name."""
        return as_click(load_command(cmd_name)) if cmd_name in COMMANDS_BY_NAME else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the called command. The error for an unknown command suggests a similar one."""
        if args and not args[0].startswith("-") and args[0] not in COMMANDS_BY_NAME:
            similar = _similar_command(args[0])
            suggestion = f" Did you mean '{similar}'?" if similar else ""
            ctx.fail(f"there is no command '{args[0][:60]}'.{suggestion}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the short help of all commands, without importing any of them."""
        for group, rows in COMMAND_GROUPS.items():
            with formatter.section(group.capitalize()):
                formatter.write_dl(list(rows.items()))


def _similar_command(word: str) -> str:
    """Return the command to suggest for an unknown word, or "" if none is similar.

    It is the only command that begins with the word, or else the one with the most similar spelling.
    """
    names = [name for name in COMMANDS_BY_NAME if name not in _NOT_SUGGESTED]
    completions = [name for name in names if word and name.startswith(word)]
    similar = completions if len(completions) == 1 else get_close_matches(word, names, n=1, cutoff=0.75)
    return similar[0] if similar else ""


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
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def run_by_click(argv: Sequence[str], system: System) -> object:
    """Parse a command line with click, run the command, and return its result.

    Raises CoordError (2) for a usage error, KeyboardInterrupt, and OutputClosed.
    """
    try:
        return cli.main(list(argv), prog_name="coord", standalone_mode=False, obj=system)
    except click.ClickException as error:
        raise CoordError(USAGE, _error_message(error)) from None
    except click.Abort:
        raise KeyboardInterrupt from None


def _error_message(error: click.ClickException) -> str:
    message = error.format_message()
    context = getattr(error, "ctx", None)
    if isinstance(error, click.NoSuchOption) and error.option_name in ("--session", "--root", "--json"):
        message = f"{error.option_name} comes after the command: coord status {error.option_name} ..."
    if message[1:2].islower():
        message = message[0].lower() + message[1:]  # as in coord's own messages, which follow "coord: "
    hint = f" See: {context.command_path} --help" if context else ""
    return f"{message}{'' if message.endswith(('.', '?', '!')) else '.'}{hint}"
