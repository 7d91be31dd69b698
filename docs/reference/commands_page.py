"""The page of commands, exit codes, variables and settings, from the parameters of the commands."""

import ast
import inspect
import json
from collections.abc import Iterator
from typing import Any

import click
import msgspec
from source_text import MADE, comments, table

from coord import errors
from coord.cli import registry
from coord.cli.click_adapter import as_click
from coord.cli.registry import COMMAND_GROUPS
from coord.clients.registry import CLIENTS
from coord.workspace import config

_SHARED = ("json_option", "root", "session_option")  # the names of their parameters
_BACKSPACE = ("\b", "\\b")  # how a help text marks a paragraph whose lines must not be joined

ENVIRONMENT = {
    "COORD_SESSION": "The acting session, if neither `--session` nor a client's own variable names one.",
    "COORD_ROOT": "The repository, or its `COORDINATION` folder, if `--root` is not given.",
    "COORD_GUARD": "`off`: the git hooks allow this commit or push, and the holders of the claims are told.",
    "NO_COLOR": "Any value: no command uses colours or other styles on a terminal.",
    "TERM": "`dumb` or not set: output is plain text as in a pipe, and `watch` and `replay` use no full screen.",
    "COLUMNS": "The width at which output on a terminal wraps, instead of the window's.",
    "HOME": "Where `install` looks for the clients' settings, and `doctor` for the start-up files of shells.",
    "PATH": "Where `install` and `doctor` look for the `coord` that agents find.",
    "SHELL": "The login shell. If Codex's hooks are installed, `doctor` asks it whether it finds `coord`.",
    "COORD_NATS_USER": "The user for a NATS remote, if there is no file with credentials.",
    "COORD_NATS_PASSWORD": "The password for a NATS remote.",
    "BROWSER": "The browser that `web` opens, instead of the usual one.",
    "DISPLAY": "If neither it nor `WAYLAND_DISPLAY` is set on Linux, `web` opens no browser.",
    "WAYLAND_DISPLAY": "As `DISPLAY`.",
    "TERM_PROGRAM": "Set by a terminal to its name: `watch --notify` shows notifications in those that can.",
    "TMUX": "Set by tmux: `watch --notify` passes notifications on to the terminal around it.",
    "SSH_CONNECTION": "Set by ssh: `web` opens no browser, unless `BROWSER` is set.",
    "SSH_TTY": "As `SSH_CONNECTION`.",
    "SUDO_UID": "Set by sudo: this user may also open the page that root serves.",
    "XDG_CONFIG_HOME": "The folder with your own settings, `coord/config.toml`. Default: `~/.config`.",
    "XDG_STATE_HOME": "The folder in which `install` keeps `coord/installed.json`. Default: `~/.local/state`.",
}
"""The variables that people set. `tests/docs/test_reference.py` checks that the code reads no others."""


def commands_page() -> str:
    """Return the page of commands, exit codes, variables and settings."""
    parts = [
        "# Commands\n",
        MADE,
        "This page lists commands, options, exit codes, variables and settings. "
        "[The protocol](../explanation/protocol.md)\ngives the reasons.\n",
        *_summary(),
        *_shared_options(),
    ]
    for group, rows in COMMAND_GROUPS.items():
        parts.append(f"## {group.capitalize()}\n")
        for name in rows:
            parts += _command(name)
    return "\n".join([*parts, *_exit_codes(), *_environment(), *_settings()])


def _summary() -> Iterator[str]:
    rows = []
    for group, members in COMMAND_GROUPS.items():
        for name, short in members.items():
            rows.append((group, f"[`coord {name}`](#coord-{name})", short))
            group = ""
    yield from table(("group", "command", "does"), rows)
    yield "`coord --version` prints the version, `coord --help` this list, `coord COMMAND --help` the help of one.\n"


def _shared_options() -> Iterator[str]:
    yield "## Shared options\n"
    rows = [_option_row(option) for option in _parameters("claim", click.Option) if option.name in _SHARED]
    yield from table(("option", "means"), rows)
    yield (
        "With `--json`, standard output has the result: one document, or one line for each event from `coord log`. "
        "Each\nline of standard error is one JSON object. An error of any kind is the last of them:\n"
        '`{"error": {"code": 2, "message": "..."}}`, where `code` is the exit code and there may be more keys; then '
        "there is no\ndocument. A command that a signal ended reports that as an error too. A note is "
        '`{"note": "..."}`.\n'
    )
    yield (
        "A refused claim, a wait that reached its limit and the problems that `verify` or `doctor` found are results: "
        "they are\nprinted on standard output, with exit code 1. Without `--json`, errors begin with `coord:` and "
        "notes with\n`coord: note:`.\n"
    )
    yield (
        "Lists are bounded, and say how many rows they leave out and which command shows them. `--limit N` and "
        "`--before TIME`\nselect another page. In JSON these are the fields `older` and `next` (a command line, or "
        "empty); `coord inbox` also\nhas `unread_left`. The results of `claims`, `status`, `why`, `diff` and `log` are "
        "complete unless `--limit` is given.\n"
    )


def load(name: str) -> click.Command:
    """Return the click command with this name."""
    return as_click(registry.load_command(name))


