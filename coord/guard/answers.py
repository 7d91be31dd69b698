"""The documents that hooks print for a client, from the forms in its record (see `coord.clients.client`).

A hook loads this module only if it has something to print.
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from coord.guard.payload import HookCall


def fill_form(form: "Any", values: "Mapping[str, object]") -> "Any":
    """Return a form with each text that is a name in braces replaced by the value of that name."""
    if isinstance(form, dict):
        return {key: fill_form(value, values) for key, value in form.items()}
    if isinstance(form, list):
        return [fill_form(value, values) for value in form]
    if isinstance(form, str) and form.startswith("{") and form.endswith("}"):
        return values.get(form[1:-1], form)
    return form


def permission(call: "HookCall | None") -> str:
    """Return the permission for a tool that coord does not deny, for a client that denies a tool without an answer: a
    write to files below the working directory is allowed, and for anything else the client asks its user.
    """
    if call is None or not call.paths or not os.path.isabs(call.cwd):
        return "ask"
    inside = os.path.realpath(call.cwd) + os.sep
    files = [os.path.realpath(os.path.join(call.cwd, path)) for path in call.paths]
    return "allow" if all(file.startswith(inside) for file in files) else "ask"


def json_text(value: object) -> str:
    """Return a value of dictionaries, lists, texts, integers and booleans as JSON in ASCII. The package `json` takes
    longer to load than a denial takes.
    """
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json_text(str(key))}: {json_text(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(json_text, value)) + "]"
    if isinstance(value, str):
        return '"' + "".join(map(_character, value)) + '"'
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _character(character: str) -> str:
    if " " <= character <= "~" and character not in '"\\':
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at] << 8 | units[at + 1]:04x}" for at in range(0, len(units), 2))
