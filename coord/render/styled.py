"""Sections of rows whose parts have styles. Here they become plain text, for pipes and files.

`coord.render.console.layout` fits them to a window and paints them. Styles are names such as "name" or "bad". Nothing
is expressed by a style alone.
"""

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from msgspec import Struct

from coord.render.format import Names, session_label

Pieces: TypeAlias = Sequence[tuple[str, str]]
"""A text in pieces, each with the name of its style or an empty string."""

INDENT = "    "  # before a row that belongs to the one above it


class Row(Struct, frozen=True):
    """A row. Its `columns` are aligned with those of the section's other rows, and its `text` follows them.

    `extra` comes before the text, and is left out of a window that has no room for it. `below` is shown under the row,
    indented. `about` is what the row is about: the id of a session or a message, or a resource; it is not shown.
    """

    text: Pieces
    columns: tuple[Pieces, ...] = ()
    extra: Pieces = ()
    below: Pieces = ()
    about: str = ""


class Section(Struct, frozen=True):
    """Rows under a head. There is no head if it is empty."""

    head: str
    rows: Sequence[Row]


def plain(pieces: Pieces) -> str:
    """Return the text of pieces without their styles."""
    return "".join(text for text, _ in pieces)


def one_line(row: Row) -> Pieces:
    """Return the columns and the text of a row with separators between them, for text that is not aligned."""
    pieces: list[tuple[str, str]] = []
    for column in row.columns:
        pieces += [(" - ", "quiet"), *column] if pieces else column
    return facts(pieces, row.extra, row.text)


def plain_text(sections: Iterable[Section]) -> str:
    """Return sections as text, with one line for each row and for what is below it."""
    return "\n\n".join("\n".join(_plain_lines(section)) for section in sections)


def _plain_lines(section: Section) -> Iterable[str]:
    if section.head:
        yield section.head
    for row in section.rows:
        yield plain(one_line(row))
        if row.below:
            yield INDENT + plain(row.below)


def styled(text: str, style: str = "") -> list[tuple[str, str]]:
    """Return a text as pieces: one, or none if it is empty."""
    return [(text, style)] if text else []


def facts(*parts: Pieces) -> list[tuple[str, str]]:
    """Return the parts that are not empty, with a separator between them."""
    pieces: list[tuple[str, str]] = []
    for part in parts:
        if part:
            pieces += [(" · ", "quiet"), *part] if pieces else part
    return pieces


def session_pieces(session: str, names: Names, *, full: bool = False) -> list[tuple[str, str]]:
    """Return what `session_label` returns, with the id in a quieter style than the name."""
    label = session_label(session, names, full=full)
    name = label.removesuffix(f" ({session})")
    return [(name, "name"), *styled(label[len(name) :], "quiet")]
