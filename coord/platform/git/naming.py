"""Name a file as claims do: which shared folder guards it, which worktree it is in, and its name. Does not run git.

A shared folder guards the files of its repository, and those of the repositories below that have no shared folder of
their own, such as submodules. Their names are relative to the root of the outer repository.

A worktree has the name by which git knows it, so that it stays the same when the repository is moved, or is mounted at
another path. Repositories and folders are compared by their inodes, because one folder can have several paths.

All hooks use this module before every write, so it imports nothing that is slow to load.
"""

import os

from coord.platform.git.repository import (
    FOLDER,
    Repository,
    find_repository,
    folder_candidates,
    is_shared_folder,
    path_of_recorded,
    read_git_file,
    recorded_path,
    with_parents,
)
from coord.platform.host import owner_of, user_id

TYPE_CHECKING = False  # loading `typing` would make a hook take 1.7 times as long
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAIN = "main"  # the name of the main worktree, and of the only tree outside git
_LINKED = "worktrees"  # the folder, in the common git directory, with a git directory for each linked worktree
_ROOT = 0  # the id of the user root
_WILDCARDS, _LETTERS = "*?", "\uff0a\uff1f"  # wildcards in a file's name, and the letters that claims have for them
_LONGEST_NAME, _KEPT = 500, 460  # characters of a name, and of the start of a longer one


class Checkout:
    """A worktree of the repository that contains a shared folder. Outside git, the folder that contains it."""

    __slots__ = ("_ignores_case", "folder", "inner", "repository", "root")

    def __init__(self, folder: str, root: str, repository: "Repository | None", inner: "Repository | None") -> None:
        self.folder = folder  # the shared folder
        self.root = root  # names of files are relative to it
        self.repository = repository  # the repository of the worktree
        self.inner = inner  # the repository that was searched from: this one, or one that is nested in it
        self._ignores_case: bool | None = None

    @property
    def worktree(self) -> str:
        """The worktree's name: `main`, or `worktrees/NAME` for a linked one."""
        if self.repository is None or self.repository.git == self.repository.common:
            return MAIN
        return f"{_LINKED}/{recorded_path(os.path.basename(self.repository.git))}"

    @property
    def git(self) -> str:
        """The git directory of the folder that was searched from; empty outside git."""
        return self.inner.git if self.inner else ""

    @property
    def ignores_case(self) -> bool:
        """Whether the file system ignores case in names. It is asked whether the folder `.git` is also named `.GIT`."""
        if self._ignores_case is None:
            known = os.path.join(self.root, ".git") if self.repository else self.folder
            self._ignores_case = os.path.lexists(
                os.path.join(os.path.dirname(known), os.path.basename(known).swapcase())
            )
        return self._ignores_case


# --- which shared folder guards a file --------------------------------------------------------------------------------


def find_checkout(directory: str, named: str = "") -> Checkout | None:
    """Return the checkout whose shared folder guards a directory, or None. `named` is a shared folder that is used
    instead of the nearest one.
    """
    if named:
        return named_checkout(directory, named)
    for place in possible_checkouts(directory):
        if is_shared_folder(place.folder) and not is_foreign(place, directory):
            return place
    return None


def is_foreign(place: Checkout, directory: str) -> bool:
    """Return whether a shared folder is outside the repository of a directory and belongs to another user, who may have
    made it in a folder that everyone can write to.

    As for git's `safe.directory`, the owner must be the user of this process. It can also be root, who can write to
    every folder, or the owner of the repository (outside git, of the directory), for a container that runs as root.
    """
    if place.inner is not None and place.repository is place.inner:
        return False
    owner = owner_of(place.folder)
    return owner not in (user_id(), _ROOT) and owner != owner_of(place.inner.worktree if place.inner else directory)


def possible_checkouts(directory: str) -> "Iterator[Checkout]":
    """Yield the places where the shared folder that guards a directory can be, nearest first."""
    inner = None
    for start, repository in _enclosing(directory):
        inner = inner or repository
        for folder in folder_candidates(start, repository):
            yield Checkout(folder, repository.worktree if repository else os.path.dirname(folder), repository, inner)


def _enclosing(directory: str) -> "Iterator[tuple[str, Repository | None]]":
    """Yield a directory with its repository, and each directory that contains the repository before, with its own. The
    last one is in no repository.
    """
    while True:
        repository = find_repository(directory)
        yield directory, repository
        if repository is None or os.path.dirname(repository.worktree) == repository.worktree:
            return
        directory = os.path.dirname(repository.worktree)


def named_checkout(directory: str, named: str) -> Checkout:
    """Return the worktree of a shared folder's repository that contains a directory; if none does, the worktree that
    contains the shared folder.
    """
    home = find_repository(os.path.dirname(named))
    inner = None
    for _, repository in _enclosing(directory):
        inner = inner or repository
        if repository and home and is_same_folder(repository.common, home.common):
            return Checkout(named, repository.worktree, repository, inner)
    return Checkout(named, home.worktree if home else os.path.dirname(named), home, inner)


def folder_in_environment(env: "Mapping[str, str]") -> str:
    """Return the shared folder that COORD_ROOT names; empty if it is not set."""
    return shared_folder_named(env.get("COORD_ROOT", ""))