def _parameters(name: str, kind: type[Any]) -> list[Any]:
    return [parameter for parameter in load(name).params if isinstance(parameter, kind)]


def _command(name: str) -> Iterator[str]:
    arguments = [_argument(argument) for argument in _parameters(name, click.Argument)]
    options = _parameters(name, click.Option)
    text, examples = help_of(load(name))
    yield f"### coord {name}\n"
    yield f"```\n{' '.join(['coord', name, '[OPTIONS]', *arguments])}\n```\n"
    yield text + "\n"
    own = [option for option in options if option.name not in _SHARED]
    if own:
        yield from table(("option", "means"), map(_option_row, own))
    shared = [f"`{option.opts[0]}`" for option in options if option.name in _SHARED]
    if shared:
        yield f"Also {', '.join(shared)} ([shared](#shared-options)).\n"
    if examples:
        yield "```console\n" + "\n".join(f"$ {example}" for example in examples) + "\n```\n"


def help_of(command: click.Command) -> tuple[str, list[str]]:
    """Return a command's help text, and the lines of its examples: marked paragraphs that begin with "Example:"."""
    texts, examples = [], []
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        first, *lines = paragraph.split("\n")
        if first.strip() not in _BACKSPACE:
            texts.append(paragraph)
        elif lines and lines[0].strip() in ("Example:", "Examples:"):
            examples += [line.strip() for line in lines[1:]]
        else:
            texts.append("\n".join(f"    {line}" for line in lines))
    return "\n\n".join(texts), examples


def _argument(argument: click.Argument) -> str:
    if argument.metavar:
        return argument.metavar
    name = (argument.name or "").upper() + ("..." if argument.nargs == -1 else "")
    return name if argument.required else f"[{name}]"


def _option_row(option: click.Option) -> tuple[str, str]:
    names = ", ".join(f"`{name}`" for name in option.opts)
    if not option.is_flag:
        if isinstance(option.type, click.Choice):
            value = "|".join(str(choice) for choice in option.type.choices)
        else:
            value = option.metavar or option.type.name.upper()
        names = ", ".join(f"`{name} {value}`" for name in option.opts)
    words = [option.help or ""]
    if option.required:
        words.append("Required.")
    if isinstance(option.default, str) and option.default:
        words.append(f"Default: `{option.default}`.")
    return names, " ".join(words)


def _exit_codes() -> Iterator[str]:
    yield "## Exit codes\n"
    tree = ast.parse(inspect.getsource(errors))
    said = next(ast.literal_eval(after.value) for before, after in _with_docstring(tree) if _assigns(before, "DONE"))
    rows = [
        (f"{code.split(' ', 1)[0]}", code.split(" ", 1)[1]) for code in " ".join(said.split()).rstrip(".").split("; ")
    ]
    rows.append(("128 + n", "ended by signal n: 130 for Ctrl-C, 143 for SIGTERM; a waiting request is withdrawn first"))
    yield from table(("code", "means"), rows)
    yield (
        "A command's decision does not depend on its output. A refusal keeps its code if the reason cannot be written, "
        "and a\nhook still denies. Code 5 says that the command was done, but that a full disk, for example, has kept "
        "its output from\nbeing written; messages that were not written stay unread. A pipe whose reader has stopped, "
        "as in `coord log | head -1`,\nand an output that you have closed yourself (`>&-`) do not count as failures.\n"
    )


def _with_docstring(tree: ast.Module) -> Iterator[tuple[ast.stmt, ast.Expr]]:
    for before, after in zip(tree.body, tree.body[1:], strict=False):
        if isinstance(after, ast.Expr):
            yield before, after


def _assigns(statement: ast.stmt, name: str) -> bool:
    return isinstance(statement, ast.Assign) and any(
        isinstance(node, ast.Name) and node.id == name for node in ast.walk(statement)
    )


def _environment() -> Iterator[str]:
    yield "## Environment variables\n"
    rows = [(f"`{name}`", meaning) for name, meaning in ENVIRONMENT.items()]
    for client in CLIENTS:
        for name in client.ids:
            rows.append((f"`{name}`", f"The conversation, which is the session. Set by {client.name}, not by you."))
        variable, folder = client.moved
        if variable:
            rows.append((f"`{variable}`", f"The folder of the settings of {client.title}. Default: `{folder}`."))
        for name in client.marks:
            rows.append((f"`{name}`", f"Shows that {client.name} runs this command. Set by {client.name}, not by you."))
    rows.append(
        ("`_COORD_COMPLETE`", "The question of a shell that completes a command line. Set by `coord completion`.")
    )
    yield from table(("variable", "means"), rows)


def _settings() -> Iterator[str]:
    yield "## Settings: COORDINATION/config.toml\n"
    yield "All keys are optional. An unknown key is an error (exit code 4).\n"
    notes = comments(config, "Config")
    rows = [
        (f"`{field.encode_name}`", _setting(field.default), notes.get(field.name, ""))
        for field in msgspec.structs.fields(config.Config)
    ]
    yield from table(("key", "default", "means"), rows)


def _setting(default: object) -> str:
    """Return a default as it is written in config.toml."""
    return f"{default:g}" if isinstance(default, float) else f"`{json.dumps(default)}`"
