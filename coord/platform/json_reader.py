"""JSON without the package for it, which loads regular expressions: that would take longer than all else in a hook.

The scanner of that package is asked itself. It is its own and may change: where it is not there, and for all that it
does not take, the package has the word.
"""

TYPE_CHECKING = False  # a hook would take 1.7 times as long if it loaded `typing`
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_SPACE = " \t\n\r"


class _As:
    """How values are made, in the names of `json.JSONDecoder`."""

    strict, object_hook, object_pairs_hook = True, None, None
    parse_float = parse_constant = float
    parse_int = int


_scan: "Callable[[str, int], tuple[Any, int]] | None" = None
try:
    from _json import make_scanner

    _scan = make_scanner(_As)  # type: ignore[arg-type] # whatever has these attributes
except (ImportError, AttributeError, TypeError):
    pass


def loads(data: bytes) -> "Any":
    """The value of a JSON text in UTF-8, as `json.loads` gives it, with the same errors."""
    if _scan:
        try:
            text = data.decode().lstrip(_SPACE)
            value, end = _scan(text, 0)
            if not text[end:].strip(_SPACE):
                return value
        except (StopIteration, SystemError, ValueError):
            pass  # it says what is wrong by way of the package, which is not loaded yet
    import json

    return json.loads(data)
