"""Texts of the reference that come from the source: annotations, and comments beside fields. Also Markdown tables."""

import ast
import inspect
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from types import ModuleType

MADE = "<!-- Generated from the code by docs/reference/generate.py. Change the code, then run that script. -->\n"
"""The comment at the top of each page."""


def _class(module: ModuleType, name: str) -> ast.ClassDef:
    tree = ast.parse(inspect.getsource(module))
    return next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)


def annotations(module: ModuleType, name: str) -> dict[str, str]:
    """Return the annotations of a class's own fields, as written in the source."""
    source = inspect.getsource(module)
    return {
        node.target.id: ast.get_source_segment(source, node.annotation) or ""
        for node in _class(module, name).body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }


def comments(module: ModuleType, name: str) -> dict[str, str]:
    """Return the comments beside a class's own fields."""
    found = {}
    for token in tokenize.generate_tokens(StringIO(inspect.getsource(module)).readline):
        if token.type == tokenize.COMMENT:
            found[token.start[0]] = token.string.lstrip("# ")
    return {
        node.target.id: found[node.lineno]
        for node in _class(module, name).body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.lineno in found
    }


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    yield "| " + " | ".join(heads) + " |"
    yield "|" + " --- |" * len(heads)
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"
    yield ""
