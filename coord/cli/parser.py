"""A command as it is declared: its arguments, its options, and its function, whose first argument is its Run.

From the one declaration come two ways to read a command line. The plain way, here, takes what is certain: known options
in full, words where words are expected. All else (help, a mistake, a shell that completes, values that are not plain
text) is click's, in `coord.cli.click_adapter`, and only then click is loaded.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from coord.engine.run import Run
from coord.workspace.system import System, real_system

Function = Callable[..., Any]
_SIGNED = re.compile(r"-\s*\d")
_PLAIN = {"metavar", "help", "default", "is_flag", "multiple", "required", "show_default", "shell_complete"}
_PLAIN_OPTION = _PLAIN | {"choices", "parts", "number"}
"""The settings that the plain way understands."""


class Number(Struct, frozen=True):
    """The numbers that an option takes: whole ones or all, from `least` on, above `above`."""

    whole: bool = True
    least: int | None = None
    above: int | None = None

    def read(self, text: str) -> float | None:
        """The number in a text; None if it is not one of these."""
        try:
            number = int(text) if self.whole else float(text)
        except ValueError:
            return None
        too_small = (self.least is not None and not number >= self.least) or (
            self.above is not None and not number > self.above
        )
        return None if too_small else number

    @property
    def words(self) -> str:
        """Which numbers these are."""
        least = f" of at least {self.least}" if self.least is not None else ""
        above = f" above {self.above}" if self.above is not None else ""
        return f"a {'whole ' if self.whole else ''}number{least}{above}"


class Parameter(Struct, frozen=True):
    """An argument or an option: the names that it was declared with, and its settings, which are click's.

    Three settings stand for a type of click's, which would have to be loaded: `choices`, the words that may be given;
    `parts`, for an option of several values, the choices of each, None where it may be any word; and `number`.
    """

    names: tuple[str, ...]
    settings: dict[str, Any]

    @property
    def flags(self) -> list[str]:
        """How an option is written; none of an argument."""
        return [name for name in self.names if name.startswith("-")]

    @property
    def keyword(self) -> str:
        """The function's argument that gets the value."""
        own = [name for name in self.names if not name.startswith("-")]
        return own[0] if own else max(self.names, key=len).lstrip("-").replace("-", "_")


class Command(Struct):
    """A declared command. `acts` adds the option --session; `takes_times` accepts arguments such as `-90m`; `negative`
    is the answer to a number below 0 where an option is expected.
    """

    name: str
    function: Function
    parameters: list[Parameter]
    acts: bool
    takes_times: bool
    negative: str = ""

    def parse_plain(self, words: Sequence[str]) -> dict[str, Any] | None:
        """The values in a command line, by keyword, just as click would give them; None where that is not certain."""
        named = {flag: parameter for parameter in self.parameters for flag in parameter.flags}
        values: dict[str, Any] = {parameter.keyword: _unsaid(parameter) for parameter in named.values()}
        rest: list[str] = []
        todo = list(reversed(self.without_signs(words)))
        while todo:
            word = todo.pop()
            if word == "--":
                rest += reversed(todo)
                break
            if not word.startswith("-") or word == "-":
                rest.append(word)
                continue
            flag, equals, value = word.partition("=")
            option = named.get(flag)
            if option is None or (equals and option.settings.get("is_flag")):
                return None
            if equals:
                todo.append(value)
            given = _given(option, todo)
            if given is None:
                return None
            values[option.keyword] = (*values[option.keyword], given) if option.settings.get("multiple") else given
        if any(
            parameter.settings.get("required") and values[parameter.keyword] is None for parameter in named.values()
        ):
            return None
        arguments = _arguments([parameter for parameter in self.parameters if not parameter.flags], rest)
        return None if arguments is None else values | arguments

    def without_signs(self, words: Sequence[str]) -> list[str]:
        """The words; a time such as `-90m` without its sign, which means the same."""
        return [word[1:] if self.takes_times and _SIGNED.match(word) else word for word in words]

    def negative_number_error(self, word: str) -> str:
        """What is said of a word such as `-5`."""
        words = any(not parameter.flags for parameter in self.parameters)
        other = "there is no option '{word}'." + (" Before a word that begins with '-' write '--'." if words else "")
        return (self.negative or other).format(word=word[:40])

    def call(self, system: System, values: dict[str, Any]) -> Any:
        """Run it."""
        run = Run(
            system,
            root=values.pop("root"),
            session=values.pop("session_option", "") or "",
            json=values.pop("json_option"),
        )
        return self.function(run, **values)


