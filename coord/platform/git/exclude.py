"""Add lines to `info/exclude`, a repository's own list of ignored files, and remove them again."""

import os
from collections.abc import Callable
from itertools import pairwise

from coord.platform.git.repository import Repository
from coord.platform.text_blocks import with_block, without_lines
from eventlog.local.files import BINARY, NOFOLLOW, read_regular

LIVE_FILES = ("log/", ".cache/", "STATUS_BOARD.md")
"""What sessions write in a shared folder, as patterns."""
ATTRIBUTES = ".gitattributes"  # in the shared folder, if git tracks the log
_MAX_BYTES = 1 << 16  # of that file


def exclude_file(repository: Repository) -> str:
    """Return the path of the repository's `info/exclude`."""
    return os.path.join(repository.common, "info", "exclude")


def exclude_folder(repository: Repository, folder: str) -> str:
    """Add a folder to the list, unless it is listed already. Return the list's path. Raises OSError."""
    path, pattern = exclude_file(repository), _pattern(repository, folder)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    edit_file(path, lambda text: text if pattern in text.split("\n") else with_pattern(text, pattern))
    return path


def include_folder(repository: Repository, folder: str) -> None:
    """Remove a folder and its live files from the list, and delete the list if it becomes empty. Raises OSError."""
    ours = {_pattern(repository, folder), *_live_lines(repository, folder), _tracked_line(repository, folder)}
    remove_lines(exclude_file(repository), ours.__contains__)


# --- the live files of a shared folder --------------------------------------------------------------------------------


def hides_live_files(repository: Repository, folder: str) -> bool:
    """Return whether the list has the live files of a shared folder, or need not have them. Raises OSError.

    It need not have them if `coord init --track` lets git track them, or if the folder is in the git directory.
    """
    if folder.startswith(repository.common + os.sep) or is_tracked_on_purpose(repository, folder):
        return True
    lines = _listed(repository)
    return _pattern(repository, folder) in lines or lines.issuperset(_live_lines(repository, folder)[1:])


def hide_live_files(repository: Repository, folder: str) -> None:
    """Add the live files of a shared folder to the list, unless it has them already. Raises OSError.

    The list is outside the tree, so a checkout, a stash or a reset does not remove it, unlike a `.gitignore`. A
    symbolic link in place of the list is not followed.
    """
    if hides_live_files(repository, folder):
        return
    path, lines = exclude_file(repository), _listed(repository)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    missing = [line for line in _live_lines(repository, folder) if line not in lines]
    _append_lines(path, missing)


def track_live_files(repository: Repository, folder: str) -> None:
    """Remove the live files of a shared folder from the list, and record there that git may track them. Raises
    OSError.
    """
    include_folder(repository, folder)
    os.makedirs(os.path.dirname(exclude_file(repository)), exist_ok=True)
    _append_lines(exclude_file(repository), [_tracked_line(repository, folder)])


def is_tracked_on_purpose(repository: Repository, folder: str) -> bool:
    """Return whether `coord init --track` was run: here, or, as its file shows, in another clone. Raises OSError."""
    if _tracked_line(repository, folder) in _listed(repository):
        return True
    try:
        return b"/log/" in read_regular(os.path.join(folder, ATTRIBUTES), _MAX_BYTES)
    except OSError:
        return False


def _live_lines(repository: Repository, folder: str) -> list[str]:
    """Return a comment, and the patterns of the live files of a shared folder."""
    pattern = _pattern(repository, folder)
    comment = f"# coord: the live files in {pattern} must survive a stash, a checkout and a clean."
    return [comment, *(pattern + name for name in LIVE_FILES)]


def _tracked_line(repository: Repository, folder: str) -> str:
    """Return the comment that records that git may track the live files of a shared folder."""
    return f"# coord: git tracks the log in {_pattern(repository, folder)} (`coord init --track`)."


def _listed(repository: Repository) -> set[str]:
    """Return the lines of the list. Raises OSError."""
    try:
        with open(exclude_file(repository), "rb") as file:
            return set(os.fsdecode(file.read()).replace("\r\n", "\n").split("\n"))
    except FileNotFoundError:
        return set()


def _append_lines(path: str, lines: list[str]) -> None:
    """Append lines to a file in one write. Raises OSError, also for a symbolic link."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | NOFOLLOW | BINARY, 0o666)
    with os.fdopen(fd, "r+b", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 1))
        ends = not size or file.read(1) == b"\n"
        file.write(os.fsencode(("" if ends else "\n") + "".join(f"{line}\n" for line in lines)))


def _pattern(repository: Repository, folder: str) -> str:
    """Return the pattern that matches only this folder. No pattern can contain a line feed, so `?` matches it."""
    inside = folder.startswith(repository.worktree + os.sep)
    path = os.path.relpath(folder, repository.worktree if inside else repository.main).replace(os.sep, "/")
    return f"/{''.join(map(_literal, path))}/"


def _literal(letter: str) -> str:
    return "?" if letter == "\n" else f"\\{letter}" if letter in "\\*?[" else letter


# --- lines of the list ------------------------------------------------------------------------------------------------


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
