"""Find what `install` and `uninstall` act on, and print their changes."""

import os
from collections.abc import Sequence

from coord.admin.install.changeset import Changeset
from coord.admin.install.report import file_diff, shortened_diff, summary_rows
from coord.cli.commands.integrations._targets import TARGETS, Target
from coord.engine.run import Run
from coord.errors import NO_LOG, CoordError, usage_error
from coord.platform.git.main_worktree import with_main_worktree
from coord.platform.git.repository import FOLDER, Repository, find_repository
from coord.render.format import plural

NOTHING = "✅ Nothing to change."


def base_folder(run: Run) -> tuple[str, Repository | None]:
    """Return the folder to install into, which is the root of the worktree, and its repository. Raises CoordError."""
    base = run.root or run.system.env.get("COORD_ROOT") or run.system.cwd
    if not os.path.isabs(base) and not run.system.cwd:
        raise CoordError(NO_LOG, "the current folder was removed. Change to one that exists.")
    base = os.path.realpath(os.path.join(run.system.cwd or "/", base))
    base = os.path.dirname(base) if os.path.basename(base) == FOLDER else base
    if not os.path.isdir(base):
        raise usage_error(f"{base} is not a folder.")
    repository = with_main_worktree(find_repository(base), run.system.env)
    return (repository.worktree if repository else base), repository


def find_target(name: str) -> Target:
    """Return the target with this name. Raises CoordError (2)."""
    if name not in TARGETS:
        raise usage_error(f"{name[:40]!r} is not a target. Choose one of {', '.join(TARGETS)}.")
    return TARGETS[name]


def scope_in(project: bool, user: bool, local: bool) -> str:
    """Return the scope that the options name, or "" if none is given. Raises CoordError (2) for more than one."""
    scopes = [name for name, given in (("project", project), ("user", user), ("local", local)) if given]
    if len(scopes) > 1:
        raise usage_error(f"--{scopes[0]} and --{scopes[1]} cannot be used together. Nothing was changed. Choose one.")
    return scopes[0] if scopes else ""


def show_diffs(run: Run, draft: Changeset, base: str) -> list[tuple[str, str]]:
    """Print the planned changes, and return the path and diff of each file.

    What is printed of a file that is removed, or of a module that is created, can be shorter than its diff.
    """
    diffs = [(change.named, file_diff(change, base)) for change in draft.changes]
    if not run.json and diffs:
        run.say("\n".join(map(shortened_diff, draft.changes, [text for _, text in diffs])), None)
    return diffs


def print_summary(
    run: Run,
    draft: Changeset,
    bases: Sequence[str],
    diffs: list[tuple[str, str]],
    done: str,
    dry_run: bool,
    *,
    nothing: str = NOTHING,
    apart: bool = False,
) -> None:
    """Print in plain words what was changed, or would be. It comes after the diffs, so that it stays on the screen."""
    changes, count = draft.changes, plural(len(draft.changes), "file")
    head = f"Nothing was written: --dry-run. It would change {count}." if dry_run else f"✅ {done}: {count}."
    todos = draft.todos if changes or dry_run else []
    parts = [
        *([""] if diffs else []),
        head if changes else nothing,
        *summary_rows(draft, bases, run.system.env, apart),
        *(f"   → {text}" for text in todos),
        *(f"   {text}" for text in draft.notes),
    ]
    rows = zip(diffs, changes, strict=True)
    data = {
        "dry_run": dry_run,
        "changes": [{"file": path, "says": draft.descriptions(change), "diff": text} for (path, text), change in rows],
        "todo": todos,
        "notes": draft.notes,
    }
    run.say("\n".join(parts), data)
