"""The commands as click has them: help, the shell's completion, and every command line that is not plain.

What is wrong with a command line is said here, in click's words or better ones. Everything is made from the
declarations in `coord.cli.commands`.
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

_HIDDEN_COMMANDS = ("hook", "git-hook")  # programs call them


class OutputClosed(Exception):
    """Whoever read our output has seen enough."""


class _ClickCommand(click.Command):
    """A command made from its declaration. Where its arguments are moments, `-90m` is one, and no option."""

    def __init__(self, declared: Command, **settings: Any) -> None:
        super().__init__(**settings)
        self._declared = declared

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the command line. click would name only the first two characters of `-0.5`."""
        words = self._declared.without_signs(args)
        try:
            return super().parse_args(ctx, list(words))
        except click.NoSuchOption as error:
            named = [word for word in words if word.startswith(error.option_name)]
            if not named or not error.option_name.lstrip("-")[:1].isdigit():
                raise
            raise click.UsageError(self._declared.negative_number_error(named[0]), ctx) from None


def as_click(declared: Command) -> click.Command:
    """A command as click has it."""

    @click.pass_context
    def call(context: click.Context, /, **values: Any) -> Any:
        return declared.call(context.find_root().obj, values)

    parameters = [_parameter(parameter) for parameter in declared.parameters]
    return _ClickCommand(declared, name=declared.name, callback=call, params=parameters, help=declared.function.__doc__)


def _parameter(parameter: Parameter) -> click.Parameter:
    settings = dict(parameter.settings)
    if "choices" in settings:
        settings["type"] = click.Choice(settings.pop("choices"))
    if "parts" in settings:
        parts = settings.pop("parts")
        settings["nargs"], settings["type"] = len(parts), tuple(click.Choice(part) if part else str for part in parts)
    if "number" in settings:
        settings |= {"callback": _reader(settings.pop("number")), "metavar": settings.get("metavar", "NUMBER")}
    kind = click.Option if parameter.flags else click.Argument
    return kind(list(parameter.names), **settings)


def _reader(number: Number) -> Callable[[click.Context, click.Parameter, str | None], float | None]:
    """What reads a number for click, and says what is wrong with one."""

    def read(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
        found = None if value is None else number.read(value)
        if value is not None and found is None:
            raise click.BadParameter(f"'{value[:40]}' is not {number.words}", ctx, param)
        return found

    return read


class CommandGroup(click.Group):
    """The group of all commands, which loads the one that is called."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. click has an answer of its own to a pipe that nobody reads, and it is exit code 1."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise OutputClosed from None

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return list(COMMANDS_BY_NAME)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, loaded; None if there is none."""
        return as_click(load_command(cmd_name)) if cmd_name in COMMANDS_BY_NAME else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is called; the error for one that is not there names the nearest."""
        if args and not args[0].startswith("-") and args[0] not in COMMANDS_BY_NAME:
            near = _nearest(args[0])
            meant = f" Did you mean '{near}'?" if near else ""
            ctx.fail(f"there is no command '{args[0][:60]}'.{meant}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table, without loading anything."""
        for group, rows in COMMAND_GROUPS.items():
            with formatter.section(group.capitalize()):
                formatter.write_dl(list(rows.items()))


def _nearest(word: str) -> str:
    """The command that was most likely meant: the only one that begins like this, or one that is nearly it; empty where
    none is.
    """
    names = [name for name in COMMANDS_BY_NAME if name not in _HIDDEN_COMMANDS]
    begun = [name for name in names if word and name.startswith(word)]
    near = begun if len(begun) == 1 else get_close_matches(word, names, n=1, cutoff=0.75)
    return near[0] if near else ""


@click.group(cls=CommandGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="coord")
@click.pass_context
def cli(context: click.Context) -> None:
    """Several AI coding sessions in one repository, as a team: who is here, who has what, who said what.

    \b
    Start here:
      coord init      once per repository
      coord start     in each terminal, or in each agent
      coord status    at any time
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def run_by_click(argv: Sequence[str], system: System) -> object:
    """Run a command line, and give what the command gave. Raises CoordError (2) for one that is wrong, and
    KeyboardInterrupt or ReaderIsGone.
    """
    try:
        return cli.main(list(argv), prog_name="coord", standalone_mode=False, obj=system)
    except click.ClickException as error:
        raise CoordError(USAGE, _usage(error)) from None
    except click.Abort:
        raise KeyboardInterrupt from None


def _usage(error: click.ClickException) -> str:
    message = error.format_message()
    context = getattr(error, "ctx", None)
    if isinstance(error, click.NoSuchOption) and error.option_name in ("--session", "--root", "--json"):
        message = f"{error.option_name} comes after the command: coord status {error.option_name} ..."
    hint = f" See: {context.command_path} --help" if context else ""
    return f"{message}{'' if message.endswith(('.', '?', '!')) else '.'}{hint}"