def shared_folder_named(name: str, cwd: str = "") -> str:
    """Return the shared folder with this path, or in the folder with this path; empty for an empty path. A relative
    path is resolved from `cwd`, or from the working directory of the process.
    """
    if not name:
        return ""
    folder = os.path.realpath(os.path.join(cwd, os.path.expanduser(name)))
    return folder if os.path.basename(folder) == FOLDER else os.path.join(folder, FOLDER)


def is_same_folder(a: str, b: str) -> bool:
    """Return whether two paths lead to the same folder, also if it is mounted at both."""
    try:
        return a == b or os.path.samestat(os.stat(a), os.stat(b))
    except (OSError, ValueError):
        return False


# --- the name of a file -----------------------------------------------------------------------------------------------


def relative_name(here: Checkout, path: str) -> str:
    """Return a path relative to the root of a checkout, with `/` between its parts; empty if it lies outside.

    `path` is absolute, with all links resolved except in its last part. On a file system that ignores case, an existing
    file is spelled as its directory lists it.
    """
    relative = _below(here.root, path)
    if relative and relative != "." and here.ignores_case:
        relative = spelled(here.root, relative)
    return relative.replace(os.sep, "/")


def _below(root: str, path: str) -> str:
    if path == root or path.startswith(root.rstrip(os.sep) + os.sep):
        return os.path.relpath(path, root)
    same = next((parent for parent in with_parents(path) if is_same_folder(parent, root)), "")
    return os.path.relpath(path, same) if same else ""


def spelled(root: str, relative: str) -> str:
    """Return a path below `root` with each part as its directory lists it, as far as it exists."""
    parts = relative.split(os.sep)
    for i, part in enumerate(parts):
        folder = os.path.join(root, *parts[:i])
        try:
            names = os.listdir(folder)
        except OSError:
            break
        if part not in names:
            alike = [name for name in names if _folded(name) == _folded(part)]
            parts[i] = next((name for name in alike if _is_same_file(folder, name, part)), part)
    return os.sep.join(parts)


def _folded(name: str) -> str:
    if not name.isascii():
        from unicodedata import normalize

        name = normalize("NFC", name)
    return name.casefold()


def _is_same_file(folder: str, a: str, b: str) -> bool:
    try:
        return os.path.samestat(os.lstat(os.path.join(folder, a)), os.lstat(os.path.join(folder, b)))
    except OSError:
        return False


def claim_name(relative: str, *, pattern: bool = False) -> str:
    """Return the name by which claims know a file: valid in an event, and with no wildcards unless it is a `pattern`.

    - Letters are composed (NFC), because macOS stores some names in another form than they are typed.
    - `*` and `?` are written as the letters `\uff0a` and `\uff1f`, so that the name means this file alone.
    - Control characters, and bytes that are not UTF-8, are escaped.
    - A name that is too long for an event is cut, and ends with a hash of all of it.
    """
    name = relative
    if not (name.isascii() and name.isprintable()):
        from unicodedata import normalize  # 4 % of a hook

        name = recorded_path(normalize("NFC", name))
    if not pattern and any(letter in name for letter in _WILDCARDS):
        name = name.translate(str.maketrans(_WILDCARDS, _LETTERS))
    if len(name) > _LONGEST_NAME and not pattern:
        from eventlog.digest import blake2b

        name = f"{name[:_KEPT]}\u2026{blake2b(name.encode(), digest_size=16).hexdigest()}"
    return name


def file_path(root: str, name: str) -> str:
    """Return the path of the file that claims know by `name`, if that can be told from the name."""
    path = os.path.join(root, name)
    if any(letter in name for letter in _LETTERS) and not os.path.lexists(path):
        return os.path.join(root, name.translate(str.maketrans(_LETTERS, _WILDCARDS)))
    return path


# --- where a worktree is ----------------------------------------------------------------------------------------------


def worktree_name(here: Checkout, worktree: str) -> str:
    """Return the name of a worktree that a claim names. Claims of older versions contain its path instead. If nothing
    is there any more, it can be any worktree: return an empty name.
    """
    if not os.path.isabs(worktree):
        return worktree
    path = path_of_recorded(worktree)
    if not os.path.isdir(path):
        return ""
    found = named_checkout(os.path.realpath(path), here.folder)
    return found.worktree if is_same_folder(found.root, path) else worktree


def root_of_worktree(here: Checkout, worktree: str) -> str:
    """Return the present root of a worktree that a claim names; empty if it is unknown. Claims of older versions
    contain the root itself.
    """
    if os.path.isabs(worktree):
        return path_of_recorded(worktree)
    if worktree in ("", here.worktree):
        return here.root
    repository = here.repository
    if worktree == MAIN:
        return repository.main if repository else os.path.dirname(here.folder)
    kind, _, name = worktree.partition("/")
    if repository is None or kind != _LINKED or os.path.basename(name) != name or name in ("", ".", ".."):
        return ""
    git = os.path.join(repository.common, _LINKED, name)
    dot_git = read_git_file(os.path.join(git, "gitdir"))
    return os.path.dirname(os.path.normpath(os.path.join(git, dot_git))) if dot_git else ""
