"""The changes as a person sees them before they are made: a unified diff of each file, with all that is new in it.

A file in the home can have secrets in it, and what is shown can end up in an agent's transcript. So of such a file only
what changes is shown: the lines that do, and in these not what stays. In a repository what stays around a change is
shown, and cut where it is long. What changes is never cut: it can be what grants permission.
"""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher, unified_diff

from coord.admin.install.request import FileChange
from coord.render.format import terminal_text

_MOST_LETTERS = 160  # of a line, or a part of one, that stays
_MEMBER = re.compile(r'^([+-]\s*"(?:[^"\\]|\\.)*"\s*:).*?(,?)$')
_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|\w+|.')


def file_diff(change: FileChange, base: str) -> str:
    """The diff of a file. `base` is the folder whose files are shown with what stands around a change."""
    if change.moved:
        return f"rename from {change.moved}\nrename to {change.named}"
    inside = change.path.startswith(base.rstrip("/") + "/")
    before, after = _lines(change.before), _lines(change.after)
    name = change.named if change.named == change.path else f"{change.named} -> {change.path}"
    old, new = (name if text is not None else "/dev/null" for text in (change.before, change.after))
    lines = list(unified_diff(before, after, old, new, lineterm="", n=3 if inside else 0))
    return "\n".join(terminal_text(text.rstrip("\r")) for text in (*lines[:2], *_only_what_changes(lines[2:], inside)))


def _lines(data: bytes | None) -> list[str]:
    return [] if data is None else data.decode(errors="replace").splitlines()


def _only_what_changes(lines: list[str], inside: bool) -> Iterator[str]:
    """The lines, without what stays of those that change. In the home only the name is left of a value that gets, or
    loses, a comma.
    """
    old, new = ([text for text in lines if text[0] == sign] for sign in "-+")
    both = set() if inside else {_bare(text) for text in old} & {_bare(text) for text in new}
    old, new = ([text for text in texts if _bare(text) not in both] for texts in (old, new))
    changed = {text: pair for pair in zip(old, new, strict=False) for text in pair}
    for text in lines:
        if text[0] == " ":
            yield _cut(text)
        elif text in changed:
            yield text[0] + _without_what_stays(*changed[text], text[0] == "+", inside)
        else:
            yield _hidden(text) if _bare(text) in both else text


def _bare(text: str) -> str:
    return text[1:].rstrip(",")


def _hidden(text: str) -> str:
    found = _MEMBER.match(text)
    if found:
        return f"{found[1]} …{found[2]}"
    return text if text.strip("+- \t{}[],") == "" else f"{text[0]} …{',' if text.endswith(',') else ''}"


def _without_what_stays(old: str, new: str, is_new: bool, inside: bool) -> str:
    """The old or the new one of two lines, where one is the other with more in it, or is long: a file of one line is
    shown by what is added to it.
    """
    words = _WORD.findall(old[1:]), _WORD.findall(new[1:])
    steps = SequenceMatcher(None, *words, autojunk=False).get_opcodes()
    if max(len(old), len(new)) <= _MOST_LETTERS and (inside or "replace" in {step[0] for step in steps}):
        return (new if is_new else old)[1:]
    shown = []
    for kind, *spots in steps:
        start, stop = spots[2:] if is_new else spots[:2]
        text = "".join(words[is_new][start:stop])
        shown.append(text if kind != "equal" else _cut(text) if inside else _without_words(text))
    return "".join(shown)


def _without_words(text: str) -> str:
    """What stays of a line in the home: nothing but brackets and commas."""
    return text if text.strip(" \t{}[],:") == "" else "…"


def _cut(text: str) -> str:
    """The beginning and the end of something long that stays."""
    return text if len(text) <= _MOST_LETTERS else f"{text[: _MOST_LETTERS // 2]} … {text[-_MOST_LETTERS // 2 :]}"
