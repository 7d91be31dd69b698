"""The meaning of resources: which paths a pattern matches, decided by trying all short paths.

Nothing here imports `projections`.
"""

from functools import cache
from itertools import product

LONGEST = 8  # enough for any two patterns of four characters; more letters would change nothing
PATHS = [
    path
    for length in range(1, LONGEST + 1)
    for path in map("".join, product("ab/", repeat=length))
    if all(path.split("/"))  # no part is empty
]


def matches(pattern: str, path: str) -> bool:
    """Whether the pattern (of a file) matches the path."""
    if pattern.endswith("/"):
        pattern += "?**"  # everything below

    def rest(i: int, j: int) -> bool:
        if i == len(pattern):
            return j == len(path)
        at_part = i == 0 or pattern[i - 1] == "/"
        if pattern.startswith("**/", i) and at_part:
            return any(rest(i + 3, k) for k in range(j, len(path)) if k == j or path[k - 1] == "/")
        if pattern.startswith("**", i):
            return any(rest(i + 2, k) for k in range(j, len(path) + 1))
        if pattern[i] == "*":
            return any(rest(i + 1, k) for k in range(j, len(path) + 1) if "/" not in path[j:k])
        if j == len(path):
            return False
        return (pattern[i] == path[j] or (pattern[i] == "?" and path[j] != "/")) and rest(i + 1, j + 1)

    return rest(0, 0)


@cache
def matched(pattern: str) -> frozenset[str]:
    """The short paths that the pattern matches."""
    return frozenset(path for path in PATHS if matches(pattern, path))


@cache
def overlap(a: str, b: str) -> bool:
    """Rule 1: two files overlap if some path matches both. Other resources overlap only if they are equal."""
    if a.startswith("file/") and b.startswith("file/"):
        return a == b or bool(matched(a[5:]) & matched(b[5:]))
    return a == b


@cache
def covers(a: str, b: str) -> bool:
    """Rule 2: whether a claim on `a` includes `b`: if they are equal, if `b` is a path that `a` matches, or if `b` is
    below the folder `a`. A pattern with wildcards covers no other pattern.
    """
    if a == b or not (a.startswith("file/") and b.startswith("file/")):
        return a == b
    is_path = not b.endswith("/") and not {*"*?"} & {*b}
    is_folder = a.endswith("/") and not {*"*?"} & {*a}
    return matches(a[5:], b[5:]) if is_path else is_folder and b.startswith(a)
