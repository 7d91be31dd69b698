"""Tables of ours in a TOML file. Each stands under a comment of ours at the end of the file, and is found by it.

This is done by hand because uninstalling must leave every byte of others as it was. `tomlkit` does not: after a table
was added and removed again, an empty line or a line end more is left, and a comment above the next table goes too.

A table begins at its comment and ends before the next line that belongs to neither it nor a table inside it: there is
no mark at its end, since Codex adds tables of its own behind ours, and what is taken out later must not be those.
"""

import json
import re
import tomllib
from typing import Any

from coord.platform.text_blocks import with_block, without_lines

COMMENT = "# Made by `coord install`, and removed by `coord uninstall`."


def read_toml(text: str) -> dict[str, Any]:
    """What a file says. Raises ValueError for what is no TOML."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def with_table(text: str, name: str, values: dict[str, str | list[str]]) -> str:
    """The text with the table, in place of the one that we put there before. Raises ValueError if the
    file would be no TOML then: a table that is written inline, in one line, takes no other beside it.
    """
    lines = [COMMENT, f"[{name}]", *(f"{key} = {_written(value)}" for key, value in values.items())]
    spot = _spot(text, name)
    if spot and [line.strip() for line in text.splitlines()[slice(*spot)]] == lines:
        return text
    new = with_block(without_table(text, name), lines)
    try:
        read_toml(new)
    except ValueError:
        raise ValueError(f"the table [{name}] cannot be added to it") from None
    return new


def _written(value: str | list[str]) -> str:
    """A value in TOML: as in JSON, but for one character that TOML takes only escaped."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def without_table(text: str, name: str) -> str:
    """The text without the table that we put there."""
    spot = _spot(text, name)
    return without_lines(text, *spot) if spot else text


def has_ours(text: str, name: str) -> bool:
    """Whether we put the table there."""
    return _spot(text, name) is not None


def _spot(text: str, name: str) -> tuple[int, int] | None:
    lines = text.splitlines()
    for start in range(len(lines) - 1):
        if lines[start].strip() == COMMENT and lines[start + 1].strip() == f"[{name}]":
            stop = start + 2
            while stop < len(lines) and _belongs(lines[stop], name):
                stop += 1
            while not lines[stop - 1].strip() or lines[stop - 1].lstrip().startswith("#"):
                stop -= 1  # what stands before the next table is that one's
            return start, stop
    return None


def _belongs(line: str, name: str) -> bool:
    header = re.match(r"\s*\[+\s*([^\]]*)", line)
    return not header or header[1].startswith(f"{name}.")
