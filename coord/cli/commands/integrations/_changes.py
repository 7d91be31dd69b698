"""What `install` and `uninstall` share: where they act, and how they show and make their changes."""

import os
from collections.abc import Sequence

from coord.admin.install.changeset import Changeset
from coord.admin.install.report import file_diff, summary_rows
from coord.cli.commands.integrations._targets import TARGETS, Target
from coord.engine.run import Run
from coord.errors import NO_LOG, CoordError, usage_error
from coord.platform.git.repository import FOLDER, Repository, find_repository
from coord.render.format import plural

NOTHING = "✅ Nothing to change."


def base_folder(run: Run) -> tuple[str, Repository | None]:
    """The folder whose clients are set up: the root of the worktree that we are in. Raises CoordError."""
    base = run.root or run.system.env.get("COORD_ROOT") or run.system.cwd
    if not os.path.isabs(base) and not run.system.cwd:
        raise CoordError(NO_LOG, "the current directory was removed. Change to another one.")
    base = os.path.realpath(os.path.join(run.system.cwd or "/", base))
    base = os.path.dirname(base) if os.path.basename(base) == FOLDER else base
    if not os.path.isdir(base):
        raise usage_error(f"{base} is not a folder.")
    repository = find_repository(base)
    return (repository.worktree if repository else base), repository


def find_target(name: str) -> Target:
    """A row of the table. Raises CoordError (2)."""
    if name not in TARGETS:
        raise usage_error(f"there is no {name[:40]!r} to install: it is one of {', '.join(TARGETS)}.")
    return TARGETS[name]


def scope_in(project: bool, user: bool, local: bool) -> str:
    """The scope that the options name; empty if none. Raises CoordError (2) for more than one."""
    named = [name for name, said in (("project", project), ("user", user), ("local", local)) if said]
    if len(named) > 1:
        raise usage_error(f"--{named[0]} and --{named[1]} exclude each other: choose one.")
    return named[0] if named else ""


def show_diffs(run: Run, draft: Changeset, base: str) -> list[tuple[str, str]]:
    """Show the changes, before any is made, and give the diff of each file."""
    shown = [(change.named, file_diff(change, base)) for change in draft.changes]
    if not run.json and shown:
        run.say("\n".join(text for _, text in shown), None)
    return shown


def print_summary(
    run: Run,
    draft: Changeset,
    bases: Sequence[str],
    shown: list[tuple[str, str]],
    done: str,
    dry_run: bool,
    *,
    nothing: str = NOTHING,
    apart: bool = False,
) -> None:
    """Say what was done, or would be, in plain words: this is what stands on the screen in the end."""
    changes, count = draft.changes, plural(len(draft.changes), "file")
    head = f"Nothing was written: --dry-run. It would change {count}." if dry_run else f"✅ {done}: {count}."
    todos = draft.todos if changes or dry_run else []
    parts = [
        *([""] if shown else []),
        head if changes else nothing,
        *summary_rows(draft, bases, run.system.env, apart),
        *(f"   → {text}" for text in todos),
        *(f"   {text}" for text in draft.notes),
    ]
    rows = zip(shown, changes, strict=True)
    data = {
        "dry_run": dry_run,
        "changes": [{"file": path, "says": draft.descriptions(change), "diff": text} for (path, text), change in rows],
        "todo": todos,
        "notes": draft.notes,
    }
    run.say("\n".join(parts), data)
