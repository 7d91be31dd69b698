"""The command `coord`: a table of commands, each loaded only when it is used, and one place where errors become words.

Exit codes are those of `coord.errors`; a run that a signal ended gives 128 and its number.
"""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

import click

from coord import __version__
from coord.errors import NO_LOG, USAGE, CoordError
from coord.text import json_text, plain
from coord.world import World, real_world

COMMANDS = {
    "be here": {
        "init": ("init", "Set up COORDINATION/ in this repository."),
        "start": ("start", "Register this shell or agent as a session."),
        "heartbeat": ("heartbeat", "Say what you are doing."),
        "end": ("end", "End this session and release everything."),
        "whoami": ("whoami", "Tell which session this is, and why."),
    },
    "own work": {
        "claim": ("claim", "Take a resource; exit 1 if it is taken."),
        "renew": ("renew", "Keep a claim for longer."),
        "release": ("release", "Give a claim back."),
        "handoff": ("handoff", "Give a claim to another session."),
        "break": ("break_", "End another session's claim, on the record."),
        "claims": ("claims", "List who holds what."),
    },
    "talk": {
        "send": ("send", "Send a message to a session or to everyone."),
        "reply": ("reply", "Answer a message."),
        "inbox": ("inbox", "Read what others wrote."),
        "ack": ("ack", "Confirm a message that asks for it."),
    },
    "see": {
        "status": ("status", "Who is here, on what, and what needs someone."),
        "board": ("board", "Print the board, or write STATUS_BOARD.md."),
        "watch": ("watch", "The board, live in this terminal."),
        "demo": ("demo", "Watch three sessions work together, in a temporary folder."),
    },
    "look back": {
        "log": ("log", "What happened, event by event."),
        "why": ("why", "The story of a resource, a session or a message."),
        "diff": ("diff", "What is different between two moments."),
        "replay": ("replay", "Step through the past and see the board change."),
        "report": ("report", "One page on what was done, and what went wrong."),
        "timeline": ("timeline", "A picture of who held what, when."),
    },
    "look after it": {
        "verify": ("verify", "Check every hash of every journal."),
        "doctor": ("doctor", "What is wrong here, and what to do about it."),
        "archive": ("archive", "Put the journals of the long ended aside."),
        "import": ("import_", "Bring in the past of the shell scripts."),
    },
}
"""For each group of the help: the name of a command, the module in `coord.commands` that has it, and its short help."""

_TABLE = {name: row for group in COMMANDS.values() for name, row in group.items()}


class _ReaderIsGone(Exception):
    """Whoever read our output has seen enough."""


class Commands(click.Group):
    """The group of all commands, which imports the one that is called."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. click has an answer of its own to a pipe that nobody reads, and it is exit code 1."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise _ReaderIsGone from None

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return list(_TABLE)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, loaded; None if there is none."""
        if cmd_name not in _TABLE:
            return None
        module = _TABLE[cmd_name][0]
        found = getattr(import_module(f"coord.commands.{module}"), module)
        assert isinstance(found, click.Command)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is called; the error for one that is not there names the nearest."""
        if args and not args[0].startswith("-") and args[0] not in _TABLE:
            from difflib import get_close_matches

            near = get_close_matches(args[0], _TABLE, n=1, cutoff=0.5)
            meant = f" Did you mean '{near[0]}'?" if near else ""
            ctx.fail(f"there is no command '{args[0][:60]}'.{meant}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table, without loading anything."""
        for group, rows in COMMANDS.items():
            with formatter.section(group.capitalize()):
                formatter.write_dl([(name, row[1]) for name, row in rows.items()])


@click.group(cls=Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
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


def main(argv: Sequence[str] | None = None, world: World | None = None) -> NoReturn:
    """Run the command and exit with its code."""
    sys.exit(run(sys.argv[1:] if argv is None else argv, world or real_world()))


def run(argv: Sequence[str], world: World) -> int:
    """Run the command and give its exit code. Errors become a line on standard error, or a JSON object."""
    sys.stdin = sys.stdin or open(os.devnull)  # noqa: SIM115 - whoever closed these wants to say and hear nothing
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        _check_encoding(argv)
        code = cli.main(list(argv), prog_name="coord", standalone_mode=False, obj=world)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except CoordError as error:
        return _report(error.code, error.message, "--json" in argv, error.details)
    except click.ClickException as error:
        return _report(USAGE, _usage(error), "--json" in argv, {})
    except click.Abort:
        return 130
    except KeyboardInterrupt:
        return 130
    except (BrokenPipeError, _ReaderIsGone):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # whoever read us has enough; the exit must not complain
        return 0
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        message = f"the system refused:{where} {error.strerror}. What was acknowledged before is kept."
        return _report(NO_LOG, message, "--json" in argv, {})


def _check_encoding(argv: Sequence[str]) -> None:
    for word in argv:
        if any("\ud800" <= letter <= "\udfff" for letter in word):
            shown = ascii(word[:60])
            raise CoordError(USAGE, f"{shown} is not valid UTF-8. Nothing was done.")


def _usage(error: click.ClickException) -> str:
    message = error.format_message()
    if isinstance(error, click.NoSuchOption) and error.option_name.lstrip("-")[:1].isdigit():
        message = f"'{error.option_name}' is below 0: a number of hours must be more than 0."
    context = getattr(error, "ctx", None)
    if isinstance(error, click.NoSuchOption) and error.option_name in ("--session", "--root", "--json"):
        message = f"{error.option_name} comes after the command: coord status {error.option_name} ..."
    hint = f" See: {context.command_path} --help" if context else ""
    return f"{message}{'' if message.endswith(('.', '?', '!')) else '.'}{hint}"


def _report(code: int, message: str, as_json: bool, details: dict[str, object]) -> int:
    if as_json and message:
        text = json_text({"error": {"code": code, "message": message, **details}}, indent=None)
    else:
        text = f"coord: {plain(message)}" if message else ""
    try:
        sys.stdout.flush()
        if text:
            sys.stderr.write(text + "\n")
            sys.stderr.flush()
    except BrokenPipeError:
        pass
    return code
