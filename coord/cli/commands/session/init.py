"""`coord init`: set up COORDINATION/ in a repository, and keep the files there that a person changed."""

import os
from contextlib import nullcontext
from itertools import chain, count

from coord.cli.live_sessions import live_sessions_text
from coord.cli.parser import command, option
from coord.engine.run import Run
from coord.engine.snapshot import Snapshot
from coord.errors import NO_LOG, CoordError, no_log, refused, usage_error
from coord.platform.git.exclude import (
    ATTRIBUTES,
    exclude_file,
    exclude_folder,
    include_folder,
    is_tracked_on_purpose,
    track_live_files,
)
from coord.platform.git.main_worktree import with_main_worktree
from coord.platform.git.repository import FOLDER, Repository, find_repository
from coord.platform.replace_file import replace_file
from coord.render.format import line, shell_word
from coord.workspace.config import Config
from coord.workspace.paths import Workspace, is_log_protected, protect_log, refuse_links, refuse_lost_repository
from coord.workspace.template import TemplateFile, template_files
from eventlog.errors import LogError
from eventlog.events import MAX_PATH_LENGTH
from eventlog.local.files import path_exists, read_regular
from eventlog.local.lock import locked

_TRACKED_IGNORES = """# Files that only this machine uses. The journals in log/ are tracked as an archive.
/.cache/
/log/.lock
/log/**/*.torn
/log/**/*.sealed
/STATUS_BOARD.md
"""
_ATTRIBUTES = (
    "# Git must not change the bytes of a journal: no changed line ends, no merges.\n/log/**/*.jsonl -text -merge\n"
)


@command("init", acts=False)
@option("--here", is_flag=True, help="Use this folder, not the root of the repository.")
@option("--private", is_flag=True, help="Hide the folder from git, in .git/info/exclude.")
@option("--track", is_flag=True, help="Let git track the log, to archive it. Do not use this while sessions are live.")
@option("--force", is_flag=True, help="Replace files that differ, and keep each as NAME.orig.")
def init(run: Run, here: bool, private: bool, track: bool, force: bool) -> None:
    """Set up COORDINATION/ in this repository.

    You can run it again at any time. It adds what is missing, and does not overwrite a changed file without --force.

    \b
    Examples:
      coord init
      coord init --private
    """
    if private and track:
        raise usage_error("--private hides the folder from git, and --track lets git track the log: choose one.")
    base, repository = _base_folder(run, here)
    if private and repository is None:
        raise usage_error(f"{base} is not in a git repository, so --private has nothing to hide the folder from.")
    folder = os.path.join(base, FOLDER)
    refuse_links(folder)
    workspace = Workspace(folder, base, repository)
    if track:
        _refuse_live_sessions(run, workspace)
    files = _tracked_files(folder) if track else template_files()
    try:
        written, kept = _write_files(workspace, files, force)
        tracked = _tell_git(repository, folder, private=private, track=track, force=force) if repository else False
    except OSError as error:
        raise CoordError(
            NO_LOG, f"cannot write {error.filename or folder}: {error.strerror}. Existing files are kept."
        ) from None
    except LogError as error:
        raise no_log(str(error)) from None
    differing = [name for name in kept if not _is_unchanged(folder, name, files)]
    protect_log(workspace)
    if repository and not is_log_protected(workspace):
        run.note(
            f"{exclude_file(repository)} could not be written, so a checkout, a stash or a clean can remove the live "
            "log. What to do: coord doctor"
        )
    run.say(
        _render_text(folder, written, differing, repository, hidden=private, tracked=tracked),
        {"folder": folder, "written": written, "kept": differing, "unchanged": [n for n in kept if n not in differing]},
    )


def _refuse_live_sessions(run: Run, workspace: Workspace) -> None:
    """Raise CoordError (1) if sessions are live: git would take their journals back to an older state."""
    if not os.path.isdir(workspace.log):
        return
    snapshot = Snapshot(run.system, workspace)
    snapshot.catch_up(consistent=True)
    if reason := live_sessions_text(run.system, snapshot.state):
        raise refused(
            f"sessions are live here, so --track is refused. Nothing was changed. Once git tracks the log, a stash, a "
            f"checkout or a reset takes it back to an older state, and live sessions lose claims and messages. {reason}"
        )


def _tell_git(repository: Repository, folder: str, *, private: bool, track: bool, force: bool) -> bool:
    """Write into git's own list what it must ignore, and return whether it may track the log. Raises OSError."""
    if private:
        exclude_folder(repository, folder)
    elif track:
        track_live_files(repository, folder)
    elif force and is_tracked_on_purpose(repository, folder):
        include_folder(repository, folder)
        attributes = os.path.join(folder, ATTRIBUTES)
        if _has_content(attributes, _ATTRIBUTES.encode()):
            os.unlink(attributes)
    return not private and is_tracked_on_purpose(repository, folder)


