"""The board as HTML, for a browser without JavaScript: the sections of the moment document.

All text is escaped, and is in elements that isolate its direction, so that a text with bidirectional controls does
not change the order of what is around it.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from coord.render.format import ago, shell_word, time_text
from eventlog.events import Instant

_TEMPLATES = Path(__file__).resolve().parent / "templates"
_INDENT = "    "  # begins a row that belongs to the one above it
_STYLES = {"bad", "good", "head", "name", "quiet", "warn"}


def plain_page(document: Mapping[str, Any], at: str) -> str:
    """Return the page for a moment document. `at` is the time as it was asked for; empty for the present."""
    return _template().render(moment=document, at=at, problems=document["problems"])


def plain_error(message: str, at: str) -> str:
    """Return a page that says why a moment cannot be shown."""
    return _template().render(moment=None, at=at, problems=[message])


def _line(row: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Return the pieces of a row's line, with separators between its parts."""
    pieces: list[Sequence[str]] = []
    for column in row["columns"]:
        pieces += [(" - ", "quiet"), *column] if pieces else column
    for part in (row["extra"], row["text"]):
        if part:
            pieces += [(" · ", "quiet"), *part] if pieces else part
    return _pieces(pieces)


def _pieces(pieces: Iterable[Sequence[str]]) -> list[tuple[str, str]]:
    """Return the pieces, with only those styles that the style sheet has."""
    return [(text, style if style in _STYLES else "") for text, style in pieces]


def _is_indented(row: Mapping[str, Any]) -> bool:
    return "".join(text for text, _ in _line(row)).startswith(_INDENT)


def _when(at: Instant, now: Instant) -> str:
    return f"{time_text(at, now)} ({ago(at, now)})" if at else ""


def _shown(at: Instant) -> str:
    return time_text(at, "", seconds=True)


def _command(words: Iterable[str]) -> str:
    return " ".join(map(shell_word, words))


@cache
def _template() -> Template:
    """Return the template. It is compiled when it is first needed."""
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(line=_line, pieces=_pieces, command=_command, when=_when, shown=_shown)
    made.tests["indented"] = _is_indented
    return made.get_template("plain.html")
