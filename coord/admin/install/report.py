"""What a person reads about the changes: a unified diff of each file before it is written, and a summary in words.

A file in the home folder can contain secrets, and printed text can end up in an agent's transcript. So for such a file
only the changed parts of lines are shown. In a repository the lines around a change are shown too, and long ones are
shortened. What changes is never shortened, neither in the diff nor in the summary: it can grant permissions. The
exceptions are long files that are removed, and long modules of coord's own code that are created (`shortened_diff`).
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher, unified_diff
from textwrap import wrap

from coord.admin.install.changeset import Changeset, FileChange
from coord.platform.git.repository import find_repository
from coord.render.format import line, terminal_text
from eventlog.events import MAX_PATH_LENGTH

_MAX_UNCHANGED = 160  # characters of an unchanged line, or of an unchanged part of one
_MAX_WHOLE = 40  # lines of the diff of a file that is removed, or of a module that is created
_MODULE = ".js"
_MEMBER = re.compile(r'^([+-]\s*"(?:[^"\\]|\\.)*"\s*:).*?(,?)$')
_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|\w+|.')
_WIDTH = 70  # characters of a line of the summary, which is indented by at most 9, so that it fits a window of 80


# --- the diff ---------------------------------------------------------------------------------------------------------


def file_diff(change: FileChange, base: str) -> str:
    """Return the diff of a file. Of files inside `base` the unchanged lines around a change are shown too."""
    if change.moved:
        return f"rename from {_one_line(change.moved)}\nrename to {_one_line(change.named)}"
    inside = change.path.startswith(base.rstrip("/") + "/")
    before, after = _lines(change.before), _lines(change.after)
    name = change.named if change.named == change.path else f"{change.named} -> {change.path}"
    name = _one_line(name)
    old, new = (name if text is not None else "/dev/null" for text in (change.before, change.after))
    lines = list(unified_diff(before, after, old, new, lineterm="", n=3 if inside else 0))
    return "\n".join(terminal_text(text.rstrip("\r")) for text in (*lines[:2], *_changed_parts(lines[2:], inside)))


def shortened_diff(change: FileChange, diff: str) -> str:
    """Return the diff of a file to print; for a long file that is removed, or a long module that is created, only the
    names and the number of lines. Settings that are created can grant permissions, so they are not shortened.
    """
    rows = diff.splitlines()
    is_new_module = change.before is None and change.named.endswith(_MODULE)
    if change.moved or len(rows) <= _MAX_WHOLE or not (is_new_module or change.after is None):
        return diff
    names, count = rows[:2], len(_lines(change.before or change.after))
    return "\n".join([*names, f"{'-' if change.after is None else '+'} … {count} lines"])


def _lines(data: bytes | None) -> list[str]:
    return [] if data is None else data.decode(errors="replace").splitlines()


def _changed_parts(lines: list[str], inside: bool) -> Iterator[str]:
    """Yield the lines of a diff with unchanged text shortened or hidden.

    A line that only gets or loses a comma is unchanged text too: in the home folder, only its key is shown.
    """
    old, new = ([text for text in lines if text[0] == sign] for sign in "-+")
    comma_only = set() if inside else {_bare(text) for text in old} & {_bare(text) for text in new}
    old, new = ([text for text in texts if _bare(text) not in comma_only] for texts in (old, new))
    changed = {text: pair for pair in zip(old, new, strict=False) for text in pair}
    for text in lines:
        if text[0] == " ":
            yield _shorten(text)
        elif text in changed:
            yield text[0] + _changed_words(*changed[text], text[0] == "+", inside)
        else:
            yield _without_value(text) if _bare(text) in comma_only else text


def _bare(text: str) -> str:
    return text[1:].rstrip(",")


def _without_value(text: str) -> str:
    member = _MEMBER.match(text)
    if member:
        return f"{member[1]} …{member[2]}"
    return text if text.strip("+- \t{}[],") == "" else f"{text[0]} …{',' if text.endswith(',') else ''}"


def _changed_words(old: str, new: str, is_new: bool, inside: bool) -> str:
    """Return the old or the new line of a pair, with the words that both have shortened or hidden.

    Applied to long lines, such as a file on one line, and in the home folder to lines that only get or lose words.
    """
    words = _WORD.findall(old[1:]), _WORD.findall(new[1:])
    steps = SequenceMatcher(None, *words, autojunk=False).get_opcodes()
    if max(len(old), len(new)) <= _MAX_UNCHANGED and (inside or "replace" in {step[0] for step in steps}):
        return (new if is_new else old)[1:]
    parts = []
    for kind, *spots in steps:
        start, stop = spots[2:] if is_new else spots[:2]
        text = "".join(words[is_new][start:stop])
        parts.append(text if kind != "equal" else _shorten(text) if inside else _hide(text))
    return "".join(parts)


def _hide(text: str) -> str:
    """Hide an unchanged part of a line in the home folder; brackets and commas stay."""
    return text if text.strip(" \t{}[],:") == "" else "…"


def _shorten(text: str) -> str:
    """Keep the beginning and the end of a long unchanged text."""
    if len(text) <= _MAX_UNCHANGED:
        return text
    return f"{text[: _MAX_UNCHANGED // 2]} … {text[-_MAX_UNCHANGED // 2 :]}"


# --- the summary ------------------------------------------------------------------------------------------------------


def summary_rows(draft: Changeset, bases: Sequence[str], env: Mapping[str, str], apart: bool) -> list[str]:
    """Return the lines of the summary: for each file its state, and what was added or removed.

    `bases` are the folders for which something is installed, the current one first. The files are grouped by folder if
    there are several, or if `apart` is set.
    """
    home = env.get("HOME", "")
    groups: dict[str, list[FileChange]] = {}
    for change in draft.changes:
        groups.setdefault(_base(change, bases), []).append(change)
    apart = apart or len(groups) > 1 or not groups.keys() <= {bases[0], ""}
    lines: list[str] = []
    for base in sorted(groups, key=lambda base: (base != bases[0], not base, base)):
        head = short_path(base, "", home) if base else "Yours, in all repositories"
        lines += [f"   {_one_line(head)}:"] if apart else []
        for change in groups[base]:
            lines += _row(change, draft, "      " if apart else "   ", short_path(change.named, base, home))
    return lines


def _base(change: FileChange, bases: Sequence[str]) -> str:
    """Return the folder that a file is for; empty for a file that applies to all repositories."""
    for base in bases:
        repository = find_repository(base)
        if any(_is_below(change.named, folder) for folder in (base, repository.common if repository else base)):
            return base
    return ""


def short_path(path: str, base: str, home: str) -> str:
    """Return a path relative to `base`, or with `~` for the home folder, if it is inside one of them."""
    if base and _is_below(path, base):
        return os.path.relpath(path, base)
    return os.path.join("~", os.path.relpath(path, home)) if home and _is_below(path, home) else path


def _one_line(path: str) -> str:
    return line(path, MAX_PATH_LENGTH)


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(folder.rstrip(os.sep) + os.sep)


def _row(change: FileChange, draft: Changeset, margin: str, name: str) -> Iterator[str]:
    descriptions = draft.descriptions(change)
    state = _state(change, draft.removing)
    head = f"{margin}{_one_line(name)} ({state})"
    if draft.removing:
        verb = "removed " if state == "changed" else ""
        yield f"{head}: {verb}{terminal_text('; '.join(descriptions))}" if descriptions else head
        return
    yield f"{head}:" if descriptions else head
    for text in descriptions:
        wrapped = wrap(terminal_text(text), _WIDTH, break_long_words=False, break_on_hyphens=False)
        yield from (f"{margin}   {row}" for row in wrapped)


def _state(change: FileChange, removing: bool) -> str:
    if change.moved:
        return "restored" if removing else f"moved here from {os.path.basename(change.moved)}"
    if change.after is None:
        return "removed"
    return "new" if change.before is None else "changed"