def _unsaid(parameter: Parameter) -> Any:
    if parameter.settings.get("multiple"):
        return ()
    return parameter.settings.get("default", False if parameter.settings.get("is_flag") else None)


def _given(option: Parameter, todo: list[str]) -> Any:
    """The value of an option, taken from the words after it, which stand in reverse; None where it is not certain."""
    settings = option.settings
    if not settings.keys() <= _PLAIN_OPTION:
        return None
    if settings.get("is_flag"):
        return True
    parts = settings.get("parts", (settings.get("choices"),))
    if len(todo) < len(parts):
        return None
    words = tuple(todo.pop() for _ in parts)
    if any(choices is not None and word not in choices for choices, word in zip(parts, words, strict=True)):
        return None
    if "parts" in settings:
        return words
    return settings["number"].read(words[0]) if "number" in settings else words[0]


def _arguments(declared: list[Parameter], words: list[str]) -> dict[str, Any] | None:
    values: dict[str, Any] = {}
    for parameter in declared:
        if not parameter.settings.keys() <= _PLAIN | {"nargs"}:
            return None
        if "nargs" in parameter.settings:
            if parameter.settings["nargs"] != -1 or len(declared) > 1 or not words:
                return None
            return {parameter.keyword: tuple(words)}
        optional = "default" in parameter.settings or parameter.settings.get("required") is False
        if not words and not optional:
            return None
        values[parameter.keyword] = words.pop(0) if words else parameter.settings.get("default")
    return None if words else values


def _declared(names: tuple[str, ...], settings: dict[str, Any]) -> Callable[[Function], Function]:
    def decorate(function: Function) -> Function:
        found: list[Parameter] = function.__dict__.setdefault("parameters", [])
        found.insert(0, Parameter(names, settings))  # decorators are applied from the bottom
        return function

    return decorate


def argument(name: str, **settings: Any) -> Callable[[Function], Function]:
    """Declare an argument of the command below."""
    return _declared((name,), settings)


def option(*names: str, **settings: Any) -> Callable[[Function], Function]:
    """Declare an option of the command below."""
    return _declared(names, settings)


def complete_session(context: Any, _parameter: object, incomplete: str) -> list[Any]:
    """The live sessions, for the shell's completion. Says nothing where there is no log."""
    from click.shell_completion import CompletionItem

    try:
        state = Run(real_system(), root=context.params.get("root")).read_state().state
    except Exception:  # a shell that completes must never see our troubles
        return []
    return [
        CompletionItem(session.id, help=session.name or session.doing.action)
        for session in state.sessions.values()
        if session.live and session.id.startswith(incomplete)
    ]


at_option = option("--at", metavar="TIME", help="Show that moment: 18:00, -90m, yesterday 18:00, an event's id.")
"""For the commands that can show any time in the past."""

_session_option = option(
    "--session", "session_option", metavar="ID", help="Act as this session.", shell_complete=complete_session
)
_root_option = option("--root", metavar="FOLDER", help="The repository, or its COORDINATION folder.")
_json_option = option("--json", "json_option", is_flag=True, help="Print one JSON document.")


def command(
    name: str, *, acts: bool = True, takes_times: bool = False, negative: str = ""
) -> Callable[[Function], Command]:
    """A command, with the options that all share behind its own."""

    def decorate(function: Function) -> Command:
        own: list[Parameter] = function.__dict__.pop("parameters", [])
        for shared in (_json_option, _root_option, *((_session_option,) if acts else ())):
            shared(function)
        return Command(name, function, [*own, *function.__dict__.pop("parameters")], acts, takes_times, negative)

    return decorate
