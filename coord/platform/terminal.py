"""The terminal of an output stream: whether it understands escape sequences, and how wide it is."""

import os

TYPE_CHECKING = False  # progress bars are imported by every command, so this module loads nothing for types
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO


def is_drawable(stream: "TextIO", env: "Mapping[str, str]") -> bool:
    """Return whether a stream is a terminal that understands escape sequences."""
    return stream.isatty() and env.get("TERM", "dumb") not in ("dumb", "")


def window_columns(stream: "TextIO", env: "Mapping[str, str]") -> int:
    """Return the width of a stream's terminal, or the one that `COLUMNS` sets."""
    given = env.get("COLUMNS", "")
    if given.isdecimal() and int(given):
        return int(given)
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80  # some terminals report 0
    except (OSError, ValueError):
        return 80
