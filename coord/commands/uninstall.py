"""`coord uninstall`: take out again what `coord install` put somewhere, and nothing else."""

import os
import shutil

from coord.commands._installing import finish, scope_in, target_of, where
from coord.errors import CoordError, refused, wrong
from coord.folder import Place, find, forget
from coord.installing.draft import Draft
from coord.installing.plan import Ask
from coord.installing.record import read_record
from coord.installing.targets import TARGETS
from coord.options import argument, command, option
from coord.present import Present
from coord.repository import find_repository
from coord.run import Run
from coord.world import World


@command("uninstall", acts=False)
@argument("target", metavar="[TARGET]", required=False)
@option("--user", is_flag=True, help="From this person's settings for all repositories.")
@option("--project", is_flag=True, help="From the settings that the team shares.")
@option("--local", is_flag=True, help="From this person's settings in this repository.")
@option("--all", "everything", is_flag=True, help="Everything that coord ever installed, here and elsewhere.")
@option("--log", is_flag=True, help="With --all: the log of this repository too, with all that is in it.")
@option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@option("--plugin", metavar="FOLDER", help="A plugin folder that was written there (claude).")
@option("--client", metavar="NAME", help="Whose settings have the server (mcp): claude, codex or gemini.")
def uninstall(
    run: Run,
    target: str | None,
    user: bool,
    project: bool,
    local: bool,
    everything: bool,
    log: bool,
    dry_run: bool,
    plugin: str | None,
    client: str | None,
) -> None:
    """Take coord out of a client again: claude, codex, gemini, git or mcp. What else is in a file stays as it is.

    Without --user, --project or --local: from all that only you see. The log is kept, unless --all --log is given.

    \b
    Examples:
      coord uninstall claude
      coord uninstall --all --dry-run
    """
    if everything == bool(target):
        raise wrong("say what: coord uninstall TARGET, or coord uninstall --all.")
    if log and not everything:
        raise wrong("--log removes all that is in the log; it goes with --all only.")
    base, repository = where(run)
    draft = Draft(read_record(run.world.env))
    draft.removing = True
    if target:
        scope = scope_in(project, user, local)
        ask = Ask(run.world, base, repository, scope, client=client or "", plugin=plugin or "")
        draft.use = (target, base)
        target_of(target).uninstall(ask, draft)
    else:
        _all(run.world, base, draft)
    draft.record.forget_gone()
    place = _log_to_remove(run) if log else None
    if place:
        draft.note(f"{place.folder} {'would be' if dry_run else 'is'} removed, with the log that is in it.")
    finish(run, draft, base, dry_run, "Uninstalled", todo=False)
    if place and not dry_run:
        _remove_log(place)


def _all(world: World, here: str, draft: Draft) -> None:
    """Everything that is known: of each target, here and in each folder that is remembered. What cannot be taken out of
    one file does not keep the rest.
    """
    failed: set[tuple[str, str]] = set()
    plugins = draft.record.plugins
    bases = [here, *(base for base in draft.record.bases if base != here and os.path.isdir(base))]
    for base in bases:
        for name, row in TARGETS.items():
            for plugin in ("", *(folder for folder in plugins if folder == base)):
                draft.use = (name, base)
                try:
                    row.uninstall(Ask(world, base, find_repository(base), "all", plugin=plugin), draft)
                except CoordError as error:
                    failed.add(draft.use)
                    draft.note(error.message)
    draft.record.forget_all_but(failed)


def _log_to_remove(run: Run) -> Place | None:
    """The shared folder that is to go. Raises CoordError while sessions are live in it."""
    try:
        place = find(run.world, run.root)
    except CoordError:
        return None
    present = Present(run.world, place)
    present.catch_up(snapshot=True)
    live = [session.id for session in present.state.sessions.values() if session.live and not run.world.gone(session)]
    if live:
        raise refused(
            f"{live[0]} works here{f', and {len(live) - 1} more' if len(live) > 1 else ''}, so nothing was removed. "
            f"See who it is: coord status. End it: coord end --session {live[0]}"
        )
    return place


def _remove_log(place: Place) -> None:
    """Remove the shared folder, and what git's own folder says of it. Raises OSError."""
    shutil.rmtree(place.folder)
    forget(place)
