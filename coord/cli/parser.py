"""Declare commands, and parse the common command lines without click.

A command is a function that takes a `Run`, and the arguments and options that decorators declare. Two parsers use these
declarations. The plain parser is here: it accepts only known options, spelled out in full, and the expected arguments.
For everything else (help, mistakes) it returns None, and `coord.cli.click_adapter` loads click. Both
parsers return the same values.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from coord.engine.run import Run
from coord.workspace.system import System

Function = Callable[..., Any]
_NEGATIVE_NUMBER = r"-\s*\d"
_PLAIN_ARGUMENT = {"metavar", "help", "default", "is_flag", "multiple", "required", "show_default", "suggestions"}
_PLAIN_OPTION = _PLAIN_ARGUMENT | {"choices", "parts", "number"}
"""The settings that the plain parser understands."""


class Number(Struct, frozen=True):
    """The numbers that an option accepts: whole or any, at least `least`, and above `above`."""

    whole: bool = True
    least: int | None = None
    above: int | None = None

    def read(self, text: str) -> float | None:
        """Return the number in `text`, or None if it is not an accepted number."""
        try:
            number = int(text) if self.whole else float(text)
        except ValueError:
            return None
        too_small = (self.least is not None and not number >= self.least) or (
            self.above is not None and not number > self.above
        )
        return None if too_small else number

    @property
    def description(self) -> str:
        """The accepted numbers in words, such as "a whole number of at least 1"."""
        least = f" of at least {self.least}" if self.least is not None else ""
        above = f" above {self.above}" if self.above is not None else ""
        return f"a {'whole ' if self.whole else ''}number{least}{above}"


class Parameter(Struct, frozen=True):
    """An argument or an option: its names, and its settings, which are those of click.

    Three settings replace click's types, so that click need not be loaded. `choices` lists the accepted words. `parts`
    is for an option with several values: it has the choices of each value, or None where any word is accepted.
    `number` is a `Number`. `suggestions` lists words that shells complete; others are accepted too.
    """

    names: tuple[str, ...]
    settings: dict[str, Any]

    @property
    def flags(self) -> list[str]:
        """The names of an option as they are typed; empty for an argument."""
        return [name for name in self.names if name.startswith("-")]

    @property
    def keyword(self) -> str:
        """The name of the function's argument that receives the value."""
        explicit = [name for name in self.names if not name.startswith("-")]
        return explicit[0] if explicit else max(self.names, key=len).lstrip("-").replace("-", "_")


class Command(Struct):
    """A declared command.

    `acts` adds the option --session. With `begins`, a person at a terminal without a session gets one. With
    `takes_times`, arguments such as `-90m` are times, not options. `negative` is the error message for a word such as
    `-5` where an option is expected; `{word}` in it stands for that word.
    """

    name: str
    function: Function
    parameters: list[Parameter]
    acts: bool
    takes_times: bool
    negative: str = ""
    begins: bool = False

    def parse_plain(self, words: Sequence[str]) -> dict[str, Any] | None:
        """Return the values by keyword, as click would; None where click must parse the command line."""
        options = {flag: parameter for parameter in self.parameters for flag in parameter.flags}
        values: dict[str, Any] = {option.keyword: _default(option) for option in options.values()}
        arguments: list[str] = []
        remaining = list(reversed(self.strip_time_signs(words)))
        while remaining:
            word = remaining.pop()
            if word == "--":
                arguments += reversed(remaining)
                break
            if not word.startswith("-") or word == "-":
                arguments.append(word)
                continue
            flag, equals, value = word.partition("=")
            option = options.get(flag)
            if option is None or (equals and option.settings.get("is_flag")):
                return None
            if equals:
                remaining.append(value)
            given = _option_value(option, remaining)
            if given is None:
                return None
            values[option.keyword] = (*values[option.keyword], given) if option.settings.get("multiple") else given
        if any(option.settings.get("required") and values[option.keyword] is None for option in options.values()):
            return None
        argument_values = _argument_values([each for each in self.parameters if not each.flags], arguments)
        return None if argument_values is None else values | argument_values

    def strip_time_signs(self, words: Sequence[str]) -> list[str]:
        """Return the words with `-90m` as `90m` where the command takes times: both mean 90 minutes ago."""
        return [word[1:] if self.takes_times and re.match(_NEGATIVE_NUMBER, word) else word for word in words]

    def negative_number_error(self, word: str) -> str:
        """Return the error message for a word such as `-5` where an option is expected."""
        has_arguments = any(not parameter.flags for parameter in self.parameters)
        hint = " Write '--' before an argument that begins with '-'." if has_arguments else ""
        return (self.negative or f"there is no option '{{word}}'.{hint}").format(word=word[:40])

    def words(self, values: dict[str, Any]) -> list[str]:
        """Return the words of the command line that has these values."""
        arguments: list[str] = []
        options: list[str] = []
        for parameter in self.parameters:
            value = values.get(parameter.keyword)
            if value is None or (parameter.flags and value == _default(parameter)):
                continue
            each = list(value) if isinstance(value, tuple) else [value]
            if not parameter.flags:
                arguments += each
            elif parameter.settings.get("is_flag"):
                options.append(parameter.flags[0])
            elif parameter.settings.get("multiple"):
                options += [word for one in each for word in (parameter.flags[0], str(one))]
            else:
                options += [parameter.flags[0], *map(str, each)]
        end = ["--"] if any(word.startswith("-") for word in arguments) else []
        return [self.name, *options, *end, *arguments] if end else [self.name, *arguments, *options]

    def call(self, system: System, values: dict[str, Any]) -> Any:
        """Run the command with parsed values, and return its result."""
        given = dict(values)
        run = Run(
            system,
            root=values.pop("root"),
            session=values.pop("session_option", "") or "",
            json=values.pop("json_option"),
            begins=self.begins,
        )
        run.words_again = lambda changes: self.words(given | changes)
        return self.function(run, **values)


