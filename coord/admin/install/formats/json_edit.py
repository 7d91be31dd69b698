"""Add a value to a JSON text, or remove one, without changing any other byte. Pure functions from text to text.

A value is added after the last one of its object or array, in the same layout. Removing it also removes the comma and
the white space that were added with it, so the text is again what it was, byte for byte. Comments (`//`, `/* */`) are
treated as white space if the caller allows them. Invalid JSON raises ValueError.
"""

import json
import re
from typing import Any, TypeAlias

from msgspec import Struct

Path: TypeAlias = tuple["str | int", ...]
"""The keys and array indexes that lead to a value."""

_SPACE = r"[ \t\r\n]*"
_PLAIN = re.compile(_SPACE)
_WITH_COMMENTS = re.compile(r"(?:[ \t\r\n]|//[^\n]*|/\*(?s:.*?)\*/)*")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
_OTHER = re.compile(r"true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_BOM = "\ufeff"
_CLOSES = {"{": "}", "[": "]"}


class Item(Struct):
    """A member of an object, or of an array (then `key` is None): where it begins, and its value."""

    key: str | None
    start: int
    node: "Node"


class Node(Struct):
    """A value: its position `[start, end)`, and the items of a container. `kind` is its first character."""

    kind: str
    start: int
    end: int
    items: list[Item] = []


class Document(Struct):
    """A text, its root value, and whether comments count as white space."""

    text: str
    root: Node
    comments: bool

    def space(self, at: int) -> int:
        """Return where the white space that begins at a position ends."""
        return _space(self.comments, self.text, at)

    def find(self, path: Path) -> Node | None:
        """Return the value at a path; None if there is none. If a key occurs twice, the last one counts, as in JSON
        parsers.
        """
        node: Node | None = self.root
        for step in path:
            node = _step(node, step) if node else None
        return node

    def value(self, node: Node) -> Any:
        """Return the Python value of a node."""
        if node.kind == "{":
            return {item.key: self.value(item.node) for item in node.items}
        if node.kind == "[":
            return [self.value(item.node) for item in node.items]
        return json.loads(self.text[node.start : node.end])


def parse(text: str, comments: bool = False) -> Document:
    """Parse a text. Raises ValueError for invalid JSON, with line and column."""
    at = _space(comments, text, len(_BOM) if text.startswith(_BOM) else 0)
    try:
        root = _value(comments, text, at)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    end = _space(comments, text, root.end)
    if end != len(text):
        raise _expected(text, end, "the end")
    return Document(text, root, comments)


def _step(node: Node, step: str | int) -> Node | None:
    if isinstance(step, int):
        return node.items[step].node if node.kind == "[" and step < len(node.items) else None
    return next((item.node for item in reversed(node.items) if item.key == step), None)


def _space(comments: bool, text: str, at: int) -> int:
    found = (_WITH_COMMENTS if comments else _PLAIN).match(text, at)
    assert found is not None
    return found.end()


def _expected(text: str, at: int, what: str) -> ValueError:
    line = text.count("\n", 0, at) + 1
    column = at - (text.rfind("\n", 0, at) + 1) + 1
    return ValueError(f"line {line}, column {column}: {what} is expected")


def _value(comments: bool, text: str, at: int) -> Node:
    kind = text[at : at + 1]
    if kind in _CLOSES:
        return _container(comments, text, at, kind)
    found = (_STRING if kind == '"' else _OTHER).match(text, at)
    if not found:
        raise _expected(text, at, "a value")
    return Node(kind, at, found.end())


def _container(comments: bool, text: str, start: int, kind: str) -> Node:
    node = Node(kind, start, start, [])
    at = _space(comments, text, start + 1)
    while text[at : at + 1] != _CLOSES[kind] or node.items:
        begin, key = at, None
        if kind == "{":
            key, at = _key(comments, text, at)
        value = _value(comments, text, at)
        node.items.append(Item(key, begin, value))
        at = _space(comments, text, value.end)
        if text[at : at + 1] == _CLOSES[kind]:
            break
        if text[at : at + 1] != ",":
            raise _expected(text, at, f"',' or '{_CLOSES[kind]}'")
        at = _space(comments, text, at + 1)
    node.end = at + 1
    return node


def _key(comments: bool, text: str, at: int) -> tuple[str, int]:
    found = _STRING.match(text, at)
    if not found:
        raise _expected(text, at, "a key")
    at = _space(comments, text, found.end())
    if text[at : at + 1] != ":":
        raise _expected(text, at, "':'")
    key: str = json.loads(found[0])
    return key, _space(comments, text, at + 1)


# --- adding -----------------------------------------------------------------------------------------------------------


def add_value(document: Document, path: Path, value: Any) -> str:
    """Return the text with one more value. The last step of the path is its key, or -1 for the end of an array.

    Missing objects on the path are created, and a missing array for a -1. An empty container on the path is rewritten;
    to restore it later, the caller gets its text from `empty_containers` first. Raises ValueError if the path leads
    through another kind of value, or if its last key exists.
    """
    node, depth = document.root, 0
    while True:
        if node.kind != ("[" if path[depth] == -1 else "{"):
            expected = "an array" if path[depth] == -1 else "an object"
            raise ValueError(f"{'/'.join(map(str, path[:depth])) or 'its content'} is not {expected}")
        child = _step(node, path[depth]) if path[depth] != -1 else None
        if child is None:
            break
        if depth + 1 == len(path):
            raise ValueError(f"{'/'.join(map(str, path))} already exists")
        node, depth = child, depth + 1
    for step in reversed(path[depth + 1 :]):
        value = [value] if step == -1 else {step: value}
    return _append(document, node, path[depth], value)


def empty_containers(document: Document, path: Path) -> dict[str, str]:
    """Return the empty container that `add_value` would rewrite, if there is one: its text, by its JSON Pointer."""
    for length in range(len(path)):
        node = document.find(path[:length])
        if node is not None and node.kind in _CLOSES and not node.items:
            return {pointer(path[:length]): document.text[node.start : node.end]}
    return {}


def pointer(path: Path) -> str:
    """Return a path as a JSON Pointer (RFC 6901)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def _append(document: Document, node: Node, step: str | int, value: Any) -> str:
    text = document.text
    layout = _Layout(document)
    key = "" if step == -1 else json.dumps(step, ensure_ascii=False) + layout.colon
    if not node.items:
        comment = text[node.start + 1 : node.end - 1].rstrip(" \t\r\n")
        inside = layout.alone(key, value, layout.margin(node.start), broken=bool(comment))
        return text[: node.start + 1] + comment + inside + text[node.end - 1 :]
    last = node.items[-1]
    end = _last_comment(document, last.node.end)
    before = layout.before(node, end)
    inner = before.rpartition("\n")[2] if "\n" in before else None
    comment = text[last.node.end : end]
    return text[: last.node.end] + "," + comment + before + key + layout.write(value, inner) + text[end:]


def _last_comment(document: Document, at: int) -> int:
    """Return where the comments after the last item end; `at` if there are none."""
    space = document.text[at : document.space(at)]
    return at + len(space.rstrip(" \t\r\n"))


class _Layout:
    """The layout of a text: its indentation (None if it is all on one line), line ends, colons and commas."""

    def __init__(self, document: Document) -> None:
        text, items = document.text, document.root.items
        self.text = text
        self.newline = "\r\n" if "\r\n" in text else "\n"
        first = text[: items[0].start] if items else ""
        self.indent = first.rpartition("\n")[2] if "\n" in first[document.root.start :] else None
        if self.indent is not None and self.indent.strip(" \t"):
            self.indent = "  "  # there is a comment before the first key
        if not items:
            self.indent = "  "
        found = re.search(r'"\s*:(\s?)', text)
        self.colon = ":" if found and not found[1] else ": "
        self.comma = "," if found and not found[1] else ", "

    def margin(self, at: int) -> str:
        """Return the indentation of the line that contains a position."""
        line = self.text[self.text.rfind("\n", 0, at) + 1 : at]
        return line[: len(line) - len(line.lstrip(" \t"))]

    def before(self, node: Node, end: int) -> str:
        """Return the white space to put before a new last item, after the comma: the same as before the item that was
        last.
        """
        last = node.items[-1]
        found = re.search(r"[ \t\r\n]*$", self.text[node.start + 1 : last.start])
        assert found is not None
        space = found[0]
        if len(node.items) == 1 and "\n" not in space and self.comma == ", ":
            space = " "  # the space after a bracket is not always the one after a comma
        if "\n" not in space and "//" in self.text[last.node.end : end]:
            space = self.newline
        return self.newline + space.rpartition("\n")[2] if "\n" in space else space

    def alone(self, key: str, value: Any, margin: str, broken: bool) -> str:
        """Return the text between the brackets of a container with one value."""
        if self.indent is None and not broken:
            return key + self.write(value, None)
        inner = margin + (self.indent or "  ")
        return f"{self.newline}{inner}{key}{self.write(value, inner)}{self.newline}{margin}"

    def write(self, value: Any, margin: str | None) -> str:
        """Format a value; on one line if `margin` is None."""
        if margin is None:
            return json.dumps(value, ensure_ascii=False, separators=(self.comma, self.colon))
        indent = "  " if self.indent is None else self.indent
        shown = json.dumps(value, ensure_ascii=False, indent=indent or None, separators=(",", self.colon))
        return shown.replace("\n", self.newline + margin)


# --- removing ---------------------------------------------------------------------------------------------------------


def remove_value(document: Document, path: Path, empty: dict[str, str]) -> str:
    """Return the text without the value at a path, which must exist.

    A container that becomes empty is removed too, unless `empty` has its earlier text, by JSON Pointer; then that text
    is restored. The root is never removed: it becomes `{}` or `[]`.
    """
    parent = document.find(path[:-1])
    assert parent is not None
    index = _index(parent, path[-1])
    if len(parent.items) == 1:
        before = empty.get(pointer(path[:-1]))
        if before is None and len(path) > 1:
            return remove_value(document, path[:-1], empty)
        before = parent.kind + _CLOSES[parent.kind] if before is None else before
        return document.text[: parent.start] + before + document.text[parent.end :]
    return _cut(document, parent, index)


def _index(parent: Node, step: str | int) -> int:
    if isinstance(step, int):
        return step
    return max(number for number, item in enumerate(parent.items) if item.key == step)


def _cut(document: Document, parent: Node, index: int) -> str:
    """Return the text without one of several items: the last without the comma before it, others without the one after
    it.
    """
    text, item = document.text, parent.items[index]
    if index == 0:
        comma = document.space(item.node.end)
        found = _PLAIN.match(text, comma + 1)
        assert found is not None
        return text[: item.start] + text[item.node.end : comma] + text[found.end() :]
    start = len(text[: item.start].rstrip(" \t\r\n"))
    if index + 1 < len(parent.items):
        comma = document.space(item.node.end)
        return text[:start] + text[item.node.end : comma] + text[comma + 1 :]
    comma = document.space(parent.items[index - 1].node.end)
    return text[:comma] + text[comma + 1 : start] + text[item.node.end :]
