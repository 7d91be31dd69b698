"""What `install` and `uninstall` share: where they act, and how they show and make their changes."""

import os

from coord.errors import NO_LOG, CoordError, wrong
from coord.installing.draft import Draft
from coord.installing.showing import difference
from coord.installing.targets import TARGETS, Target
from coord.repository import FOLDER, Repository, find_repository
from coord.run import Run
from coord.text import plural


def where(run: Run) -> tuple[str, Repository | None]:
    """The folder whose clients are set up: the root of the worktree that we are in. Raises CoordError."""
    base = run.root or run.world.env.get("COORD_ROOT") or run.world.cwd
    if not os.path.isabs(base) and not run.world.cwd:
        raise CoordError(NO_LOG, "the folder that you are in is gone. Change to one that is there.")
    base = os.path.realpath(os.path.join(run.world.cwd or "/", base))
    base = os.path.dirname(base) if os.path.basename(base) == FOLDER else base
    if not os.path.isdir(base):
        raise wrong(f"{base} is not a folder.")
    repository = find_repository(base)
    return (repository.worktree if repository else base), repository


def target_of(name: str) -> Target:
    """A row of the table. Raises CoordError (2)."""
    if name not in TARGETS:
        raise wrong(f"there is no {name[:40]!r} to install: it is one of {', '.join(TARGETS)}.")
    return TARGETS[name]


def scope_in(project: bool, user: bool, local: bool) -> str:
    """The scope that the options name; empty if none. Raises CoordError (2) for more than one."""
    named = [name for name, said in (("project", project), ("user", user), ("local", local)) if said]
    if len(named) > 1:
        raise wrong(f"--{named[0]} and --{named[1]} exclude each other: choose one.")
    return named[0] if named else ""


def finish(run: Run, draft: Draft, base: str, dry_run: bool, done: str, todo: bool) -> None:
    """Show the changes, make them, and say what was done. The diff comes first, and even if a change then fails."""
    changes = draft.changes
    shown = [(change.named, difference(change, base)) for change in changes]
    if not run.json and shown:
        run.say("\n".join(text for _, text in shown), None)
    if not dry_run:
        draft.apply()
    parts = [f"✅ {done}: {plural(len(changes), 'file')}." if changes else "✅ Nothing to change."]
    if dry_run and changes:
        parts = [f"Nothing was written: --dry-run. It would change {plural(len(changes), 'file')}."]
    todos = draft.todos if todo and (changes or dry_run) else []
    parts += [f"   → {text}" for text in todos] + [f"   {text}" for text in draft.notes]
    data = {
        "dry_run": dry_run,
        "changes": [{"file": path, "diff": text} for path, text in shown],
        "todo": todos,
        "notes": draft.notes,
    }
    run.say("\n".join(parts), data)