def _default(option: Parameter) -> Any:
    if option.settings.get("multiple"):
        return ()
    return option.settings.get("default", False if option.settings.get("is_flag") else None)


def _option_value(option: Parameter, remaining: list[str]) -> Any:
    """Take the value of an option from the end of `remaining`, which is reversed; None where click must parse it."""
    settings = option.settings
    if not settings.keys() <= _PLAIN_OPTION:
        return None
    if settings.get("is_flag"):
        return True
    parts = settings.get("parts", (settings.get("choices"),))
    if len(remaining) < len(parts):
        return None
    words = tuple(remaining.pop() for _ in parts)
    if any(choices is not None and word not in choices for choices, word in zip(parts, words, strict=True)):
        return None
    if "parts" in settings:
        return words
    return settings["number"].read(words[0]) if "number" in settings else words[0]


def _argument_values(declared: list[Parameter], words: list[str]) -> dict[str, Any] | None:
    """Return the values of the arguments by keyword; None where click must parse them. Empties `words`."""
    values: dict[str, Any] = {}
    for parameter in declared:
        if not parameter.settings.keys() <= _PLAIN_ARGUMENT | {"nargs"}:
            return None
        if "nargs" in parameter.settings:
            missing = not words and parameter.settings.get("required")
            if parameter.settings["nargs"] != -1 or len(declared) > 1 or missing:
                return None
            return {parameter.keyword: tuple(words)}
        optional = "default" in parameter.settings or parameter.settings.get("required") is False
        if not words and not optional:
            return None
        values[parameter.keyword] = words.pop(0) if words else parameter.settings.get("default")
    return None if words else values


def _declare(names: tuple[str, ...], settings: dict[str, Any]) -> Callable[[Function], Function]:
    def decorate(function: Function) -> Function:
        parameters: list[Parameter] = function.__dict__.setdefault("parameters", [])
        parameters.insert(0, Parameter(names, settings))  # decorators are applied from the bottom up
        return function

    return decorate


def argument(name: str, **settings: Any) -> Callable[[Function], Function]:
    """Declare an argument of the command that this decorates."""
    return _declare((name,), settings)


def option(*names: str, **settings: Any) -> Callable[[Function], Function]:
    """Declare an option of the command that this decorates."""
    return _declare(names, settings)


at_option = option("--at", metavar="TIME", help="Show the state at TIME: 18:00, -90m, yesterday 18:00, or an event id.")
"""The option of the commands that can show a past state."""

_session_option = option("--session", "session_option", metavar="ID", help="Act as this session.")
_root_option = option("--root", metavar="FOLDER", help="Use this repository, or this COORDINATION folder.")
_json_option = option("--json", "json_option", is_flag=True, help="Print one JSON document.")


def command(
    name: str, *, acts: bool = True, takes_times: bool = False, negative: str = "", begins: bool = False
) -> Callable[[Function], Command]:
    """Declare a command. The options that all commands share are added after its own; the rest is as in `Command`."""

    def decorate(function: Function) -> Command:
        parameters: list[Parameter] = function.__dict__.pop("parameters", [])
        for shared in (_json_option, _root_option, *((_session_option,) if acts else ())):
            shared(function)
        parameters = [*parameters, *function.__dict__.pop("parameters")]
        return Command(name, function, parameters, acts, takes_times, negative, begins)

    return decorate
