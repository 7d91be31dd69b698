"""Reads JavaScript just enough to measure it: where each function begins and ends, and the code without its texts."""

import re
from collections.abc import Iterator

_TEXTS = re.compile(
    r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`"""
    r"""|(?<=[(,=:\[!&|?;{}\n])[ ]*/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+/[a-z]*""",
    re.DOTALL,
)
_BLOCKS = {"if", "for", "while", "switch", "catch", "with"}


def without_texts(code: str) -> str:
    """Return the code with its comments, strings, templates and regular expressions blanked. Lines stay lines."""
    return _TEXTS.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), code)


def functions(code: str) -> Iterator[tuple[str, int]]:
    """Yield each function with a body in braces: its name, or its line if it has none, and how many lines it has.

    The lines of functions inside it count for these only, as those of methods do not count for what makes an object.
    """
    blank = without_texts(code)
    open_braces: list[tuple[int, int]] = [(0, 0)]  # where each block begins, and the lines of functions in it
    for place, sign in enumerate(blank):
        if sign == "{":
            open_braces.append((place, 0))
        elif sign == "}" and len(open_braces) > 1:
            start, inner = open_braces.pop()
            lines = blank.count("\n", start, place) + 1
            name = _function_name(blank[:start])
            if name:
                yield name, lines - inner
            before, known = open_braces.pop()
            open_braces.append((before, known + (lines - 1 if name else inner)))


def _function_name(before: str) -> str:
    """Return a name for the function whose body follows this code; empty if no function's body follows."""
    code, line = before.rstrip(), f"line {before.count(chr(10)) + 1}"
    if code.endswith("=>"):
        return line
    if not code.endswith(")"):
        return ""
    depth = 0
    for place in range(len(code) - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(code[place], 0)
        if depth == 0:
            word = re.search(r"([\w$#]*)\s*$", code[:place])
            name = word[1] if word else ""
            return "" if name in _BLOCKS else name or line
    return ""
