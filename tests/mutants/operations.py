"""Find functions by name, and apply operations that make them wrong.

A row of the table names a function by the end of its dotted path, such as `Writer.sync`, `claims.judge` or `transact`,
and an operation with words, which are names, attributes or texts in the syntax tree. The operation must apply to
exactly one function of that name. So a row does not depend on the file, the layout or the lines of a function.
Operations edit the source at the positions of the tree's nodes.

    without WORD...            removes the simple statements with these words, or the context of a `with`
    never WORD...              makes the smallest conditions with these words false; they are still evaluated
    always WORD...             makes the smallest conditions with these words true; they are still evaluated
    compare OLD NEW WORD...    changes the operator of comparisons with these words: `compare < <= size`
    replace NAME TEXT          replaces a name by another name or a text
    returns TEXT               makes the function only return this
    late WORD...               swaps the simple statement with these words and the one after it
"""

import ast
from collections.abc import Callable, Iterator
from copy import copy
from functools import cache
from itertools import chain, pairwise
from pathlib import Path
from typing import TypeAlias

PACKAGES = ("eventlog", "projections", "coord")

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
Node: TypeAlias = ast.expr | ast.stmt
Edit: TypeAlias = tuple[Node, Node, str]
"""A first and a last node, and the text that replaces the source from the first to the last."""

_SIMPLE = (ast.Expr, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Delete, ast.Raise)
_SIGNS = {"<": ast.Lt, "<=": ast.LtE, ">": ast.Gt, ">=": ast.GtE, "==": ast.Eq, "!=": ast.NotEq}
_NO_CONTEXT = '__import__("contextlib").nullcontext()'


class NotOneFunction(ValueError):
    """The operation does not change exactly one function of this name."""


def mutated(root: Path, function: str, operation: str) -> tuple[str, str]:
    """The path of a function's file, and the file's source after an operation. Raises NotOneFunction."""
    found: dict[str, tuple[str, str]] = {}
    for name, (path, functions) in _functions(root).items():
        if f".{name}".endswith(f".{function}"):
            source = (root / path).read_text(encoding="utf-8")
            changed = edited(source, functions, operation)
            if changed != source:
                found[name] = path, changed
    if len(found) != 1:
        raise NotOneFunction(
            f"`{operation}` changes {len(found)} functions called {function}: {', '.join(found) or 'none'}"
        )
    return next(iter(found.values()))


@cache
def _functions(root: Path) -> dict[str, tuple[str, list[Function]]]:
    """The functions of all packages by their dotted paths, each with its file and its definitions. A function with a
    variant for each operating system has several definitions.
    """
    found: dict[str, tuple[str, list[Function]]] = {}
    for package in PACKAGES:
        for file in sorted((root / package).rglob("*.py")):
            path = file.relative_to(root)
            for name, function in functions_in(ast.parse(file.read_text(encoding="utf-8"))):
                dotted = ".".join([*path.with_suffix("").parts, name])
                found.setdefault(dotted, (str(path), []))[1].append(function)
    return found


def functions_in(tree: ast.AST, above: str = "") -> Iterator[tuple[str, Function]]:
    """The functions below a node of a syntax tree, with their qualified names."""
    for node in ast.iter_child_nodes(tree):
        name = above
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{above}{node.name}."
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield name[:-1], node
        yield from functions_in(node, name)


def edited(source: str, functions: list[Function], operation: str) -> str:
    """A source after an operation on these functions."""
    kind, *words = operation.split()
    data = source.encode()
    begins = [0]
    for line in data.split(b"\n"):
        begins.append(begins[-1] + len(line) + 1)

    def part(first: Node, last: Node) -> slice:
        end = (last.end_lineno or 0) - 1, last.end_col_offset or 0
        return slice(begins[first.lineno - 1] + first.col_offset, begins[end[0]] + end[1])

    edits: list[Edit] = []
    for function in functions:
        edits += _OPERATIONS[kind](lambda node: data[part(node, node)].decode(), function, words)
    replacements = [(part(first, last), text.encode()) for first, last, text in edits]
    for span, text in sorted(replacements, key=lambda one: one[0].start, reverse=True):
        data = data[: span.start] + text + data[span.stop :]
    return data.decode()


