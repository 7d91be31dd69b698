"""Decode JSON without the package `json`, which loads regular expressions: that takes longer than the rest of a hook.

It calls the C scanner of that package. The scanner is private and may change, so if it is missing, or fails on a text,
the package itself is used.
"""

TYPE_CHECKING = False  # loading `typing` would make a hook take 1.7 times as long
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

_SPACE = " \t\n\r"


class _Decoder:
    """The options of the scanner: attributes with the names of `json.JSONDecoder`'s."""

    strict, object_hook, object_pairs_hook = True, None, None
    parse_float = parse_constant = float
    parse_int = int


_scan: "Callable[[str, int], tuple[Any, int]] | None" = None
try:
    from _json import make_scanner

    _scan = make_scanner(_Decoder)  # type: ignore[arg-type] # it takes any object with these attributes
except (ImportError, AttributeError, TypeError):
    pass


def loads(data: bytes) -> "Any":
    """Return the value of a JSON text in UTF-8. Same results and same errors as `json.loads`."""
    if _scan:
        try:
            text = data.decode().lstrip(_SPACE)
            value, end = _scan(text, 0)
            if not text[end:].strip(_SPACE):
                return value
        except (StopIteration, SystemError, ValueError):
            pass  # `json.loads` raises the proper error; the scanner needs the package for it
    import json

    return json.loads(data)


def field_at(fields: "Mapping[str, object]", name: str) -> object:
    """Return a field by its name, by a path with dots, or by the first present one of several names between spaces.
    None if there is none.
    """
    if name in fields:
        return fields[name]
    if " " in name:
        return next((fields[one] for one in name.split() if one in fields), None)
    value: object = fields
    for part in name.split("."):
        if isinstance(value, list):
            value = dict(enumerate(value)).get(int(part)) if part.isdecimal() else None
        else:
            value = value.get(part) if isinstance(value, dict) else None
    return value
