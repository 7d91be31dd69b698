"""Fit sections of rows to the width of a window, and paint their styles.

Widths are counted in cells by Rich, which knows the characters of Unicode and their combinations. Of Rich only
`rich.cells` is loaded: with `rich.console`, `coord status` would take longer by three times the start of Python (see
docs/explanation/performance.md).
"""

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from msgspec.structs import replace
from rich.cells import cell_len, chop_cells

from coord.platform.terminal import window_columns
from coord.render.styled import INDENT, Pieces, Row, Section, facts, one_line, plain

_STYLES = {
    "head": "1",
    "name": "1",
    "quiet": "2",
    "prompt": "1;36",
    "good": "32",
    "warn": "33",
    "bad": "31",
    "footer": "7",
}
_FIRST_SHARE, _OTHER_SHARE = 0.33, 0.25  # of the window: the most that the first and another column take
_LEAST_TEXT = 33  # cells; with less room after the columns, these are not aligned
_NARROW = 24  # columns; a narrower window has no room for indents
_SHORT_FACT = 36  # characters; a shorter one of several facts in a row is kept together
_GAP = 2  # cells between two columns
_WIDE = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef"  # scripts that break between any two characters
_CLOSING = "\u3001\u3002\u300d\u300f\u3011\uff01\uff09\uff0c\uff1a\uff1b\uff1f"  # not at the beginning of a row
_BULLET = "- "
_WORD = re.compile(f" *(?:[{_WIDE}][{_CLOSING}]*|[^ {_WIDE}]+)(?: [·-](?= ))?| +")
_FACT = re.compile(f" *[^·]{{1,{_SHORT_FACT}}}(?: ·(?= )|$)|{_WORD.pattern}")

_Fit: TypeAlias = Callable[[Row, Sequence[int], int], Iterable[Pieces]]


def drawn(sections: Sequence[Section], env: Mapping[str, str]) -> str:
    """Return sections for this terminal: fitted to its width, and with styles unless NO_COLOR is set."""
    columns = window_columns(sys.stdout, env)
    return "\n".join(paint(row, colours=not env.get("NO_COLOR")) for row in wrapped_rows(sections, columns))


def wrapped_text(text: str, columns: int) -> str:
    """Return a text with the rows that are too long for a window wrapped between words."""
    rows = [Row([(row, "")]) for row in text.split("\n")]
    return "\n".join(map(plain, wrapped_rows([Section("", rows)], columns)))


def paint(pieces: Pieces, *, colours: bool) -> str:
    """Return pieces as text with escape sequences for their styles."""
    if not colours:
        return plain(pieces)
    return "".join(f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if style and text else text for text, style in pieces)


def cut(pieces: Pieces, columns: int) -> Pieces:
    """Cut pieces to `columns` cells, with an ellipsis if anything is cut."""
    text = plain(pieces)
    if cell_len(text) <= columns:
        return pieces
    if columns <= 1:
        return [("…", "")] if columns == 1 else []
    kept = chop_cells(text, columns - 1)[0]
    kept = kept if cell_len(kept) < columns else ""  # the first character can be wider than the room
    return [*_slice(pieces, 0, len(kept)), ("…", "")]


def wrap(pieces: Pieces, columns: int, indent: int = len(INDENT)) -> list[Pieces]:
    """Wrap pieces into rows of at most `columns` cells, between words; later rows are indented."""
    text, indent = plain(pieces), indent if columns >= _NARROW else 0
    starts = _row_starts(text, columns, columns - indent)
    rows: list[Pieces] = []
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        row = _slice(pieces, start, start + len(text[start:end].rstrip(" ")))
        rows.append([(" " * indent, ""), *row] if rows and indent else row)
    return rows


def _row_starts(text: str, first: int, later: int) -> list[int]:
    """Return where each row begins, for a first row of `first` cells and later rows of `later` cells."""
    starts, room, used = [0], first, 0
    for start, word in _words(text, later):
        if used and text[starts[-1] : start].strip(" ") and used + cell_len(word.rstrip(" ")) > room:
            start += len(word) - len(word.lstrip(" "))
            word = word.lstrip(" ")
            starts.append(start)
            room, used = later, 0
        while used + cell_len(word) > room and word.strip(" "):
            part = chop_cells(word, max(room - used, 2))[0]
            start, word = start + len(part), word[len(part) :]
            if word:
                starts.append(start)
                room, used = later, 0
        used += cell_len(word)
    return starts


