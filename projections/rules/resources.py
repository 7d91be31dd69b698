"""Resources: what a claim is on, and when two of them overlap (the first half of rule 1).

A resource is `type/name`. Two resources overlap if they are equal, or if both are `file/` and some path matches both
patterns. In a pattern `*` and `?` match within one part of a path, `**` matches across parts, and a trailing `/` means
everything below. Everything else is literal, `[` included.
"""

TYPE_CHECKING = False  # a hook would take 1.7 times as long if it loaded `typing`
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_FILE = "file/"
_OTHER = ""  # stands for any character that neither pattern names
_SKIP, _DEEP, _RUN, _ONE = "(**/)", "**", "*", "?"
"""What a token can be, beside a literal character: the two tokens after it may be left out; any run of characters; any
run within one part; one character within a part."""


class _Memo(dict["Any", bool]):
    """Answers that were found before, for a replay, which asks the same again and again. It stands for
    `functools.lru_cache`, with which a hook would take 1.15 times as long to load.
    """

    def __init__(self, find: "Callable[[Any], bool]") -> None:
        super().__init__()
        self.find = find

    def __missing__(self, key: "Any") -> bool:
        if len(self) >= 4096:
            self.clear()
        found = self[key] = self.find(key)
        return found


def is_file(resource: str) -> bool:
    """Whether the resource is a path, or a pattern of paths."""
    return resource.startswith(_FILE)


def overlap(a: str, b: str) -> bool:
    """Rule 1: whether two resources have something in common."""
    if a == b:
        return True
    if not (_pattern[a] or _pattern[b]):
        return False  # by far the most, so it is looked at first
    return is_file(a) and is_file(b) and _patterns_overlap(a[len(_FILE) :], b[len(_FILE) :])


def covers(a: str, b: str) -> bool:
    """Whether all of `b` lies within `a`. For a pattern within a pattern it may say no; it never says yes wrongly."""
    if a == b:
        return True
    if not (is_file(a) and is_file(b)):
        return False
    outer, inner = a[len(_FILE) :], b[len(_FILE) :]
    if outer.endswith("/") and not is_pattern(outer[:-1]):
        return inner.startswith(outer)
    return not is_pattern(inner) and _patterns_overlap(outer, inner)


def is_pattern(path: str) -> bool:
    """Whether a file's name can stand for several paths."""
    return _pattern[path]


def _patterns_overlap(a: str, b: str) -> bool:
    """Whether some path matches both patterns."""
    return _met[a, b] if is_pattern(a) or is_pattern(b) else a == b


def _tokens_overlap(left: list[str], right: list[str]) -> bool:
    """Whether some path matches the tokens of both patterns.

    Both are walked side by side as two small automata. A place is (index in left, index in right), so the work is
    bounded by the product of the lengths, whatever the wildcards. That no part of a path is empty needs no look: where
    both take an empty part, both have a wildcard there, and take a letter in it as well.
    """
    todo = [(0, 0)]
    seen = set(todo)
    while todo:
        i, j = todo.pop()
        if i == len(left) and j == len(right):
            return True
        places = [(k, j) for k in _skips(left, i)] + [(i, k) for k in _skips(right, j)]
        for letter in {"/", _OTHER, *left[i : i + 1], *right[j : j + 1]} - {_SKIP, _DEEP, _RUN, _ONE}:
            places += [(k, m) for k in _moves(left, i, letter) for m in _moves(right, j, letter)]
        for workspace in places:
            if workspace not in seen:
                seen.add(workspace)
                todo.append(workspace)
    return False


def _tokens(pattern: str) -> list[str]:
    pattern += _DEEP if pattern.endswith("/") else ""
    tokens: list[str] = []
    i = 0
    while i < len(pattern):
        if pattern.startswith("**/", i) and (i == 0 or pattern[i - 1] == "/"):
            tokens += [_SKIP, _DEEP, "/"]
            i += 3
        elif pattern.startswith(_DEEP, i):
            tokens.append(_DEEP)
            i += 2
        else:
            tokens.append(pattern[i])
            i += 1
    return tokens


def _skips(tokens: list[str], i: int) -> list[int]:
    """Where one can be without reading a character."""
    kind = tokens[i] if i < len(tokens) else ""
    if kind == _SKIP:
        return [i + 1, i + 3]
    return [i + 1] if kind in (_DEEP, _RUN) else []


def _moves(tokens: list[str], i: int, letter: str) -> list[int]:
    """Where one can be after reading `letter`."""
    if i == len(tokens):
        return []
    kind = tokens[i]
    if kind == _DEEP or (kind == _RUN and letter != "/"):
        return [i]
    if kind == letter or (kind == _ONE and letter != "/"):
        return [i + 1]
    return []


_pattern = _Memo(lambda path: path.endswith("/") or "*" in path or "?" in path)
_met = _Memo(lambda pair: _tokens_overlap(*map(_tokens, pair)))
