"""Git's private list of what it does not see: `info/exclude`. Lines of ours are put there, and taken out again."""

import os
from collections.abc import Callable
from itertools import pairwise

from coord.platform.git.repository import Repository
from coord.platform.text_blocks import with_block, without_lines


def exclude_file(repository: Repository) -> str:
    """Where the list is."""
    return os.path.join(repository.common, "info", "exclude")


def exclude_folder(repository: Repository, folder: str) -> str:
    """Put a folder into the list, unless it is there. The list's path. Raises OSError."""
    path, pattern = exclude_file(repository), _pattern(repository, folder)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    edit_file(path, lambda text: text if pattern in text.splitlines() else with_pattern(text, pattern))
    return path


def include_folder(repository: Repository, folder: str) -> None:
    """Take a folder out of the list, and remove the list with its last line. Raises OSError."""
    pattern = _pattern(repository, folder)
    remove_lines(exclude_file(repository), lambda line: line == pattern)


def _pattern(repository: Repository, folder: str) -> str:
    return f"/{os.path.relpath(folder, repository.main).replace(os.sep, '/')}/"


def with_pattern(text: str, pattern: str, comment: str = "") -> str:
    """The list with a pattern at its end; with a comment, as a block that is found again by it."""
    if comment:
        return with_block(text, [comment, pattern])
    return text + ("\n" if text and not text.endswith("\n") else "") + pattern + "\n"


def without_pattern(text: str, pattern: str, comment: str) -> str | None:
    """The list without the block of that pattern and comment; None if there is no such block."""
    pairs = enumerate(pairwise(text.splitlines()))
    start = next((start for start, pair in pairs if pair == (comment, pattern)), None)
    return None if start is None else without_lines(text, start, start + 2)


def remove_lines(path: str, ours: Callable[[str], bool]) -> None:
    """Remove lines from a file of git's, and the file with its last line. A link is left alone. Raises OSError."""
    if os.path.isfile(path) and not os.path.islink(path):
        edit_file(path, lambda text: "".join(line for line in _lines(text) if not ours(line.rstrip("\r\n"))))


def _lines(text: str) -> list[str]:
    """The lines with their ends. Only a line feed ends one."""
    return [line + "\n" for line in text.split("\n")[:-1]] + [text.rpartition("\n")[2]]


def edit_file(path: str, change: Callable[[str], str]) -> None:
    """Change the text of a file, every other byte of it kept. What is only added to is appended to. Raises OSError."""
    text = ""
    if os.path.exists(path):
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            text = file.read()
    changed = change(text)
    if changed == text:
        return
    if not changed:
        os.unlink(path)
        return
    added = changed.startswith(text)
    with open(path, "a" if added else "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.write(changed[len(text) :] if added else changed)
