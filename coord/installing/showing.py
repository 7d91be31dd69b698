"""The changes as a person sees them before they are made: a unified diff of each file.

A file in the home can have secrets in it, and what is shown can end up in an agent's transcript. So of such a file only
the lines that change are shown, and of one that only gets a comma, not its value.
"""

import re
from difflib import unified_diff

from coord.installing.plan import Change
from coord.text import line, plain

_MOST_LETTERS = 160  # of a line
_MEMBER = re.compile(r'^([+-]\s*"(?:[^"\\]|\\.)*"\s*:).*?(,?)$')


def difference(change: Change, base: str) -> str:
    """The diff of a file. `base` is the folder whose files are shown with what stands around a change."""
    if change.moved:
        return f"rename from {change.moved}\nrename to {change.named}"
    inside = change.path.startswith(base.rstrip("/") + "/")
    before, after = _lines(change.before), _lines(change.after)
    name = change.named if change.named == change.path else f"{change.named} -> {change.path}"
    old, new = (name if text is not None else "/dev/null" for text in (change.before, change.after))
    lines = list(unified_diff(before, after, old, new, lineterm="", n=3 if inside else 0))
    if not inside:
        lines = _without_values(lines)
    return "\n".join([*(plain(text) for text in lines[:2]), *(_cut(text) for text in lines[2:])])


def _lines(data: bytes | None) -> list[str]:
    return [] if data is None else data.decode(errors="replace").splitlines()


def _without_values(lines: list[str]) -> list[str]:
    """Lines that are there before and after, but for a comma, without what they say."""
    removed = {text[1:].rstrip(",") for text in lines[2:] if text.startswith("-")}
    both = removed & {text[1:].rstrip(",") for text in lines[2:] if text.startswith("+")}
    return [_hidden(text) if text[1:].rstrip(",") in both else text for text in lines]


def _hidden(text: str) -> str:
    found = _MEMBER.match(text)
    if found:
        return f"{found[1]} …{found[2]}"
    return text if text.strip("+- \t{}[],") == "" else f"{text[0]} …{',' if text.endswith(',') else ''}"


def _cut(text: str) -> str:
    """A long line's beginning and end: a file of one line is shown by what is added to it."""
    shown = line(text.rstrip("\r"), 0) if text.strip() else text
    return (
        shown if len(shown) <= _MOST_LETTERS else f"{shown[: _MOST_LETTERS // 4]} … {shown[-_MOST_LETTERS // 4 * 3 :]}"
    )
