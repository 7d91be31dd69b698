"""The changes in plain words, a row for each file: what a person reads who does not read the diff.

What grants permission is never cut here: it is the reason to read it.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap

from coord.admin.install.changeset import Changeset
from coord.admin.install.request import FileChange
from coord.platform.git.repository import find_repository
from coord.render.format import terminal_text

_WIDTH = 100


def summary_rows(draft: Changeset, bases: Sequence[str], env: Mapping[str, str], apart: bool) -> list[str]:
    """The rows. `bases` are the folders for which something is installed, the one that we are in first; `apart` puts
    the files of each below it, as is done anyway where there are several.
    """
    home = env.get("HOME", "")
    groups: dict[str, list[FileChange]] = {}
    for change in draft.changes:
        groups.setdefault(_base(change, bases), []).append(change)
    apart = apart or len(groups) > 1 or not groups.keys() <= {bases[0], ""}
    lines: list[str] = []
    for base in sorted(groups, key=lambda base: (base != bases[0], not base, base)):
        head = short_path(base, "", home) if base else "Yours, in all repositories"
        lines += [f"   {terminal_text(head)}:"] if apart else []
        for change in groups[base]:
            lines += _row(change, draft, "      " if apart else "   ", short_path(change.named, base, home))
    return lines


def _base(change: FileChange, bases: Sequence[str]) -> str:
    """The folder that a file is for; empty for one that counts in all repositories."""
    for base in bases:
        repository = find_repository(base)
        if any(_is_below(change.named, folder) for folder in (base, repository.common if repository else base)):
            return base
    return ""


def short_path(path: str, base: str, home: str) -> str:
    """A path as people say it."""
    if base and _is_below(path, base):
        return os.path.relpath(path, base)
    return os.path.join("~", os.path.relpath(path, home)) if home and _is_below(path, home) else path


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(folder.rstrip(os.sep) + os.sep)


def _row(change: FileChange, draft: Changeset, margin: str, name: str) -> Iterator[str]:
    said = draft.said(change)
    head = f"{margin}{terminal_text(name)} ({_state(change, draft.removing)})"
    if draft.removing:
        yield f"{head}: {terminal_text('; '.join(said))}" if said else head
        return
    yield f"{head}:" if said else head
    for text in said:
        words = wrap(terminal_text(text), _WIDTH, break_long_words=False, break_on_hyphens=False)
        yield from (f"{margin}   {line}" for line in words)


def _state(change: FileChange, removing: bool) -> str:
    if change.moved:
        return "put back" if removing else f"moved here from {os.path.basename(change.moved)}"
    if change.after is None:
        return "removed"
    return "the rest stays" if removing else "new" if change.before is None else "changed"