def _tracked_files(folder: str) -> list[TemplateFile]:
    """Return the template files for --track, and remove an unchanged `.gitignore` that hides the log from git."""
    files = template_files()
    ignore_all = next(file.content for file in files if file.name == ".gitignore")
    path = os.path.join(folder, ".gitignore")
    if _has_content(path, ignore_all):
        os.unlink(path)
    return [
        *(file for file in files if file.name != ".gitignore"),
        TemplateFile(".gitignore", _TRACKED_IGNORES.encode()),
        TemplateFile(ATTRIBUTES, _ATTRIBUTES.encode()),
    ]


def _base_folder(run: Run, here: bool) -> tuple[str, Repository | None]:
    """Return the folder that gets COORDINATION/, and its repository. Raises CoordError (2, 4)."""
    base = run.root or run.system.env.get("COORD_ROOT") or run.system.cwd
    if not os.path.isabs(base) and not run.system.cwd:
        raise CoordError(NO_LOG, "the current folder was removed. Change to one that exists.")
    base = os.path.realpath(os.path.join(run.system.cwd or "/", base))
    if os.path.basename(base) == FOLDER:
        base = os.path.dirname(base)
    if not os.path.isdir(base):
        raise usage_error(f"{base} is not a folder.")
    repository = with_main_worktree(find_repository(base), run.system.env)
    refuse_lost_repository(repository)
    if repository and here:  # all worktrees share the folder in the main worktree, at the same relative path
        base = os.path.normpath(os.path.join(repository.main, os.path.relpath(base, repository.worktree)))
        if not os.path.isdir(base):
            raise usage_error(f"there is no folder {base}: run `coord init --here` in the main worktree.")
    if repository is None or here:
        return base, repository
    return repository.main, repository


def _write_files(workspace: Workspace, files: list[TemplateFile], force: bool) -> tuple[list[str], list[str]]:
    """Write the files that are missing, or with `force` those that differ; return the names written and kept."""
    written: list[str] = []
    kept: list[str] = []
    os.makedirs(workspace.log, exist_ok=True)
    may_write = force or not all(path_exists(os.path.join(workspace.folder, file.name)) for file in files)
    with locked(workspace.log, Config().lock_wait_seconds) if may_write else nullcontext():
        for file in files:
            (written if _write_file(workspace, file, force) else kept).append(file.name)
    return written, kept


def _write_file(workspace: Workspace, file: TemplateFile, force: bool) -> bool:
    """Write one file atomically, and return whether it was written. An existing file is replaced only with `force`."""
    path = os.path.join(workspace.folder, file.name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if path_exists(path):
        if not force or _has_content(path, file.content):
            return False
        os.replace(path, _unused_path(path + ".orig"))
    replace_file(path, file.content, within=workspace.cache, mode=0o777 if file.name.endswith(".sh") else 0o666)
    return True


def _unused_path(path: str) -> str:
    """Return `path`, or `path.2` and so on if it exists, so that earlier copies are kept."""
    return next(name for name in chain([path], (f"{path}.{n}" for n in count(2))) if not os.path.lexists(name))


def _has_content(path: str, content: bytes) -> bool:
    """Return whether `path` is a regular file with exactly this content."""
    try:
        return read_regular(path, len(content)) == content
    except OSError:
        return False


def _is_unchanged(folder: str, name: str, files: list[TemplateFile]) -> bool:
    return any(_has_content(os.path.join(folder, name), shipped.content) for shipped in files if shipped.name == name)


def _render_text(
    folder: str,
    written: list[str],
    differing: list[str],
    repository: Repository | None,
    *,
    hidden: bool,
    tracked: bool,
) -> str:
    rows = [f"  {FOLDER}/{name}" for name in written]
    parts = [
        f"✅ {line(folder, MAX_PATH_LENGTH)} is ready"
        + (", and hidden from git" if hidden else "" if rows else "; nothing was changed")
        + (":" if rows else ".")
    ]
    parts += rows
    if differing:
        parts.append("Kept, though they differ from coord's files (--force replaces them, keeping NAME.orig):")
        parts += [f"  {FOLDER}/{name}" for name in differing]
    if repository and repository.main != repository.common and not hidden and rows:
        parts.append(f"Git will show {FOLDER}/ as new: commit it to share it, or hide it: coord init --private")
    if hidden and not rows:
        parts.append(f"If it was committed, git still tracks it: git rm -r --cached --quiet {FOLDER}, and commit that.")
    if tracked:
        parts.append(
            "Git tracks the log here, as an archive. Before sessions work here again: "
            f"coord init --force && git -C {shell_word(folder)} rm -r --cached --quiet --ignore-unmatch log"
        )
    parts.append("Next: coord start")
    return "\n".join(parts)