# --- the operations: each yields edits of a function; `text_of` gives the source of a node ----------------------

_TextOf: TypeAlias = Callable[[Node], str]


def _without(text_of: _TextOf, function: Function, words: list[str]) -> Iterator[Edit]:
    for node in ast.walk(function):
        if isinstance(node, _SIMPLE) and _has(node, words):
            yield node, node, "pass"
        elif isinstance(node, ast.withitem) and _has(node.context_expr, words):
            yield node.context_expr, node.context_expr, _NO_CONTEXT


def _never(text_of: _TextOf, function: Function, words: list[str]) -> Iterator[Edit]:
    for node in _smallest(_conditions(function), words):
        yield node, node, f"(({text_of(node)}) and False)"


def _always(text_of: _TextOf, function: Function, words: list[str]) -> Iterator[Edit]:
    for node in _smallest(_conditions(function), words):
        yield node, node, f"(({text_of(node)}) or True)"


def _compare(text_of: _TextOf, function: Function, words: list[str]) -> Iterator[Edit]:
    old, new = _SIGNS[words[0]], _SIGNS[words[1]]
    for node in ast.walk(function):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], old) and _has(node, words[2:]):
            other = copy(node)
            other.ops = [new(), *node.ops[1:]]
            yield node, node, ast.unparse(other)


def _replace(text_of: _TextOf, function: Function, words: list[str]) -> Iterator[Edit]:
    name, text = words
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load):
            yield node, node, text
        elif isinstance(node, ast.Attribute) and node.attr == name and isinstance(node.ctx, ast.Load):
            yield node, node, f"{text_of(node.value)}.{text}" if text.isidentifier() else text


def _returns(text_of: _TextOf, function: Function, words: list[str]) -> Iterator[Edit]:
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    yield body[0], body[-1], f"return {' '.join(words)}"


def _late(text_of: _TextOf, function: Function, words: list[str]) -> Iterator[Edit]:
    for node in ast.walk(function):
        blocks = [getattr(node, name, None) for name in ("body", "orelse", "finalbody")]
        for one, other in chain.from_iterable(pairwise(block) for block in blocks if isinstance(block, list)):
            if isinstance(one, _SIMPLE) and _has(one, words):
                yield one, one, text_of(other)
                yield other, other, text_of(one)


_OPERATIONS: dict[str, Callable[[_TextOf, Function, list[str]], Iterator[Edit]]] = {
    "without": _without,
    "never": _never,
    "always": _always,
    "compare": _compare,
    "replace": _replace,
    "returns": _returns,
    "late": _late,
}


def _has(tree: ast.AST, words: list[str]) -> bool:
    """Whether a syntax tree contains all these words."""
    said = {
        str(value)
        for node in ast.walk(tree)
        for name, value in ast.iter_fields(node)
        if name in ("id", "attr", "arg", "value") and isinstance(value, str | int)
    }
    return said.issuperset(words)


def _conditions(function: Function) -> Iterator[ast.expr]:
    """The expressions of a function that are used as conditions."""
    for node in ast.walk(function):
        match node:
            case ast.If() | ast.While() | ast.IfExp() | ast.Assert():
                yield node.test
            case ast.comprehension():
                yield from node.ifs
            case ast.BoolOp():
                yield from node.values
            case ast.Compare():
                yield node


def _smallest(nodes: Iterator[ast.expr], words: list[str]) -> list[ast.expr]:
    """The nodes that contain the words and contain no other such node."""
    found = {id(node): node for node in nodes if _has(node, words)}
    return [
        node for node in found.values() if not any(id(below) in found for below in ast.walk(node) if below is not node)
    ]
