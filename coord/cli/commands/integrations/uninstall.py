"""`coord uninstall`: take out again what `coord install` put somewhere, and nothing else."""

import os
import shutil

from coord.admin.install.changeset import Draft
from coord.admin.install.record import read_record
from coord.admin.install.request import Ask
from coord.admin.install.summary import short
from coord.cli.commands.integrations._changes import NOTHING, report, scope_in, show, target_of, where
from coord.cli.commands.integrations._targets import TARGETS
from coord.cli.parser import argument, command, option
from coord.engine.run import Run
from coord.errors import CoordError, refused, wrong
from coord.platform.git.repository import candidates, find_repository, is_ours
from coord.render.format import called, plural
from coord.workspace.paths import Place, forget
from coord.workspace.system import World

_MOST_NAMES = 5


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
    bases = [base, draft.use[1], *draft.record.bases] if target else _all(run.world, base, draft)
    draft.record.forget_gone()
    place = _log_to_remove(run, draft, dry_run) if log else None
    if everything:
        _say_what_stays(run.world, bases, place, draft)
    shown = show(run, draft, base)
    if not dry_run:
        draft.apply()
    if place and not dry_run:
        shutil.rmtree(place.folder)
        forget(place)
    nothing = (
        f"{'Nothing was written: --dry-run.' if dry_run else '✅'} No client has coord in it." if place else NOTHING
    )
    report(run, draft, bases, shown, "Uninstalled", dry_run, nothing=nothing, apart=everything)


def _all(world: World, here: str, draft: Draft) -> list[str]:
    """Everything that is known: of each target, here and in each folder that is remembered; these folders. What cannot
    be taken out of one file does not keep the rest.
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
                    draft.note(f"Left: {error.message}")
    draft.record.forget_all_but(failed)
    return bases


def _log_to_remove(run: Run, draft: Draft, dry_run: bool) -> Place | None:
    """The shared folder that is to go. Raises CoordError while sessions are live in it; a dry run only says so."""
    try:
        place = run.place
    except CoordError as error:
        draft.note(f"No log is removed: {error.message}")
        return None
    state = run.look().state
    live = [session for session in state.sessions.values() if session.live and not run.world.gone(session)]
    if live:
        names = [called(session.id, {session.id: session.name}) for session in live[:_MOST_NAMES]]
        more = f" and {len(live) - len(names)} more (coord status)" if len(live) > len(names) else ""
        are = f"{plural(len(live), 'session')} {'is' if len(live) == 1 else 'are'}"
        who = (
            f"{are} at work here: {', '.join(names)}{more}. "
            f"Each ends itself with: coord end; you end another with: coord end --session {live[0].id}"
        )
        if not dry_run:
            raise refused(f"nothing was removed: {who}", live=[session.id for session in live])
        draft.note(f"As things are it would be refused: {who}")
    removed = f"{place.folder}, with the log of {plural(len(state.sessions), 'session')}"
    then = "If it was committed: git rm -r --quiet COORDINATION, and commit that."
    draft.note(f"It would remove {removed}." if dry_run else f"Removed: {removed}. {then}")
    return place


def _say_what_stays(world: World, bases: list[str], removed: Place | None, draft: Draft) -> None:
    """The shared folders that are there still: those of other repositories too."""
    for base in bases:
        folder = next(filter(is_ours, candidates(base, find_repository(base))), "")
        if folder and not (removed and folder == removed.folder):
            shown = short(folder, "", world.env.get("HOME", ""))
            draft.note(f"Left: {shown}, with its log. To remove that too, there: coord uninstall --all --log")
