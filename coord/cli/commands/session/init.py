"""`coord init`: put COORDINATION/ into a repository, and take nothing away from what a person changed there."""

import os
from contextlib import nullcontext
from itertools import chain, count

from coord.cli.parser import command, option
from coord.engine.run import Run
from coord.errors import NO_LOG, CoordError, no_log, usage_error
from coord.platform.git.exclude import exclude_folder
from coord.platform.git.repository import FOLDER, Repository, find_repository
from coord.platform.replace_file import replace_file
from coord.workspace.config import Config
from coord.workspace.paths import Workspace, refuse_links
from coord.workspace.template import TemplateFile, template_files
from eventlog.errors import LogError
from eventlog.local.files import path_exists, read_regular
from eventlog.local.lock import locked

_TRACKED_IGNORES = """# Made by this machine for itself. The journals in log/ are tracked: an archive, no way to share.
/.cache/
/log/.lock
/log/**/*.torn
/log/**/*.sealed
/STATUS_BOARD.md
"""
_ATTRIBUTES = "# A journal is its bytes: no line ends are changed, nothing is merged.\n/log/**/*.jsonl -text -merge\n"


@command("init", acts=False)
@option("--here", is_flag=True, help="In this folder, not at the repository's root.")
@option("--private", is_flag=True, help="Leave nothing for git to see.")
@option("--track", is_flag=True, help="Let git track the log: as an archive, never while sessions live.")
@option("--force", is_flag=True, help="Replace files that differ; each is kept beside as NAME.orig.")
def init(run: Run, here: bool, private: bool, track: bool, force: bool) -> None:
    """Set up COORDINATION/ in this repository. Safe to run again: what a person changed there is never overwritten.

    \b
    Examples:
      coord init
      coord init --private
    """
    if private and track:
        raise usage_error("--private hides the folder from git and --track shows it the log: choose one.")
    base, repository = _where(run, here)
    if private and repository is None:
        raise usage_error(f"{base} is in no git repository: there is nothing to hide from.")
    folder = os.path.join(base, FOLDER)
    refuse_links(folder)
    files = template_files()
    if track:
        plain = next(file.content for file in files if file.name == ".gitignore")
        files = [file for file in files if file.name != ".gitignore"]
        _remove_generated(os.path.join(folder, ".gitignore"), plain)
        files += [
            TemplateFile(".gitignore", _TRACKED_IGNORES.encode()),
            TemplateFile(".gitattributes", _ATTRIBUTES.encode()),
        ]
    made: list[str] = []
    kept: list[str] = []
    try:
        workspace = Workspace(folder, base, repository)
        os.makedirs(workspace.log, exist_ok=True)
        some = force or not all(path_exists(os.path.join(folder, file.name)) for file in files)
        with (
            locked(workspace.log, Config().lock_wait_seconds) if some else nullcontext()
        ):  # of two at once, one after another
            for file in files:
                done = _write_file(workspace, file, force)
                (made if done else kept).append(file.name)
        hidden = exclude_folder(repository, folder) if private and repository else ""
    except OSError as error:
        raise CoordError(
            NO_LOG, f"cannot write {error.filename or folder}: {error.strerror}. What was there is kept."
        ) from None
    except LogError as error:
        raise no_log(str(error)) from None
    differing = [name for name in kept if not _same(folder, name, files)]
    run.say(
        _render_text(folder, made, differing, hidden, repository),
        {"folder": folder, "written": made, "kept": differing, "unchanged": [n for n in kept if n not in differing]},
    )


def _remove_generated(path: str, content: bytes) -> None:
    """Remove a file that is just as we once wrote it, so that another takes its place."""
    if _holds(path, content):
        os.unlink(path)


def _where(run: Run, here: bool) -> tuple[str, Repository | None]:
    base = run.root or run.system.env.get("COORD_ROOT") or run.system.cwd
    if not os.path.isabs(base) and not run.system.cwd:
        raise CoordError(NO_LOG, "the current directory was removed. Change to another one.")
    base = os.path.realpath(os.path.join(run.system.cwd or "/", base))
    if os.path.basename(base) == FOLDER:
        base = os.path.dirname(base)
    if not os.path.isdir(base):
        raise usage_error(f"{base} is not a folder.")
    repository = find_repository(base)
    if repository and here:  # all worktrees share one: it is in the main one, at the same place
        base = os.path.normpath(os.path.join(repository.main, os.path.relpath(base, repository.worktree)))
        if not os.path.isdir(base):
            raise usage_error(f"{base} is not there: run `coord init --here` in the main worktree.")
    if repository is None or here:
        return base, repository
    return repository.main, repository


def _write_file(workspace: Workspace, file: TemplateFile, force: bool) -> bool:
    """Write one file, all of it or nothing, unless another stands there; whether it was written."""
    path = os.path.join(workspace.folder, file.name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if path_exists(path):
        if not force or _holds(path, file.content):
            return False
        os.replace(path, _unused_path(path + ".orig"))
    replace_file(path, file.content, within=workspace.cache, mode=0o777 if file.name.endswith(".sh") else 0o666)
    return True


def _unused_path(path: str) -> str:
    """This path, or the first one like it at which nothing stands: what was put aside before is kept as well."""
    return next(name for name in chain([path], (f"{path}.{n}" for n in count(2))) if not os.path.lexists(name))


def _holds(path: str, content: bytes) -> bool:
    """Whether a regular file is there with just this in it."""
    try:
        return read_regular(path, len(content)) == content
    except OSError:
        return False


def _same(folder: str, name: str, files: list[TemplateFile]) -> bool:
    return any(_holds(os.path.join(folder, name), shipped.content) for shipped in files if shipped.name == name)


def _render_text(folder: str, made: list[str], differing: list[str], hidden: str, repository: Repository | None) -> str:
    rows = [f"  {FOLDER}/{name}" for name in made]
    parts = [
        f"✅ {folder} is ready" + (", and hidden from git:" if hidden else ":" if rows else "; nothing was changed.")
    ]
    parts += rows
    if differing:
        parts.append("Kept as they are, though they differ from ours (--force replaces them, keeping NAME.orig):")
        parts += [f"  {FOLDER}/{name}" for name in differing]
    if repository and repository.main != repository.common and not hidden and rows:
        parts.append(f"Git will show {FOLDER}/ as new: commit it so that others have it, or use --private.")
    parts.append("Next: coord start")
    return "\n".join(parts)