def _words(text: str, room: int) -> Iterator[tuple[int, str]]:
    """Yield the words of a text with their positions. A short fact between separators counts as one word."""
    for fact in (_FACT if " · " in text else _WORD).finditer(text):
        if cell_len(fact[0]) <= room:
            yield fact.start(), fact[0]
        else:
            yield from ((fact.start() + word.start(), word[0]) for word in _WORD.finditer(fact[0]))


def _slice(pieces: Pieces, start: int, end: int) -> Pieces:
    """Return the pieces of the characters from `start` to `end`."""
    rows, position = [], 0
    for text, style in pieces:
        part = text[max(start - position, 0) : max(end - position, 0)]
        if part:
            rows.append((part, style))
        position += len(text)
    return rows


def wrapped_rows(sections: Sequence[Section], columns: int) -> list[Pieces]:
    """Return the rows of sections, fitted to a window; a text that is too long for one row continues on the next."""
    return _with_heads(sections, columns, _wrapped)


def cut_rows(sections: Sequence[Section], columns: int) -> list[Pieces]:
    """Return the rows of sections, each cut to one row of a window."""
    return _with_heads(sections, columns, _cut)


def _with_heads(sections: Sequence[Section], columns: int, fit: _Fit) -> list[Pieces]:
    rows: list[Pieces] = []
    for section in sections:
        rows += [[]] if rows else []
        rows += fit(Row([(section.head, "head")]), [], columns) if section.head else []
        widths = _column_widths(section.rows, columns)
        for row in section.rows:
            rows += fit(row, widths, columns)
    return rows


def _wrapped(row: Row, widths: Sequence[int], columns: int) -> Iterable[Pieces]:
    below = wrap([(INDENT, ""), *row.below], columns) if row.below else []
    if not row.columns or not widths:
        line = _fitting(one_line(row), one_line(replace(row, extra=())), columns)
        return [*wrap(line, columns, _hanging_indent(plain(line))), *below]
    first, *rest = row.columns
    above = wrap(first, columns) if cell_len(plain(first)) > widths[0] else []
    aligned = _aligned([[] if above else first, *rest], widths)
    line = _fitting([*aligned, *facts(row.extra, row.text)], [*aligned, *row.text], columns)
    return [*above, *wrap(line, columns, sum(widths) + _GAP * len(widths)), *below]


def _hanging_indent(text: str) -> int:
    """Return the indent of the rows on which a row continues: further than its own, or after its bullet."""
    own = len(text) - len(text.lstrip(" "))
    return own + 2 if own or text.startswith(_BULLET) else len(INDENT)


def _fitting(complete: Pieces, shorter: Pieces, columns: int) -> Pieces:
    return complete if cell_len(plain(complete)) <= columns else shorter


def _cut(row: Row, widths: Sequence[int], columns: int) -> Iterable[Pieces]:
    is_aligned = row.columns and widths
    aligned = [*_aligned(row.columns, widths), *facts(row.extra, row.text)] if is_aligned else one_line(row)
    below = [cut([(INDENT, ""), *row.below], columns)] if row.below else []
    return [cut(aligned, columns), *below]


def _aligned(cells: Sequence[Pieces], widths: Sequence[int]) -> list[tuple[str, str]]:
    """Return cells of a table, each filled up to the width of its column."""
    pieces: list[tuple[str, str]] = []
    for cell, width in zip(cells, widths, strict=True):
        pieces += [*cell, (" " * (max(width - cell_len(plain(cell)), 0) + _GAP), "")]
    return pieces


def _column_widths(rows: Sequence[Row], columns: int) -> list[int]:
    """Return the widths of the columns; an empty list if there is no room to align them.

    A cell that is wider than its share of the window does not widen its column.
    """
    widths: list[int] = []
    for row in rows:
        for number, cell in enumerate(row.columns):
            widths += [0] if number == len(widths) else []
            wide = cell_len(plain(cell))
            if wide <= columns * (_FIRST_SHARE if number == 0 else _OTHER_SHARE):
                widths[number] = max(widths[number], wide)
    return widths if columns - sum(widths) - _GAP * len(widths) >= _LEAST_TEXT else []
