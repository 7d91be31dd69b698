"""Resources and their patterns: when two resources overlap, and when one covers the other (part of rule 1).

A resource is `type/name`. Two resources overlap if they are equal, or if both are `file/` and some path matches both
patterns. In a pattern, `*` and `?` match within one part of a path, `**` matches across parts, and a trailing `/` means
everything below. All other characters are literal, including `[`.
"""

TYPE_CHECKING = False  # loading `typing` makes a hook take 1.7 times as long
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_FILE = "file/"
_OTHER = ""  # represents any character that is in neither pattern
# The tokens other than literal characters:
_SKIP = "(**/)"  # the next two tokens are optional
_DEEP = "**"  # any characters
_RUN = "*"  # any characters within one part of a path
_ONE = "?"  # one character within a part of a path


class _Memo(dict["Any", bool]):
    """A cache of results, because the same patterns are compared many times.

    It replaces `functools.lru_cache`, which would make a hook take 1.15 times as long to load.
    """

    def __init__(self, compute: "Callable[[Any], bool]") -> None:
        super().__init__()
        self.compute = compute

    def __missing__(self, key: "Any") -> bool:
        if len(self) >= 4096:
            self.clear()
        result = self[key] = self.compute(key)
        return result


def type_of(resource: str) -> str:
    """Return the type of a resource."""
    return resource.partition("/")[0]


def is_file(resource: str) -> bool:
    """Return whether the resource is a path or a pattern of paths."""
    return resource.startswith(_FILE)


def overlap(a: str, b: str) -> bool:
    """Rule 1: return whether two resources overlap."""
    if a == b:
        return True
    if not (_is_pattern[a] or _is_pattern[b]):
        return False  # the most common case, so it is checked first
    return is_file(a) and is_file(b) and _patterns_overlap(a[len(_FILE) :], b[len(_FILE) :])


def covers(a: str, b: str) -> bool:
    """Return whether `a` covers all of `b`. For two patterns, True is always right, but False can be wrong."""
    if a == b:
        return True
    if not (is_file(a) and is_file(b)):
        return False
    outer, inner = a[len(_FILE) :], b[len(_FILE) :]
    if outer.endswith("/") and not is_pattern(outer[:-1]):
        return inner.startswith(outer)
    return not is_pattern(inner) and _patterns_overlap(outer, inner)


def is_pattern(path: str) -> bool:
    """Return whether a file resource's name can match several paths."""
    return _is_pattern[path]


def root_of(resource: str) -> str:
    """Return the longest folder that contains everything that a file resource can match; empty if there is none.

    The root of a path is the path itself, and the root of a resource of another type is the resource itself. If two
    resources overlap, `roots_above` of one of them contains the root of the other.
    """
    if not is_file(resource):
        return resource
    path = resource[len(_FILE) :]
    return _prefix(path).rpartition("/")[0] if _is_pattern[resource] else path


def roots_above(root: str) -> list[str]:
    """Return a root and all roots above it, from the longest to the empty one."""
    roots = [root]
    while root:
        root = root.rpartition("/")[0]
        roots.append(root)
    return roots


def suffix_of(resource: str) -> str:
    """Return the literal text at the end of a resource. Everything ends with it that the resource can match, with one
    exception: `**/a` matches `a`, without the `/`.

    If two resources overlap, the suffix of one of them ends with that of the other.
    """
    return _suffix(resource[len(_FILE) :]) if is_file(resource) else resource


def leaf_of(resource: str) -> str:
    """Return the last part of everything that a resource can match; empty if that differs.

    If two resources overlap, their leaves are equal, or one of them is empty.
    """
    leaf = resource.rpartition("/")[2]
    return "" if "*" in leaf or "?" in leaf else leaf


def _patterns_overlap(a: str, b: str) -> bool:
    """Return whether some path matches both patterns."""
    if not is_pattern(a):
        a, b = b, a
    if not is_pattern(a):
        return a == b
    return (is_pattern(b) or _pieces_occur(a, b)) and _overlaps[a, b]


def _pieces_occur(pattern: str, path: str) -> bool:
    """Return whether a path contains the literal parts of a pattern, in their order. If not, it does not match."""
    place = 0
    for part in pattern.replace("?", "*").split("*"):
        part = part.removeprefix("/")  # `**/` can match nothing
        place = path.find(part, place)
        if place < 0:
            return False
        place += len(part)
    return True


def _ends_agree(a: str, b: str) -> bool:
    """Return whether some text begins and ends as both patterns require. If not, they do not overlap."""
    first, second = _prefix(a), _prefix(b)
    if not (first.startswith(second) or second.startswith(first)):
        return False
    first, second = _suffix(a), _suffix(b)
    return first.endswith(second) or second.endswith(first)


def _prefix(path: str) -> str:
    """Return the literal text at the beginning of a path or a pattern."""
    return path.partition("*")[0].partition("?")[0]


def _suffix(path: str) -> str:
    """Return the literal text at the end of a path or a pattern; none for a folder, which means all that is below."""
    return "" if path.endswith("/") else path.rpartition("*")[2].rpartition("?")[2]


def _tokens_overlap(left: list[str], right: list[str]) -> bool:
    """Return whether some path matches the tokens of both patterns.

    Runs both patterns in parallel as two small automata. A state is a pair of indexes, so the work is limited by the
    product of the lengths, whatever wildcards they contain. Empty parts of a path need no check: where both patterns
    match an empty part, both have a wildcard that also matches a letter.
    """
    todo = [(0, 0)]
    seen = set(todo)
    while todo:
        i, j = todo.pop()
        if i == len(left) and j == len(right):
            return True
        pairs = [(k, j) for k in _skips(left, i)] + [(i, k) for k in _skips(right, j)]
        for letter in {"/", _OTHER, *left[i : i + 1], *right[j : j + 1]} - {_SKIP, _DEEP, _RUN, _ONE}:
            pairs += [(k, m) for k in _moves(left, i, letter) for m in _moves(right, j, letter)]
        for pair in pairs:
            if pair not in seen:
                seen.add(pair)
                todo.append(pair)
    return False


def _tokens(pattern: str) -> list[str]:
    """Split a pattern into tokens."""
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
    """Return the indexes that can be reached from `i` without reading a character."""
    kind = tokens[i] if i < len(tokens) else ""
    if kind == _SKIP:
        return [i + 1, i + 3]
    return [i + 1] if kind in (_DEEP, _RUN) else []


def _moves(tokens: list[str], i: int, letter: str) -> list[int]:
    """Return the indexes that can be reached from `i` by reading `letter`."""
    if i == len(tokens):
        return []
    kind = tokens[i]
    if kind == _DEEP or (kind == _RUN and letter != "/"):
        return [i]
    if kind == letter or (kind == _ONE and letter != "/"):
        return [i + 1]
    return []


_is_pattern = _Memo(lambda path: path.endswith("/") or "*" in path or "?" in path)
_overlaps = _Memo(lambda pair: _ends_agree(*pair) and _tokens_overlap(*map(_tokens, pair)))
