"""Add lines to `info/exclude`, a repository's own list of ignored files, and remove them again."""

import os
from collections.abc import Callable
from itertools import pairwise

from coord.platform.git.repository import Repository
from coord.platform.text_blocks import with_block, without_lines


def exclude_file(repository: Repository) -> str:
    """Return the path of the repository's `info/exclude`."""
    return os.path.join(repository.common, "info", "exclude")


def exclude_folder(repository: Repository, folder: str) -> str:
    """Add a folder to the list, unless it is listed already. Return the list's path. Raises OSError."""
    path, pattern = exclude_file(repository), _pattern(repository, folder)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    edit_file(path, lambda text: text if pattern in text.splitlines() else with_pattern(text, pattern))
    return path


def include_folder(repository: Repository, folder: str) -> None:
    """Remove a folder from the list, and delete the list if it becomes empty. Raises OSError."""
    pattern = _pattern(repository, folder)
    remove_lines(exclude_file(repository), lambda line: line == pattern)


def _pattern(repository: Repository, folder: str) -> str:
    return f"/{os.path.relpath(folder, repository.main).replace(os.sep, '/')}/"


def with_pattern(text: str, pattern: str, comment: str = "") -> str:
    """Return the list with a pattern added. With a comment, they form a block, which `without_pattern` removes."""
    if comment:
        return with_block(text, [comment, pattern])
    return text + ("\n" if text and not text.endswith("\n") else "") + pattern + "\n"


def without_pattern(text: str, pattern: str, comment: str) -> str | None:
    """Return the list without the block of this comment and pattern; None if there is no such block."""
    pairs = enumerate(pairwise(text.splitlines()))
    start = next((start for start, pair in pairs if pair == (comment, pattern)), None)
    return None if start is None else without_lines(text, start, start + 2)


def remove_lines(path: str, ours: Callable[[str], bool]) -> None:
    """Remove lines from a file, and delete it if it becomes empty. Leave a symbolic link unchanged. Raises OSError."""
    if os.path.isfile(path) and not os.path.islink(path):
        edit_file(path, lambda text: "".join(line for line in _lines(text) if not ours(line.rstrip("\r\n"))))


def _lines(text: str) -> list[str]:
    """Return the lines with their ends. Only a line feed ends a line."""
    return [line + "\n" for line in text.split("\n")[:-1]] + [text.rpartition("\n")[2]]


def edit_file(path: str, change: Callable[[str], str]) -> None:
    """Change the text of a file and keep all other bytes. An addition at the end is appended. Raises OSError."""
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
