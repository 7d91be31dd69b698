"""Find out what is typed at the cursor: an option, the value of an option, or an argument, and of which kind.

The kinds come from the declarations of the commands: the words of the `metavar`, which the help shows, or else the name
of the argument. So a new argument that is called RESOURCE in its help is completed without any code of its own.
"""

import re
from collections.abc import Sequence

from msgspec import Struct

from coord.cli.parser import Command, Parameter

_RESOURCE = "RESOURCE"
_ALIASES = {"PATH": _RESOURCE, "TO": "RECIPIENT", "TIME": "EVENT"}
_MORE = "..."  # in a metavar: the first of its values can be repeated
_LABEL = re.compile(r"[A-Z]+")


class Place(Struct):
    """What is typed at the cursor.

    `kinds` are the kinds of values that fit. `suggestions` are words that fit. `type` is the type of a resource whose
    name is typed as a word of its own. `before` is what precedes the value in its word, such as `--session=`. `flags`
    are the options that fit. `given` has the options that were typed before, by keyword.
    """

    text: str
    kinds: tuple[str, ...] = ()
    suggestions: Sequence[str] = ()
    type: str = ""
    before: str = ""
    flags: Sequence[Parameter] = ()
    given: dict[str, str] = {}


def find_place(command: Command, words: Sequence[str], text: str) -> Place:
    """Return what `text` is, the word at the cursor, after `words`, which follow the name of the command."""
    options = {flag: parameter for parameter in command.parameters for flag in parameter.flags}
    given: dict[str, str] = {}
    arguments: list[str] = []
    remaining = list(reversed(words))
    while remaining:
        word = remaining.pop()
        if word == "--":
            return _argument_place(command, [*arguments, *reversed(remaining)], text, given)
        flag, equals, value = word.partition("=")
        option = options.get(flag)
        if option is None or option.settings.get("is_flag"):
            if option:
                given[option.keyword] = ""
            if option or not word.startswith("-"):
                arguments += [] if option else [word]
            continue
        values = [value] if equals else []
        count = len(option.settings.get("parts", (None,)))
        while remaining and len(values) < count:
            values.append(remaining.pop())
        if len(values) < count:
            return _value_place(option, len(values), text, given)
        given[option.keyword] = values[0]
    if text.startswith("-"):
        return _option_place(options, text, given)
    return _argument_place(command, arguments, text, given)


def _option_place(options: dict[str, Parameter], text: str, given: dict[str, str]) -> Place:
    flag, equals, value = text.partition("=")
    if equals and flag in options and not options[flag].settings.get("is_flag"):
        place = _value_place(options[flag], 0, value, given)
        place.before = f"{flag}="
        return place
    fitting = [each for each in options.values() if each.keyword not in given or each.settings.get("multiple")]
    return Place(text, flags=fitting, given=given)


def _value_place(option: Parameter, number: int, text: str, given: dict[str, str]) -> Place:
    parts = option.settings.get("parts", (option.settings.get("choices"),))
    if parts[number]:
        return Place(text, suggestions=parts[number], given=given)
    labels = kinds_of(option)
    return Place(text, labels[number] if number < len(labels) else (), _suggestions(option), given=given)


def _argument_place(command: Command, words: Sequence[str], text: str, given: dict[str, str]) -> Place:
    arguments = [parameter for parameter in command.parameters if not parameter.flags]
    positions = [(kinds, argument) for argument in arguments for kinds in kinds_of(argument)]
    repeats = bool(arguments) and arguments[-1].settings.get("nargs") == -1
    remaining = list(reversed(words))
    number = 0
    while number < len(positions) or repeats:
        kinds, argument = positions[number] if number < len(positions) else positions[0]
        if not remaining:
            more = (
                positions[0][0] if 0 < number < len(positions) and _MORE in argument.settings.get("metavar", "") else ()
            )
            return Place(text, (*kinds, *more), _suggestions(argument), given=given)
        word = remaining.pop()
        if _RESOURCE in kinds and "/" not in word and argument.settings.get("nargs") == -1:
            if not remaining:
                return Place(text, (_RESOURCE,), type=word, given=given)
            remaining.pop()
        number += 1
    return Place(text, given=given)


def _suggestions(parameter: Parameter) -> Sequence[str]:
    return tuple(parameter.settings.get("suggestions", ()))


def kinds_of(parameter: Parameter) -> list[tuple[str, ...]]:
    """Return the kinds of values of a parameter, for each of its words: `RESOURCE SESSION`, `RESOURCE|SESSION`."""
    label = parameter.settings.get("metavar") or parameter.keyword.upper()
    words = [tuple(_ALIASES.get(kind, kind) for kind in _LABEL.findall(word)) for word in label.split()]
    return [kinds for kinds in words if kinds] or [()]
