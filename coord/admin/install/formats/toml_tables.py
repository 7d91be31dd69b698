"""Add a table to a TOML file and remove it again. The table is at the end of the file, and is found by its comment.

This is not done with `tomlkit`, because an uninstall must leave all other bytes as they were. After adding and removing
a table, `tomlkit` leaves an extra empty line or line end, and deletes a comment above the next table.

A table begins at its comment and ends before the next line that belongs neither to it nor to a table inside it. It has
no end mark: Codex adds its own tables after it, and they would come before the mark and be removed with the table.
"""

import json
import re
import tomllib
from typing import Any

from coord.platform.text_blocks import with_block, without_lines

COMMENT = "# Made by `coord install`, and removed by `coord uninstall`."


def read_toml(text: str) -> dict[str, Any]:
    """Parse a TOML file. Raises ValueError for invalid TOML."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def with_table(text: str, name: str, values: dict[str, str | list[str]]) -> str:
    """Return the text with the table, in place of an older one that coord added.

    Raises ValueError if the result would be invalid TOML, as when the file has the parent table inline.
    """
    lines = [COMMENT, f"[{name}]", *(f"{key} = {_toml_value(value)}" for key, value in values.items())]
    spot = _spot(text, name)
    if spot and [line.strip() for line in text.splitlines()[slice(*spot)]] == lines:
        return text
    new = with_block(without_table(text, name), lines)
    try:
        read_toml(new)
    except ValueError:
        raise ValueError(f"the table [{name}] cannot be added") from None
    return new


def _toml_value(value: str | list[str]) -> str:
    """Format a value as TOML. It is the same as JSON, except for one character that TOML requires to be escaped."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def without_table(text: str, name: str) -> str:
    """Return the text without the table that coord added."""
    spot = _spot(text, name)
    return without_lines(text, *spot) if spot else text


def has_ours(text: str, name: str) -> bool:
    """Return whether the text has a table that coord added."""
    return _spot(text, name) is not None


def _spot(text: str, name: str) -> tuple[int, int] | None:
    lines = text.splitlines()
    for start in range(len(lines) - 1):
        if lines[start].strip() == COMMENT and lines[start + 1].strip() == f"[{name}]":
            stop = start + 2
            while stop < len(lines) and _belongs(lines[stop], name):
                stop += 1
            while not lines[stop - 1].strip() or lines[stop - 1].lstrip().startswith("#"):
                stop -= 1  # blank lines and comments before the next table belong to that table
            return start, stop
    return None


def _belongs(line: str, name: str) -> bool:
    header = re.match(r"\s*\[+\s*([^\]]*)", line)
    return not header or header[1].startswith(f"{name}.")
