"""Find the git repository of a folder, and the places where its shared folder can be. Does not run git.

The guard uses this module, so it imports nothing but `os`.
"""

import os

TYPE_CHECKING = False  # loading `typing` would make a hook take 1.7 times as long
if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = "COORDINATION"
CONFIG = "config.toml"  # marks a folder as a shared folder
MAIN_WORKTREE = "coord-main"  # the file in a shared git directory that records where the main worktree is
_GITDIR = "gitdir: "  # the beginning of a `.git` that is a file
_MAX_BYTES = 1 << 16  # of a small file of git


class Repository:
    """A git repository as seen from one of its worktrees."""

    __slots__ = ("common", "git", "main", "worktree")

    def __init__(self, worktree: str, main: str, git: str, common: str) -> None:
        self.worktree = worktree  # the root of this worktree
        self.main = main  # the root of the main worktree; of a bare repository, its own folder
        self.git = git  # the git directory of this worktree
        self.common = common  # the git directory that all worktrees share

    @property
    def is_main_unknown(self) -> bool:
        """Whether `main` is only the git directory, in a linked worktree: git may know the main worktree."""
        return self.main == self.common != self.git


def find_repository(cwd: str) -> Repository | None:
    """Return the git repository that contains a folder, or None. A submodule is a repository of its own.

    Only the files in the folder and its parents count. Git's variables, such as GIT_DIR, are ignored, so a repository
    that only they name is not found.
    """
    for folder in with_parents(cwd):
        dot_git = os.path.join(folder, ".git")
        if os.path.isdir(dot_git):
            return Repository(folder, folder, dot_git, dot_git)
        if os.path.isfile(dot_git) and (git := git_directory(folder)):
            shared = read_git_file(os.path.join(git, "commondir"))
            common = os.path.normpath(os.path.join(git, shared)) if shared else git
            return Repository(folder, _main_worktree(folder, git, common), git, common)
    return None


def git_directory(worktree: str) -> str:
    """Return the git directory to which the `.git` of a worktree leads; empty if there is none."""
    dot_git = os.path.join(worktree, ".git")
    if os.path.isdir(dot_git):
        return dot_git
    text = read_git_file(dot_git)
    named = text[len(_GITDIR) :].partition("\0")[0] if text.startswith(_GITDIR) else ""
    return os.path.normpath(os.path.join(worktree, named)) if named else ""


def _main_worktree(folder: str, git: str, common: str) -> str:
    """Return the main worktree of the repository with the worktree `folder`.

    Usually the main worktree contains the shared git directory as `.git`. Otherwise, a worktree whose git directory
    names no other one as the shared one is the main worktree itself, as in a submodule or after `git init
    --separate-git-dir`. From a linked worktree of such a repository, the main one is known only from the answer that
    was kept. In all other cases, as for a bare repository, return the shared git directory. It also counts if it
    already has a shared folder.
    """
    if os.path.basename(common) == ".git":
        return os.path.dirname(common)
    if kept := kept_main_worktree(common):
        return kept
    is_main = git == common and os.path.isfile(os.path.join(git, "HEAD"))
    return folder if is_main and not is_shared_folder(os.path.join(common, FOLDER)) else common


def kept_main_worktree(common: str) -> str:
    """Return the main worktree that is recorded in a shared git directory; empty if there is none or it is outdated.

    The file has the path relative to the git directory, so that both can be moved, and a NUL at its end.
    """
    kept, end, _ = read_git_file(os.path.join(common, MAIN_WORKTREE)).partition("\0")
    if not end:
        return ""
    main = os.path.normpath(os.path.join(os.path.realpath(common), kept))
    return main if leads_to(main, common) else ""


def leads_to(worktree: str, git: str) -> bool:
    """Return whether the `.git` of a worktree leads to this git directory."""
    try:
        return os.path.samefile(git_directory(worktree), git)
    except (OSError, ValueError):
        return False


def folder_candidates(cwd: str, repository: Repository | None) -> "Iterator[str]":
    """Yield the places where the shared folder for a working directory can be, nearest first."""
    for folder in with_parents(cwd):
        if repository:
            folder = os.path.normpath(os.path.join(repository.main, os.path.relpath(folder, repository.worktree)))
        yield os.path.join(folder, FOLDER)
        if repository and folder == repository.main:
            return


def is_shared_folder(folder: str) -> bool:
    """Return whether a folder named COORDINATION is a shared folder."""
    return os.path.isfile(os.path.join(folder, CONFIG)) or os.path.isdir(os.path.join(folder, "log"))


def with_parents(folder: str) -> "Iterator[str]":
    """Yield a folder and its parents."""
    while True:
        yield folder
        parent = os.path.dirname(folder)
        if parent == folder:
            return
        folder = parent


def read_git_file(path: str) -> str:
    """Return the text of one of git's small files, such as HEAD or the `.git` of a worktree; empty if it is unreadable.

    A path in such a file can contain line feeds. As git does, only the line ends at the end of the file are removed.
    """
    try:
        with open(path, "rb") as file:
            return os.fsdecode(file.read(_MAX_BYTES).rstrip(b"\r\n"))
    except (OSError, ValueError):
        return ""


def recorded_path(path: str) -> str:
    """Return a path as events record it. Bytes that are not UTF-8, and characters that events do not allow in names,
    are escaped.
    """
    text = path.encode(errors="surrogateescape").decode(errors="backslashreplace")
    return text if text.isprintable() else "".join(map(_escaped, text))


def path_of_recorded(recorded: str) -> str:
    """Return the path that `recorded_path` has escaped."""
    if "\\" not in recorded or os.path.lexists(recorded):
        return recorded
    head, *rest = os.fsencode(recorded).split(b"\\x")
    data = b"".join(_unescaped(part) for part in rest)
    return os.fsdecode(head + data)


def _escaped(letter: str) -> str:
    """Return a character, with its bytes escaped if events do not allow it in names."""
    if letter < " " or "\x7f" <= letter <= "\x9f" or letter in "\u2028\u2029":
        return "".join(f"\\x{byte:02x}" for byte in letter.encode())
    return letter


def _unescaped(part: bytes) -> bytes:
    try:
        return bytes.fromhex(part[:2].decode("ascii")) + part[2:]
    except ValueError:
        return b"\\x" + part
